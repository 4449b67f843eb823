#pragma once

#include <attune/version.hpp>

#include <chrono>
#include <memory>

namespace attune::inline ATTUNE_ABI::testing {

/// A clock that moves when it is told to, and only then: `StoreOptions{.clock = clock}` makes the
/// times of versions and of layer states exact.
///
/// It has two faces, as real time has: a system time, which can also be set back, and a steady one,
/// which only advances. Copies share one clock. All functions may be called from any thread.
class ManualClock {
public:
    using System = std::chrono::system_clock;
    using Steady = std::chrono::steady_clock;

    /// Begins at `start`, by default on the first day of the year 2000, UTC; the steady time begins
    /// at zero.
    ATTUNE_DECL explicit ManualClock(System::time_point start = System::time_point{
                                         std::chrono::hours{24 * 10'957}});

    ATTUNE_DECL System::time_point now() const noexcept;
    ATTUNE_DECL Steady::time_point steady_now() const noexcept;
    /// The system time, for StoreOptions::clock.
    System::time_point operator()() const noexcept { return now(); }

    /// Moves both times on. Throws std::invalid_argument for a negative step.
    ATTUNE_DECL void advance(std::chrono::nanoseconds step) const;

    /// Sets the system time, forwards or backwards, as an administrator would. The steady time
    /// stays.
    ATTUNE_DECL void set(System::time_point time) const noexcept;

private:
    struct Time;
    std::shared_ptr<Time> time_;
};

}  // namespace attune::inline ATTUNE_ABI::testing

#if ATTUNE_HEADER_ONLY
#include <attune/testing/impl/manual_clock.ipp>
#endif
