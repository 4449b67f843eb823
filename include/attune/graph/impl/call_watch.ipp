#pragma once

#include <attune/graph/call_watch.hpp>

#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL void CallWatch::start(Clock::duration limit, Arm arm) {
    const std::scoped_lock lock{mutex_};
    limit_ = limit;
    arm_ = std::move(arm);
    on_.store(true, std::memory_order_relaxed);
}

ATTUNE_DECL void CallWatch::stop() noexcept {
    Arm gone;  // destroyed without the lock: it may wait for a look
    {
        const std::scoped_lock lock{mutex_};
        on_.store(false, std::memory_order_relaxed);
        gone.swap(arm_);
    }
}

ATTUNE_DECL void CallWatch::ask(Clock::time_point when) {
    if (armed_ || !arm_) {
        return;
    }
    try {
        arm_(when);
        armed_ = true;
    } catch (...) {
        // No thread can be had: the call goes unwatched, and the next one asks again.
    }
}

ATTUNE_DECL bool CallWatch::begin(Call& call) noexcept {
    if (!on_.load(std::memory_order_relaxed)) {
        return false;
    }
    const std::scoped_lock lock{mutex_};
    call.since_ = Clock::now();  // under the lock, so that the list is in order of age
    call.older_ = newest_;
    (newest_ != nullptr ? newest_->newer_ : oldest_) = &call;
    newest_ = &call;
    ask(call.since_ + limit_);
    return true;
}

ATTUNE_DECL void CallWatch::end(Call& call) noexcept {
    const std::scoped_lock lock{mutex_};
    (call.older_ != nullptr ? call.older_->newer_ : oldest_) = call.newer_;
    (call.newer_ != nullptr ? call.newer_->older_ : newest_) = call.older_;
}

ATTUNE_DECL std::vector<CallWatch::SlowCall> CallWatch::look() {
    std::vector<SlowCall> found;
    const std::scoped_lock lock{mutex_};
    armed_ = false;
    const auto now = Clock::now();
    for (Call* call = oldest_; call != nullptr; call = call->newer_) {
        if (call->reported_) {
            continue;
        }
        if (now - call->since_ < limit_) {
            ask(call->since_ + limit_);  // the oldest of the rest
            break;
        }
        call->reported_ = true;
        found.push_back({call->observer_, now - call->since_});
    }
    found_.fetch_add(found.size(), std::memory_order_relaxed);
    return found;
}

ATTUNE_DECL std::vector<CallWatch::SlowCall> CallWatch::slow() const {
    std::vector<SlowCall> found;
    const std::scoped_lock lock{mutex_};
    const auto now = Clock::now();
    for (const Call* call = oldest_; call != nullptr && now - call->since_ >= limit_;
         call = call->newer_) {
        found.push_back({call->observer_, now - call->since_});
    }
    return found;
}

}  // namespace attune::inline ATTUNE_ABI::detail
