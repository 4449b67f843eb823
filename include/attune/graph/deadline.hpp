#pragma once

#include <attune/version.hpp>

#include <chrono>

namespace attune::inline ATTUNE_ABI::detail {

/// When a wait that begins now is over. A century stands for anything longer, so that no timeout
/// runs over the end of the clock.
template <class Rep, class Period>
std::chrono::steady_clock::time_point deadline_after(std::chrono::duration<Rep, Period> timeout) {
    using Clock = std::chrono::steady_clock;
    constexpr std::chrono::hours century{24 * 365 * 100};
    const Clock::time_point now = Clock::now();
    if (!(timeout > std::chrono::duration<Rep, Period>::zero())) {
        return now;
    }
    if (std::chrono::duration<double>(timeout) >= std::chrono::duration<double>(century)) {
        return now + century;
    }
    return now + std::chrono::ceil<Clock::duration>(timeout);
}

}  // namespace attune::inline ATTUNE_ABI::detail
