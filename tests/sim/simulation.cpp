#include "sim/simulation.hpp"

#include "sim/seeds.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <iostream>
#include <string>

namespace simulation_test {
namespace {

using namespace attune_sim;

constexpr std::uint64_t shards = 8;

class Simulation : public testing::TestWithParam<std::uint64_t> {
protected:
    static std::string name() {
        const auto* const info = testing::UnitTest::GetInstance()->current_test_info();
        return std::string(info->test_suite_name()) + '.' + info->name();
    }
};

TEST_P(Simulation, keeps_all_promises_under_any_faults_and_recovers) {
    const Seeds seeds = Seeds{}.part(GetParam(), shards);
    const std::string any_shard = name().substr(0, name().find_last_of('/')) + "/*";
    const Sum sum = run_all(seeds, any_shard, [](Plan&) {});
    std::cout << "seeds " << seeds.many << ", " << sum.statistics.text() << '\n';
    EXPECT_EQ(sum.violations, 0u);
    // Too few of anything, and the run has shown nothing about it.
    EXPECT_EQ(sum.statistics.rarest(seeds.many / 25), "");
}

INSTANTIATE_TEST_SUITE_P(Seeds, Simulation, testing::Range(std::uint64_t{0}, shards),
                         testing::PrintToStringParamName());

TEST(SimulationRepeats, the_same_seed_to_the_same_trace) {
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        const Outcome one = attune_sim::Simulation(plan_of(seed)).run();
        const Outcome two = attune_sim::Simulation(plan_of(seed)).run();
        ASSERT_EQ(one.trace, two.trace) << "seed " << seed;
        ASSERT_NE(one.trace, attune_sim::Simulation(plan_of(seed + 1)).run().trace);
    }
}

TEST(SimulationBeyondBudget, refuses_and_never_lies_when_any_number_of_disks_is_damaged) {
    const Seeds seeds = Seeds{}.part(0, 4);
    const Sum sum = run_all(seeds, "SimulationBeyondBudget.*", [](Plan& plan) {
        plan.beyond_budget = true;
        plan.faults[static_cast<std::size_t>(Fault::damage)] = true;
        plan.faults[static_cast<std::size_t>(Fault::lost_disk)] = plan.seed % 2 == 0;
    });
    EXPECT_EQ(sum.violations, 0u);
    EXPECT_GE(sum.statistics[Count::damages], seeds.many);
    EXPECT_GE(sum.statistics[Count::refusals], seeds.many / 2);
}

}  // namespace
}  // namespace simulation_test
