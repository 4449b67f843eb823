// attune 0.1.0, one file; written by tools/single_header.py.
// SPDX-License-Identifier: MIT
#pragma once

#include <attune/attune.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <compare>
#include <concepts>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

/// The test kit of attune, for tests of programs that use it: observers that run when the test says
/// so, a clock that stands still, a source that fails on demand, failures at every possible place,
/// a record of what happened, and checks of whether what clients saw of something shared can have
/// been. Depends on no test framework, and is included by nothing else.

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

/// An operation of a client on something shared: what it asked for, and what it was answered.
template <class Operation>
struct Call {
    Operation operation;
    std::chrono::nanoseconds invoked{};
    /// Nothing: no answer came. The operation may have taken effect at any time since, may yet do
    /// so, or never. So may what nobody answers for: the expiry of a lease is a call that was
    /// invoked when it was first allowed.
    std::optional<std::chrono::nanoseconds> returned{};
};

/// What happened, in any order; times are on one clock. An answer and an invocation at the same
/// time count as concurrent.
template <class Operation>
using History = std::vector<Call<Operation>>;

/// Whether a history can be explained by operations that took effect one after the other, each at
/// some moment between its invocation and its answer.
struct Linearization {
    bool found = false;
    /// Positions in the history, in the order in which the operations can have taken effect. Where
    /// none was found: the first ones, as many as could be placed at most.
    std::vector<std::size_t> order{};
    /// Where none was found: an operation whose answer does not fit after those.
    std::optional<std::size_t> stuck{};

    explicit operator bool() const noexcept { return found; }
};

/// Looks for a linearization.
///
///     const auto set_or_get = [](int state, const Op& op) -> std::optional<int> {
///         const bool is_possible = op.is_write || op.value == state;
///         return is_possible ? std::optional{op.value} : std::nullopt;
///     };
///     const Linearization answer = linearize(history, 0, set_or_get);
///
/// `apply(state, operation)` says what the operation makes of the state, or nothing when it cannot
/// have been answered so; that of a call without an answer has to accept whatever there could have
/// been. States are compared with `==` and hashed by `hash`.
///
/// The algorithm is that of Wing and Gong (Testing and Verifying Concurrent Objects, 1993) with the
/// memory of Lowe (Testing for Linearizability, 2017). Fast where few operations overlap, but
/// exponential in those that do, and in those without an answer, in time and in memory: take
/// histories of a few hundred operations, and apart what is independent (`partition`).
///
/// Throws std::invalid_argument when an answer comes before its invocation, and what `apply` does.
template <class Operation, class State, class Apply, class Hash = std::hash<State>>
    requires std::is_invocable_r_v<std::optional<State>, Apply&, const State&, const Operation&>
[[nodiscard]] Linearization linearize(const History<Operation>& history, State initial, Apply apply,
                                      Hash hash = {});

/// The histories of the parts that `key_of(operation)` names. Where operations on different parts
/// have nothing to do with each other, a history is linearizable exactly when each of these is
/// (Herlihy and Wing, Linearizability, 1990), and that is found much faster.
template <class Operation, class KeyOf>
[[nodiscard]] auto partition(const History<Operation>& history, KeyOf key_of) {
    std::map<std::decay_t<std::invoke_result_t<KeyOf&, const Operation&>>, History<Operation>>
        parts;
    for (const Call<Operation>& call : history) {
        parts[std::invoke(key_of, call.operation)].push_back(call);
    }
    return parts;
}

}  // namespace attune::inline ATTUNE_ABI::testing

namespace attune::inline ATTUNE_ABI::testing {

namespace detail {

/// The invocations and answers of a history in the order of time, as a list from which a call can
/// be taken out and put back. The first element stands before all of them.
class EventList {
public:
    struct Event {
        std::size_t call = 0;
        bool is_answer = false;
        std::size_t other = 0;  ///< the answer of an invocation, if there is one
        std::size_t previous = 0;
        std::size_t next = 0;  ///< zero: it is the last
    };

    template <class Operation>
    explicit EventList(const History<Operation>& history) {
        std::vector<std::tuple<std::chrono::nanoseconds, bool, std::size_t>> order;
        for (std::size_t call = 0; call != history.size(); ++call) {
            order.emplace_back(history[call].invoked, false, call);
            if (history[call].returned) {
                if (*history[call].returned < history[call].invoked) {
                    throw std::invalid_argument{"call " + std::to_string(call) +
                                                " of a history was answered before its invocation"};
                }
                order.emplace_back(*history[call].returned, true, call);
            }
        }
        std::ranges::sort(order);
        events_.resize(order.size() + 1);
        std::vector<std::size_t> invocations(history.size());
        for (std::size_t at = 1; at != events_.size(); ++at) {
            const auto& [time, is_answer, call] = order[at - 1];
            events_[at] = {.call = call, .is_answer = is_answer, .previous = at - 1};
            events_[at - 1].next = at;
            if (is_answer) {
                events_[invocations[call]].other = at;
            } else {
                invocations[call] = at;
            }
        }
    }

