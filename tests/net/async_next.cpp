#include <attune/net/async_next.hpp>

#include <attune/bind/schema.hpp>
#include <attune/store/store.hpp>
#include <attune/transport/memory.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <future>
#include <latch>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/execution.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/system_error.hpp>

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using attune::async_next;
using attune::Config;
using attune::Store;
using boost::system::error_code;

using Pin = std::shared_ptr<const int>;

/// What handlers were called with.
struct Outcome {
    int calls = 0;
    error_code error;
    Pin value;

    auto handler() {
        return [this](error_code ec, Pin pin) {
            ++calls;
            error = ec;
            value = std::move(pin);
        };
    }
    /// The value that came, once and without an error; -1 otherwise.
    int got() const { return calls == 1 && !error && value ? *value : -1; }
    bool aborted() const {
        return calls == 1 && error == asio::error::operation_aborted && value == nullptr;
    }
};

std::function<void()> inside_check;

struct Checked {
    int value = 0;
};

void describe(attune::Schema<Checked>& s) {
    s.check(
        [](const Checked&) {
            if (inside_check) {
                inside_check();
            }
            return true;
        },
        "never refused");
}

class AsyncNext : public testing::Test {
protected:
    std::optional<Store> store{std::in_place};
    Config<int> a = store->bind<int>("a");
    asio::io_context io;
    Outcome outcome;

    /// Runs the context until nothing is left to wait for.
    void run() {
        io.restart();
        io.run_for(20s);
        ASSERT_TRUE(io.stopped()) << "something still waits";
    }
    /// Runs what is ready.
    std::size_t poll() {
        io.restart();
        return io.poll();
    }
};

TEST_F(AsyncNext, completes_on_the_executor_of_the_handler) {
    async_next(a, asio::bind_executor(io, outcome.handler()));
    EXPECT_EQ(poll(), 0u);
    store->set("a", 1);
    EXPECT_EQ(outcome.calls, 0) << "not inside the commit";
    run();
    EXPECT_EQ(outcome.got(), 1);
    store->set("a", 2);
    EXPECT_EQ(poll(), 0u) << "one call for one wait";
}

TEST_F(AsyncNext, waits_for_a_value_that_differs) {
    async_next(a, asio::bind_executor(io, outcome.handler()));
    store->set("b", 1);
    store->set("a", 0);  // what it was, written out
    EXPECT_EQ(poll(), 0u);
    store->set("a", 5);
    run();
    EXPECT_EQ(outcome.got(), 5);
}

TEST_F(AsyncNext, keeps_the_context_at_work_from_other_threads) {
    async_next(a, asio::bind_executor(io, outcome.handler()));
    std::latch running{1};
    asio::post(io, [&] { running.count_down(); });
    std::thread writer{[&] {
        running.wait();
        store->set("a", 1);
    }};
    io.run();
    writer.join();
    EXPECT_EQ(outcome.got(), 1);
}

TEST_F(AsyncNext, with_a_value_seen_completes_at_once_when_it_is_not_current) {
    const Pin seen = a.pin();
    store->set("a", 1);
    store->set("a", 2);
    async_next(a, seen, asio::bind_executor(io, outcome.handler()));
    EXPECT_EQ(outcome.calls, 0) << "not inside the function";
    run();
    EXPECT_EQ(outcome.got(), 2);
}

TEST_F(AsyncNext, with_the_current_value_waits_whoever_owns_it) {
    const Pin seen = a.pin();
    async_next(a, a.pin(), asio::bind_executor(io, outcome.handler()));
    EXPECT_EQ(poll(), 0u);
    store->set("a", 1);
    run();
    EXPECT_EQ(outcome.got(), 1);
}

TEST_F(AsyncNext, with_nothing_seen_gives_the_current_value) {
    store->set("a", 4);
    async_next(a, nullptr, asio::bind_executor(io, outcome.handler()));
    EXPECT_EQ(outcome.calls, 0);
    run();
    EXPECT_EQ(outcome.got(), 4);
}

