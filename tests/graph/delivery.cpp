#include <attune/graph/delivery.hpp>
#include <attune/graph/subscription.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using attune::Executor;
using attune::Subscription;
using attune::Version;
using namespace attune::detail;

/// Delivers versions themselves, each of them.
class Numbers final : public Delivery {
public:
    Numbers(std::shared_ptr<DeliveryHub> hub, Executor executor, std::function<void(Version)> f)
        : Delivery(std::move(hub), std::move(executor), {"numbers"}), callback_(std::move(f)) {}

    void send(Version version) {
        if (offer(version, [&] { queue_.push_back(version); })) {
            dispatch();
        }
    }
    void put(Version version) {
        (void)offer(version, [&] { queue_.push_back(version); });
    }

private:
    bool take() override {
        if (queue_.empty()) {
            return false;
        }
        current_ = queue_.front();
        queue_.pop_front();
        return true;
    }
    std::optional<Version> waiting() const noexcept override {
        return queue_.empty() ? std::nullopt : std::optional{queue_.front()};
    }
    void call() override { callback_(current_); }
    void drop() noexcept override {
        queue_.clear();
        callback_ = nullptr;
    }

    std::function<void(Version)> callback_;
    std::deque<Version> queue_;
    Version current_ = 0;
};

/// Keeps work until it is told to run it.
class Kept {
public:
    void execute(std::function<void()> work) { work_->push_back(std::move(work)); }
    std::size_t run() {
        const std::size_t count = work_->size();
        for (std::size_t i = 0; i != count; ++i) {
            auto work = std::move(work_->front());
            work_->pop_front();
            work();
        }
        return count;
    }

private:
    std::shared_ptr<std::deque<std::function<void()>>> work_ =
        std::make_shared<std::deque<std::function<void()>>>();
};

auto soon() { return std::chrono::steady_clock::now() + 20s; }

TEST(Delivery, runs_on_the_notifier_by_default_in_order) {
    auto hub = std::make_shared<DeliveryHub>();
    std::vector<Version> seen;
    std::thread::id thread;
    auto numbers = std::make_shared<Numbers>(hub, Executor{}, [&](Version version) {
        seen.push_back(version);
        thread = std::this_thread::get_id();
    });
    for (Version version = 1; version != 100; ++version) {
        numbers->send(version);
    }
    ASSERT_TRUE(hub->settle(99, soon()));
    ASSERT_EQ(seen.size(), 99u);
    EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
    EXPECT_NE(thread, std::this_thread::get_id());
}

TEST(Delivery, settle_waits_for_what_is_owed_and_not_for_later_versions) {
    auto hub = std::make_shared<DeliveryHub>();
    Kept kept;
    auto numbers = std::make_shared<Numbers>(hub, Executor{kept}, [](Version) {});
    numbers->send(5);
    EXPECT_TRUE(hub->settle(4, soon()));
    EXPECT_FALSE(hub->settle(5, std::chrono::steady_clock::now()));
    EXPECT_EQ(kept.run(), 1u);
    EXPECT_TRUE(hub->settle(5, soon()));
}

TEST(Delivery, a_throwing_callback_is_reported_and_goes_on) {
    auto hub = std::make_shared<DeliveryHub>();
    std::vector<std::string> reported;
    hub->on_throw([&](const ObserverName& name, const std::exception_ptr&) {
        reported.push_back(name.text);
    });
    int calls = 0;
    auto numbers = std::make_shared<Numbers>(hub, attune::inline_executor, [&](Version version) {
        ++calls;
        if (version == 1) {
            throw std::runtime_error{"no"};
        }
    });
    numbers->send(1);
    numbers->send(2);
    EXPECT_EQ(calls, 2);
    EXPECT_EQ(reported, std::vector<std::string>{"numbers"});
}

TEST(Delivery, can_be_cancelled_inside_its_callback_and_is_not_called_again) {
    auto hub = std::make_shared<DeliveryHub>();
    int calls = 0;
    Subscription subscription;
    auto numbers = std::make_shared<Numbers>(hub, attune::inline_executor, [&](Version) {
        ++calls;
        subscription.cancel();
    });
    subscription = Subscription{numbers};
    EXPECT_TRUE(subscription);
    numbers->put(1);
    numbers->put(2);
    numbers->dispatch();
    numbers->send(3);
    EXPECT_EQ(calls, 1);
    EXPECT_FALSE(subscription);
    EXPECT_TRUE(hub->settle(3, soon()));
}

