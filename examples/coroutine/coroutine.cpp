// Waiting for changes in coroutines of Boost.Asio.

#include <attune/attune.hpp>
#include <attune/net.hpp>

#include <chrono>
#include <exception>
#include <iostream>
#include <memory>
#include <optional>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

struct Pool {
    int size = 8;
    std::chrono::milliseconds timeout{250};
};

// [follow]
/// Now, and after every change, until the store is gone: that is an exception.
asio::awaitable<void> follow(attune::Config<Pool> pool) {
    for (std::shared_ptr<const Pool> now;;) {
        now = co_await attune::async_next(pool, now, asio::use_awaitable);
        std::cout << "pool of " << now->size << '\n';
    }
}
// [follow-end]

/// The first change, if one comes in time.
asio::awaitable<void> wait_a_while(attune::Config<Pool> pool) {
    using namespace asio::experimental::awaitable_operators;
    // [deadline]
    asio::steady_timer timer{co_await asio::this_coro::executor, 10s};
    const auto first = co_await (attune::async_next(pool, asio::use_awaitable) ||
                                 timer.async_wait(asio::use_awaitable));
    // [deadline-end]
    std::cout << (first.index() == 0 ? "changed in time\n" : "too late\n");
}

/// What somebody else would do: changes the pool twice, and ends the store.
asio::awaitable<void> administer(std::optional<attune::Store>& store) {
    for (const int size : {16, 32}) {
        store->set("pool.size", size);
        co_await asio::post(asio::use_awaitable);  // a turn for the others
    }
    store.reset();
}

int run() {
    std::optional<attune::Store> store{std::in_place};
    const auto pool = store->bind<Pool>("pool");
    asio::io_context io;
    bool aborted = false;

    asio::co_spawn(io, follow(pool), [&](const std::exception_ptr& end) {
        try {
            std::rethrow_exception(end);
        } catch (const boost::system::system_error& error) {
            aborted = error.code() == asio::error::operation_aborted;
            std::cout << "the store is gone\n";
        }
    });
    const auto rethrow = [](const std::exception_ptr& end) {
        if (end) {
            std::rethrow_exception(end);
        }
    };
    asio::co_spawn(io, wait_a_while(pool), rethrow);
    asio::co_spawn(io, administer(store), rethrow);
    io.run();  // returns when nobody waits any more
    return aborted ? 0 : 1;
}

}  // namespace

int main() try { return run(); } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
}
