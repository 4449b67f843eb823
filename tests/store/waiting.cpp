// Waiting for a version, for a value, for several values.

#include <attune/store/store.hpp>

#include <attune/bind/schema.hpp>
#include <attune/store/derive.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

namespace waiting_sample {

struct Curious {
    int value = 0;
};
std::function<void()> ask;
void describe(attune::Schema<Curious>& s) {
    s.check(
        [](const Curious&) {
            if (ask) {
                ask();
            }
            return true;
        },
        "never");
}

}  // namespace waiting_sample

namespace {

using namespace std::chrono_literals;
using attune::Store;
using attune::View;

constexpr auto patience = 20s;

TEST(Waiting, for_what_is_there_already_does_not_wait) {
    Store store;
    const auto a = store.bind<int>("a");
    store.set("a", 3);
    EXPECT_TRUE(store.wait_for(1, 0s));
    EXPECT_TRUE(store.wait_for(0, -1s));
    EXPECT_TRUE(a.wait_until([](int value) { return value == 3; }, 0s));
    EXPECT_TRUE(store.wait_until([&](const View& now) { return now[a] == 3; }, 0s));
}

TEST(Waiting, ends_with_the_last_verdict_when_the_time_is_over) {
    Store store;
    const auto a = store.bind<int>("a");
    int asked = 0;
    EXPECT_FALSE(store.wait_for(1, 1ms));
    EXPECT_FALSE(a.wait_until(
        [&](int) {
            ++asked;
            return false;
        },
        1ms));
    EXPECT_EQ(asked, 1);
    EXPECT_FALSE(store.wait_until([](const View&) { return false; }, 1ms));
}

TEST(Waiting, asks_on_the_calling_thread_and_outside_every_lock) {
    Store store;
    const auto a = store.bind<int>("a");
    const auto here = std::this_thread::get_id();
    EXPECT_TRUE(a.wait_until(
        [&](int value) {
            EXPECT_EQ(std::this_thread::get_id(), here);
            if (value < 5) {
                store.set("a", value + 1);  // wakes this very wait again
            }
            return value == 5;
        },
        patience));
    EXPECT_EQ(store.version(), 5u);
}

TEST(Waiting, what_a_predicate_throws_leaves_it) {
    Store store;
    const auto a = store.bind<int>("a");
    EXPECT_THROW((void)a.wait_until([](int) -> bool { throw std::runtime_error{"no"}; }, patience),
                 std::runtime_error);
    store.set("a", 1);
}

TEST(Waiting, on_a_handle_whose_store_is_gone_asks_once) {
    attune::Config<int> a;
    {
        Store store;
        a = store.bind<int>("a");
        store.set("a", 7);
    }
    EXPECT_TRUE(a.wait_until([](int value) { return value == 7; }, patience));
    EXPECT_FALSE(a.wait_until([](int value) { return value == 8; }, patience));
}

TEST(Waiting, inside_a_commit_is_refused_instead_of_hanging) {
    Store store;
    const auto a = store.bind<int>("a");
    const auto curious = store.bind<waiting_sample::Curious>("curious");
    int refused = 0;
    const auto expect_refusal = [&](auto&& wait) {
        try {
            wait();
        } catch (const std::logic_error&) {
            ++refused;
        }
    };
    waiting_sample::ask = [&] {
        expect_refusal([&] { (void)store.wait_for(100, patience); });
        expect_refusal([&] { (void)a.wait_until([](int) { return false; }, patience); });
        expect_refusal([&] {
            (void)store.wait_until([](const View&) { return false; }, patience);
        });
    };
    store.set("curious.value", 1);
    waiting_sample::ask = nullptr;
    EXPECT_EQ(refused, 3);
}

TEST(Waiting, inside_a_derive_function_is_refused_and_on_a_derived_value_it_works) {
    Store store;
    const auto a = store.bind<int>("a");
    int refused = 0;
    const auto twice = a.map([&](int value) {
        try {
            (void)a.wait_until([](int) { return false; }, patience);
        } catch (const std::logic_error&) {
            ++refused;
        }
        return 2 * value;
    });
    EXPECT_TRUE(twice.wait_until(
        [&](int value) {
            if (value == 0) {
                store.set("a", 4);
            }
            return value == 8;
        },
        patience));
    EXPECT_EQ(refused, 2);
}

TEST(WaitingThreads, a_commit_wakes_those_who_wait_for_it) {
    Store store;
    const auto a = store.bind<int>("a");
    const auto b = store.bind<int>("b");
    auto version = std::async(std::launch::async, [&] { return store.wait_for(2, patience); });
    auto value = std::async(std::launch::async, [&] {
        return a.wait_until([](int now) { return now == 1; }, patience);
    });
    auto both = std::async(std::launch::async, [&] {
        return store.wait_until([&](const View& now) { return now[a] == 1 && now[b] == 2; },
                                patience);
    });
    store.set("a", 1);
    store.set("b", 2);
    EXPECT_TRUE(version.get());
    EXPECT_TRUE(value.get());
    EXPECT_TRUE(both.get());
}

TEST(WaitingThreads, a_binding_that_is_made_wakes_them_too) {
    Store store;
    std::promise<void> asked;
    std::atomic<int> bound{0};
    int times = 0;
    auto waiter = std::async(std::launch::async, [&] {
        return store.wait_until(
            [&](const View&) {
                if (++times == 1) {
                    asked.set_value();
                }
                return bound != 0;
            },
            patience);
    });
    asked.get_future().wait();
    bound = 1;
    const auto a = store.bind<int>("a");
    EXPECT_TRUE(waiter.get());
}

TEST(WaitingThreads, an_observer_may_wait_for_versions_of_other_threads) {
    Store store;
    const auto a = store.bind<int>("a");
    std::promise<void> told;
    std::promise<bool> verdict;
    const auto observer = a.on_change([&](const attune::Change<int>& change) {
        if (*change.after == 1) {
            told.set_value();
            verdict.set_value(store.wait_for(2, patience));
        }
    });
    store.set("a", 1);
    told.get_future().wait();
    store.set("a", 2);
    EXPECT_TRUE(verdict.get_future().get());
}

TEST(WaitingThreads, closing_the_store_sends_them_away_early) {
    for (int round = 0; round != 20; ++round) {
        auto store = std::make_unique<Store>();
        const auto a = store->bind<int>("a");
        std::promise<void> asked;
        auto waiter = std::async(std::launch::async, [&, a] {
            bool first = true;
            return a.wait_until(
                [&](int) {
                    if (std::exchange(first, false)) {
                        asked.set_value();
                    }
                    return false;
                },
                1h);
        });
        asked.get_future().wait();
        store.reset();
        EXPECT_FALSE(waiter.get());
    }
}

TEST(WaitingThreads, a_ping_pong_through_the_store_loses_no_wake_up) {
    Store store;
    const auto ping = store.bind<int>("ping");
    const auto pong = store.bind<int>("pong");
    constexpr int rounds = 300;
    std::atomic<int> lost{0};
    std::thread other{[&] {
        for (int i = 1; i <= rounds; ++i) {
            lost += ping.wait_until([&](int value) { return value >= i; }, patience) ? 0 : 1;
            store.set("pong", i);
        }
    }};
    for (int i = 1; i <= rounds; ++i) {
        store.set("ping", i);
        lost += pong.wait_until([&](int value) { return value >= i; }, patience) ? 0 : 1;
    }
    other.join();
    EXPECT_EQ(lost, 0);
}

}  // namespace
