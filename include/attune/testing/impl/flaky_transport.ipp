#pragma once

#include <attune/testing/flaky_transport.hpp>

#include <attune/bind/problem.hpp>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI::testing {

struct FlakyTransport::State {
    using Lock = std::unique_lock<std::mutex>;

    /// The outcome of one reading.
    struct Reading {
        Document document;
        std::size_t push = 0;  // which of the documents it is
        std::optional<std::string> failure = {};
    };

    State(Document first, FlakyOptions given)
        : options(std::move(given)), document(std::move(first)) {}

    const FlakyOptions options;
    std::mutex mutex;
    std::condition_variable returned;

    Document document;
    std::size_t pushes = 0;
    std::deque<std::optional<std::string>> plan;  // a text: that reading fails
    std::size_t readings = 0;
    bool last_failed = false;
    std::size_t brought = 0;  // the push that the store has got last

    Feed* feed = nullptr;
    std::deque<Reading> waiting;
    bool holding = false;
    bool delivering = false;
    std::thread::id deliverer;

    Reading read() {
        ++readings;
        Reading reading{document, pushes};
        if (!plan.empty()) {
            reading.failure = std::move(plan.front());
            plan.pop_front();
        }
        last_failed = reading.failure.has_value();
        return reading;
    }

    void read_and_deliver(Lock lock) {
        if (feed != nullptr) {
            waiting.push_back(read());
            deliver(std::move(lock));
        }
    }

    /// Hands the feed what waits, unless somebody is at it already: feed calls must not overlap.
    void deliver(Lock lock) {
        if (delivering) {
            return;
        }
        struct Turn {
            State& state;
            Lock& lock;
            Turn(State& s, Lock& l) : state(s), lock(l) {
                state.delivering = true;
                state.deliverer = std::this_thread::get_id();
            }
            ~Turn() {
                if (!lock.owns_lock()) {
                    lock.lock();
                }
                state.delivering = false;
                state.deliverer = {};
                state.returned.notify_all();
            }
        };
        const Turn turn{*this, lock};
        while (feed != nullptr && !holding && !waiting.empty()) {
            const Reading reading = std::move(waiting.front());
            waiting.pop_front();
            Feed& to = *feed;
            const bool news = reading.push != brought;
            brought = reading.failure ? brought : reading.push;
            lock.unlock();
            if (reading.failure) {
                to.failed({problem(*reading.failure)});
            } else if (news) {
                to.content(content(reading));
            } else {
                to.unchanged();
            }
            lock.lock();
        }
    }

    static Problem problem(const std::string& text) {
        Problem made;
        made.message = text;
        return made;
    }
    static Content content(const Reading& reading) {
        Content made;
        made.document = reading.document;
        made.revision = std::to_string(reading.push);
        return made;
    }
};

class FlakyTransport::Side final : public Transport {
public:
    explicit Side(std::shared_ptr<State> state) : state_(std::move(state)) {}

    std::string name() const override { return state_->options.name; }
    bool remote() const noexcept override { return state_->options.remote; }

    Content load() override {
        const std::scoped_lock lock{state_->mutex};
        const State::Reading reading = state_->read();
        if (reading.failure) {
            throw Rejected{
                {.problems = {State::problem(*reading.failure)}, .reason = state_->options.name}};
        }
        state_->brought = reading.push;
        return State::content(reading);
    }

    void start(Feed& feed) override {
        State::Lock lock{state_->mutex};
        if (state_->feed != nullptr) {
            throw std::logic_error{"one transport of a FlakyTransport runs at a time"};
        }
        state_->feed = &feed;
        running_ = true;
        if (state_->brought != state_->pushes) {
            state_->read_and_deliver(std::move(lock));  // pushed since the load
        }
    }

    void stop() noexcept override {
        State::Lock lock{state_->mutex};
        if (!std::exchange(running_, false)) {
            return;  // the one that runs is another
        }
        state_->feed = nullptr;
        state_->waiting.clear();
        state_->returned.wait(lock, [&] {
            return !state_->delivering || state_->deliverer == std::this_thread::get_id();
        });
    }

private:
    const std::shared_ptr<State> state_;
    bool running_ = false;  // under the state's mutex
};

ATTUNE_DECL FlakyTransport::FlakyTransport(Document first, FlakyOptions options)
    : state_(std::make_shared<State>(std::move(first), std::move(options))) {}

ATTUNE_DECL std::unique_ptr<Transport> FlakyTransport::transport() const {
    return std::make_unique<Side>(state_);
}

ATTUNE_DECL void FlakyTransport::push(Document document) const {
    const auto state = state_;  // a commit may end whatever owns this
    State::Lock lock{state->mutex};
    state->document = std::move(document);
    ++state->pushes;
    state->read_and_deliver(std::move(lock));
}

ATTUNE_DECL void FlakyTransport::poll() const {
    const auto state = state_;
    state->read_and_deliver(State::Lock{state->mutex});
}

ATTUNE_DECL void FlakyTransport::fail(std::string text, std::size_t readings) const {
    const std::scoped_lock lock{state_->mutex};
    state_->plan.insert(state_->plan.end(), readings, std::move(text));
}

ATTUNE_DECL void FlakyTransport::flap(std::size_t readings) const {
    const std::scoped_lock lock{state_->mutex};
    for (std::size_t i = 0; i != readings; ++i) {
        state_->plan.push_back(i % 2 == 0 ? std::optional<std::string>{"flapping"} : std::nullopt);
    }
}

ATTUNE_DECL void FlakyTransport::heal() const {
    const auto state = state_;
    State::Lock lock{state->mutex};
    state->plan.clear();
    if (state->last_failed) {
        state->read_and_deliver(std::move(lock));
    }
}

ATTUNE_DECL void FlakyTransport::hold() const {
    const std::scoped_lock lock{state_->mutex};
    state_->holding = true;
}

ATTUNE_DECL void FlakyTransport::release() const {
    const auto state = state_;
    State::Lock lock{state->mutex};
    state->holding = false;
    state->deliver(std::move(lock));
}

ATTUNE_DECL std::size_t FlakyTransport::readings() const {
    const std::scoped_lock lock{state_->mutex};
    return state_->readings;
}

ATTUNE_DECL std::size_t FlakyTransport::held() const {
    const std::scoped_lock lock{state_->mutex};
    return state_->holding ? state_->waiting.size() : 0;
}

ATTUNE_DECL bool FlakyTransport::running() const {
    const std::scoped_lock lock{state_->mutex};
    return state_->feed != nullptr;
}

}  // namespace attune::inline ATTUNE_ABI::testing
