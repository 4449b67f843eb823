#pragma once

#include <attune/graph/turn.hpp>

#include <chrono>
#include <mutex>
#include <thread>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL Turn::Turn(TurnList& list, const ObserverName& observer)
    : list_(list), observer_(observer) {
    const std::scoped_lock lock{list_.mutex};
    older_ = list_.newest;
    (older_ != nullptr ? older_->newer_ : list_.oldest) = this;
    list_.newest = this;
}

ATTUNE_DECL Turn::~Turn() {
    const std::scoped_lock lock{list_.mutex};
    (older_ != nullptr ? older_->newer_ : list_.oldest) = newer_;
    (newer_ != nullptr ? newer_->older_ : list_.newest) = older_;
}

ATTUNE_DECL Turn::Flags Turn::lock_slowly() noexcept {
    for (unsigned tries = 0;; ++tries) {
        Flags seen = word_.load(std::memory_order_relaxed) & ~locked;
        if (word_.compare_exchange_weak(seen, seen | locked, std::memory_order_acquire,
                                        std::memory_order_relaxed)) {
            return seen;
        }
        if (tries < 16) {
            std::this_thread::yield();
        } else {  // yielding is no help to an owner of lower priority
            std::this_thread::sleep_for(std::chrono::microseconds{50});
        }
    }
}

}  // namespace attune::inline ATTUNE_ABI::detail
