#pragma once

#include <attune/net/impl/http_deadlines.hpp>

#include <algorithm>

namespace attune::inline ATTUNE_ABI::net::detail {

ATTUNE_DECL HttpDeadlines::HttpDeadlines(const HttpLimits& limits) noexcept
    : tick_(std::clamp(std::min({limits.idle, limits.request, limits.between}) / 4,
                       std::chrono::milliseconds{5}, std::chrono::milliseconds{250})) {}

ATTUNE_DECL void HttpDeadlines::serve() {
    ++now_;
    // Whoever is called may end any other: taken from the front, nobody is met after the end.
    List round;
    round.swap(timed_);
    while (!round.empty()) {
        HttpTimed& timed = round.front();
        round.pop_front();
        if (timed.due_ > now_) {
            if (timed.due_ != HttpTimed::never) {
                timed_.push_back(timed);
            }
        } else {
            clear(timed);
            timed.expire();
        }
    }
}

}  // namespace attune::inline ATTUNE_ABI::net::detail
