#pragma once

#include <attune/version.hpp>

#include <chrono>
#include <functional>

namespace attune::inline ATTUNE_ABI {

/// How long whoever has failed waits before the next attempt.
struct BackOffLimits {
    std::chrono::milliseconds first{100};       ///< at most so long after the first failure
    std::chrono::milliseconds longest{30'000};  ///< at most so long after any
};

namespace net {

/// The pauses between attempts: each is chosen at random between nothing and a bound, which doubles
/// from one failure to the next ("full jitter"), so that many who failed together do not come back
/// together. https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
class BackOff {
public:
    /// A number in [0, 1).
    using Random = std::function<double()>;

    ATTUNE_DECL explicit BackOff(BackOffLimits limits, Random random);

    /// The pause after one more failure.
    ATTUNE_DECL std::chrono::milliseconds next();
    /// The same, and at once with the longest bound: for what time alone will not repair. Between
    /// half of it and all, since several in a row should not come quickly either.
    ATTUNE_DECL std::chrono::milliseconds longest();
    /// After a success.
    void reset() noexcept { bound_ = limits_.first; }

private:
    const BackOffLimits limits_;
    const Random random_;
    std::chrono::milliseconds bound_;
};

/// Numbers in [0, 1) from a generator of its own, seeded by the system.
ATTUNE_DECL BackOff::Random system_random();

}  // namespace net
}  // namespace attune::inline ATTUNE_ABI

#if ATTUNE_HEADER_ONLY
#include <attune/net/impl/back_off.ipp>
#endif
