#pragma once

#include <attune/graph/observer_name.hpp>
#include <attune/graph/turn.hpp>
#include <attune/version.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <vector>

#include <ctime>

namespace attune::inline ATTUNE_ABI::detail {

/// Finds observers whose call takes too long.
///
/// It has no thread: when a call begins and no look is due, one is asked for, through `arm`, for
/// the moment at which that call would be slow. The look goes through all observers; a call itself
/// costs the reading of a clock. Observers that return soon cause at most one wake-up per `limit`,
/// and a store without calls none. Where calls are timed with a coarse clock, a call may count as
/// slow some milliseconds before it is.
class CallWatch {
public:
    using Clock = std::chrono::steady_clock;
    /// Has look() called at that moment. Called under the watch's lock, must not call back.
    using Arm = std::function<void(Clock::time_point when)>;

    struct SlowCall {
        ObserverName observer;
        Clock::duration running;
    };

    /// Calls that begin from now on are slow after `limit`.
    ATTUNE_DECL void start(Clock::duration limit, Arm arm);
    /// No look is asked for after this.
    ATTUNE_DECL void stop() noexcept;

    /// To be told after each Turn::begin. By then armed_ is read after the turn's lock was taken: a
    /// look that took that lock before, and missed the call, has shown by then that it was made.
    void began(const Turn& turn) noexcept {
        if (!armed_.load(std::memory_order_relaxed) && on_.load(std::memory_order_relaxed))
            [[unlikely]] {
            ask_for(turn);
        }
    }

    /// The calls that have become slow since the last look: each call comes up once.
    ATTUNE_DECL std::vector<SlowCall> look();
    /// All calls that are slow at this moment, oldest first.
    ATTUNE_DECL std::vector<SlowCall> slow() const;
    /// How many calls have been found slow by look().
    std::uint64_t found() const noexcept { return found_.load(std::memory_order_relaxed); }

    /// Those who are watched.
    TurnList& turns() noexcept { return turns_; }

    /// The time at which a call begins, or nothing when the watch is off. May be early, by grain_
    /// or some more.
    Clock::time_point time() const noexcept {
        if (!on_.load(std::memory_order_acquire)) {
            return {};
        }
#if defined(__linux__)
        std::timespec now{};
        (void)clock_gettime(clock_, &now);
        return Clock::time_point{std::chrono::seconds{now.tv_sec} +
                                 std::chrono::nanoseconds{now.tv_nsec}};
#else
        return Clock::now();
#endif
    }

private:
    ATTUNE_DECL void ask_for(const Turn& turn) noexcept;
    void ask(Clock::time_point when) noexcept;

    std::atomic<bool> on_{false};
    std::atomic<bool> armed_{false};
#if defined(__linux__)
    clockid_t clock_ = CLOCK_MONOTONIC;
#endif
    Clock::duration limit_{};
    Clock::duration grain_{};
    std::atomic<std::uint64_t> found_{0};
    mutable TurnList turns_;  // its mutex is also that of arm_ and of what is written to armed_
    Arm arm_;
};

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/graph/impl/call_watch.ipp>
#endif
