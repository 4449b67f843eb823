#pragma once

#include <attune/graph/call_watch.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL void CallWatch::start(Clock::duration limit, Arm arm) {
    const std::scoped_lock lock{turns_.mutex};
    limit_ = limit;
#if defined(__linux__)
    // The coarse clock takes a quarter of the time to read, and is late by some milliseconds: by
    // one tick of the system, and more when the system was late with that.
    std::timespec grain{};
    if (limit >= std::chrono::milliseconds{100} &&
        clock_getres(CLOCK_MONOTONIC_COARSE, &grain) == 0) {
        clock_ = CLOCK_MONOTONIC_COARSE;
        grain_ = std::chrono::seconds{grain.tv_sec} + std::chrono::nanoseconds{grain.tv_nsec};
    }
#endif
    arm_ = std::move(arm);
    on_.store(true, std::memory_order_release);
}

ATTUNE_DECL void CallWatch::stop() noexcept {
    Arm gone;  // destroyed without the lock: it may wait for a look
    {
        const std::scoped_lock lock{turns_.mutex};
        on_.store(false, std::memory_order_relaxed);
        gone.swap(arm_);
    }
}

ATTUNE_DECL void CallWatch::ask(Clock::time_point when) noexcept {
    if (armed_.load(std::memory_order_relaxed) || !arm_) {
        return;
    }
    try {
        arm_(when);
        armed_.store(true, std::memory_order_relaxed);
    } catch (...) {
        // No thread can be had: the call goes unwatched, and the next one asks again.
    }
}

ATTUNE_DECL void CallWatch::ask_for(const Turn& turn) noexcept {
    const std::scoped_lock lock{turns_.mutex};
    if (turn.since_ != Clock::time_point{}) {
        ask(Clock::now() + limit_ + grain_);
    }
}

ATTUNE_DECL std::vector<CallWatch::SlowCall> CallWatch::look() {
    std::vector<SlowCall> found;
    const std::scoped_lock lock{turns_.mutex};
    armed_.store(false, std::memory_order_relaxed);
    const auto now = Clock::now();
    auto next = Clock::time_point::max();
    for (Turn* turn = turns_.oldest; turn != nullptr; turn = turn->newer_) {
        Clock::time_point since;
        {
            Turn::Held held{*turn};
            since = turn->since_;
            if (!held.is(Turn::running) || held.is(Turn::reported) ||
                since == Clock::time_point{}) {
                continue;
            }
            if (now - since < limit_ + grain_) {
                next = std::min(next, since + limit_ + grain_);
                continue;
            }
            held.set(Turn::reported);
        }
        found.push_back({turn->observer_, now - since});
    }
    if (next != Clock::time_point::max()) {
        ask(next);
    }
    found_.fetch_add(found.size(), std::memory_order_relaxed);
    return found;
}

ATTUNE_DECL std::vector<CallWatch::SlowCall> CallWatch::slow() const {
    std::vector<SlowCall> found;
    const std::scoped_lock lock{turns_.mutex};
    const auto now = Clock::now();
    for (Turn* turn = turns_.oldest; turn != nullptr; turn = turn->newer_) {
        Clock::time_point since;
        {
            const Turn::Held held{*turn};
            since = turn->since_;
            if (!held.is(Turn::running) || since == Clock::time_point{}) {
                continue;
            }
        }
        if (now - since >= limit_ + grain_) {
            found.push_back({turn->observer_, now - since});
        }
    }
    std::stable_sort(found.begin(), found.end(), [](const SlowCall& one, const SlowCall& other) {
        return one.running > other.running;
    });
    return found;
}

}  // namespace attune::inline ATTUNE_ABI::detail