TEST_F(AsyncNext, completes_later_even_on_the_thread_of_its_executor) {
    Outcome at_once;
    Outcome cancelled;
    Outcome changed;
    asio::cancellation_signal signal;
    asio::post(io, [&] {
        async_next(a, nullptr, asio::bind_executor(io, at_once.handler()));
        async_next(a, asio::bind_cancellation_slot(signal.slot(),
                                                   asio::bind_executor(io, cancelled.handler())));
        async_next(a, asio::bind_executor(io, changed.handler()));
        signal.emit(asio::cancellation_type::terminal);
        store->set("a", 1);
        EXPECT_EQ(at_once.calls + cancelled.calls + changed.calls, 0);
    });
    run();
    EXPECT_EQ(at_once.got(), 0);
    EXPECT_TRUE(cancelled.aborted());
    EXPECT_EQ(changed.got(), 1);
}

TEST_F(AsyncNext, holds_the_value_beyond_the_store) {
    async_next(a, asio::bind_executor(io, outcome.handler()));
    store->set("a", 7);
    store.reset();
    run();
    EXPECT_EQ(outcome.got(), 7);
}

TEST_F(AsyncNext, in_a_coroutine_misses_nothing_of_a_fast_writer_thread) {
    constexpr int last = 2000;
    std::vector<int> seen;
    asio::co_spawn(
        io,
        [&]() -> asio::awaitable<void> {
            for (Pin now; now == nullptr || *now != last;) {
                now = co_await async_next(a, now, asio::use_awaitable);
                seen.push_back(*now);
            }
        },
        asio::detached);
    std::thread writer{[&] {
        for (int i = 1; i <= last; ++i) {
            store->set("a", i);
        }
    }};
    io.run();
    writer.join();
    ASSERT_FALSE(seen.empty());
    EXPECT_EQ(seen.back(), last);
    for (std::size_t i = 1; i < seen.size(); ++i) {
        EXPECT_LT(seen[i - 1], seen[i]);
    }
}

TEST_F(AsyncNext, gives_a_future) {
    auto next = async_next(a, asio::use_future);
    store->set("a", 3);
    EXPECT_EQ(*next.get(), 3);

    auto never = async_next(a, asio::use_future);
    store.reset();
    EXPECT_THROW((void)never.get(), boost::system::system_error);
}

TEST_F(AsyncNext, calls_a_plain_function_on_a_thread_of_asio) {
    std::promise<std::thread::id> called;
    async_next(a, nullptr,
               [&](error_code, const Pin&) { called.set_value(std::this_thread::get_id()); });
    EXPECT_NE(called.get_future().get(), std::this_thread::get_id());
}

TEST_F(AsyncNext, deferred_begins_when_it_is_started) {
    auto later = async_next(a, asio::deferred);
    store->set("a", 1);
    std::move(later)(asio::bind_executor(io, outcome.handler()));
    EXPECT_EQ(poll(), 0u) << "that change was before";
    store->set("a", 2);
    run();
    EXPECT_EQ(outcome.got(), 2);
}

TEST_F(AsyncNext, ends_on_cancellation_of_each_type) {
    for (const auto type : {asio::cancellation_type::terminal, asio::cancellation_type::partial,
                            asio::cancellation_type::total, asio::cancellation_type::all}) {
        Outcome cancelled;
        asio::cancellation_signal signal;
        async_next(a, asio::bind_cancellation_slot(signal.slot(),
                                                   asio::bind_executor(io, cancelled.handler())));
        signal.emit(asio::cancellation_type::none);
        EXPECT_EQ(poll(), 0u);
        signal.emit(type);
        EXPECT_EQ(cancelled.calls, 0) << "not inside the signal";
        signal.emit(type);
        run();
        EXPECT_TRUE(cancelled.aborted());
        EXPECT_FALSE(signal.slot().has_handler());
    }
}

TEST_F(AsyncNext, cancelled_after_a_change_gives_the_change) {
    asio::cancellation_signal signal;
    async_next(a, asio::bind_cancellation_slot(signal.slot(),
                                               asio::bind_executor(io, outcome.handler())));
    store->set("a", 1);
    signal.emit(asio::cancellation_type::all);
    run();
    EXPECT_EQ(outcome.got(), 1);
}

