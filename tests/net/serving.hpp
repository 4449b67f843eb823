#pragma once

#include <attune/net/http_server.hpp>
#include <attune/net/io_thread.hpp>

#include "net/raw_client.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/post.hpp>

namespace net_test {

namespace net = attune::net;

/// Counts what happens on other threads, and waits for it.
class Tally {
public:
    void add() {
        {
            const std::scoped_lock lock{mutex_};
            ++count_;
        }
        changed_.notify_all();
    }
    std::size_t count() const {
        const std::scoped_lock lock{mutex_};
        return count_;
    }
    bool reaches(std::size_t count) const {
        std::unique_lock lock{mutex_};
        return changed_.wait_for(lock, std::chrono::seconds{20}, [&] { return count_ >= count; });
    }

private:
    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    std::size_t count_ = 0;
};

inline net::HttpResponse text(std::string body, unsigned status = 200) {
    return {.status = status, .fields = {{"Content-Type", "text/plain"}}, .body = std::move(body)};
}

inline std::string get(const std::string& target) {
    return "GET " + target + " HTTP/1.1\r\nHost: test\r\n\r\n";
}

/// A server whose handler answers `METHOD target:body`, but for a few targets:
///   /hold   keeps the exchange, for `answer_held` and `on_server`
///   /drop   lets go of it          /throw  throws
class Serving {
public:
    explicit Serving(net::HttpServerOptions options = {}) : Serving(std::move(options), {}) {}
    Serving(net::HttpServerOptions options, net::HttpHandler handler)
        : server(
              io.executor(), std::move(options),
              handler ? std::move(handler) : [this](std::shared_ptr<net::HttpExchange> exchange) {
                  handle(std::move(exchange));
              }) {}

    std::uint16_t port() const { return server.port(); }

    /// Runs `f` on the server's executor and gives what it returns.
    template <class F>
    auto on_server(F f) {
        std::packaged_task<std::invoke_result_t<F>()> task{std::move(f)};
        auto result = task.get_future();
        boost::asio::post(server.executor(), [task = std::move(task)]() mutable { task(); });
        return result.get();
    }
    void answer_held(const std::string& body) {
        on_server([&] {
            for (const auto& each : std::exchange(held, {})) {
                each->respond(text(body));
            }
        });
    }
    /// Waits until as many connections are open.
    bool has_open(std::size_t count) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{20};
        while (server.counters().open != count) {
            if (std::chrono::steady_clock::now() > end) {
                return false;
            }
            std::this_thread::yield();
        }
        return true;
    }

    net::IoThread io;
    std::vector<std::shared_ptr<net::HttpExchange>> held;  ///< on the server's executor
    Tally arrived;                                         ///< requests held
    Tally gone;
    net::HttpServer server;

private:
    void handle(std::shared_ptr<net::HttpExchange> exchange) {
        const net::HttpRequest& request = exchange->request();
        if (request.target == "/hold") {
            exchange->on_gone([this] { gone.add(); });
            exchange->release_request();
            held.push_back(std::move(exchange));
            arrived.add();
        } else if (request.target == "/throw") {
            throw std::runtime_error{"a secret of the handler"};
        } else if (request.target != "/drop") {
            exchange->respond(text(request.method + " " + request.target + ":" + request.body));
        }
    }
};

}  // namespace net_test
