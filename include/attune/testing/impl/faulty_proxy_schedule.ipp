#pragma once

#include <attune/testing/faulty_proxy.hpp>

#include <algorithm>
#include <array>
#include <random>

namespace attune::inline ATTUNE_ABI::testing {

namespace detail {

/// Draws the faults of one period. The engine's numbers are fixed by the standard; those of its
/// distributions are not, and are not used.
class FaultDraw {
public:
    explicit FaultDraw(std::uint64_t seed) : engine_(seed) {}

    /// From 0 up to, and without, `end`.
    std::uint64_t below(std::uint64_t end) { return engine_() % end; }

    FaultPeriod period() {
        FaultPeriod drawn;
        OneWayFaults& way = below(2) == 0 ? drawn.faults.to_server : drawn.faults.to_client;
        // A request's line, somewhere in a header, or in a body.
        constexpr std::array<std::uint64_t, 4> depths{1, 40, 400, 4'000};
        const auto depth = static_cast<std::size_t>(below(depths[below(depths.size())]));
        switch (below(10)) {
        case 0: drawn.faults.refuse = true; break;
        case 1: drawn.cut = true; break;
        case 2: drawn.cut = drawn.faults.refuse = true; break;
        case 3: way.hold = true; break;
        case 4: way.swallow = true; break;
        case 5:
            way.cut_after = depth;
            way.ending = below(2) == 0 ? Ending::close : Ending::reset;
            break;
        case 6: way.garbage_after = depth; break;
        case 7:
            way.delay = std::chrono::microseconds{below(20'000)};
            way.jitter = std::chrono::microseconds{below(20'000)};
            break;
        case 8: way.bandwidth = 500 + static_cast<std::size_t>(below(50'000)); break;
        default: break;  // without a fault
        }
        return drawn;
    }

private:
    std::mt19937_64 engine_;
};

}  // namespace detail

ATTUNE_DECL std::vector<FaultPeriod> fault_schedule(std::uint64_t seed,
                                                    const FaultScheduleOptions& options) {
    using std::chrono::milliseconds;
    detail::FaultDraw draw{seed};
    const milliseconds shortest = std::max(options.shortest, milliseconds{1});
    const milliseconds spread = std::max(options.longest - shortest, milliseconds{0});
    std::vector<FaultPeriod> schedule;
    for (milliseconds left = options.total; left > milliseconds{0};) {
        FaultPeriod period = draw.period();
        const auto more = draw.below(static_cast<std::uint64_t>(spread.count()) + 1);
        period.lasts = std::min(left, shortest + milliseconds{more});
        left -= period.lasts;
        schedule.push_back(period);
    }
    return schedule;
}

}  // namespace attune::inline ATTUNE_ABI::testing
