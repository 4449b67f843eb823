#pragma once

#include <attune/graph/publication_bell.hpp>

#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL void PublicationBell::ring_all() noexcept {
    std::vector<std::shared_ptr<Listener>> listeners;
    {
        const std::scoped_lock lock{mutex_};
        ++rings_;
        std::erase_if(listeners_, [&](const auto& each) {
            if (auto listener = each.lock()) {
                listeners.push_back(std::move(listener));
                return false;
            }
            waiting_.fetch_sub(1, std::memory_order_relaxed);
            return true;
        });
    }
    rung_.notify_all();
    for (const auto& listener : listeners) {
        (*listener)();
    }
}

ATTUNE_DECL std::shared_ptr<void> PublicationBell::listen(std::function<void()> heard) {
    auto listener = std::make_shared<Listener>(std::move(heard));
    const std::scoped_lock lock{mutex_};
    listeners_.push_back(listener);
    // As for those who wait: what is read after this was published before, or is told.
    waiting_.fetch_add(1, std::memory_order_seq_cst);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    return listener;
}

ATTUNE_DECL void PublicationBell::close() noexcept {
    {
        const std::scoped_lock lock{mutex_};
        closed_ = true;
    }
    rung_.notify_all();
}

ATTUNE_DECL bool PublicationBell::wait(std::chrono::steady_clock::time_point deadline,
                                       const std::function<bool()>& check) {
    struct Registration {
        explicit Registration(std::atomic<std::uint32_t>& waiting) : count(waiting) {
            count.fetch_add(1, std::memory_order_seq_cst);
            // Either the publisher's load sees this registration, or what follows sees what it has
            // published.
            std::atomic_thread_fence(std::memory_order_seq_cst);
        }
        ~Registration() { count.fetch_sub(1, std::memory_order_relaxed); }
        std::atomic<std::uint32_t>& count;
    };
    const Registration registration{waiting_};
    std::unique_lock lock{mutex_};
    for (;;) {
        const std::uint64_t heard = rings_;
        lock.unlock();
        if (check()) {
            return true;
        }
        lock.lock();
        if (!rung_.wait_until(lock, deadline, [&] { return closed_ || rings_ != heard; }) ||
            closed_) {
            return false;
        }
    }
}

}  // namespace attune::inline ATTUNE_ABI::detail
