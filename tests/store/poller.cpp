#include <attune/store/poller.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

namespace {

using namespace std::chrono_literals;
using attune::Poller;

constexpr auto patience = 20s;

/// Something another thread is waited for to do.
class Event {
public:
    void set() {
        const std::scoped_lock lock{mutex_};
        set_ = true;
        changed_.notify_all();
    }
    [[nodiscard]] bool wait() {
        std::unique_lock lock{mutex_};
        return changed_.wait_for(lock, patience, [&] { return set_; });
    }
    bool is_set() {
        const std::scoped_lock lock{mutex_};
        return set_;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool set_ = false;
};

/// Returns when the poller has done everything that was posted before.
[[nodiscard]] bool settle(Poller& poller) {
    const auto event = std::make_shared<Event>();
    poller.post([event] { event->set(); });
    return event->wait();
}

struct Pipe {
    Pipe() { EXPECT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0); }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    ~Pipe() {
        ::close(ends[0]);
        ::close(ends[1]);
    }
    void put() { EXPECT_EQ(::write(ends[1], "x", 1), 1); }
    bool take() {
        char c = 0;
        return ::read(ends[0], &c, 1) == 1;
    }
    int ends[2];
};

TEST(Poller, calls_posted_functions_in_order_on_its_own_thread) {
    Poller poller;
    std::vector<int> calls;
    std::thread::id thread;
    for (int i = 0; i < 100; ++i) {
        poller.post([&, i] {
            calls.push_back(i);
            thread = std::this_thread::get_id();
        });
    }
    ASSERT_TRUE(settle(poller));
    ASSERT_EQ(calls.size(), 100u);
    for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(calls[static_cast<std::size_t>(i)], i);
    }
    EXPECT_NE(thread, std::this_thread::get_id());
    EXPECT_FALSE(poller.on_thread());
}

TEST(Poller, names_its_thread) {
    Poller poller;
    std::promise<std::string> name;
    poller.post([&] {
        char text[16] = {};
        pthread_getname_np(pthread_self(), text, sizeof text);
        name.set_value(text);
    });
    EXPECT_EQ(name.get_future().get(), "attune-io");
}

TEST(Poller, leaves_signals_to_the_threads_of_the_program) {
    Poller poller;
    std::promise<bool> blocked;
    poller.post([&] {
        sigset_t mask;
        pthread_sigmask(SIG_SETMASK, nullptr, &mask);
        blocked.set_value(sigismember(&mask, SIGTERM) == 1);
    });
    EXPECT_TRUE(blocked.get_future().get());
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    EXPECT_EQ(sigismember(&mask, SIGTERM), 0);
}

TEST(Poller, calls_timers_in_the_order_of_their_moments) {
    Poller poller;
    std::vector<int> calls;
    Event done;
    const auto now = Poller::Clock::now();
    auto third = poller.timer([&] {
        calls.push_back(3);
        done.set();
    });
    auto first = poller.timer([&] { calls.push_back(1); });
    auto second = poller.timer([&] { calls.push_back(2); });
    third.arm(now + 30ms);
    second.arm(now + 20ms);
    first.arm(now + 10ms);
    ASSERT_TRUE(done.wait());
    EXPECT_EQ(calls, (std::vector{1, 2, 3}));
    EXPECT_GE(Poller::Clock::now(), now + 30ms);
}

TEST(Poller, keeps_the_order_of_timers_that_are_overdue_together) {
    Poller poller;
    std::vector<int> calls;
    Event done;
    auto late = poller.timer([&] {
        calls.push_back(2);
        done.set();
    });
    auto early = poller.timer([&] { calls.push_back(1); });
    poller.post([&] {
        const auto now = Poller::Clock::now();
        late.arm(now - 1s);
        early.arm(now - 2s);
    });
    ASSERT_TRUE(done.wait());
    EXPECT_EQ(calls, (std::vector{1, 2}));
}

TEST(Poller, calls_a_timer_once_per_arming) {
    Poller poller;
    int calls = 0;
    Event done;
    auto counted = poller.timer([&] { ++calls; });
    auto last = poller.after(20ms, [&] { done.set(); });
    counted.arm_after(500s);
    counted.arm_after(1ms);
    ASSERT_TRUE(done.wait());
    ASSERT_TRUE(settle(poller));
    EXPECT_EQ(calls, 1);
}

