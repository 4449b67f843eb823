// attune 0.1.0, one file; written by tools/single_header.py.
// SPDX-License-Identifier: MIT
#pragma once

#include <attune/attune.hpp>
#include <atomic>
#include <chrono>
#include <concepts>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

/// The test kit of attune, for tests of programs that use it: observers that run when the test says
/// so, a clock that stands still, a source that fails on demand, failures at every possible place,
/// and a record of what happened. Depends on no test framework, and is included by nothing else.

namespace attune::inline ATTUNE_ABI::testing {

/// A value as JSON on one line, with secrets masked: how EventTrace writes values unless it is
/// told otherwise.
struct AsJson {
    template <class T>
    std::string operator()(const T& value) const {
        return to_text(masked(value));
    }
};

/// What happened, in order, as text that a test compares with what should have happened:
///
///     EventTrace trace;
///     const auto watch = pool.on_change(trace.on_change("pool", [](const Pool& p) { ... }));
///     ...
///     EXPECT_EQ(to_string(trace), "pool v1: 8 -> 16\npool v2: 16 -> 4");
///
/// Copies share one record. All functions may be called from any thread; events of one thread stay
/// in order.
class EventTrace {
public:
    struct Event {
        std::string name;
        Version version = 0;
        std::string before = {};  ///< empty where there is none
        std::string after = {};   ///< empty where there is none

        friend bool operator==(const Event&, const Event&) = default;
    };

    ATTUNE_DECL EventTrace();

    ATTUNE_DECL void add(Event event) const;

    /// A callback for Config::on_change that adds each change, with its values written by `format`.
    template <class Format = AsJson>
    auto on_change(std::string name, Format format = {}) const {
        return ChangeRecorder<Format>{*this, std::move(name), std::move(format)};
    }

    /// A callback for Store::on_rejected that adds each rejection, its text as `after`.
    auto on_rejected(std::string name = "rejected") const {
        return [trace = *this, name = std::move(name)](const Rejection& rejection) {
            trace.add({.name = name, .version = rejection.version, .after = to_string(rejection)});
        };
    }

    ATTUNE_DECL std::vector<Event> events() const;
    ATTUNE_DECL std::size_t size() const;
    ATTUNE_DECL void clear() const;

    /// Waits until there are at least `count` events. False when `timeout` is over first.
    template <class Rep, class Period>
    bool wait_for(std::size_t count, std::chrono::duration<Rep, Period> timeout) const {
        return wait_until(count, detail::deadline_after(timeout));
    }

private:
    template <class Format>
    struct ChangeRecorder;
    struct Record;

    ATTUNE_DECL bool wait_until(std::size_t count,
                                std::chrono::steady_clock::time_point deadline) const;

    std::shared_ptr<Record> record_;
};

template <class Format>
struct EventTrace::ChangeRecorder {
    EventTrace trace;
    std::string name;
    Format format;

    template <class T>
        requires std::invocable<const Format&, const T&>
    void operator()(const Change<T>& change) const {
        trace.add({.name = name,
                   .version = change.version,
                   .before = std::invoke(format, *change.before),
                   .after = std::invoke(format, *change.after)});
    }
};

/// `pool v2: 8 -> 16`; without what is empty.
ATTUNE_DECL std::string to_string(const EventTrace::Event& event);
/// The events so far, one per line, the last line without its end.
ATTUNE_DECL std::string to_string(const EventTrace& trace);

}  // namespace attune::inline ATTUNE_ABI::testing

namespace attune::inline ATTUNE_ABI::testing {

struct EventTrace::Record {
    std::mutex mutex;
    std::condition_variable added;
    std::vector<Event> events;
};

ATTUNE_DECL EventTrace::EventTrace() : record_(std::make_shared<Record>()) {}

ATTUNE_DECL void EventTrace::add(Event event) const {
    {
        const std::scoped_lock lock{record_->mutex};
        record_->events.push_back(std::move(event));
    }
    record_->added.notify_all();
}

ATTUNE_DECL std::vector<EventTrace::Event> EventTrace::events() const {
    const std::scoped_lock lock{record_->mutex};
    return record_->events;
}

ATTUNE_DECL std::size_t EventTrace::size() const {
    const std::scoped_lock lock{record_->mutex};
    return record_->events.size();
}

ATTUNE_DECL void EventTrace::clear() const {
    const std::scoped_lock lock{record_->mutex};
    record_->events.clear();
}

ATTUNE_DECL bool EventTrace::wait_until(std::size_t count,
                                        std::chrono::steady_clock::time_point deadline) const {
    std::unique_lock lock{record_->mutex};
    return record_->added.wait_until(lock, deadline,
                                     [&] { return record_->events.size() >= count; });
}

ATTUNE_DECL std::string to_string(const EventTrace::Event& event) {
    std::string text = event.name + " v" + std::to_string(event.version);
    if (!event.before.empty() || !event.after.empty()) {
        text += ": ";
    }
    if (!event.before.empty()) {
        text += event.before + " -> ";
    }
    return text + event.after;
}

ATTUNE_DECL std::string to_string(const EventTrace& trace) {
    std::string text;
    for (const EventTrace::Event& event : trace.events()) {
        if (!text.empty()) {
            text += '\n';
        }
        text += to_string(event);
    }
    return text;
}

}  // namespace attune::inline ATTUNE_ABI::testing

