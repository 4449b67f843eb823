#pragma once

#include <attune/testing/event_trace.hpp>

#include <condition_variable>
#include <mutex>

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
