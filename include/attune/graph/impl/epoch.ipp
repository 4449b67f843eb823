#pragma once

#include <attune/graph/epoch.hpp>

#include <chrono>
#include <mutex>

#include <pthread.h>

#if defined(__linux__) && !defined(ATTUNE_NO_MEMBARRIER)
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace attune::inline ATTUNE_ABI::detail {

/// Objects that wait for their readers, oldest first.
class RetiredList {
public:
    void push(Retired* retired) noexcept {
        const std::scoped_lock lock{mutex_};
        retired->epoch_ = epoch_state.epoch.fetch_add(1, std::memory_order_acq_rel);
        retired->next_ = nullptr;
        *tail_ = retired;
        tail_ = &retired->next_;
        ++size_;
    }

    template <class OldestReader>
    std::size_t collect(OldestReader oldest_reader) noexcept {
        Retired* free = nullptr;
        std::size_t left = 0;
        {
            const std::scoped_lock lock{mutex_};
            if (head_ == nullptr) {
                return 0;
            }
            const std::uint64_t oldest = oldest_reader();
            Retired** end = &head_;
            while (*end != nullptr && (*end)->epoch_ < oldest) {
                end = &(*end)->next_;
                --size_;
            }
            if (end != &head_) {
                free = head_;
                head_ = *end;
                *end = nullptr;
                if (head_ == nullptr) {
                    tail_ = &head_;
                }
            }
            left = size_;
        }
        reclaim_all(free);
        return left;
    }

private:
    static void reclaim_all(Retired* list) noexcept {
        while (list != nullptr) {
            Retired* const next = list->next_;
            list->reclaim();
            delete list;
            list = next;
        }
    }

    std::mutex mutex_;
    Retired* head_ = nullptr;
    Retired** tail_ = &head_;
    std::size_t size_ = 0;
};

/// Never destroyed: stores with static storage may retire frames while the process ends.
inline RetiredList& retired_list() noexcept {
    static RetiredList& list = *new RetiredList;
    return list;
}

inline bool membarrier_is_available() noexcept {
#if defined(__linux__) && !defined(ATTUNE_NO_MEMBARRIER) && defined(SYS_membarrier)
    return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
#else
    return false;
#endif
}

ATTUNE_DECL bool epoch_is_asymmetric() noexcept {
    static const bool available = membarrier_is_available();
    return available;
}

/// Orders what this thread wrote before with what it reads after, against every reader.
inline void epoch_heavy_fence() noexcept {
#if defined(__linux__) && !defined(ATTUNE_NO_MEMBARRIER) && defined(SYS_membarrier)
    if (epoch_is_asymmetric()) {
        // Registered, so it cannot fail.
        (void)syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
        return;
    }
#endif
#if !defined(__SANITIZE_THREAD__)
    std::atomic_thread_fence(std::memory_order_seq_cst);
#endif
}

/// This thread's slot where readers need a full fence.
inline constinit thread_local ReaderSlot* fenced_reader_slot = nullptr;

inline void release_reader_slot(void* taken) noexcept {
    auto* const slot = static_cast<ReaderSlot*>(taken);
    reader_slot = nullptr;
    fenced_reader_slot = nullptr;
    slot->taken.store(false, std::memory_order_release);
}

/// A pthread key, not a thread_local object: its destructor runs after those of all thread_local
/// objects, which may still read, and runs again should a later destructor read once more.
inline pthread_key_t reader_slot_key() noexcept {
    static const pthread_key_t key = [] {
        pthread_key_t made{};
        (void)pthread_key_create(&made, release_reader_slot);
        return made;
    }();
    return key;
}

inline ReaderSlot* claim_reader_slot() noexcept {
    ReaderSlot* slot = epoch_state.slots.load(std::memory_order_acquire);
    for (; slot != nullptr; slot = slot->next) {
        bool taken = false;
        if (!slot->taken.load(std::memory_order_relaxed) &&
            slot->taken.compare_exchange_strong(taken, true, std::memory_order_acq_rel)) {
            break;
        }
    }
    if (slot == nullptr) {
        slot = new ReaderSlot;
        slot->taken.store(true, std::memory_order_relaxed);
        slot->next = epoch_state.slots.load(std::memory_order_relaxed);
        while (!epoch_state.slots.compare_exchange_weak(slot->next, slot,
                                                        std::memory_order_acq_rel)) {
        }
    }
    (void)pthread_setspecific(reader_slot_key(), slot);
    return slot;
}

ATTUNE_DECL ReaderSlot* epoch_enter_slow() noexcept {
    if (epoch_is_asymmetric()) {
        reader_slot = claim_reader_slot();
        return epoch_enter();
    }
    if (fenced_reader_slot == nullptr) {
        fenced_reader_slot = claim_reader_slot();
    }
    ReaderSlot* const slot = fenced_reader_slot;
    if (slot->active.load(std::memory_order_relaxed) == 0) {
        const std::uint64_t epoch = epoch_state.epoch.load(std::memory_order_acquire);
        // An exchange is a full fence on every machine we know, and one that ThreadSanitizer
        // understands.
        (void)slot->active.exchange(epoch, std::memory_order_seq_cst);
#if !defined(__SANITIZE_THREAD__)
        std::atomic_thread_fence(std::memory_order_seq_cst);
#endif
    } else {
        ++slot->nested;
    }
    return slot;
}

ATTUNE_DECL void epoch_retire(Retired* retired) noexcept { retired_list().push(retired); }

/// When the list was looked through last.
inline std::atomic<std::chrono::steady_clock::time_point> epoch_last_collected{};

ATTUNE_DECL std::size_t epoch_collect() noexcept {
    epoch_last_collected.store(std::chrono::steady_clock::now(), std::memory_order_relaxed);
    return retired_list().collect([]() noexcept {
        epoch_heavy_fence();
        std::uint64_t oldest = UINT64_MAX;
        for (ReaderSlot* slot = epoch_state.slots.load(std::memory_order_acquire); slot != nullptr;
             slot = slot->next) {
            const std::uint64_t active = slot->active.load(std::memory_order_seq_cst);
            if (active != 0 && active < oldest) {
                oldest = active;
            }
        }
        return oldest;
    });
}

ATTUNE_DECL bool epoch_collect_after(std::chrono::steady_clock::duration pause) noexcept {
    const auto now = std::chrono::steady_clock::now();
    auto last = epoch_collected();
    return now - last >= pause &&
           epoch_last_collected.compare_exchange_strong(last, now, std::memory_order_relaxed) &&
           epoch_collect() == 0;
}

ATTUNE_DECL std::chrono::steady_clock::time_point epoch_collected() noexcept {
    return epoch_last_collected.load(std::memory_order_relaxed);
}

}  // namespace attune::inline ATTUNE_ABI::detail