namespace attune::inline ATTUNE_ABI::testing {

/// What FailOnNth throws.
class InjectedFailure : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Throws InjectedFailure when it is called for the n-th time, and at no other time. Called with
/// any arguments, which it ignores: it may stand inside a check, a decoder or a function under
/// test, or be an observer itself. Copies share one count. Any thread.
class FailOnNth {
public:
    /// Counts from one; zero never fails.
    explicit FailOnNth(std::size_t n, std::string text = "injected failure")
        : state_(std::make_shared<State>(n, std::move(text))) {}

    template <class... Args>
    void operator()(const Args&...) const {
        if (state_->calls.fetch_add(1, std::memory_order_acq_rel) + 1 == state_->n) {
            throw InjectedFailure{state_->text};
        }
    }

    /// `f`, with a chance to fail before each call of it.
    template <class F>
    auto before(F&& f) const {
        return [ fail = *this, f = std::forward<F>(f) ]<class... Args>(Args && ... args) mutable
            requires std::invocable<std::decay_t<F>&, Args...>
        {
            fail();
            return std::invoke(f, std::forward<Args>(args)...);
        };
    }

    /// How often it has been called.
    std::size_t calls() const noexcept { return state_->calls.load(std::memory_order_acquire); }
    /// Whether it has thrown.
    bool failed() const noexcept { return state_->n != 0 && calls() >= state_->n; }
    std::size_t n() const noexcept { return state_->n; }

private:
    struct State {
        State(std::size_t nth, std::string what) : n(nth), text(std::move(what)) {}
        const std::size_t n;
        const std::string text;
        std::atomic<std::size_t> calls{0};
    };
    std::shared_ptr<State> state_;
};

/// Runs `scenario(const FailOnNth&)` with a failure at its first point, then, from the start, at
/// its second, and so on, until a run comes to its end without a failure. Returns how many points
/// there were.
///
/// The scenario calls the FailOnNth wherever something may fail, and asserts that what it tests
/// has coped. An InjectedFailure that it lets out ends that run; anything else it throws leaves
/// sweep. Throws std::runtime_error when `limit` runs were not enough.
template <class F>
    requires std::invocable<F&, const FailOnNth&>
std::size_t sweep(F&& scenario, std::size_t limit = 10'000) {
    for (std::size_t n = 1; n <= limit; ++n) {
        const FailOnNth fail{n};
        try {
            std::invoke(scenario, fail);
        } catch (const InjectedFailure&) {
            if (!fail.failed()) {
                throw;  // of somebody else
            }
        }
        if (!fail.failed()) {
            return n - 1;
        }
    }
    throw std::runtime_error{"a sweep has not come to an end in " + std::to_string(limit) +
                             " runs"};
}

}  // namespace attune::inline ATTUNE_ABI::testing

namespace attune::inline ATTUNE_ABI::testing {

struct FlakyOptions {
    std::string name = "flaky";  ///< for people, in errors and status
    bool remote = false;         ///< as Transport::remote
};

/// The remote control of a transport: says what it brings, when, and when it fails.
///
///     FlakyTransport source{{{"port", 1}}};
///     store.add(source.transport());
///     source.push({{"port", 2}});       // committed when this returns
///     source.fail("unplugged", 2);      // the next two readings fail
///
/// A reading is what Store::add, Layer::reload, push or poll makes the transport do: it brings the
/// present document, or fails when a failure is planned. Those of a running transport commit on the
/// calling thread, or on one that is in the middle of it: readings are delivered one after another,
/// in order, also when an observer pushes.
///
/// Copies share one transport. All functions may be called from any thread.
class FlakyTransport {
public:
    ATTUNE_DECL explicit FlakyTransport(Document first = {}, FlakyOptions options = {});

