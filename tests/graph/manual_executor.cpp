#include <attune/graph/manual_executor.hpp>

#include <attune/graph/executor.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <thread>
#include <type_traits>
#include <vector>

namespace {

using namespace std::chrono_literals;
using attune::ManualExecutor;

static_assert(attune::ExecutorLike<ManualExecutor>);
static_assert(std::is_same_v<attune::manual_executor, ManualExecutor>);

TEST(ManualExecutor, runs_nothing_until_it_is_asked_and_then_the_oldest_first) {
    const ManualExecutor executor;
    std::vector<int> ran;
    executor.execute([&] { ran.push_back(1); });
    executor.execute([&] { ran.push_back(2); });
    EXPECT_TRUE(ran.empty());
    EXPECT_EQ(executor.pending(), 2u);
    EXPECT_TRUE(executor.run_one());
    EXPECT_EQ(ran, (std::vector{1}));
    EXPECT_TRUE(executor.run_one());
    EXPECT_FALSE(executor.run_one());
    EXPECT_EQ(ran, (std::vector{1, 2}));
}

TEST(ManualExecutor, copies_share_one_queue) {
    ManualExecutor executor;
    const ManualExecutor copy = executor;
    const ManualExecutor moved = std::move(executor);
    int runs = 0;
    copy.execute([&] { ++runs; });
    EXPECT_EQ(moved.pending(), 1u);
    EXPECT_EQ(executor.run_all(), 1u);  // moving copies, too
    EXPECT_EQ(runs, 1);
}

TEST(ManualExecutor, run_all_runs_what_work_adds_and_counts_it) {
    const ManualExecutor executor;
    int runs = 0;
    executor.execute([&] {
        ++runs;
        executor.execute([&] {
            ++runs;
            executor.execute([&] { ++runs; });
        });
    });
    EXPECT_EQ(executor.run_all(), 3u);
    EXPECT_EQ(runs, 3);
    EXPECT_EQ(executor.run_all(), 0u);
}

TEST(ManualExecutor, run_until_stops_at_the_condition_and_leaves_the_rest) {
    const ManualExecutor executor;
    int runs = 0;
    for (int i = 0; i != 5; ++i) {
        executor.execute([&] { ++runs; });
    }
    EXPECT_TRUE(executor.run_until([&] { return runs == 2; }));
    EXPECT_EQ(executor.pending(), 3u);
    EXPECT_FALSE(executor.run_until([&] { return runs == 9; }));
    EXPECT_EQ(runs, 5);
    EXPECT_TRUE(executor.run_until([] { return true; }));
}

TEST(ManualExecutor, run_until_gives_up_when_nobody_adds_work_in_time) {
    const ManualExecutor executor;
    int asked = 0;
    EXPECT_FALSE(executor.run_until([&] { return ++asked == 9; }, 0ms));
    EXPECT_TRUE(executor.run_until([&] { return ++asked >= 3; }, -1s));
}

TEST(ManualExecutor, what_work_throws_leaves_the_function_that_runs_it_and_the_rest_stays) {
    const ManualExecutor executor;
    int runs = 0;
    executor.execute([] { throw std::runtime_error{"no"}; });
    executor.execute([&] { ++runs; });
    EXPECT_THROW((void)executor.run_all(), std::runtime_error);
    EXPECT_EQ(executor.run_all(), 1u);
    EXPECT_EQ(runs, 1);
}

TEST(ManualExecutor, may_be_destroyed_by_its_own_work_and_with_work_pending) {
    auto executor = std::make_unique<ManualExecutor>();
    auto token = std::make_shared<int>(0);
    const std::weak_ptr<int> watched = token;
    executor->execute([&] { executor.reset(); });
    executor->execute([kept = std::move(token)] {});
    EXPECT_TRUE(executor->run_one());
    EXPECT_EQ(executor, nullptr);
    EXPECT_TRUE(watched.expired());
}

TEST(ManualExecutorThreads, run_until_waits_for_work_of_other_threads) {
    const ManualExecutor executor;
    const auto here = std::this_thread::get_id();
    int runs = 0;
    bool elsewhere = false;
    std::thread producer{[executor, &runs, &elsewhere, here] {
        for (int i = 0; i != 100; ++i) {
            executor.execute([&runs, &elsewhere, here] {
                ++runs;
                elsewhere = elsewhere || std::this_thread::get_id() != here;
            });
        }
    }};
    EXPECT_TRUE(executor.run_until([&] { return runs == 100; }, 20s));
    EXPECT_FALSE(elsewhere);
    producer.join();
}

TEST(ManualExecutorThreads, several_threads_share_the_work_and_none_is_lost_or_run_twice) {
    const ManualExecutor executor;
    std::atomic<int> runs{0};
    std::vector<std::thread> threads;
    for (int t = 0; t != 2; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i != 500; ++i) {
                executor.execute([&] { ++runs; });
            }
        });
        threads.emplace_back([&] {
            (void)executor.run_until([&] { return runs >= 1000; }, 20s);
            // The other runner may wait for a piece that it will not get.
            executor.execute([] {});
        });
    }
    for (auto& thread : threads) {
        thread.join();
    }
    EXPECT_EQ(runs, 1000);
}

}  // namespace
