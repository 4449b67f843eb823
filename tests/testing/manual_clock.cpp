#include <attune/testing/manual_clock.hpp>

#include <attune/store/store.hpp>
#include <attune/testing/flaky_transport.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>
#include <thread>

namespace {

using namespace std::chrono_literals;
using attune::testing::FlakyTransport;
using attune::testing::ManualClock;

TEST(ManualClock, begins_on_a_known_day_and_stands_still) {
    const ManualClock clock;
    const auto begin = clock.now();
    EXPECT_EQ(std::chrono::system_clock::to_time_t(begin), 946'684'800);
    EXPECT_EQ(clock.steady_now(), std::chrono::steady_clock::time_point{});
    EXPECT_EQ(clock.now(), begin);
    EXPECT_EQ(ManualClock{begin + 1h}.now(), begin + 1h);
}

TEST(ManualClock, advances_both_times_and_copies_share_them) {
    const ManualClock clock;
    const ManualClock copy = clock;
    const auto begin = clock.now();
    copy.advance(90s);
    EXPECT_EQ(clock.now(), begin + 90s);
    EXPECT_EQ(clock(), begin + 90s);
    EXPECT_EQ(clock.steady_now().time_since_epoch(), 90s);
    EXPECT_THROW(clock.advance(-1ns), std::invalid_argument);
}

TEST(ManualClock, can_be_set_back_without_moving_the_steady_time) {
    const ManualClock clock;
    clock.advance(1h);
    clock.set(clock.now() - 2h);
    EXPECT_EQ(clock.now(), ManualClock{}.now() - 1h);
    EXPECT_EQ(clock.steady_now().time_since_epoch(), 1h);
}

TEST(ManualClock, gives_the_times_of_versions) {
    const ManualClock clock;
    attune::Store store{{.clock = clock}};
    const auto begin = clock.now();
    store.set("a", 1);
    clock.advance(5s);
    store.set("a", 2);
    clock.advance(5s);
    EXPECT_EQ(store.snapshot(1).time(), begin);
    EXPECT_EQ(store.snapshot(2).time(), begin + 5s);
    EXPECT_EQ(store.status().published, begin + 5s);
}

TEST(ManualClock, gives_the_times_of_layer_states) {
    const ManualClock clock;
    attune::Store store{{.clock = clock}};
    const auto begin = clock.now();
    const FlakyTransport source;
    const attune::Layer layer = store.add(source.transport());
    EXPECT_EQ(layer.status().since, begin);
    clock.advance(10s);
    source.poll();
    EXPECT_EQ(layer.status().since, begin);
    EXPECT_EQ(layer.status().last_success, begin + 10s);
    clock.advance(10s);
    source.fail("gone", 2);
    source.poll();
    clock.advance(10s);
    source.poll();
    EXPECT_EQ(layer.status().state, attune::State::stale);
    EXPECT_EQ(layer.status().since, begin + 20s);
    EXPECT_EQ(layer.status().last_success, begin + 10s);
    clock.advance(10s);
    source.poll();
    EXPECT_EQ(layer.status().state, attune::State::ready);
    EXPECT_EQ(layer.status().since, begin + 40s);
}

TEST(ManualClockThreads, may_be_read_while_it_is_moved) {
    const ManualClock clock;
    std::thread mover{[clock] {
        for (int i = 0; i != 1000; ++i) {
            clock.advance(1ms);
        }
    }};
    auto last = clock.steady_now();
    bool backwards = false;
    while (last.time_since_epoch() < 1s) {
        const auto now = clock.steady_now();
        backwards = backwards || now < last;
        last = now;
    }
    mover.join();
    EXPECT_FALSE(backwards);
}

}  // namespace
