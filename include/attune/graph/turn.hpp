#pragma once

#include <attune/graph/observer_name.hpp>
#include <attune/version.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <thread>

namespace attune::inline ATTUNE_ABI::detail {

class Turn;

/// The turns of one store.
struct TurnList {
    std::mutex mutex;
    Turn* oldest = nullptr;
    Turn* newest = nullptr;
};

/// Where one observer stands: one word that is state and lock at once, so that a delivery takes
/// three atomic operations and not three mutexes. Listed while it exists.
///
/// The lock is held for a few instructions, never during user's code or while waiting for anything.
/// That is why its owner gives it back with a plain store and wakes nobody: who finds it taken
/// tries again, and soon sleeps between two tries, for the case that the owner was preempted.
class Turn {
public:
    using Flags = std::uint32_t;
    static constexpr Flags locked = 1;
    static constexpr Flags scheduled = 2;  ///< a run is due, or goes on
    static constexpr Flags running = 4;    ///< inside the user's code
    static constexpr Flags more = 8;       ///< something was offered meanwhile; may be gone again
    static constexpr Flags ended = 16;
    static constexpr Flags dropped = 32;   ///< what belonged to the observer is destroyed
    static constexpr Flags reported = 64;  ///< the call that runs was found to be slow

    /// The lock, held. What is set and cleared becomes the state in the end.
    class Held {
    public:
        explicit Held(Turn& turn) noexcept : turn_(turn), flags_(turn.lock()) {}
        Held(const Held&) = delete;
        Held& operator=(const Held&) = delete;
        ~Held() { turn_.word_.store(flags_, std::memory_order_release); }

        bool is(Flags flag) const noexcept { return (flags_ & flag) != 0; }
        void set(Flags flag) noexcept { flags_ |= flag; }
        void clear(Flags flag) noexcept { flags_ &= ~flag; }

    private:
        Turn& turn_;
        Flags flags_;
    };

    /// Both outlive it.
    ATTUNE_DECL Turn(TurnList& list, const ObserverName& observer);
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ATTUNE_DECL ~Turn();

    bool is(Flags flag) const noexcept {
        return (word_.load(std::memory_order_acquire) & flag) != 0;
    }
    /// Ended, and not inside the last call any more.
    bool over() const noexcept {
        return (word_.load(std::memory_order_acquire) & (ended | running)) == ended;
    }

    /// The call begins, at CallWatch::time. Afterwards, without the lock, comes CallWatch::began.
    void begin(Held& held, std::chrono::steady_clock::time_point now) noexcept {
        held.set(running);
        runner_ = std::this_thread::get_id();
        since_ = now;
    }
    /// For the lock's owner, while it is running.
    bool runs_here() const noexcept { return runner_ == std::this_thread::get_id(); }

    /// Running to idle; false, and nothing done, when there is anything else to see to.
    bool end() noexcept {
        Flags plain = scheduled | running;
        return word_.compare_exchange_strong(plain, 0, std::memory_order_acq_rel,
                                             std::memory_order_relaxed);
    }

private:
    friend class CallWatch;

    Flags lock() noexcept {
        Flags seen = word_.load(std::memory_order_relaxed) & ~locked;
        if (word_.compare_exchange_strong(seen, seen | locked, std::memory_order_acquire,
                                          std::memory_order_relaxed)) [[likely]] {
            return seen;
        }
        return lock_slowly();
    }
    ATTUNE_DECL Flags lock_slowly() noexcept;

    std::atomic<Flags> word_{0};
    std::thread::id runner_;
    TurnList& list_;
    std::chrono::steady_clock::time_point since_{};  // of the call; none: it is not watched
    const ObserverName& observer_;
    Turn* older_ = nullptr;
    Turn* newer_ = nullptr;
};

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/graph/impl/turn.ipp>
#endif
