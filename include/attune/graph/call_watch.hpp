#pragma once

#include <attune/graph/observer_name.hpp>
#include <attune/version.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

/// Knows which observers are being called and since when, and finds those that take too long.
///
/// It has no thread: when a call begins it asks, through `arm`, for a look at the moment at which
/// the call would be slow. One look is asked for at a time, so that observers that return soon cost
/// at most one wake-up per `limit`, and a store without calls none.
class CallWatch {
public:
    using Clock = std::chrono::steady_clock;
    /// Has look() called at that moment. Called under the watch's lock, must not call back.
    using Arm = std::function<void(Clock::time_point when)>;

    struct SlowCall {
        ObserverName observer;
        Clock::duration running;
    };

    /// One call of an observer, while it runs. The observer's name outlives it.
    class Call {
    public:
        Call(CallWatch& watch, const ObserverName& observer)
            : watch_(watch), observer_(observer), listed_(watch.begin(*this)) {}
        Call(const Call&) = delete;
        Call& operator=(const Call&) = delete;
        ~Call() {
            if (listed_) {
                watch_.end(*this);
            }
        }

    private:
        friend class CallWatch;
        CallWatch& watch_;
        const ObserverName& observer_;
        Clock::time_point since_;
        Call* older_ = nullptr;
        Call* newer_ = nullptr;
        bool reported_ = false;
        const bool listed_;
    };

    /// Calls that begin from now on are slow after `limit`.
    ATTUNE_DECL void start(Clock::duration limit, Arm arm);
    /// No look is asked for after this.
    ATTUNE_DECL void stop() noexcept;

    /// The calls that have become slow since the last look: each call comes up once.
    ATTUNE_DECL std::vector<SlowCall> look();
    /// All calls that are slow at this moment, oldest first.
    ATTUNE_DECL std::vector<SlowCall> slow() const;
    /// How many calls have been found slow by look().
    std::uint64_t found() const noexcept { return found_.load(std::memory_order_relaxed); }

private:
    ATTUNE_DECL bool begin(Call& call) noexcept;
    ATTUNE_DECL void end(Call& call) noexcept;
    void ask(Clock::time_point when);

    std::atomic<bool> on_{false};
    std::atomic<std::uint64_t> found_{0};
    mutable std::mutex mutex_;
    Clock::duration limit_{};
    Arm arm_;
    bool armed_ = false;
    Call* oldest_ = nullptr;
    Call* newest_ = nullptr;
};

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/graph/impl/call_watch.ipp>
#endif
