#pragma once

#include <attune/net/back_off.hpp>

#include <algorithm>
#include <memory>
#include <random>
#include <utility>

namespace attune::inline ATTUNE_ABI::net {

namespace detail {

/// In order, positive, and within a day, so that no sum overflows.
inline BackOffLimits bounded_limits(const BackOffLimits& limits) {
    constexpr std::chrono::milliseconds least{1};
    constexpr std::chrono::milliseconds day = std::chrono::hours{24};
    const auto longest = std::clamp(limits.longest, least, day);
    return {std::clamp(limits.first, least, longest), longest};
}

/// `part` of `whole`, a part of a millisecond counted as one.
inline std::chrono::milliseconds part_of(std::chrono::milliseconds whole, double part) {
    return std::chrono::ceil<std::chrono::milliseconds>(whole * std::clamp(part, 0.0, 1.0));
}

}  // namespace detail

ATTUNE_DECL BackOff::BackOff(BackOffLimits limits, Random random)
    : limits_(detail::bounded_limits(limits)), random_(std::move(random)), bound_(limits_.first) {}

ATTUNE_DECL std::chrono::milliseconds BackOff::next() {
    const auto pause = detail::part_of(bound_, random_());
    bound_ = std::min(bound_ * 2, limits_.longest);
    return pause;
}

ATTUNE_DECL std::chrono::milliseconds BackOff::longest() {
    bound_ = limits_.longest;
    return detail::part_of(bound_, (1.0 + random_()) / 2);
}

ATTUNE_DECL BackOff::Random system_random() {
    auto engine = std::make_shared<std::minstd_rand>(std::random_device{}());
    return [engine] { return std::uniform_real_distribution<double>{}(*engine); };
}

}  // namespace attune::inline ATTUNE_ABI::net
