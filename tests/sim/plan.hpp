#pragma once

#include "sim/clocks.hpp"
#include "sim/random.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace attune_sim {

/// The kinds of faults that a run can have.
enum class Fault : std::uint8_t {
    cut,
    isolate,
    split,
    strand,
    swizzle,
    clog,
    weather,
    foreign_frames,
    crash,
    crash_in_write,
    kill,
    pause,
    clock_jump,
    clock_rate,
    slow_disk,
    failing_flush,
    full_disk,
    damage,
    lost_disk,
    transfer,
    client_crash,
    client_pause,
    count,
};

/// What a run is going to be like: drawn from its seed, a random part of all faults (swarm testing:
/// Groce et al., 2012), and limits so small that what is rare elsewhere is frequent here.
struct Plan {
    std::uint64_t seed = 0;
    std::size_t voters = 3;
    std::size_t clients = 3;
    std::uint64_t events = 1400;  ///< before everything heals

    std::chrono::milliseconds heartbeat{100};
    std::chrono::milliseconds election{500};
    std::size_t batch_bytes = 4096;
    std::size_t batch_entries = 16;
    std::size_t window = 4;
    std::size_t piece_bytes = 512;
    std::uint64_t snapshot_entries = 64;
    std::size_t snapshot_bytes = std::size_t{1} << 20;
    std::size_t pending = 64;
    std::size_t segment_size = 8192;
    std::chrono::milliseconds drift{100};
    std::chrono::milliseconds ttl{2000};
    std::chrono::milliseconds lock_delay{100};

    std::size_t locks = 2;
    Time think{};  ///< at most, between what a client does
    Time hold{};
    Time patience{};
    bool forces = false;  ///< somebody takes locks away
    bool exclusive_only = false;

    std::array<bool, static_cast<std::size_t>(Fault::count)> faults{};
    Time gap{};  ///< at most, between two faults
    /// All clocks are right within what the leases allow for: only then do they bound each other.
    bool honest_clocks = true;
    bool reorders = false;
    unsigned loss = 0;  ///< of a thousand
    unsigned repeats = 0;
    Time delay{};  ///< at most
    Time flush{};  ///< at most
    /// Any number of disks may be damaged: then nobody has to answer, but nobody may lie.
    bool beyond_budget = false;
    /// Judges what comes of it alone, and not what each member does on its way there.
    bool only_consequences = false;

    bool has(Fault fault) const noexcept { return faults[static_cast<std::size_t>(fault)]; }
};

inline Plan plan_of(std::uint64_t seed) {
    using namespace std::chrono_literals;
    Random random(seed);
    Plan plan;
    plan.seed = seed;
    const std::size_t voters[] = {1, 3, 3, 3, 3, 3, 5, 5};
    plan.voters = voters[random.below(8)];
    plan.clients = random.between<std::size_t>(1, 4);
    plan.election = std::chrono::milliseconds{random.between(100, 600)};
    plan.heartbeat = plan.election / random.between(2, 5);
    plan.batch_bytes = random.chance(300) ? 64 : 4096;
    plan.batch_entries = random.between<std::size_t>(1, 16);
    plan.window = random.between<std::size_t>(1, 8);
    plan.piece_bytes = random.chance(500) ? random.between<std::size_t>(64, 512) : 4096;
    plan.snapshot_entries = random.chance(600) ? random.between<std::uint64_t>(6, 40) : 100'000;
    plan.pending = random.chance(200) ? 3 : 64;
    plan.segment_size = std::size_t{4096} << random.below(3);
    plan.drift = std::chrono::milliseconds{random.between(20, 200)};
    plan.ttl = std::chrono::milliseconds{random.between(6, 20)} * plan.election.count() / 2;
    plan.lock_delay = random.chance(500) ? 0ms : std::chrono::milliseconds{random.between(1, 500)};
    plan.locks = random.between<std::size_t>(1, 4);
    plan.think = random.between(Time{5ms}, Time{400ms});
    plan.hold = random.between(Time{5ms}, Time{800ms});
    plan.patience = random.between(Time{20ms}, Time{1500ms});
    plan.forces = random.chance(200);
    const unsigned share = random.between(150u, 700u);
    for (bool& fault : plan.faults) {
        fault = random.chance(share);
    }
    plan.gap = random.between(Time{plan.election} / 4, Time{plan.election} * 3);
    plan.honest_clocks = random.chance(600);
    plan.reorders = random.chance(400);
    plan.loss = random.chance(400) ? random.between(1u, 200u) : 0;
    plan.repeats = random.chance(400) ? random.between(1u, 200u) : 0;
    plan.delay =
        random.chance(300) ? Time{plan.election} / 4 : random.between(Time{1ms}, Time{20ms});
    plan.flush =
        random.chance(300) ? Time{plan.election} / 4 : random.between(Time{100us}, Time{10ms});
    return plan;
}

}  // namespace attune_sim
