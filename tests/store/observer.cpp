#include <attune/store/observer.hpp>

#include <attune/graph/manual_executor.hpp>
#include <attune/store/derive.hpp>
#include <attune/store/store.hpp>
#include <attune/transport/memory.hpp>

#include "fake_transport.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using attune::Change;
using attune::Deliver;
using attune::Lag;
using attune::ManualExecutor;
using attune::Store;

constexpr auto patience = 20s;

/// A step as an observer saw it.
struct Step {
    int before;
    int after;
    attune::Version version;
    friend bool operator==(const Step&, const Step&) = default;
};
using Steps = std::vector<Step>;

auto into(Steps& steps) {
    return [&](const Change<int>& change) {
        steps.push_back({*change.before, *change.after, change.version});
    };
}

/// A store with one value, and an observer of rejections that is told at once.
struct Fixture {
    Store store;
    attune::Config<int> a = store.bind<int>("a");
    ManualExecutor executor;
    std::vector<std::string> reports;
    std::vector<attune::Severity> severities;
    attune::Subscription rejected =
        store.on_rejected(attune::inline_executor, [this](const attune::Rejection& rejection) {
            reports.push_back(to_string(rejection));
            severities.push_back(rejection.problems.at(0).severity);
        });

    explicit Fixture(attune::StoreOptions options = {}) : store(std::move(options)) {}
    void set(int first, int last) {
        for (int i = first; i <= last; ++i) {
            store.set("a", i);
        }
    }
};

class Delivering : public testing::Test, public Fixture {};

TEST_F(Delivering, the_latest_wins_unless_every_version_is_asked_for) {
    Steps latest;
    Steps every;
    const auto one = a.on_change(executor, into(latest));
    const auto all = a.on_change(executor, into(every), {.deliver = Deliver::every_version});
    set(1, 3);
    executor.run_all();
    EXPECT_EQ(latest, (Steps{{0, 3, 3}}));
    EXPECT_EQ(every, (Steps{{0, 1, 1}, {1, 2, 2}, {2, 3, 3}}));
}

TEST_F(Delivering, a_value_that_has_returned_is_told_only_where_every_version_is) {
    Steps latest;
    Steps every;
    const auto one = a.on_change(executor, into(latest));
    const auto all = a.on_change(executor, into(every), {.deliver = Deliver::every_version});
    store.set("a", 5);
    store.set("a", 0);
    executor.run_all();
    EXPECT_TRUE(latest.empty());
    EXPECT_EQ(every, (Steps{{0, 5, 1}, {5, 0, 2}}));
    EXPECT_TRUE(store.settle(0s));
}

TEST_F(Delivering, versions_that_do_not_change_the_value_are_not_told) {
    Steps every;
    const auto b = store.bind<int>("b");
    const auto all = a.on_change(executor, into(every), {.deliver = Deliver::every_version});
    store.set("b", 1);
    store.set("a", 1);
    store.set("b", 2);
    executor.run_all();
    EXPECT_EQ(every, (Steps{{0, 1, 2}}));
}

TEST_F(Delivering, apply_begins_with_the_current_value_in_either_way) {
    std::vector<int> seen;
    std::vector<int> on_notifier;
    set(1, 1);
    const auto all = a.apply(executor, [&](int value) { seen.push_back(value); },
                             {.deliver = Deliver::every_version});
    const auto other = a.apply([&](int value) { on_notifier.push_back(value); },
                               {.deliver = Deliver::every_version});
    set(2, 4);
    executor.run_all();
    EXPECT_EQ(seen, (std::vector{1, 2, 3, 4}));
    EXPECT_TRUE(store.settle(patience));
    EXPECT_EQ(on_notifier, (std::vector{1, 2, 3, 4}));
}

TEST_F(Delivering, an_inline_observer_that_writes_is_told_of_each_of_its_writes_in_order) {
    Steps every;
    const auto all = a.on_change(attune::inline_executor,
                                 [&](const Change<int>& change) {
                                     into(every)(change);
                                     if (*change.after < 3) {
                                         store.set("a", *change.after + 1);
                                     }
                                 },
                                 {.deliver = Deliver::every_version});
    set(1, 1);
    EXPECT_EQ(every, (Steps{{0, 1, 1}, {1, 2, 2}, {2, 3, 3}}));
}

