// What observers may rely on.

#include "support.hpp"

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <thread>

namespace {

using acceptance::Inbox;
using acceptance::patience;

class Observers : public testing::Test {
protected:
    attune::Store store;
    attune::Layer layer = store.add(attune::memory({{"x", 0}, {"y", 0}}));
    attune::Config<int> x = store.bind<int>("x");
    attune::Config<int> y = store.bind<int>("y");
};

TEST_F(Observers, are_told_of_steps_that_join) {
    std::vector<attune::Change<int>> changes;
    const auto told =
        x.on_change([&](const attune::Change<int>& change) { changes.push_back(change); });
    for (int i = 1; i <= 500; ++i) {
        store.set("x", i);
    }
    ASSERT_TRUE(store.settle(patience));
    ASSERT_FALSE(changes.empty());
    EXPECT_EQ(*changes.front().before, 0);
    EXPECT_EQ(*changes.back().after, 500);
    for (std::size_t i = 1; i < changes.size(); ++i) {
        EXPECT_EQ(changes[i].before, changes[i - 1].after);
        EXPECT_LT(changes[i - 1].version, changes[i].version);
    }
}

TEST_F(Observers, are_not_told_of_what_did_not_change) {
    std::atomic<int> calls{0};
    const auto told = y.on_change([&](const attune::Change<int>&) { ++calls; });
    store.set("x", 1);
    store.set("y", 0);
    layer.set({{"x", 5}, {"y", 0}, {"z", 1}});
    ASSERT_TRUE(store.settle(patience));
    EXPECT_EQ(calls, 0);
}

TEST_F(Observers, that_apply_miss_nothing_and_see_nothing_twice) {
    for (int round = 0; round < 20; ++round) {
        store.set("x", 0);
        std::thread writer{[&] {
            for (int i = 1; i <= 20; ++i) {
                store.set("x", i);
            }
        }};
        std::vector<int> seen;
        const auto applied = x.apply([&](int value) { seen.push_back(value); });
        writer.join();
        ASSERT_TRUE(store.settle(patience));
        ASSERT_FALSE(seen.empty());
        EXPECT_EQ(seen.back(), 20);
        EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
        EXPECT_EQ(std::adjacent_find(seen.begin(), seen.end()), seen.end());
    }
}

TEST_F(Observers, may_end_their_own_subscription) {
    std::atomic<int> calls{0};
    attune::Subscription told;
    told = x.on_change([&](const attune::Change<int>&) {
        ++calls;
        told.cancel();
    });
    for (int i = 1; i <= 3; ++i) {
        store.set("x", i).settle(patience);
    }
    EXPECT_EQ(calls, 1);
}

TEST_F(Observers, are_never_called_after_their_subscription_has_ended) {
    for (int round = 0; round < 200; ++round) {
        auto alive = std::make_unique<std::atomic<bool>>(true);
        auto told = x.on_change([&, flag = alive.get()](const attune::Change<int>&) {
            ASSERT_TRUE(flag->load());
        });
        store.set("x", round + 1);
        told.cancel();
        *alive = false;
        alive.reset();
    }
}

TEST_F(Observers, that_throw_are_reported_and_stop_nobody) {
    Inbox<std::string> reports;
    std::atomic<int> calls{0};
    const auto bad = store.on_rejected([&](const attune::Rejection& rejection) {
        reports.put(to_string(rejection));
    });
    const auto first =
        x.on_change([](const attune::Change<int>&) { throw std::runtime_error{"out of paper"}; });
    const auto second = x.on_change([&](const attune::Change<int>&) { ++calls; });
    ASSERT_TRUE(store.set("x", 1).settle(patience));
    ASSERT_TRUE(store.set("x", 2).settle(patience));
    EXPECT_GE(calls, 1);
    const auto report = reports.take();
    ASSERT_TRUE(report);
    EXPECT_THAT(*report, testing::HasSubstr("out of paper"));
    EXPECT_GE(store.status().observer_errors, 1U);
    EXPECT_EQ(x.get(), 2);
}

TEST_F(Observers, may_write_to_the_store_they_observe) {
    const auto told =
        x.on_change([&](const attune::Change<int>& change) { store.set("y", *change.after * 2); });
    store.set("x", 21);
    while (store.settle(patience) && y.get() != 42) {
    }
    EXPECT_EQ(y.get(), 42);
}

TEST_F(Observers, run_on_the_executor_they_were_given) {
    struct Queue {
        std::shared_ptr<Inbox<std::function<void()>>> work =
            std::make_shared<Inbox<std::function<void()>>>();
        void execute(std::function<void()> f) const { work->put(std::move(f)); }
    };
    const Queue queue;
    std::thread::id thread;
    const auto told = x.on_change(queue, [&](const attune::Change<int>&) {
        thread = std::this_thread::get_id();
    });
    const attune::Commit commit = store.set("x", 1);
    EXPECT_FALSE(commit.settle(std::chrono::milliseconds{0}));
    auto work = queue.work->take();
    ASSERT_TRUE(work);
    (*work)();
    EXPECT_TRUE(commit.settle(patience));
    EXPECT_EQ(thread, std::this_thread::get_id());
}

TEST(Stores, end_from_inside_an_observer) {
    auto store = std::make_unique<attune::Store>();
    attune::Layer layer = store->add(attune::memory());
    const auto x = store->bind<int>("x");
    Inbox<int> done;
    const auto told = x.on_change([&](const attune::Change<int>& change) {
        store.reset();
        done.put(*change.after);
    });
    layer.set("x", 1);
    EXPECT_EQ(done.take(), 1);
    EXPECT_EQ(x.get(), 1);
}

TEST(Stores, end_while_others_read_write_and_observe) {
    for (int round = 0; round < 50; ++round) {
        auto store = std::make_unique<attune::Store>();
        const auto x = store->bind<int>("x");
        attune::Layer layer = store->add(attune::memory());
        std::atomic<bool> done{false};
        std::thread reader{[&] {
            while (!done) {
                auto told = x.on_change([](const attune::Change<int>&) {});
                static_cast<void>(x.get());
            }
        }};
        std::thread writer{[&] {
            try {
                for (int i = 0; !done; ++i) {
                    layer.set("x", i);
                }
            } catch (const std::logic_error&) {
                // The store is gone.
            }
        }};
        store.reset();
        done = true;
        reader.join();
        writer.join();
    }
}

}  // namespace
