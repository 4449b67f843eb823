#include <attune/net/http_server.hpp>

#include "net/raw_client.hpp"
#include "net/serving.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

namespace {

namespace net = attune::net;
using namespace std::chrono_literals;
using net_test::get;
using net_test::RawClient;
using net_test::Serving;
using net_test::Tally;
using net_test::text;
using testing::HasSubstr;

constexpr auto long_grace = 60s;

/// What was done to the server's owner is known to its thread when this returns.
void introduce(const net::HttpServer& server) {
    std::promise<void> known;
    const auto done = known.get_future();
    boost::asio::post(server.executor(),
                      [known = std::move(known)]() mutable { known.set_value(); });
    done.wait();
}

TEST(HttpServerStop, closes_idle_connections_and_takes_no_more) {
    Serving serving;
    RawClient used{serving.port()};
    EXPECT_EQ(used.ask(get("/")), 200U);
    RawClient fresh{serving.port()};
    ASSERT_TRUE(serving.has_open(2));
    serving.server.stop(long_grace);
    EXPECT_TRUE(used.is_closed());
    EXPECT_TRUE(fresh.is_closed());
    EXPECT_THROW(RawClient{serving.port()}, std::runtime_error);
    EXPECT_EQ(serving.server.counters().open, 0U);
}

TEST(HttpServerStop, lets_whoever_holds_requests_answer_them) {
    Serving serving;
    RawClient client{serving.port()};
    ASSERT_TRUE(client.send(get("/hold")));
    ASSERT_TRUE(serving.arrived.reaches(1));
    serving.server.stop(long_grace, [&] {
        for (const auto& each : std::exchange(serving.held, {})) {
            each->respond(text("farewell"));
        }
    });
    const auto response = client.read_response();
    EXPECT_EQ(response.body, "farewell");
    EXPECT_THAT(response.head, HasSubstr("Connection: close\r\n"));
    EXPECT_TRUE(client.is_closed());
    EXPECT_EQ(serving.gone.count(), 0U);
}

TEST(HttpServerStop, waits_for_a_request_that_is_under_way) {
    Serving serving;
    RawClient client{serving.port()};
    ASSERT_TRUE(
        client.send("PUT /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                    "Content-Length: 2\r\n\r\n"));
    client.read_until("\r\n\r\n");
    serving.server.stop(long_grace, [&] { EXPECT_TRUE(client.send("ok")); });
    EXPECT_EQ(client.read_response().body, "PUT /x:ok");
    EXPECT_TRUE(client.is_closed());
}

TEST(HttpServerStop, cuts_off_what_is_not_answered_in_time) {
    Serving serving;
    RawClient client{serving.port()};
    ASSERT_TRUE(client.send(get("/hold")));
    ASSERT_TRUE(serving.arrived.reaches(1));
    serving.server.stop(10ms);
    EXPECT_TRUE(client.is_closed());
    serving.answer_held("too late");
}

TEST(HttpServerStop, may_be_called_by_a_handler_and_more_than_once) {
    Tally drained;
    net::IoThread io;
    std::optional<net::HttpServer> server;
    server.emplace(io.executor(), net::HttpServerOptions{},
                   [&](const std::shared_ptr<net::HttpExchange>& exchange) {
                       server->stop(long_grace, [&] { drained.add(); });
                       exchange->respond(text("last"));
                   });
    introduce(*server);
    RawClient client{server->port()};
    EXPECT_EQ(client.ask(get("/")), 200U);
    EXPECT_TRUE(client.is_closed());
    server->stop(long_grace, [&] { drained.add(); });
    EXPECT_EQ(drained.count(), 2U);
}

TEST(HttpServerStop, cuts_off_in_time_when_called_by_a_handler) {
    std::shared_ptr<net::HttpExchange> held;
    net::IoThread io;
    std::optional<net::HttpServer> server;
    server.emplace(io.executor(), net::HttpServerOptions{},
                   [&](std::shared_ptr<net::HttpExchange> exchange) {
                       held = std::move(exchange);
                       server->stop(10ms);
                   });
    introduce(*server);
    RawClient client{server->port()};
    ASSERT_TRUE(client.send(get("/")));
    EXPECT_TRUE(client.is_closed());
    introduce(*server);
    server.reset();
}

TEST(HttpServerStop, survives_a_handler_that_destroys_the_server) {
    Tally destroyed;
    net::IoThread io;
    std::optional<net::HttpServer> server;
    server.emplace(io.executor(), net::HttpServerOptions{},
                   [&](const std::shared_ptr<net::HttpExchange>& exchange) {
                       server.reset();
                       exchange->respond(text("nobody"));
                       destroyed.add();
                   });
    introduce(*server);
    RawClient client{server->port()};
    ASSERT_TRUE(client.send(get("/") + get("/")));
    EXPECT_TRUE(client.is_closed());
    EXPECT_TRUE(destroyed.reaches(1));
}

TEST(HttpServerStop, does_not_wait_for_a_context_that_nobody_runs) {
    boost::asio::io_context context;
    {
        net::HttpServer server{
            context.get_executor(), {}, [](const std::shared_ptr<net::HttpExchange>&) {}};
        server.stop(1ms, [] { ADD_FAILURE() << "who runs this?"; });
    }
    const net::HttpServer other{
        context.get_executor(), {}, [](const std::shared_ptr<net::HttpExchange>&) {}};
}

TEST(HttpServerStop, calls_no_handler_after_its_end) {
    for (int round = 0; round < 20; ++round) {
        net::IoThread io;
        std::atomic<bool> over{false};
        std::atomic<int> late{0};
        std::optional<net::HttpServer> server;
        server.emplace(io.executor(), net::HttpServerOptions{},
                       [&](const std::shared_ptr<net::HttpExchange>& exchange) {
                           late += over ? 1 : 0;
                           exchange->respond(text("x"));
                       });
        introduce(*server);
        RawClient client{server->port()};
        std::thread asking{[&] {
            while (client.ask(get("/")) == 200U) {
            }
        }};
        while (server->counters().requests < 20) {
            std::this_thread::yield();
        }
        server.reset();
        over = true;
        asking.join();
        EXPECT_EQ(late, 0);
    }
}

}  // namespace