TEST(Poller, does_not_call_a_disarmed_timer) {
    Poller poller;
    std::atomic<int> calls = 0;
    Event done;
    auto disarmed = poller.timer([&] { ++calls; });
    auto last = poller.timer([&] { done.set(); });
    poller.post([&] {
        const auto now = Poller::Clock::now();
        disarmed.arm(now);
        last.arm(now + 1ms);
        disarmed.disarm();
    });
    ASSERT_TRUE(done.wait());
    EXPECT_EQ(calls, 0);
}

TEST(Poller, lets_a_timer_arm_itself_again) {
    Poller poller;
    int calls = 0;
    Event done;
    Poller::Timer timer;
    poller.post([&] {
        timer = poller.timer([&] {
            if (++calls == 5) {
                done.set();
            } else {
                timer.arm_after(1ms);
            }
        });
        timer.arm_after(0ms);
    });
    ASSERT_TRUE(done.wait());
    ASSERT_TRUE(settle(poller));
    EXPECT_EQ(calls, 5);
}

TEST(Poller, gives_everybody_a_turn_beside_a_timer_that_is_always_due) {
    Poller poller;
    Pipe pipe;
    Event read;
    Poller::Timer busy = poller.timer([&] { busy.arm(Poller::Clock::time_point::min()); });
    busy.arm(Poller::Clock::now());
    auto watch = poller.watch(pipe.ends[0], [&] {
        if (pipe.take()) {
            read.set();
        }
    });
    pipe.put();
    EXPECT_TRUE(read.wait());
    EXPECT_TRUE(settle(poller));
}

TEST(Poller, accepts_the_farthest_moments) {
    Poller poller;
    Event never;
    auto timer = poller.timer([&] { never.set(); });
    timer.arm(Poller::Clock::time_point::max());
    ASSERT_TRUE(settle(poller));
    EXPECT_FALSE(never.is_set());
}

TEST(Poller, calls_while_a_descriptor_is_readable) {
    Poller poller;
    Pipe pipe;
    int calls = 0;
    Event done;
    auto watch = poller.watch(pipe.ends[0], [&] {
        EXPECT_TRUE(pipe.take());
        if (++calls == 3) {
            done.set();
        }
    });
    pipe.put();
    pipe.put();
    pipe.put();
    ASSERT_TRUE(done.wait());
    ASSERT_TRUE(settle(poller));
    EXPECT_EQ(calls, 3);
}

TEST(Poller, reads_descriptors_before_it_calls_timers) {
    Poller poller;
    Pipe pipe;
    Event read;
    Event done;
    bool early = false;
    Poller::Timer timer = poller.timer([&] {
        early = !read.is_set();
        done.set();
    });
    auto watch = poller.watch(pipe.ends[0], [&] {
        pipe.take();
        read.set();
    });
    poller.post([&] {
        pipe.put();
        timer.arm(Poller::Clock::now());
    });
    ASSERT_TRUE(done.wait());
    EXPECT_FALSE(early);
}

TEST(Poller, survives_a_descriptor_closed_too_early) {
    Poller poller;
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    std::atomic<int> calls = 0;
    auto watch = poller.watch(ends[0], [&] { ++calls; });
    poller.post([&] {  // while nobody polls
        ::close(ends[0]);
        ::close(ends[1]);
    });
    ASSERT_TRUE(settle(poller));
    ASSERT_TRUE(settle(poller));
    EXPECT_LE(calls, 1);
}

TEST(Poller, never_calls_after_a_registration_has_ended) {
    Poller poller;
    Pipe pipe;
    pipe.put();  // readable all the time
    for (int i = 0; i < 200; ++i) {
        std::atomic<bool> ended = false;
        std::atomic<bool> late = false;
        Event called;
        auto watch = poller.watch(pipe.ends[0], [&] {
            late = late || ended;
            called.set();
        });
        if (i % 2 == 0) {
            ASSERT_TRUE(called.wait());
        }
        watch.reset();
        ended = true;
        ASSERT_TRUE(i % 50 != 0 || settle(poller));
        ASSERT_FALSE(late);
    }
}

TEST(Poller, ends_a_registration_from_inside_its_callback) {
    Poller poller;
    Pipe pipe;
    pipe.put();
    int calls = 0;
    Event done;
    auto token = std::make_shared<int>(0);
    const std::weak_ptr<int> alive = token;
    std::optional<Poller::Registration> watch;
    bool kept = false;
    poller.post([&, token = std::move(token)]() mutable {
        watch = poller.watch(pipe.ends[0], [&, token = std::move(token)] {
            ++calls;
            watch.reset();
            kept = !alive.expired();  // the callback lives until it returns
            done.set();
        });
    });
    ASSERT_TRUE(done.wait());
    ASSERT_TRUE(settle(poller));
    EXPECT_EQ(calls, 1);
    EXPECT_TRUE(kept);
    EXPECT_TRUE(alive.expired());
}