TEST_F(Delivering, a_generic_callback_gets_the_value_or_the_change_by_the_function_it_is_given_to) {
    int applied = -1;
    int changed = -1;
    const auto one = a.apply(attune::inline_executor, [&](const auto& value) { applied = value; });
    const auto two =
        a.on_change(attune::inline_executor, [&](const auto& change) { changed = *change.after; });
    set(3, 3);
    EXPECT_EQ(applied, 3);
    EXPECT_EQ(changed, 3);
}

TEST_F(Delivering, settle_waits_for_each_version_that_is_owed) {
    Steps every;
    const auto all = a.on_change(executor, into(every), {.deliver = Deliver::every_version});
    const auto first = store.set("a", 1);
    const auto second = store.set("a", 2);
    executor.run_one();
    EXPECT_TRUE(first.settle(0s));
    EXPECT_FALSE(second.settle(0s));
    EXPECT_FALSE(store.settle(0s));
    executor.run_one();
    EXPECT_TRUE(second.settle(0s));
}

TEST_F(Delivering, lag_counts_what_waits) {
    Steps steps;
    auto latest = a.on_change(executor, into(steps));
    const auto every = a.on_change(executor, into(steps), {.deliver = Deliver::every_version});
    EXPECT_EQ(latest.lag(), (Lag{0, 0}));
    EXPECT_EQ(every.lag(), (Lag{0, 0}));
    set(1, 3);
    EXPECT_EQ(latest.lag(), (Lag{1, 0}));
    EXPECT_EQ(every.lag(), (Lag{3, 0}));
    executor.run_all();
    EXPECT_EQ(every.lag(), (Lag{0, 0}));
    set(4, 4);
    latest.cancel();
    EXPECT_EQ(latest.lag(), (Lag{0, 0}));
    EXPECT_EQ(attune::Subscription{}.lag(), (Lag{0, 0}));
}

TEST_F(Delivering, a_change_that_is_being_told_does_not_wait) {
    Lag inside;
    attune::Subscription all;
    all = a.on_change(executor, [&](const Change<int>&) { inside = all.lag(); },
                      {.deliver = Deliver::every_version});
    set(1, 2);
    executor.run_one();
    EXPECT_EQ(inside, (Lag{1, 0}));
}

TEST_F(Delivering, a_full_queue_merges_the_oldest_into_the_next_and_counts_it) {
    Steps every;
    const auto all =
        a.on_change(executor, into(every), {.deliver = Deliver::every_version, .queue = 2});
    set(1, 5);
    EXPECT_EQ(all.lag(), (Lag{2, 3}));
    executor.run_all();
    EXPECT_EQ(every, (Steps{{0, 4, 4}, {4, 5, 5}}));
    EXPECT_EQ(store.status().dropped_changes, 3u);
    EXPECT_TRUE(store.settle(0s));
}

TEST_F(Delivering, a_queue_of_none_is_one_of_one) {
    Steps every;
    const auto all =
        a.on_change(executor, into(every), {.deliver = Deliver::every_version, .queue = 0});
    const auto first = store.set("a", 1);
    store.set("a", 2);
    EXPECT_FALSE(first.settle(0s));
    executor.run_all();
    EXPECT_TRUE(first.settle(0s));
    EXPECT_EQ(every, (Steps{{0, 2, 2}}));
}

TEST_F(Delivering, an_overflow_is_reported_once_until_the_observer_has_caught_up) {
    Steps every;
    const auto all =
        a.on_change(executor, into(every), {.deliver = Deliver::every_version, .queue = 2});
    set(1, 2);
    EXPECT_TRUE(reports.empty());
    set(3, 9);
    ASSERT_EQ(reports.size(), 1u);
    executor.run_one();  // one of two: still behind
    set(20, 29);
    EXPECT_EQ(reports.size(), 1u);
    executor.run_all();
    set(30, 39);
    EXPECT_EQ(reports.size(), 2u);
}

