#pragma once

#include <attune/document/parse.hpp>
#include <attune/store/transport.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

/// A transport whose news the test brings by hand.
class FakeTransport {
public:
    struct State {
        attune::Content next;
        attune::Feed* feed = nullptr;
        int loads = 0;
        int starts = 0;
        int stops = 0;
        bool load_fails = false;
    };

    explicit FakeTransport(attune::Document first = {}, bool remote = false) : remote_(remote) {
        state_->next.document = std::move(first);
    }

    std::unique_ptr<attune::Transport> make(std::string name = "fake") const {
        return std::make_unique<Side>(state_, std::move(name), remote_);
    }

    void bring(attune::Document document) const {
        state_->feed->content({.document = std::move(document)});
    }
    /// As a file would: with positions.
    void bring_text(const std::string& text, const std::string& name = "fake.json") const {
        auto shared = std::make_shared<const std::string>(text);
        state_->feed->content({.document = attune::parse(*shared, {.name = name}),
                               .source = std::make_shared<attune::TextSource>(
                                   shared, attune::ParseOptions{.name = name})});
    }
    void fail(std::string message) const {
        attune::Problem problem;
        problem.message = std::move(message);
        state_->feed->failed({std::move(problem)});
    }
    State* operator->() const { return state_.get(); }

private:
    class Side final : public attune::Transport {
    public:
        Side(std::shared_ptr<State> state, std::string name, bool remote)
            : state_(std::move(state)), name_(std::move(name)), remote_(remote) {}
        std::string name() const override { return name_; }
        attune::Content load() override {
            ++state_->loads;
            if (state_->load_fails) {
                attune::Problem problem;
                problem.message = "cannot be loaded";
                throw attune::Rejected{{.problems = {std::move(problem)}, .reason = {}}};
            }
            return state_->next;
        }
        void start(attune::Feed& feed) override {
            ++state_->starts;
            state_->feed = &feed;
        }
        void stop() noexcept override { ++state_->stops; }
        bool remote() const noexcept override { return remote_; }

    private:
        std::shared_ptr<State> state_;
        std::string name_;
        bool remote_;
    };

    std::shared_ptr<State> state_ = std::make_shared<State>();
    bool remote_ = false;
};