TEST(Delivery, destroys_its_callback_when_cancelled) {
    auto hub = std::make_shared<DeliveryHub>();
    auto token = std::make_shared<int>(0);
    const std::weak_ptr<int> watched = token;
    auto numbers = std::make_shared<Numbers>(hub, Executor{}, [token](Version) {});
    token.reset();
    EXPECT_FALSE(watched.expired());
    numbers->cancel();
    EXPECT_TRUE(watched.expired());
}

TEST(Delivery, what_waits_when_it_is_cancelled_is_owed_no_more) {
    auto hub = std::make_shared<DeliveryHub>();
    Kept kept;
    int calls = 0;
    auto numbers = std::make_shared<Numbers>(hub, Executor{kept}, [&](Version) { ++calls; });
    numbers->send(1);
    numbers->cancel();
    EXPECT_TRUE(hub->settle(1, soon()));
    kept.run();
    EXPECT_EQ(calls, 0);
}

TEST(Delivery, gives_the_executor_back_between_two_items) {
    auto hub = std::make_shared<DeliveryHub>();
    Kept kept;
    int calls = 0;
    auto numbers = std::make_shared<Numbers>(hub, Executor{kept}, [&](Version) { ++calls; });
    numbers->send(1);
    numbers->send(2);
    EXPECT_EQ(kept.run(), 1u);
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(kept.run(), 1u);
    EXPECT_EQ(calls, 2);
    EXPECT_EQ(kept.run(), 0u);
}

TEST(Delivery, an_executor_that_refuses_work_ends_the_observation_and_is_reported) {
    struct Refuses {
        void execute(const std::function<void()>&) { throw std::runtime_error{"stopped"}; }
    };
    auto hub = std::make_shared<DeliveryHub>();
    int reports = 0;
    hub->on_throw([&](const ObserverName&, const std::exception_ptr&) { ++reports; });
    auto numbers = std::make_shared<Numbers>(hub, Executor{Refuses{}}, [](Version) {});
    numbers->send(1);
    EXPECT_EQ(reports, 1);
    EXPECT_TRUE(numbers->cancelled());
    EXPECT_TRUE(hub->settle(1, soon()));
}

/// Runs work at once, though nobody knows it, and holds something.
struct AtOnce {
    void execute(const std::function<void()>& work) const { work(); }
    std::shared_ptr<int> held;
};

TEST(Delivery, lets_go_of_its_executor_when_it_ends) {
    auto hub = std::make_shared<DeliveryHub>();
    auto token = std::make_shared<int>(0);
    const std::weak_ptr<int> watched = token;
    auto numbers =
        std::make_shared<Numbers>(hub, Executor{AtOnce{std::move(token)}}, [](Version) {});
    numbers->send(1);
    EXPECT_FALSE(watched.expired());
    numbers->cancel();
    EXPECT_TRUE(watched.expired());
    numbers->send(2);
    numbers->dispatch();
}

TEST(Delivery, lets_go_of_an_executor_inside_which_it_ends) {
    auto hub = std::make_shared<DeliveryHub>();
    auto token = std::make_shared<int>(0);
    const std::weak_ptr<int> watched = token;
    std::shared_ptr<Numbers> numbers;
    int calls = 0;
    numbers = std::make_shared<Numbers>(hub, Executor{AtOnce{std::move(token)}}, [&](Version) {
        ++calls;
        numbers->cancel();
        EXPECT_FALSE(watched.expired());
    });
    numbers->send(1);
    EXPECT_TRUE(watched.expired());
    EXPECT_EQ(calls, 1);
    EXPECT_TRUE(hub->settle(1, soon()));
}

TEST(DeliveryThreads, cancel_waits_for_work_that_is_being_given_to_the_executor) {
    struct Slow {
        void execute(const std::function<void()>&) const {
            entered->set_value();
            leave->get_future().wait();
            *left = true;
        }
        std::promise<void>* entered;
        std::promise<void>* leave;
        std::atomic<bool>* left;
    };
    auto hub = std::make_shared<DeliveryHub>();
    std::promise<void> entered;
    std::promise<void> leave;
    std::atomic<bool> left{false};
    auto numbers =
        std::make_shared<Numbers>(hub, Executor{Slow{&entered, &leave, &left}}, [](Version) {});
    std::thread sender{[&] { numbers->send(1); }};
    entered.get_future().wait();
    std::thread releaser{[&] { leave.set_value(); }};
    numbers->cancel();
    EXPECT_TRUE(left);
    sender.join();
    releaser.join();
}