    const Event& operator[](std::size_t at) const { return events_[at]; }
    std::size_t first() const { return events_[0].next; }

    /// A call, by its invocation.
    void take_out(std::size_t invocation) {
        unlink(invocation);
        if (events_[invocation].other != 0) {
            unlink(events_[invocation].other);
        }
    }
    /// In the opposite order of take_out.
    void put_back(std::size_t invocation) {
        if (events_[invocation].other != 0) {
            link(events_[invocation].other);
        }
        link(invocation);
    }

private:
    void unlink(std::size_t at) {
        const Event& event = events_[at];
        events_[event.previous].next = event.next;
        if (event.next != 0) {
            events_[event.next].previous = event.previous;
        }
    }
    void link(std::size_t at) {
        const Event& event = events_[at];
        events_[event.previous].next = at;
        if (event.next != 0) {
            events_[event.next].previous = at;
        }
    }

    std::vector<Event> events_;
};

/// Which calls have been placed, and what came of it: whatever the order was, the rest is the same.
template <class State>
class PlacedMemory {
public:
    using Placed = std::vector<std::uint64_t>;

    /// False when it was there.
    bool add(const Placed& placed, const State& state, std::size_t state_hash) {
        std::uint64_t hash = state_hash;
        for (const std::uint64_t word : placed) {
            hash = (hash ^ word) * 0x9E3779B97F4A7C15U;
            hash ^= hash >> 32;
        }
        const auto [begin, end] = seen_.equal_range(hash);
        const bool is_known = std::any_of(begin, end, [&](const auto& each) {
            return each.second.first == placed && each.second.second == state;
        });
        if (!is_known) {
            seen_.emplace(hash, std::pair{placed, state});
        }
        return !is_known;
    }

private:
    std::unordered_multimap<std::uint64_t, std::pair<Placed, State>> seen_;
};

}  // namespace detail

template <class Operation, class State, class Apply, class Hash>
    requires std::is_invocable_r_v<std::optional<State>, Apply&, const State&, const Operation&>
Linearization linearize(const History<Operation>& history, State initial, Apply apply, Hash hash) {
    struct Placement {
        std::size_t invocation;
        State before;
    };
    detail::EventList events{history};
    detail::PlacedMemory<State> memory;
    std::vector<std::uint64_t> placed((history.size() + 63) / 64);
    const auto flip = [&](std::size_t call) {
        placed[call / 64] ^= std::uint64_t{1} << (call % 64);
    };
    std::vector<Placement> placements;
    const auto order = [&] {
        std::vector<std::size_t> calls;
        for (const Placement& placement : placements) {
            calls.push_back(events[placement.invocation].call);
        }
        return calls;
    };
    auto answers_left = static_cast<std::size_t>(std::ranges::count_if(
        history, [](const Call<Operation>& call) { return call.returned.has_value(); }));

    Linearization result;
    State state = std::move(initial);
    std::size_t at = events.first();
    while (answers_left != 0) {
        // There is an answer ahead: that of the first call that is not placed.
        const auto& event = events[at];
        if (!event.is_answer) {
            std::optional<State> after =
                std::invoke(apply, std::as_const(state), history[event.call].operation);
            flip(event.call);
            if (after && memory.add(placed, *after, std::invoke(hash, std::as_const(*after)))) {
                placements.push_back({at, std::exchange(state, std::move(*after))});
                answers_left -= event.other != 0 ? 1 : 0;
                events.take_out(at);
                at = events.first();
            } else {
                flip(event.call);
                at = event.next;
            }
            continue;
        }
        if (!result.stuck || placements.size() > result.order.size()) {
            result.order = order();
            result.stuck = event.call;
        }
        if (placements.empty()) {
            return result;
        }
        at = placements.back().invocation;
        state = std::move(placements.back().before);
        placements.pop_back();
        events.put_back(at);
        flip(events[at].call);
        answers_left += events[at].other != 0 ? 1 : 0;
        at = events[at].next;
    }
    return {.found = true, .order = order()};
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

namespace attune::inline ATTUNE_ABI::testing {

/// One grant of a lock, as its client has seen it. All times are on one clock: that of the test,
/// not those of the clients.
struct GrantRecord {
    /// A fencing token: compared by epoch, then by index.
    struct Token {
        std::uint64_t epoch = 0;
        std::uint64_t index = 0;

        friend auto operator<=>(const Token&, const Token&) = default;
    };

    std::string lock;
    std::string holder;     ///< for people, in violations
    bool exclusive = true;  ///< else shared with all others that are not exclusive
    Token token{};
    std::chrono::nanoseconds invoked{};   ///< the client began to ask
    std::chrono::nanoseconds returned{};  ///< it was told that it has the lock
    /// From when on somebody else may have the lock: the client began to release it, or somebody to
    /// take it away, or its lease could at the earliest have been over. Nothing: never yet.
    std::optional<std::chrono::nanoseconds> over_from{};
};

/// Whether grants, however many, can be those of correct locks with fencing tokens. Says what is
/// wrong, one text for each violation, and nothing when nothing is. For each lock, in the order of
/// tokens:
///
/// - an exclusive grant has its token to itself;
/// - a grant that was asked for after another one had been told has a higher token, unless both are
///   shared: then it has no lower one;
/// - an exclusive grant is told only when every earlier one is over, and any grant only when every
///   earlier exclusive one is.
///
/// Grants of which no client was told may be missing. These are conditions that every correct
/// history fulfils, checked in O(n log n) for millions of grants; a history that fulfils them may
/// still be impossible in other ways, for which see <attune/testing/linearizability.hpp>.
[[nodiscard]] ATTUNE_DECL std::vector<std::string> token_order_violations(
    std::vector<GrantRecord> grants);

}  // namespace attune::inline ATTUNE_ABI::testing

namespace attune::inline ATTUNE_ABI::testing {

namespace detail {

inline std::string describe_grant(const GrantRecord& grant) {
    const auto when = [](std::chrono::nanoseconds time) {
        return std::to_string(time.count()) + " ns";
    };
    return (grant.exclusive ? "the exclusive grant of " : "the shared grant of ") + grant.lock +
           " to " + grant.holder + " with token " + std::to_string(grant.token.epoch) + "." +
           std::to_string(grant.token.index) + " (asked for at " + when(grant.invoked) +
           ", told at " + when(grant.returned) +
           (grant.over_from ? ", over from " + when(*grant.over_from) : ", never over") + ")";
}

/// Than what was last, if there was one.
inline bool is_over_later(const GrantRecord& grant, const GrantRecord* last) {
    return last == nullptr ||
           (last->over_from && (!grant.over_from || *grant.over_from > *last->over_from));
}

/// Of one lock, by token.
inline void check_token_order(std::span<const GrantRecord> grants,
                              std::vector<std::string>& violations) {
    // Of the grants before, the one that is over last: among all, and among the exclusive ones.
    const GrantRecord* last_over = nullptr;
    const GrantRecord* last_exclusive_over = nullptr;
    // From the end: of the grants with higher tokens, the one that was told first.
    std::vector<const GrantRecord*> told_first(grants.size() + 1, nullptr);
    for (std::size_t at = grants.size(); at != 0; --at) {
        const GrantRecord& grant = grants[at - 1];
        const GrantRecord* const later = told_first[at];
        told_first[at - 1] = later != nullptr && later->returned < grant.returned ? later : &grant;
    }
    std::size_t after_equals = 0;  // behind those with the same token
    for (std::size_t at = 0; at != grants.size(); ++at) {
        const GrantRecord& grant = grants[at];
        while (after_equals < grants.size() && grants[after_equals].token <= grant.token) {
            ++after_equals;
        }
        if (at != 0 && grants[at - 1].token == grant.token &&
            (grant.exclusive || grants[at - 1].exclusive)) {
            violations.push_back("one token twice: " + describe_grant(grants[at - 1]) + ", and " +
                                 describe_grant(grant));
            continue;
        }
        if (const GrantRecord* const higher = told_first[after_equals];
            higher != nullptr && higher->returned < grant.invoked) {
            violations.push_back("a lower token later: " + describe_grant(grant) + " after " +
                                 describe_grant(*higher));
        }
        const GrantRecord* const before = grant.exclusive ? last_over : last_exclusive_over;
        if (before != nullptr && (!before->over_from || *before->over_from > grant.returned)) {
            violations.push_back("two holders: " + describe_grant(grant) + " while there was " +
                                 describe_grant(*before));
        }
        if (is_over_later(grant, last_over)) {
            last_over = &grant;
        }
        if (grant.exclusive && is_over_later(grant, last_exclusive_over)) {
            last_exclusive_over = &grant;
        }
    }
}

}  // namespace detail

ATTUNE_DECL std::vector<std::string> token_order_violations(std::vector<GrantRecord> grants) {
    std::ranges::sort(grants, {}, [](const GrantRecord& grant) {
        return std::tie(grant.lock, grant.token, grant.returned);
    });
    std::vector<std::string> violations;
    const std::span<const GrantRecord> all = grants;
    for (std::size_t begin = 0; begin != all.size();) {
        std::size_t end = begin;
        while (end != all.size() && all[end].lock == all[begin].lock) {
            ++end;
        }
        detail::check_token_order(all.subspan(begin, end - begin), violations);
        begin = end;
    }
    return violations;
}

}  // namespace attune::inline ATTUNE_ABI::testing
