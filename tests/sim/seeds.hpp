#pragma once

#include "sim/plan.hpp"
#include "sim/simulation.hpp"
#include "sim/statistics.hpp"

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>

namespace attune_sim {

inline std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
    const char* const text = std::getenv(variable);
    return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

/// What the environment asks for: ATTUNE_SIM_SEEDS many, from ATTUNE_SIM_FIRST on, and with
/// ATTUNE_SIM_TRACE everything that happens printed.
struct Seeds {
    std::uint64_t first = number_from("ATTUNE_SIM_FIRST", 1);
    std::uint64_t many = number_from("ATTUNE_SIM_SEEDS",
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
                                     2'000
#else
                                     160
#endif
    );
    bool aloud = std::getenv("ATTUNE_SIM_TRACE") != nullptr;

    /// One of `parts` that are as good as equal.
    Seeds part(std::uint64_t number, std::uint64_t parts) const {
        Seeds seeds = *this;
        seeds.first = first + many * number / parts;
        seeds.many = first + many * (number + 1) / parts - seeds.first;
        return seeds;
    }
};

struct Sum {
    Statistics statistics{};
    std::uint64_t violations = 0;
};

/// Runs them all. For each that fails, a line that says how to see it again.
template <class Change>
Sum run_all(const Seeds& seeds, const std::string& test, Change change) {
    Sum sum;
    for (std::uint64_t seed = seeds.first; seed != seeds.first + seeds.many; ++seed) {
        Plan plan = plan_of(seed);
        change(plan);
        const Outcome outcome = Simulation(plan, seeds.aloud).run();
        sum.statistics += outcome.statistics;
        if (!outcome.is_good()) {
            ++sum.violations;
            std::cout << outcome.what << "; repeat: ATTUNE_SIM_TRACE=1 ATTUNE_SIM_SEEDS=1"
                      << " ATTUNE_SIM_FIRST=" << seed << " sim_tests --gtest_filter='" << test
                      << "'\n";
        }
    }
    return sum;
}

}  // namespace attune_sim
