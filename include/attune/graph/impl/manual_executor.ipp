#pragma once

#include <attune/graph/manual_executor.hpp>

#include <condition_variable>
#include <deque>
#include <mutex>

namespace attune::inline ATTUNE_ABI {

struct ManualExecutor::Queue {
    std::mutex mutex;
    std::condition_variable filled;
    std::deque<std::function<void()>> work;

    /// Takes the lock over, and gives it back before it runs the oldest piece.
    void run_front(std::unique_lock<std::mutex> lock) {
        const auto piece = std::move(work.front());
        work.pop_front();
        lock.unlock();
        piece();
    }
};

ATTUNE_DECL ManualExecutor::ManualExecutor() : queue_(std::make_shared<Queue>()) {}

ATTUNE_DECL void ManualExecutor::execute(std::function<void()> work) const {
    {
        const std::scoped_lock lock{queue_->mutex};
        queue_->work.push_back(std::move(work));
    }
    queue_->filled.notify_one();
}

ATTUNE_DECL bool ManualExecutor::run_one() const {
    const auto queue = queue_;  // the work may destroy this executor
    std::unique_lock lock{queue->mutex};
    if (queue->work.empty()) {
        return false;
    }
    queue->run_front(std::move(lock));
    return true;
}

ATTUNE_DECL bool ManualExecutor::run_one_before(
    std::chrono::steady_clock::time_point deadline) const {
    const auto queue = queue_;
    std::unique_lock lock{queue->mutex};
    if (!queue->filled.wait_until(lock, deadline, [&] { return !queue->work.empty(); })) {
        return false;
    }
    queue->run_front(std::move(lock));
    return true;
}

ATTUNE_DECL std::size_t ManualExecutor::run_all() const {
    const ManualExecutor kept = *this;
    std::size_t count = 0;
    while (kept.run_one()) {
        ++count;
    }
    return count;
}

ATTUNE_DECL std::size_t ManualExecutor::pending() const {
    const std::scoped_lock lock{queue_->mutex};
    return queue_->work.size();
}

}  // namespace attune::inline ATTUNE_ABI
