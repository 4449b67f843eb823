#include <attune/net/http_server.hpp>

#include "net/raw_client.hpp"
#include "net/serving.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

namespace {

namespace net = attune::net;
using namespace std::chrono_literals;
using net_test::get;
using net_test::RawClient;
using net_test::Serving;
using net_test::Tally;
using net_test::text;

TEST(HttpServerHeld, answers_many_that_wait_at_once) {
    Serving serving;
    std::vector<std::unique_ptr<RawClient>> clients;
    for (std::size_t i = 0; i < 50; ++i) {
        clients.push_back(std::make_unique<RawClient>(serving.port()));
        ASSERT_TRUE(clients.back()->send(get("/hold")));
    }
    for (std::size_t round = 1; round <= 3; ++round) {
        ASSERT_TRUE(serving.arrived.reaches(50 * round));
        const auto wire = net::make_wire(text("change " + std::to_string(round)));
        serving.on_server([&] {
            for (const auto& each : std::exchange(serving.held, {})) {
                each->respond(wire);
            }
        });
        for (const auto& client : clients) {
            EXPECT_EQ(client->read_response().body, "change " + std::to_string(round));
            ASSERT_TRUE(client->send(get("/hold")));
        }
    }
    EXPECT_EQ(serving.gone.count(), 0U);
}

TEST(HttpServerHeld, frees_a_request_when_told_to) {
    std::shared_ptr<net::HttpExchange> held;
    Tally arrived;
    Serving serving{{}, [&](const std::shared_ptr<net::HttpExchange>& exchange) {
                        EXPECT_EQ(exchange->request().fields.find("host"), "test");
                        exchange->release_request();
                        EXPECT_TRUE(exchange->request().fields.empty());
                        EXPECT_EQ(exchange->request().target, "");
                        held = exchange;
                        arrived.add();
                    }};
    RawClient client{serving.port()};
    ASSERT_TRUE(client.send(get("/")));
    ASSERT_TRUE(arrived.reaches(1));
    serving.on_server([&] { std::exchange(held, nullptr)->respond(text("still")); });
    EXPECT_EQ(client.read_response().body, "still");
}

TEST(HttpServerHeld, notices_at_once_that_a_client_closes) {
    Serving serving;
    std::optional<RawClient> client{serving.port()};
    ASSERT_TRUE(client->send(get("/hold")));
    ASSERT_TRUE(serving.arrived.reaches(1));
    client->close();
    EXPECT_TRUE(serving.gone.reaches(1));
    EXPECT_TRUE(serving.has_open(0));
    serving.answer_held("to nobody");
    EXPECT_EQ(serving.gone.count(), 1U);
}

TEST(HttpServerHeld, notices_a_reset_and_a_closed_sending_side) {
    Serving serving;
    RawClient reset{serving.port()};
    RawClient half{serving.port()};
    ASSERT_TRUE(reset.send(get("/hold")));
    ASSERT_TRUE(half.send(get("/hold")));
    ASSERT_TRUE(serving.arrived.reaches(2));
    reset.reset();
    EXPECT_TRUE(serving.gone.reaches(1));
    half.shut();
    EXPECT_TRUE(serving.gone.reaches(2));
    EXPECT_TRUE(half.is_closed());
}

TEST(HttpServerHeld, answers_who_has_shut_its_sending_side_if_it_can_do_so_at_once) {
    Serving serving;
    RawClient client{serving.port()};
    ASSERT_TRUE(client.send(get("/1") + get("/2")));
    client.shut();
    EXPECT_EQ(client.read_response().body, "GET /1:");
    EXPECT_EQ(client.read_response().body, "GET /2:");
    EXPECT_TRUE(client.is_closed());
}

TEST(HttpServerHeld, keeps_what_comes_behind_a_held_request_for_later) {
    Serving serving;
    RawClient client{serving.port()};
    ASSERT_TRUE(client.send(get("/hold")));
    ASSERT_TRUE(serving.arrived.reaches(1));
    std::string many;
    for (int i = 0; i < 2'000; ++i) {
        many += get("/" + std::to_string(i));
    }
    ASSERT_TRUE(client.send(many));  // more than the server reads ahead
    serving.answer_held("first");
    EXPECT_EQ(client.read_response().body, "first");
    for (int i = 0; i < 2'000; ++i) {
        ASSERT_EQ(client.read_response().body, "GET /" + std::to_string(i) + ":");
    }
}

TEST(HttpServerHeld, notices_a_reset_behind_more_than_it_reads_ahead) {
    Serving serving;
    RawClient client{serving.port()};
    ASSERT_TRUE(client.send(get("/hold") + std::string(200'000, 'x')));
    ASSERT_TRUE(serving.arrived.reaches(1));
    client.reset();
    EXPECT_TRUE(serving.gone.reaches(1));
}

TEST(HttpServerHeld, calls_only_the_last_of_those_who_want_to_know) {
    Tally first;
    Tally second;
    Tally arrived;
    std::shared_ptr<net::HttpExchange> held;
    Serving serving{{}, [&](const std::shared_ptr<net::HttpExchange>& exchange) {
                        exchange->on_gone([&] { first.add(); });
                        exchange->on_gone([&] {
                            held = nullptr;  // from inside
                            second.add();
                        });
                        held = exchange;
                        arrived.add();
                    }};
    RawClient client{serving.port()};
    ASSERT_TRUE(client.send(get("/")));
    ASSERT_TRUE(arrived.reaches(1));
    client.close();
    EXPECT_TRUE(second.reaches(1));
    EXPECT_EQ(first.count(), 0U);
}

TEST(HttpServerHeld, lets_an_exchange_outlive_server_and_context) {
    std::shared_ptr<net::HttpExchange> held;
    {
        Serving serving;
        RawClient client{serving.port()};
        ASSERT_TRUE(client.send(get("/hold")));
        ASSERT_TRUE(serving.arrived.reaches(1));
        held = serving.on_server([&] { return std::exchange(serving.held, {}).front(); });
    }
    EXPECT_EQ(held->peer().address, "127.0.0.1");
    held->respond(text("nobody"));
    held = nullptr;
}

TEST(HttpServerHeld, works_on_an_executor_of_many_threads) {
    boost::asio::thread_pool pool{4};
    std::vector<std::shared_ptr<net::HttpExchange>> held;
    Tally arrived;
    net::HttpServer server{
        pool.get_executor(), {}, [&](std::shared_ptr<net::HttpExchange> exchange) {
            if (exchange->request().target == "/hold") {
                held.push_back(std::move(exchange));
                arrived.add();
            } else {
                exchange->respond(text(std::to_string(held.size())));
            }
        }};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            RawClient client{server.port()};
            for (int round = 0; round < 50; ++round) {
                EXPECT_EQ(client.ask(get("/")), 200U);
            }
            EXPECT_EQ(client.ask(get("/hold")), 200U);
        });
    }
    ASSERT_TRUE(arrived.reaches(4));
    boost::asio::post(server.executor(), [&] {
        for (const auto& each : std::exchange(held, {})) {
            each->respond(text("all"));
        }
    });
    for (auto& thread : threads) {
        thread.join();
    }
    EXPECT_EQ(server.counters().requests, 4U * 51U);
}

}  // namespace
