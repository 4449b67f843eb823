#pragma once

#include <attune/bind/encode.hpp>
#include <attune/bind/problem.hpp>
#include <attune/document/text.hpp>
#include <attune/fwd.hpp>
#include <attune/graph/deadline.hpp>
#include <attune/store/observer.hpp>
#include <attune/version.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

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

#if ATTUNE_HEADER_ONLY
#include <attune/testing/impl/event_trace.ipp>
#endif
