#pragma once

#include "sim/event_heap.hpp"
#include "sim/history.hpp"
#include "sim/network.hpp"
#include "sim/plan.hpp"
#include "sim/random.hpp"
#include "sim/statistics.hpp"
#include "sim/trace.hpp"

#include <attune/quorum/replica.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>

namespace attune_sim {

/// What all parts of a simulation share.
struct World {
    World(const Plan& plan_of_it, bool aloud)
        : plan(plan_of_it),
          random(Random::mix(plan_of_it.seed + 1)),
          network(heap, random.fork(), plan_of_it.voters + plan_of_it.clients + 2),
          trace(aloud) {}

    const Plan plan;
    Random random;
    EventHeap heap;
    Network network;
    Trace trace;
    Statistics statistics;
    History history{statistics};

    /// A request that a client sends, and the answers that come back to it, over the network.
    std::function<void(std::size_t member, std::size_t client, quorum::Request)> request{};
    std::function<void(std::size_t member, const quorum::Answer&)> answer{};

    Time now() const noexcept { return heap.now(); }
};

}  // namespace attune_sim