TEST_F(Delivering, the_report_of_an_overflow_names_the_observer_and_the_way_out_but_no_value) {
    const auto all = a.on_change(executor, [](const Change<int>&) {},
                                 {.deliver = Deliver::every_version, .queue = 1, .name = "audit"});
    set(774411, 774413);
    ASSERT_EQ(reports.size(), 1u);
    EXPECT_EQ(severities.at(0), attune::Severity::warning);
    EXPECT_NE(reports[0].find("observer \"audit\""), std::string::npos) << reports[0];
    EXPECT_NE(reports[0].find("ObserveOptions::queue"), std::string::npos) << reports[0];
    EXPECT_EQ(reports[0].find("7744"), std::string::npos) << reports[0];
    EXPECT_NE(to_string(store.status()).find("2 dropped changes"), std::string::npos);
}

TEST_F(Delivering, derived_values_are_delivered_and_reported_like_bound_ones) {
    Steps every;
    const auto twice = a.map([](int value) { return 2 * value; }).named("twice");
    const auto all = twice.on_change(executor, into(every), {.deliver = Deliver::every_version});
    const auto bad = twice.on_change(attune::inline_executor,
                                     [](const Change<int>&) { throw std::runtime_error{"no"}; });
    set(1, 3);
    executor.run_all();
    EXPECT_EQ(every, (Steps{{0, 2, 1}, {2, 4, 2}, {4, 6, 3}}));
    ASSERT_EQ(reports.size(), 3u);
    EXPECT_NE(reports[0].find("observer of \"twice\" threw"), std::string::npos);
}

TEST_F(Delivering, latest_never_overflows) {
    Steps steps;
    const auto latest = a.on_change(executor, into(steps), {.queue = 1});
    set(1, 50);
    EXPECT_TRUE(reports.empty());
    EXPECT_EQ(latest.lag(), (Lag{1, 0}));
}

TEST_F(Delivering, a_name_replaces_the_path_in_reports) {
    const auto unnamed = a.on_change(attune::inline_executor,
                                     [](const Change<int>&) { throw std::runtime_error{"first"}; });
    const auto named = a.on_change(attune::inline_executor,
                                   [](const Change<int>&) { throw std::runtime_error{"second"}; },
                                   {.name = "resizer"});
    set(1, 1);
    ASSERT_EQ(reports.size(), 2u);
    EXPECT_NE(reports[0].find("observer of \"a\" threw: first"), std::string::npos);
    EXPECT_NE(reports[1].find("observer \"resizer\" threw: second"), std::string::npos);
}

// The report of a rejection observer would go to itself; no name that a user gives means that.
TEST_F(Delivering, an_observer_that_is_called_on_rejected_is_reported_like_any_other) {
    const auto named = a.on_change(attune::inline_executor,
                                   [](const Change<int>&) { throw std::runtime_error{"no"}; },
                                   {.name = "on_rejected"});
    set(1, 1);
    EXPECT_EQ(reports.size(), 1u);
}

TEST(Rejections, are_not_swallowed_by_a_later_success) {
    Store store;
    const FakeTransport file;
    const auto layer = store.add(file.make());
    const auto a = store.bind<int>("a");
    const ManualExecutor executor;
    std::vector<std::string> reports;
    const auto rejected = store.on_rejected(executor, [&](const attune::Rejection& rejection) {
        reports.push_back(rejection.problems.at(0).message + rejection.problems.at(0).expected);
    });
    file.fail("gone");
    file.bring({{"a", 1}});
    file.bring({{"a", "nonsense"}});
    file.bring({{"a", 2}});
    EXPECT_EQ(layer.status().state, attune::State::ready);
    EXPECT_EQ(rejected.lag(), (Lag{2, 0}));
    executor.run_all();
    ASSERT_EQ(reports.size(), 2u);
    EXPECT_EQ(reports[0], "gone");
    EXPECT_NE(reports[1].find("integer"), std::string::npos);
    EXPECT_EQ(a.get(), 2);
}

TEST_F(Delivering, an_executor_that_nobody_runs_hangs_nothing) {
    {
        const ManualExecutor forgotten;
        auto subscription = a.on_change(forgotten, [](const Change<int>&) {});
        set(1, 3);
        EXPECT_FALSE(store.settle(1ms));
        std::thread elsewhere{[&] { subscription.cancel(); }};
        elsewhere.join();
        EXPECT_TRUE(store.settle(0s));
        EXPECT_EQ(forgotten.pending(), 1u);
        EXPECT_EQ(forgotten.run_all(), 1u);
    }
    Steps steps;
    const auto kept = a.on_change(ManualExecutor{}, into(steps));
    set(4, 6);
    EXPECT_FALSE(store.settle(0s));
    EXPECT_TRUE(steps.empty());
}

