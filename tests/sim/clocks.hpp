#pragma once

#include "sim/random.hpp"

namespace attune_sim {

/// A clock that is wrong: by an offset, and by a rate. It never goes back.
class Clock {
public:
    /// In millionths: 1'000'000 is right.
    static constexpr std::int64_t right = 1'000'000;

    Clock(Time offset, std::int64_t rate) : shown_(offset), rate_(rate) {}

    std::int64_t rate() const noexcept { return rate_; }
    /// Whether it differs by less than half a percent, half of what is allowed for.
    bool is_honest() const noexcept {
        return !jumped_ && rate_ > right - right / 200 && rate_ < right + right / 200;
    }

    Time at(Time now) const noexcept { return shown_ + scaled(now - since_, rate_, right); }
    /// The first moment when it shows `local`.
    Time when(Time local) const noexcept {
        return local <= shown_ ? since_ : since_ + scaled(local - shown_, right, rate_) + Time{1};
    }

    void set_rate(Time now, std::int64_t rate) noexcept {
        settle(now);
        rate_ = rate;
    }
    void jump(Time now, Time forward) noexcept {
        settle(now);
        shown_ += forward;
        jumped_ = true;
    }

private:
    static Time scaled(Time time, std::int64_t by, std::int64_t of) noexcept {
        // In two parts: a product of nanoseconds and millionths leaves 64 bits after three hours.
        const std::int64_t whole = time.count() / of;
        const std::int64_t rest = time.count() % of;
        return Time{whole * by + rest * by / of};
    }
    void settle(Time now) noexcept {
        shown_ = at(now);
        since_ = now;
    }

    Time since_{};
    Time shown_;
    std::int64_t rate_;
    bool jumped_ = false;
};

}  // namespace attune_sim
