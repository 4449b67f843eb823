// Transports whose documents belong to somebody else: what they learn of the store's verdict, and
// how the program writes to them.

#include <attune/store/transport.hpp>

#include <attune/bind/schema.hpp>
#include <attune/store/derive.hpp>
#include <attune/store/store.hpp>
#include <attune/transport/memory.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace publisher_tests {

using namespace std::chrono_literals;
using attune::Document;
using attune::Path;
using testing::ElementsAre;

struct Service {
    int port = 0;
    int limit = 100;
};
void describe(attune::Schema<Service>& s) {
    s.field(&Service::port).between(0, 65535);
    s.check([](const Service& v) { return v.port < v.limit; }, "port must be below limit");
}

/// Somebody else's document, and the store's view of it.
class ForeignDocument {
public:
    struct State {
        Document document = Document::object();
        attune::Feed* feed = nullptr;
        std::vector<std::string> accepted;
        std::function<void(const Path&, const Document&)> before_write;
    };

    std::unique_ptr<attune::Transport> make() const { return std::make_unique<Side>(state_); }
    attune::Verdict publish(const Path& path, Document value, std::string revision = {}) const {
        state_->document = state_->document.with(path, std::move(value));
        return state_->feed->content({.document = state_->document,
                                      .revision = std::move(revision)});
    }
    State* operator->() const { return state_.get(); }

private:
    class Side final : public attune::Transport {
    public:
        explicit Side(std::shared_ptr<State> state) : state_(std::move(state)) {}
        std::string name() const override { return "publisher"; }
        attune::Content load() override { return {.document = state_->document}; }
        void start(attune::Feed& feed) override { state_->feed = &feed; }
        bool remote() const noexcept override { return true; }
        bool writable() const noexcept override { return true; }
        bool writes_to_publisher() const noexcept override { return true; }
        attune::Verdict write(const Path& path, const Document& value) override {
            if (state_->before_write) {
                state_->before_write(path, value);
            }
            state_->document = state_->document.with(path, value);
            // As a client does: on its own thread, while the writer waits.
            attune::Verdict verdict;
            std::thread{[&] {
                verdict = state_->feed->content({.document = state_->document});
            }}.join();
            return verdict;
        }
        bool wants_accepted() const noexcept override { return true; }
        void accepted(const attune::Accepted& accepted) override {
            state_->accepted.push_back(accepted.revision);
        }

    private:
        std::shared_ptr<State> state_;
    };

    std::shared_ptr<State> state_ = std::make_shared<State>();
};

/// A store that has such a document as a layer.
class Publisher : public testing::Test {
protected:
    attune::Store store;
    const ForeignDocument publisher;
    attune::Layer layer = store.add(publisher.make());
};

TEST_F(Publisher, learns_the_version_that_serves_what_it_brought) {
    const auto service = store.bind<Service>("service");
    const attune::Verdict verdict = publisher.publish("service.port", 80);
    EXPECT_TRUE(verdict.accepted());
    EXPECT_EQ(verdict.version, store.version());
    EXPECT_EQ(service.get(&Service::port), 80);
}

