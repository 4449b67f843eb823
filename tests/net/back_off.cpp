#include <attune/net/back_off.hpp>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <chrono>
#include <cstdint>
#include <vector>

namespace {

using attune::BackOffLimits;
using attune::net::BackOff;
using std::chrono::milliseconds;

std::vector<std::int64_t> pauses(BackOff& back_off, int count) {
    std::vector<std::int64_t> pauses;
    for (int i = 0; i != count; ++i) {
        pauses.push_back(back_off.next().count());
    }
    return pauses;
}

TEST(BackOff, doubles_its_bound_up_to_the_longest) {
    BackOff back_off{{}, [] { return 1.0; }};
    EXPECT_EQ(pauses(back_off, 11), (std::vector<std::int64_t>{100, 200, 400, 800, 1600, 3200, 6400,
                                                               12800, 25600, 30000, 30000}));
}

TEST(BackOff, chooses_between_nothing_and_the_bound) {
    double random = 0;
    BackOff back_off{{}, [&] { return random; }};
    EXPECT_EQ(back_off.next(), milliseconds{0});
    random = 0.5;
    EXPECT_EQ(back_off.next(), milliseconds{100});
    random = 0.25;
    EXPECT_EQ(back_off.next(), milliseconds{100});
}

TEST(BackOff, begins_again_after_a_success) {
    BackOff back_off{{}, [] { return 1.0; }};
    pauses(back_off, 5);
    back_off.reset();
    EXPECT_EQ(back_off.next(), milliseconds{100});
}

TEST(BackOff, goes_to_the_longest_at_once_when_asked) {
    double random = 0;
    BackOff back_off{{}, [&] { return random; }};
    EXPECT_EQ(back_off.longest(), milliseconds{15'000});
    random = 1;
    EXPECT_EQ(back_off.longest(), milliseconds{30'000});
    EXPECT_EQ(back_off.next(), milliseconds{30'000});
}

RC_GTEST_PROP(BackOffLaws, any_limits_give_pauses_within_them,
              (std::int64_t first, std::int64_t longest)) {
    const auto random = [] { return *rc::gen::inRange(0, 1000) / 1000.0; };
    BackOff back_off{{.first = milliseconds{first}, .longest = milliseconds{longest}}, random};
    const std::int64_t most = longest < 1 ? 1 : longest;
    for (const std::int64_t pause : pauses(back_off, 80)) {
        RC_ASSERT(pause >= 0);
        RC_ASSERT(pause <= most);
    }
}

TEST(BackOff, draws_from_the_whole_range_by_default) {
    const auto random = attune::net::system_random();
    double least = 1;
    double most = 0;
    for (int i = 0; i != 1000; ++i) {
        const double drawn = random();
        EXPECT_GE(drawn, 0);
        EXPECT_LT(drawn, 1);
        least = drawn < least ? drawn : least;
        most = drawn > most ? drawn : most;
    }
    EXPECT_LT(least, 0.1);
    EXPECT_GT(most, 0.9);
}

}  // namespace
