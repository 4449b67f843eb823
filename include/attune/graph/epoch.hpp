#pragma once

#include <attune/version.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

/// Epoch-based reclamation: how a reader keeps a frame alive without a lock, a reference count or
/// an atomic read-modify-write.
///
/// Every thread owns one slot. Entering writes the current epoch into it, leaving writes 0. A
/// writer unlinks an object, stamps it with the epoch and advances the epoch; the object may be
/// destroyed once no slot holds an epoch that old. The order "slot is written, then the frame
/// pointer is loaded" is needed on the reader's side. It costs the reader only a compiler fence,
/// because the writer makes every running thread pass a full fence (membarrier) between unlinking
/// and looking at the slots. Where membarrier is missing, or ATTUNE_NO_MEMBARRIER is defined,
/// readers pay for a full fence instead.
///
/// Source: K. Fraser, Practical lock-freedom (2004), ch. 5.2.3; the asymmetric fence is that of
/// liburcu's "memb" flavour, membarrier(2).
///
/// There is one domain per process: a thread has one slot, however many stores it reads.
namespace attune::inline ATTUNE_ABI::detail {

/// One thread's announcement. Slots are claimed by a thread at its first reading, given back when
/// the thread ends, and never freed: the pool is as large as the largest number of threads that
/// read at the same time.
struct alignas(64) ReaderSlot {
    std::atomic<std::uint64_t> active{0};  ///< epoch of the outermost reading; 0 outside
    std::uint64_t nested = 0;              ///< readings beyond the first; touched by the owner only
    std::atomic<bool> taken{false};
    ReaderSlot* next = nullptr;
};

struct EpochState {
    alignas(64) std::atomic<std::uint64_t> epoch{1};
    alignas(64) std::atomic<ReaderSlot*> slots{nullptr};
};

// Shared by all dynamic objects of a process, also by those compiled with hidden visibility: a
// writer in one of them must see the readers in all the others.
#define ATTUNE_PROCESS_WIDE __attribute__((visibility("default")))

ATTUNE_PROCESS_WIDE inline constinit EpochState epoch_state;

/// This thread's slot; null before its first reading, and always null where membarrier is missing,
/// so that the fast path below needs no second test.
ATTUNE_PROCESS_WIDE inline constinit thread_local ReaderSlot* reader_slot = nullptr;

#undef ATTUNE_PROCESS_WIDE

/// The part of epoch_enter that is not a few instructions: claims a slot, or enters with a full
/// fence.
[[gnu::cold]] ATTUNE_DECL ReaderSlot* epoch_enter_slow() noexcept;

/// Begins a reading; may nest. Wait-free but for the first call of a thread, which claims a slot.
/// Always inline: a call would cost as much as all the rest.
[[gnu::always_inline]] inline ReaderSlot* epoch_enter() noexcept {
    ReaderSlot* const slot = reader_slot;
    if (slot == nullptr) [[unlikely]] {
        return epoch_enter_slow();
    }
    // A branch instead of a counter: the predicted branch keeps one reading from waiting for the
    // store of the one before it.
    if (slot->active.load(std::memory_order_relaxed) == 0) [[likely]] {
        // Release, so that a writer that sees this epoch also sees that earlier readings ended.
        slot->active.store(epoch_state.epoch.load(std::memory_order_acquire),
                           std::memory_order_release);
        std::atomic_signal_fence(std::memory_order_seq_cst);
    } else {
        ++slot->nested;
    }
    return slot;
}

/// Ends a reading on the thread that began it. Readings may end in any order.
[[gnu::always_inline]] inline void epoch_leave(ReaderSlot* slot) noexcept {
    if (slot->nested == 0) [[likely]] {
        slot->active.store(0, std::memory_order_release);
    } else {
        --slot->nested;
    }
}

/// Something to be done once no reader can see what was just unlinked.
class Retired {
public:
    virtual ~Retired() = default;
    /// Runs once, outside every lock of the domain.
    virtual void reclaim() noexcept = 0;

private:
    friend class RetiredList;
    std::uint64_t epoch_ = 0;
    Retired* next_ = nullptr;
};

/// Takes ownership of `retired`, to be reclaimed by a later epoch_collect. Any thread.
ATTUNE_DECL void epoch_retire(Retired* retired) noexcept;

/// Reclaims whatever no reader can see any more; never waits for a reader. Returns how many
/// objects still wait. Any thread. Costs one membarrier and one look at each slot when there is
/// something to reclaim.
ATTUNE_DECL std::size_t epoch_collect() noexcept;

/// Calls epoch_collect, unless anybody has done so less than `pause` ago: for a writer who comes by
/// often. True when it was called, and nothing waits any more.
ATTUNE_DECL bool epoch_collect_after(std::chrono::steady_clock::duration pause) noexcept;

/// When epoch_collect was called last.
ATTUNE_DECL std::chrono::steady_clock::time_point epoch_collected() noexcept;

/// True when readers get by with a compiler fence.
ATTUNE_DECL bool epoch_is_asymmetric() noexcept;

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/graph/impl/epoch.ipp>
#endif