TEST_F(Publisher, learns_why_what_it_brought_is_refused_and_which_version_stays) {
    const auto service = store.bind<Service>("service");
    (void)publisher.publish("service.port", 80);
    const attune::Version before = store.version();
    const attune::Verdict verdict = publisher.publish("service.port", 80'000);
    ASSERT_EQ(verdict.problems.size(), 1U);
    EXPECT_EQ(verdict.problems[0].path, Path{"service.port"});
    EXPECT_EQ(verdict.problems[0].expected, "an integer in [0, 65535]");
    EXPECT_EQ(verdict.version, before);
    EXPECT_EQ(service.get(&Service::port), 80);
}

TEST_F(Publisher, hears_of_it_when_a_refused_document_becomes_right) {
    attune::Layer local = store.add(attune::memory(Document::object()));
    const auto service = store.bind<Service>("service");
    EXPECT_FALSE(publisher.publish("service.port", 500, "r1").accepted());
    EXPECT_THAT(publisher->accepted, testing::Each(testing::IsEmpty()));
    local.set("service.limit", 1000);
    EXPECT_EQ(service.get(&Service::port), 500);
    EXPECT_EQ(publisher->accepted.back(), "r1");
}

TEST_F(Publisher, is_told_that_its_own_is_refused_when_another_layer_becomes_right_by_it) {
    const ForeignDocument other;
    store.add(other.make());
    const auto a = store.bind<Service>("a");
    const auto b = store.bind<Service>("b");
    EXPECT_FALSE(publisher.publish("a.port", -1).accepted());
    EXPECT_FALSE(other.publish("b.port", -1).accepted());
    EXPECT_TRUE(publisher.publish("a.port", 1).accepted());
    EXPECT_EQ(a.get(&Service::port), 1);
    EXPECT_EQ(b.get(&Service::port), 0);
}

TEST_F(Publisher, is_written_to_and_the_ticket_tells_what_it_published) {
    const auto service = store.bind<Service>("service");
    (void)publisher.publish("service.port", 80);
    std::vector<int> seen;
    const auto observer =
        service.on_change(attune::inline_executor, [&](const attune::Change<Service>& change) {
            seen.push_back(change.after->port);
        });
    const attune::Commit commit = layer.set("service.port", 90);
    EXPECT_EQ(commit.version, store.version());
    EXPECT_THAT(commit.changed, ElementsAre(Path{"service.port"}));
    EXPECT_TRUE(commit.settle(20s));
    EXPECT_THAT(seen, ElementsAre(90));
    EXPECT_EQ(publisher->document.at("service.port"), 90);
}

TEST_F(Publisher, is_written_to_without_holding_up_other_writers) {
    const auto service = store.bind<Service>("service");
    publisher->before_write = [&](const Path&, const Document&) {
        std::thread{[&] { store.set("service.limit", 200); }}.join();
    };
    layer.set("service.port", 150);
    EXPECT_EQ(service.get(&Service::port), 150);
    EXPECT_EQ(service.get(&Service::limit), 200);
}

TEST_F(Publisher, that_publishes_what_is_refused_here_makes_the_writer_hear_of_it) {
    const auto service = store.bind<Service>("service");
    try {
        layer.set("service.port", 80'000);
        FAIL() << "accepted";
    } catch (const attune::Rejected& rejected) {
        EXPECT_EQ(rejected.rejection().reason, "set service.port");
        EXPECT_EQ(rejected.problems().at(0).expected, "an integer in [0, 65535]");
    }
    EXPECT_EQ(service.get(&Service::port), 0);
}

TEST_F(Publisher, that_refuses_leaves_everything_as_it_was) {
    const auto service = store.bind<Service>("service");
    publisher->before_write = [](const Path& path, const Document&) {
        throw attune::Rejected{
            {.problems = {{.path = path, .message = "somebody else has changed it"}}}};
    };
    const attune::Version before = store.version();
    EXPECT_THROW((void)layer.set("service.port", 90), attune::Rejected);
    EXPECT_EQ(store.version(), before);
    EXPECT_EQ(publisher->document, Document::object());
}

TEST_F(Publisher, cannot_be_written_to_from_inside_a_commit) {
    EXPECT_THROW((void)store.transact([&](attune::Edit&) { layer.set("a", 1); }), std::logic_error);
}

TEST(PublicationListener, hears_of_each_publication_until_its_token_is_gone) {
    attune::Store store;
    const auto& core = attune::detail::HandleAccess::core(store);
    std::vector<attune::Version> heard;
    auto token = core->listen([&] { heard.push_back(store.version()); });
    store.set("a", 1);
    store.set("a", 2);
    EXPECT_THAT(heard, ElementsAre(1U, 2U));
    token.reset();
    store.set("a", 3);
    EXPECT_EQ(heard.size(), 2U);
}

}  // namespace publisher_tests