    /// For Store::add, and again when that store is done with it. Throws std::logic_error at the
    /// start when another one runs.
    [[nodiscard]] ATTUNE_DECL std::unique_ptr<Transport> transport() const;

    /// Replaces the document and makes a reading.
    ATTUNE_DECL void push(Document document) const;
    /// Makes a reading: what a transport that looks again would find.
    ATTUNE_DECL void poll() const;

    /// Plans failures, after those already planned: the next `readings` fail with that text.
    ATTUNE_DECL void fail(std::string text, std::size_t readings = 1) const;
    /// Plans, after what is already planned, failures and successes in turn for the next
    /// `readings`, beginning with a failure.
    ATTUNE_DECL void flap(std::size_t readings) const;
    /// Forgets all plans; makes a reading if the last one of the running transport has failed.
    ATTUNE_DECL void heal() const;

    /// Keeps what a running transport reads until release. Store::add and Layer::reload are not
    /// held up.
    ATTUNE_DECL void hold() const;
    /// Delivers what was kept, each reading by itself and in order.
    ATTUNE_DECL void release() const;

    /// Readings made so far, failed ones too.
    ATTUNE_DECL std::size_t readings() const;
    /// Readings that hold keeps back.
    ATTUNE_DECL std::size_t held() const;
    /// Whether a store watches it.
    ATTUNE_DECL bool running() const;

private:
    struct State;
    class Side;

    std::shared_ptr<State> state_;
};

}  // namespace attune::inline ATTUNE_ABI::testing

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

namespace attune::inline ATTUNE_ABI::testing {

/// A clock that moves when it is told to, and only then: `StoreOptions{.clock = clock}` makes the
/// times of versions and of layer states exact.
///
/// It has two faces, as real time has: a system time, which can also be set back, and a steady one,
/// which only advances. Copies share one clock. All functions may be called from any thread.
class ManualClock {
public:
    using System = std::chrono::system_clock;
    using Steady = std::chrono::steady_clock;

    /// Begins at `start`, by default on the first day of the year 2000, UTC; the steady time begins
    /// at zero.
    ATTUNE_DECL explicit ManualClock(System::time_point start = System::time_point{
                                         std::chrono::hours{24 * 10'957}});

    ATTUNE_DECL System::time_point now() const noexcept;
    ATTUNE_DECL Steady::time_point steady_now() const noexcept;
    /// The system time, for StoreOptions::clock.
    System::time_point operator()() const noexcept { return now(); }

    /// Moves both times on. Throws std::invalid_argument for a negative step.
    ATTUNE_DECL void advance(std::chrono::nanoseconds step) const;

    /// Sets the system time, forwards or backwards, as an administrator would. The steady time
    /// stays.
    ATTUNE_DECL void set(System::time_point time) const noexcept;

private:
    struct Time;
    std::shared_ptr<Time> time_;
};

}  // namespace attune::inline ATTUNE_ABI::testing

namespace attune::inline ATTUNE_ABI::testing {

struct ManualClock::Time {
    std::mutex mutex;
    System::time_point system;
    Steady::time_point steady;
};

ATTUNE_DECL ManualClock::ManualClock(System::time_point start) : time_(std::make_shared<Time>()) {
    time_->system = start;
}

ATTUNE_DECL ManualClock::System::time_point ManualClock::now() const noexcept {
    const std::scoped_lock lock{time_->mutex};
    return time_->system;
}

ATTUNE_DECL ManualClock::Steady::time_point ManualClock::steady_now() const noexcept {
    const std::scoped_lock lock{time_->mutex};
    return time_->steady;
}

ATTUNE_DECL void ManualClock::advance(std::chrono::nanoseconds step) const {
    if (step < step.zero()) {
        throw std::invalid_argument{"a clock does not advance by a negative step; use set"};
    }
    const std::scoped_lock lock{time_->mutex};
    time_->system += std::chrono::duration_cast<System::duration>(step);
    time_->steady += std::chrono::duration_cast<Steady::duration>(step);
}

ATTUNE_DECL void ManualClock::set(System::time_point time) const noexcept {
    const std::scoped_lock lock{time_->mutex};
    time_->system = time;
}

}  // namespace attune::inline ATTUNE_ABI::testing

namespace attune::inline ATTUNE_ABI::testing {

/// Observers run when the test asks for it: `executor.run_all()`.
using attune::ManualExecutor;

}  // namespace attune::inline ATTUNE_ABI::testing