TEST(DeliveryThreads, cancel_waits_for_a_callback_that_runs_elsewhere) {
    auto hub = std::make_shared<DeliveryHub>();
    std::promise<void> entered;
    std::promise<void> leave;
    std::atomic<bool> left{false};
    auto numbers = std::make_shared<Numbers>(hub, Executor{}, [&](Version) {
        entered.set_value();
        leave.get_future().wait();
        left = true;
    });
    numbers->send(1);
    entered.get_future().wait();
    std::thread releaser{[&] { leave.set_value(); }};
    numbers->cancel();
    EXPECT_TRUE(left);
    releaser.join();
}

TEST(DeliveryThreads, never_runs_concurrently_with_itself_or_after_cancel_on_any_pool) {
    // A pool of two threads that take any work at once.
    struct Pool {
        struct State {
            std::mutex mutex;
            std::condition_variable wake;
            std::deque<std::function<void()>> work;
            bool stop = false;
        };
        std::shared_ptr<State> state = std::make_shared<State>();
        void execute(std::function<void()> f) {
            {
                const std::scoped_lock lock{state->mutex};
                state->work.push_back(std::move(f));
            }
            state->wake.notify_one();
        }
        void run() {
            std::unique_lock lock{state->mutex};
            for (;;) {
                state->wake.wait(lock, [&] { return state->stop || !state->work.empty(); });
                if (state->work.empty()) {
                    return;
                }
                auto f = std::move(state->work.front());
                state->work.pop_front();
                lock.unlock();
                f();
                f = nullptr;
                lock.lock();
            }
        }
    };
    Pool pool;
    std::thread first{[&] { pool.run(); }};
    std::thread second{[&] { pool.run(); }};
    auto hub = std::make_shared<DeliveryHub>();
    for (int round = 0; round != 50; ++round) {
        std::atomic<int> inside{0};
        std::atomic<bool> overlap{false};
        std::atomic<bool> ended{false};
        std::atomic<bool> late{false};
        Version last = 0;
        bool ordered = true;
        auto numbers = std::make_shared<Numbers>(hub, Executor{pool}, [&](Version version) {
            overlap = overlap || inside.fetch_add(1) != 0;
            late = late || ended;
            ordered = ordered && version > last;
            last = version;
            inside.fetch_sub(1);
        });
        for (Version version = 1; version != 40; ++version) {
            numbers->send(version);
        }
        if (round % 2 == 0) {
            ASSERT_TRUE(hub->settle(39, soon()));
            EXPECT_EQ(last, 39u);
        }
        numbers->cancel();
        ended = true;
        EXPECT_FALSE(overlap);
        EXPECT_TRUE(ordered);
        EXPECT_FALSE(late);
    }
    {
        const std::scoped_lock lock{pool.state->mutex};
        pool.state->stop = true;
    }
    pool.state->wake.notify_all();
    first.join();
    second.join();
}

// The last share is given back while the version is opened again.
TEST(DeliveryThreads, a_version_is_owed_while_anybody_has_a_share_in_it) {
    DeliveryHub hub;
    std::atomic<int> held{0};
    std::atomic<bool> wrong{false};
    const auto work = [&] {
        for (int i = 0; i != 20000; ++i) {
            auto& debt = hub.open(7, 2);
            held.fetch_add(1);
            wrong = wrong || hub.settle(7, {});
            hub.close(debt);
            wrong = wrong || hub.settle(7, {});
            held.fetch_sub(1);
            hub.close(debt);
        }
    };
    std::thread one{work};
    std::thread other{work};
    one.join();
    other.join();
    EXPECT_EQ(held, 0);
    EXPECT_FALSE(wrong);
    EXPECT_TRUE(hub.settle(7, {}));
}

// Whatever the callback uses may go once cancel has returned, and the callback itself is gone.
TEST(DeliveryThreads, cancel_returns_after_the_callback_was_destroyed) {
    auto hub = std::make_shared<DeliveryHub>();
    for (int round = 0; round != 200; ++round) {
        auto token = std::make_shared<int>(0);
        const std::weak_ptr<int> watched = token;
        std::promise<void> entered;
        auto numbers = std::make_shared<Numbers>(hub, Executor{}, [token, &entered](Version) {
            entered.set_value();
        });
        token.reset();
        numbers->send(1);
        entered.get_future().wait();
        numbers->cancel();
        ASSERT_TRUE(watched.expired());
    }
}

TEST(DeliveryThreads, the_notifier_may_be_destroyed_by_its_own_work) {
    auto hub = std::make_shared<DeliveryHub>();
    std::promise<void> done;
    auto* const raw = hub.get();
    raw->notifier().execute([hub = std::move(hub), &done]() mutable {
        hub.reset();
        done.set_value();
    });
    done.get_future().wait();
}

}  // namespace
