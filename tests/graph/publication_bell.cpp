#include <attune/graph/publication_bell.hpp>

#include <attune/graph/deadline.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <limits>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using attune::detail::deadline_after;
using attune::detail::PublicationBell;

TEST(Deadline, of_an_endless_timeout_is_far_away_and_of_a_negative_one_is_now) {
    const auto now = std::chrono::steady_clock::now();
    EXPECT_GT(deadline_after(std::chrono::hours::max()), now + 24h);
    EXPECT_GT(deadline_after(std::chrono::nanoseconds::max()), now + 24h);
    EXPECT_GT(
        deadline_after(std::chrono::duration<double>{std::numeric_limits<double>::infinity()}),
        now + 24h);
    EXPECT_LT(deadline_after(std::chrono::hours::min()), now + 24h);
    EXPECT_GE(deadline_after(1ns), now + 1ns);
    EXPECT_GE(deadline_after(std::chrono::duration<double>{0.25}), now + 250ms);
}

TEST(PublicationBell, asks_once_when_there_is_no_time) {
    PublicationBell bell;
    int asked = 0;
    EXPECT_FALSE(bell.wait(deadline_after(0s), [&] {
        ++asked;
        return false;
    }));
    EXPECT_EQ(asked, 1);
    EXPECT_TRUE(bell.wait(deadline_after(0s), [] { return true; }));
}

TEST(PublicationBell, asks_again_after_a_ring_that_came_while_it_was_asking) {
    PublicationBell bell;
    int asked = 0;
    EXPECT_TRUE(bell.wait(deadline_after(20s), [&] {
        bell.ring();
        return ++asked == 5;
    }));
}

TEST(PublicationBell, sends_everybody_away_when_it_closes) {
    PublicationBell bell;
    EXPECT_FALSE(bell.wait(deadline_after(20s), [&] {
        bell.close();
        return false;
    }));
    EXPECT_TRUE(bell.wait(deadline_after(20s), [] { return true; }));
}

TEST(PublicationBell, lets_go_of_a_waiter_whose_check_throws) {
    PublicationBell bell;
    EXPECT_THROW((void)bell.wait(deadline_after(20s), []() -> bool { throw 1; }), int);
    bell.ring();
}

// Each waiter needs each number: a single wake-up lost would run into the deadline.
TEST(PublicationBellThreads, loses_no_wake_up) {
    PublicationBell bell;
    constexpr int rounds = 3000;
    std::atomic<int> published{0};
    std::atomic<int> answered{0};
    std::atomic<int> lost{0};
    std::vector<std::thread> waiters;
    for (int w = 0; w != 2; ++w) {
        waiters.emplace_back([&] {
            for (int i = 1; i <= rounds; ++i) {
                if (!bell.wait(deadline_after(20s),
                               [&] { return published.load(std::memory_order_acquire) >= i; })) {
                    ++lost;
                }
                ++answered;
                answered.notify_one();
            }
        });
    }
    for (int i = 1; i <= rounds; ++i) {
        published.store(i, std::memory_order_seq_cst);
        bell.ring();
        for (int seen = answered; seen < 2 * i; seen = answered) {
            answered.wait(seen);
        }
    }
    for (auto& waiter : waiters) {
        waiter.join();
    }
    EXPECT_EQ(lost, 0);
}

}  // namespace