TEST(Poller, waits_for_a_running_callback_when_ended_from_another_thread) {
    Poller poller;
    Event entered;
    Event leave;
    std::atomic<bool> left = false;
    auto timer = poller.after(0ms, [&] {
        entered.set();
        EXPECT_TRUE(leave.wait());
        left = true;
    });
    ASSERT_TRUE(entered.wait());
    std::atomic<bool> ended = false;
    std::thread other{[&] {
        timer.reset();
        ended = true;
        EXPECT_TRUE(left);
    }};
    EXPECT_FALSE(ended);
    leave.set();
    other.join();
    EXPECT_TRUE(ended);
}

TEST(Poller, does_not_wait_for_another_callback) {
    Poller poller;
    Event entered;
    Event leave;
    auto idle = poller.timer([] {});
    auto busy = poller.after(0ms, [&] {
        entered.set();
        EXPECT_TRUE(leave.wait());
    });
    ASSERT_TRUE(entered.wait());
    idle.reset();  // would hang
    leave.set();
}

TEST(Poller, goes_on_after_a_callback_threw) {
    Poller poller;
    Pipe pipe;
    pipe.put();
    Event done;
    auto throwing = poller.after(0ms, [] { throw std::runtime_error("timer"); });
    auto watch = poller.watch(pipe.ends[0], [&] {
        pipe.take();
        throw std::runtime_error("watch");
    });
    poller.post([] { throw 42; });
    auto last = poller.after(10ms, [&] { done.set(); });
    EXPECT_TRUE(done.wait());
    EXPECT_TRUE(settle(poller));
}

TEST(Poller, drops_what_is_left_when_it_is_destroyed) {
    std::atomic<int> calls = 0;
    auto token = std::make_shared<int>(0);
    const std::weak_ptr<int> alive = token;
    Poller::Timer timer;
    {
        Poller poller;
        Event entered;
        Event leave;
        timer = poller.timer([&calls, token] { ++calls; });
        timer.arm_after(1h);
        poller.post([&] {
            entered.set();
            EXPECT_TRUE(leave.wait());
        });
        ASSERT_TRUE(entered.wait());
        poller.post([&calls, token] { ++calls; });
        token.reset();
        std::thread other{[&] { leave.set(); }};
        other.join();
    }
    EXPECT_TRUE(alive.expired());
    timer.arm_after(0ms);
    timer.reset();
    EXPECT_LE(calls, 1);  // the posted one, when the thread got to it first
}

TEST(Poller, may_be_destroyed_on_its_own_thread) {
    auto poller = std::make_unique<Poller>();
    Event done;
    auto token = std::make_shared<Event>();
    const std::weak_ptr<Event> alive = token;
    Poller::Timer timer = poller->after(0ms, [&, token = std::move(token)] {
        poller.reset();
        done.set();
    });
    ASSERT_TRUE(done.wait());
    timer.reset();
    EXPECT_TRUE(alive.expired());
}

TEST(Poller, may_be_destroyed_unused) { const Poller poller; }

struct Counted {
    explicit Counted(Poller&) { ++made; }
    static inline std::atomic<int> made = 0;
};

TEST(Poller, shares_a_service_among_those_who_hold_it) {
    Poller poller;
    Poller other;
    const int before = Counted::made;
    auto a = poller.service<Counted>();
    auto b = poller.service<Counted>();
    auto c = other.service<Counted>();
    EXPECT_EQ(a, b);
    EXPECT_NE(a, c);
    EXPECT_EQ(Counted::made - before, 2);
    const std::weak_ptr<Counted> first = a;
    a.reset();
    b.reset();
    EXPECT_TRUE(first.expired());
    a = poller.service<Counted>();
    EXPECT_EQ(Counted::made - before, 3);
}

TEST(Poller, takes_registrations_from_many_threads) {
    Poller poller;
    std::atomic<int> calls = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < 200; ++i) {
                auto timer = poller.after(std::chrono::microseconds(i % 7), [&] { ++calls; });
                poller.post([&] { ++calls; });
                if (i % 3 != 0) {
                    std::promise<void> called;
                    auto wait = poller.after(0ms, [&] { called.set_value(); });
                    called.get_future().wait();
                }
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    ASSERT_TRUE(settle(poller));
    EXPECT_GE(calls, 800);
}

}  // namespace