TEST_F(AsyncNext, takes_turns_with_a_timer) {
    using namespace asio::experimental::awaitable_operators;
    std::vector<std::size_t> winners;
    asio::co_spawn(
        io,
        [&]() -> asio::awaitable<void> {
            asio::steady_timer timer{io};
            timer.expires_after(0s);
            winners.push_back((co_await (async_next(a, asio::use_awaitable) ||
                                         timer.async_wait(asio::use_awaitable)))
                                  .index());
            timer.expires_after(1h);
            asio::post(io, [&] { store->set("a", 1); });
            winners.push_back((co_await (async_next(a, asio::use_awaitable) ||
                                         timer.async_wait(asio::use_awaitable)))
                                  .index());
        },
        asio::detached);
    run();
    EXPECT_EQ(winners, (std::vector<std::size_t>{1, 0}));
}

TEST_F(AsyncNext, ends_when_the_store_does) {
    async_next(a, asio::bind_executor(io, outcome.handler()));
    store.reset();
    EXPECT_EQ(outcome.calls, 0) << "not inside the destructor";
    run();
    EXPECT_TRUE(outcome.aborted());
}

TEST_F(AsyncNext, of_a_store_that_has_ended_ends) {
    store.reset();
    async_next(a, asio::bind_executor(io, outcome.handler()));
    EXPECT_EQ(outcome.calls, 0);
    run();
    EXPECT_TRUE(outcome.aborted());

    Outcome last;
    async_next(a, nullptr, asio::bind_executor(io, last.handler()));
    run();
    EXPECT_TRUE(last.aborted());
}

TEST_F(AsyncNext, of_a_store_that_only_a_layer_remembers_ends) {
    const attune::Layer layer = store->add(attune::memory({{"a", 1}}));
    store.reset();
    async_next(a, asio::bind_executor(io, outcome.handler()));
    run();
    EXPECT_TRUE(outcome.aborted());
}

TEST_F(AsyncNext, lets_a_coroutine_end_with_the_store) {
    error_code end;
    asio::co_spawn(
        io,
        [&]() -> asio::awaitable<void> {
            for (Pin now; !end;) {
                std::tie(end, now) =
                    co_await async_next(a, now, asio::as_tuple(asio::use_awaitable));
                store.reset();
            }
        },
        asio::detached);
    run();
    EXPECT_EQ(end, asio::error::operation_aborted);
}

TEST_F(AsyncNext, does_not_begin_inside_a_commit) {
    const auto checked = store->bind<Checked>("checked");
    const auto state = std::make_shared<int>();
    int refused = 0;
    inside_check = [&] {
        EXPECT_THROW(async_next(a, asio::bind_executor(io, [state](error_code, const Pin&) {})),
                     std::logic_error);
        ++refused;
    };
    store->set("checked.value", 1);
    inside_check = nullptr;
    EXPECT_EQ(refused, 1);
    EXPECT_EQ(state.use_count(), 1);
    EXPECT_EQ(poll(), 0u);
}

/// What a handler holds, to see when it is gone.
class Held {
public:
    auto handler() {
        return [state = std::exchange(state_, nullptr)](error_code, const Pin&) { ADD_FAILURE(); };
    }
    bool gone() const { return watched_.expired(); }

private:
    std::shared_ptr<int> state_ = std::make_shared<int>();
    std::weak_ptr<int> watched_ = state_;
};

TEST_F(AsyncNext, destroys_its_handler_with_the_context) {
    Held plain;
    Held on_strand;
    Held erased;
    Held posted;
    {
        asio::io_context context;
        async_next(a, asio::bind_executor(context, plain.handler()));
        async_next(a, asio::bind_executor(asio::make_strand(context), on_strand.handler()));
        async_next(a, asio::bind_executor(asio::any_io_executor{context.get_executor()},
                                          erased.handler()));
        async_next(a, nullptr, asio::bind_executor(context, posted.handler()));
        context.stop();
        EXPECT_FALSE(plain.gone());
    }
    EXPECT_TRUE(plain.gone());
    EXPECT_TRUE(on_strand.gone());
    EXPECT_TRUE(erased.gone());
    EXPECT_TRUE(posted.gone());
    store->set("a", 1);
}

