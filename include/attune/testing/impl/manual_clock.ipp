#pragma once

#include <attune/testing/manual_clock.hpp>

#include <mutex>
#include <stdexcept>

namespace attune::inline ATTUNE_ABI::testing {

struct ManualClock::Time {
    std::mutex mutex;
    System::time_point system;
    Steady::time_point steady;
};

ATTUNE_DECL ManualClock::ManualClock(System::time_point start) : time_(std::make_shared<Time>()) {
    time_->system = start;
}

ATTUNE_DECL ManualClock::System::time_point ManualClock::now() const noexcept {
    const std::scoped_lock lock{time_->mutex};
    return time_->system;
}

ATTUNE_DECL ManualClock::Steady::time_point ManualClock::steady_now() const noexcept {
    const std::scoped_lock lock{time_->mutex};
    return time_->steady;
}

ATTUNE_DECL void ManualClock::advance(std::chrono::nanoseconds step) const {
    if (step < step.zero()) {
        throw std::invalid_argument{"a clock does not advance by a negative step; use set"};
    }
    const std::scoped_lock lock{time_->mutex};
    time_->system += std::chrono::duration_cast<System::duration>(step);
    time_->steady += std::chrono::duration_cast<Steady::duration>(step);
}

ATTUNE_DECL void ManualClock::set(System::time_point time) const noexcept {
    const std::scoped_lock lock{time_->mutex};
    time_->system = time;
}

}  // namespace attune::inline ATTUNE_ABI::testing