TEST(Delivery, what_an_observer_is_told_stays_in_place_when_it_throws_or_keeps_it) {
    Fixture f;
    Steps seen;
    std::vector<Change<int>> kept;
    const auto observer = f.a.on_change(attune::inline_executor, [&](const Change<int>& change) {
        into(seen)(change);
        if (*change.after == 2) {
            throw std::runtime_error{"no"};
        }
        kept.push_back(change);
    });
    const auto by_value = f.a.on_change(attune::inline_executor, [&](Change<int> change) {
        kept.push_back(std::move(change));
    });
    f.store.set("a", 1);
    f.store.set("a", 2);
    f.store.set("a", 3);
    EXPECT_EQ(seen, (Steps{{0, 1, 1}, {1, 2, 2}, {2, 3, 3}}));
    ASSERT_EQ(kept.size(), 5u);
    EXPECT_EQ(*kept[4].before, 2);
    EXPECT_EQ(*kept[4].after, 3);
    EXPECT_EQ(kept[3].after, kept[4].after);  // one value for all
}

// The list of observers changes while a commit goes through it.
TEST(Delivery, observers_come_and_go_while_others_are_told) {
    Fixture f;
    std::vector<attune::Subscription> all(20);
    std::vector<int> calls(all.size());
    const auto add = [&](std::size_t i) {
        all[i] = f.a.on_change(attune::inline_executor, [&, i](const Change<int>&) { ++calls[i]; });
    };
    bool inside = false;
    const auto first = f.a.on_change(attune::inline_executor, [&](const Change<int>&) {
        if (std::exchange(inside, true)) {
            return;
        }
        for (std::size_t i = 0; i != 10; ++i) {
            all[i].cancel();
            add(10 + i);
        }
        f.store.set("a", 2);
    });
    for (std::size_t i = 0; i != 10; ++i) {
        add(i);
    }
    f.store.set("a", 1);
    for (std::size_t i = 0; i != 10; ++i) {
        EXPECT_EQ(calls[i], 0) << i;
        EXPECT_EQ(calls[10 + i], 1) << i;
    }
    EXPECT_TRUE(f.store.settle(0s));
    EXPECT_EQ(f.store.graph().at(0).observers, 11u);
}

TEST(Delivery, a_store_can_be_destroyed_while_work_is_pending) {
    const ManualExecutor executor;
    auto token = std::make_shared<int>(0);
    const std::weak_ptr<int> watched = token;
    attune::Subscription subscription;
    {
        Store store;
        const auto a = store.bind<int>("a");
        subscription =
            a.on_change(executor,
                        [token](const Change<int>&) { ADD_FAILURE() << "called after the end"; },
                        {.deliver = Deliver::every_version});
        token.reset();
        store.set("a", 1);
        store.set("a", 2);
    }
    EXPECT_TRUE(watched.expired());
    EXPECT_FALSE(subscription);
    EXPECT_EQ(executor.run_all(), 1u);
}

TEST(Delivery, pending_work_keeps_no_observer_alive) {
    const ManualExecutor executor;
    Store store;
    const auto a = store.bind<int>("a");
    auto token = std::make_shared<int>(0);
    const std::weak_ptr<int> watched = token;
    {
        const auto subscription = a.on_change(executor, [token](const Change<int>&) {});
        token.reset();
        store.set("a", 1);
    }
    EXPECT_TRUE(watched.expired());
    EXPECT_EQ(executor.pending(), 1u);
}