TEST_F(AsyncNext, destroys_a_coroutine_with_the_context) {
    const auto state = std::make_shared<int>();
    {
        asio::io_context context;
        asio::co_spawn(
            context,
            [](Config<int> config, std::shared_ptr<int>) -> asio::awaitable<void> {
                co_await async_next(config, asio::use_awaitable);
                ADD_FAILURE();
            }(a, state),
            asio::detached);
        context.poll();
        EXPECT_GT(state.use_count(), 1);
    }
    EXPECT_EQ(state.use_count(), 1);
    store->set("a", 1);
}

TEST_F(AsyncNext, does_not_mind_what_a_handler_owns) {
    // The last owner of the store is a handler, which goes with the context.
    auto owner = std::make_shared<Store>();
    const auto b = owner->bind<int>("b");
    {
        asio::io_context context;
        async_next(b, asio::bind_executor(context, [owner](error_code, const Pin&) {}));
        async_next(b, asio::bind_executor(context, [owner](error_code, const Pin&) {}));
        owner.reset();
    }
    EXPECT_FALSE(b.on_change([](const attune::Change<int>&) {}));
}

TEST_F(AsyncNext, takes_a_handler_that_only_moves_and_destroys_it_after_the_call) {
    auto state = std::make_unique<int>(2);
    const auto shared = std::make_shared<int>(0);
    async_next(a, nullptr,
               asio::bind_executor(io, [state = std::move(state), shared](error_code, const Pin&) {
                   *shared = *state;
               }));
    EXPECT_EQ(shared.use_count(), 2);
    run();
    EXPECT_EQ(*shared, 2);
    EXPECT_EQ(shared.use_count(), 1);
}

/// Counts what is allocated and not yet given back, and says when another thread does either.
template <class T>
struct Counting {
    using value_type = T;

    explicit Counting(std::size_t& live) : count(&live) {}
    template <class U>
    Counting(const Counting<U>& other) : count(other.count), owner(other.owner) {}

    T* allocate(std::size_t n) {
        EXPECT_EQ(std::this_thread::get_id(), owner);
        ++*count;
        return std::allocator<T>{}.allocate(n);
    }
    void deallocate(T* memory, std::size_t n) {
        EXPECT_EQ(std::this_thread::get_id(), owner);
        --*count;
        std::allocator<T>{}.deallocate(memory, n);
    }
    friend bool operator==(const Counting&, const Counting&) = default;

    std::size_t* count;
    std::thread::id owner = std::this_thread::get_id();
};

TEST_F(AsyncNext, uses_the_allocator_of_the_handler_on_its_own_threads) {
    std::size_t live = 0;
    std::optional<std::size_t> live_at_call;
    async_next(a, asio::bind_allocator(Counting<int>{live},
                                       asio::bind_executor(io, [&](error_code, const Pin&) {
                                           live_at_call = live;
                                       })));
    EXPECT_EQ(live, 1u);
    std::thread{[&] { store->set("a", 1); }}.join();
    run();
    EXPECT_EQ(live_at_call, 0u);
}

/// An executor that belongs to no context.
struct Loose {
    std::deque<std::function<void()>>* work;

    template <class F>
    void execute(F f) const {
        work->emplace_back([f = std::make_shared<F>(std::move(f))] { (*f)(); });
    }
    static constexpr asio::execution::blocking_t query(asio::execution::blocking_t) {
        return asio::execution::blocking.never;
    }
    bool operator==(const Loose&) const = default;
};

TEST_F(AsyncNext, takes_an_executor_without_a_context) {
    std::deque<std::function<void()>> work;
    async_next(a, asio::bind_executor(Loose{&work}, outcome.handler()));
    EXPECT_TRUE(work.empty());
    store->set("a", 1);
    ASSERT_EQ(work.size(), 1u);
    work.front()();
    EXPECT_EQ(outcome.got(), 1);
}

TEST_F(AsyncNext, ends_once_when_threads_change_cancel_and_close_at_a_time) {
    for (int round = 0; round < 300; ++round) {
        Outcome raced;
        std::optional<Store> own{std::in_place};
        attune::Layer layer = own->add(attune::memory({{"b", 0}}));
        const auto b = own->bind<int>("b");
        asio::cancellation_signal signal;
        asio::io_context context;
        async_next(b, asio::bind_cancellation_slot(signal.slot(),
                                                   asio::bind_executor(context, raced.handler())));
        std::latch ready{3};
        asio::post(context, [&] {
            ready.arrive_and_wait();
            signal.emit(asio::cancellation_type::terminal);
        });
        std::thread runner{[&] { context.run(); }};
        std::thread writer{[&] {
            ready.arrive_and_wait();
            try {
                layer.set("b", 1);
            } catch (const std::logic_error&) {
                return;  // closed already
            }
        }};
        ready.arrive_and_wait();
        own.reset();
        writer.join();
        runner.join();
        EXPECT_TRUE(raced.aborted() || raced.got() == 1);
    }
}

TEST_F(AsyncNext, survives_that_a_thread_writes_while_the_context_goes) {
    std::atomic<bool> done{false};
    std::thread writer{[&] {
        for (int i = 1; !done; ++i) {
            store->set("a", i);
        }
    }};
    for (int round = 0; round < 200; ++round) {
        asio::io_context context;
        for (int i = 0; i < 4; ++i) {
            async_next(a, asio::bind_executor(context, [](error_code, const Pin&) {}));
        }
        context.poll();
    }
    done = true;
    writer.join();
}

TEST_F(AsyncNext, serves_several_threads_of_a_pool) {
    constexpr int last = 300;
    asio::thread_pool pool{2};
    std::atomic<int> ended{0};
    for (int i = 0; i < 4; ++i) {
        asio::co_spawn(
            pool,
            [&]() -> asio::awaitable<void> {
                for (Pin now; now == nullptr || *now != last;) {
                    now = co_await async_next(a, now, asio::use_awaitable);
                }
                ++ended;
            },
            asio::detached);
    }
    for (int i = 1; i <= last; ++i) {
        store->set("a", i);
    }
    pool.join();
    EXPECT_EQ(ended, 4);
}

TEST_F(AsyncNext, leaves_no_observer_behind) {
    const auto state = std::make_shared<int>();
    for (int i = 1; i <= 3; ++i) {
        async_next(a, asio::bind_executor(io, [state](error_code, const Pin&) {}));
        store->set("a", i);
        run();
    }
    EXPECT_EQ(state.use_count(), 1);
    EXPECT_TRUE(store->set("a", 9).settle(0s)) << "nobody is owed a call";
}

TEST_F(AsyncNext, observers_let_go_of_a_strand_before_its_context_goes) {
    asio::io_context context;
    auto told = a.on_change(asio::make_strand(context), [](const attune::Change<int>&) {});
    store->set("a", 1);
    told.cancel();
    // The store, which goes after the context, still has the observer in its books.
}

TEST_F(AsyncNext, observers_run_on_executors_of_asio_as_well) {
    std::vector<int> seen;
    const auto in_context = a.on_change(io.get_executor(), [&](const attune::Change<int>& change) {
        seen.push_back(*change.after);
    });
    const auto on_strand =
        a.apply(asio::make_strand(io), [&](const int& value) { seen.push_back(10 * value); });
    const auto erased = a.on_change(asio::any_io_executor{io.get_executor()},
                                    [&](const attune::Change<int>&) { seen.push_back(-1); });
    EXPECT_EQ(seen, std::vector<int>{0});
    const attune::Commit commit = store->set("a", 1);
    EXPECT_FALSE(commit.settle(0s));
    run();
    EXPECT_EQ(seen, (std::vector<int>{0, 1, 10, -1}));
    EXPECT_TRUE(commit.settle(0s));
}

}  // namespace