// Everything happens while the observer is held inside its call; what wakes the test is the report.
TEST(SlowObserverThreads, are_reported_once_while_they_still_run_and_listed_in_the_status) {
    Fixture f{{.slow_observer = 1ms}};
    std::promise<void> leave;
    auto left = leave.get_future().share();
    std::promise<std::string> reported;
    std::atomic<int> reports{0};
    const auto told =
        f.store.on_rejected(attune::inline_executor, [&](const attune::Rejection& rejection) {
            if (++reports == 1) {
                reported.set_value(to_string(rejection));
            }
        });
    const auto slow = f.a.on_change([&](const Change<int>&) { left.wait(); }, {.name = "writer"});
    f.set(1, 1);
    const std::string report = reported.get_future().get();
    EXPECT_NE(report.find("observer \"writer\" has been running for "), std::string::npos)
        << report;
    const auto status = f.store.status();
    ASSERT_EQ(status.slow_observers.size(), 1u);
    EXPECT_EQ(status.slow_observers[0].name, "writer");
    EXPECT_GE(status.slow_observers[0].running, 1ms);
    EXPECT_LE(status.slow_observers[0].since, std::chrono::system_clock::now());
    EXPECT_EQ(status.slow_calls, 1u);
    EXPECT_NE(to_string(status).find("slow observer \"writer\": running for "), std::string::npos);

    // Another slow one is told of, and the first is not told of again.
    std::promise<void> second_reported;
    const auto other_told =
        f.store.on_rejected(attune::inline_executor, [&](const attune::Rejection& rejection) {
            if (rejection.problems.at(0).message.find("\"second\"") != std::string::npos) {
                second_reported.set_value();
            }
        });
    std::thread second{[&] {
        const auto also =
            f.a.apply(attune::inline_executor, [&](int) { left.wait(); }, {.name = "second"});
    }};
    second_reported.get_future().wait();
    EXPECT_EQ(reports, 2);
    leave.set_value();
    second.join();
    EXPECT_TRUE(f.store.settle(patience));
    EXPECT_TRUE(f.store.status().slow_observers.empty());
    EXPECT_EQ(f.store.status().slow_calls, 2u);
}

TEST(SlowObserverThreads, a_slow_observer_of_rejections_is_counted_but_not_told_of_itself) {
    Store store{{.slow_observer = 1ms}};
    const FakeTransport file;
    store.add(file.make());
    const auto a = store.bind<int>("a");
    std::promise<void> leave;
    auto left = leave.get_future().share();
    std::atomic<int> calls{0};
    const auto rejected = store.on_rejected([&](const attune::Rejection&) {
        ++calls;
        left.wait();
    });
    file.fail("gone");
    while (store.status().slow_calls == 0) {
        std::this_thread::yield();  // nobody is told: that is the point
    }
    leave.set_value();
    ASSERT_TRUE(store.settle(patience));
    EXPECT_EQ(calls, 1);
}

TEST(SlowObserverThreads, a_store_may_be_destroyed_by_the_one_who_hears_of_a_slow_observer) {
    for (int round = 0; round != 10; ++round) {
        auto store = std::make_unique<Store>(attune::StoreOptions{.slow_observer = 100us});
        const auto a = store->bind<int>("a");
        std::promise<void> heard;
        auto told = heard.get_future().share();
        const auto rejected =
            store->on_rejected(attune::inline_executor, [&](const attune::Rejection&) {
                heard.set_value();
                store.reset();
            });
        const auto slow = a.on_change([told](const Change<int>&) { told.wait(); });
        {
            auto commit = store->set("a", 1);
            (void)commit;
        }
        told.wait();
    }
}

TEST(SlowObserverThreads, one_that_has_cancelled_itself_is_found_all_the_same) {
    Store store{{.slow_observer = 1ms}};
    const auto a = store.bind<int>("a");
    std::promise<void> reported;
    const auto told = store.on_rejected(attune::inline_executor,
                                        [&](const attune::Rejection&) { reported.set_value(); });
    attune::Subscription slow;
    slow = a.on_change([&](const Change<int>&) {
        slow.cancel();
        reported.get_future().wait();
    });
    store.set("a", 1);
    EXPECT_TRUE(store.settle(patience));
    EXPECT_EQ(store.status().slow_calls, 1u);
}

TEST(SlowObserver, nobody_is_slow_when_the_limit_is_zero) {
    Fixture f{{.slow_observer = 0s}};
    attune::StoreStatus inside;
    const auto observer = f.a.on_change(attune::inline_executor,
                                        [&](const Change<int>&) { inside = f.store.status(); });
    f.set(1, 1);
    EXPECT_TRUE(inside.slow_observers.empty());
}

}  // namespace
