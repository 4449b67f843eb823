#include <attune/net/http_server.hpp>
#include <attune/net/impl/http_request_parser.hpp>

#include "net/raw_client.hpp"
#include "net/serving.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <memory>
#include <string>
#include <system_error>

#include <boost/asio/io_context.hpp>

namespace {

namespace net = attune::net;
using net_test::get;
using net_test::RawClient;
using net_test::Serving;
using net_test::text;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(HttpServer, answers_on_one_connection_as_often_as_it_is_asked) {
    Serving serving;
    RawClient client{serving.port()};
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(client.send(get("/a?x=%20")));
        const auto response = client.read_response();
        EXPECT_EQ(response.status, 200U);
        EXPECT_EQ(response.body, "GET /a?x=%20:");
    }
    EXPECT_EQ(serving.server.counters().connections, 1U);
    EXPECT_EQ(serving.server.counters().requests, 3U);
}

TEST(HttpServer, says_everything_a_response_needs_and_nothing_twice) {
    Serving serving{{.name = "tester"}, [](const std::shared_ptr<net::HttpExchange>& exchange) {
                        net::HttpResponse response = text("hello", 203);
                        response.fields.add("Content-Length", "99");
                        response.fields.add("Connection", "upgrade");
                        response.fields.add("X-Split", "a\r\nSet-Cookie: b");
                        exchange->respond(std::move(response));
                    }};
    RawClient client{serving.port()};
    ASSERT_TRUE(client.send(get("/")));
    const auto response = client.read_response();
    EXPECT_THAT(response.head, StartsWith("HTTP/1.1 203 Non-Authoritative Information\r\n"));
    EXPECT_THAT(response.head, HasSubstr("\r\nContent-Type: text/plain\r\n"));
    EXPECT_THAT(response.head, HasSubstr("\r\nServer: tester\r\n"));
    EXPECT_THAT(response.head,
                testing::ContainsRegex("Date: [A-Z][a-z][a-z], [0-9][0-9] [A-Z][a-z][a-z] [0-9]* "
                                       "[0-9:]* GMT\r\n"));
    EXPECT_THAT(response.head, HasSubstr("\r\nContent-Length: 5\r\n"));
    EXPECT_THAT(response.head, Not(HasSubstr("99")));
    EXPECT_THAT(response.head, Not(HasSubstr("Connection:")));
    EXPECT_THAT(response.head, Not(HasSubstr("\r\nSet-Cookie")));
    EXPECT_EQ(response.body, "hello");
}

TEST(HttpServer, answers_pipelined_requests_in_their_order) {
    Serving serving;
    RawClient client{serving.port()};
    ASSERT_TRUE(client.send(get("/1") + get("/hold") + get("/2") + "\r\n" + get("/3")));
    EXPECT_EQ(client.read_response().body, "GET /1:");
    ASSERT_TRUE(serving.arrived.reaches(1));
    serving.answer_held("late");
    EXPECT_EQ(client.read_response().body, "late");
    EXPECT_EQ(client.read_response().body, "GET /2:");
    EXPECT_EQ(client.read_response().body, "GET /3:");
}

TEST(HttpServer, takes_a_request_byte_by_byte) {
    Serving serving;
    RawClient client{serving.port()};
    for (const char each :
         "PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" + get("/y")) {
        ASSERT_TRUE(client.send({&each, 1}));
    }
    EXPECT_EQ(client.read_response().body, "PUT /x:abc");
    EXPECT_EQ(client.read_response().body, "GET /y:");
}

TEST(HttpServer, takes_chunks_byte_by_byte) {
    for (const std::string body : {"0\r\n\r\n", "0\r\nX: y\r\n\r\n", "2\r\nab\r\n0\r\n\r\n"}) {
        const attune::HttpLimits limits;
        net::detail::HttpRequestParser parser{limits, {}};
        std::string pending;
        for (const char each :
             "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + body) {
            pending += each;
            pending.erase(0, parser.feed(pending));
        }
        EXPECT_TRUE(parser.done() && !parser.refusal()) << body;
    }
}

TEST(HttpServer, puts_chunks_together_and_passes_over_their_trailers) {
    Serving serving;
    RawClient client{serving.port()};
    ASSERT_TRUE(
        client.send("POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                    "3;name=value\r\nabc\r\n0A\r\n0123456789\r\n0\r\nX-Sum: 1\r\nHost: b\r\n\r\n" +
                    get("/y")));
    EXPECT_EQ(client.read_response().body, "POST /x:abc0123456789");
    EXPECT_EQ(client.read_response().body, "GET /y:");
}

TEST(HttpServer, tells_a_client_that_waits_for_it_to_go_on) {
    Serving serving;
    RawClient client{serving.port()};
    ASSERT_TRUE(client.send(
        "PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-Continue\r\n\r\n"));
    EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    ASSERT_TRUE(client.send("ok"));
    EXPECT_EQ(client.read_response().body, "PUT /x:ok");
}

TEST(HttpServer, does_not_tell_a_client_to_go_on_that_has) {
    Serving serving;
    RawClient client{serving.port()};
    EXPECT_EQ(client.ask("PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"
                         "Expect: 100-continue\r\n\r\nok"),
              200U);
}

TEST(HttpServer, refuses_what_it_cannot_expect) {
    Serving serving;
    RawClient client{serving.port()};
    EXPECT_EQ(client.ask("PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: more\r\n\r\n"),
              417U);
    EXPECT_TRUE(client.is_closed());
}

TEST(HttpServer, closes_after_HTTP_1_0_unless_asked_to_stay) {
    Serving serving;
    RawClient once{serving.port()};
    ASSERT_TRUE(once.send("GET /a HTTP/1.0\r\n\r\n"));
    EXPECT_THAT(once.read_to_end(),
                EndsWith("Connection: close\r\nContent-Length: 7\r\n\r\nGET /a:"));

    RawClient twice{serving.port()};
    for (int i = 0; i < 2; ++i) {
        ASSERT_TRUE(twice.send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
        EXPECT_THAT(twice.read_response().head, HasSubstr("Connection: keep-alive\r\n"));
    }
}

TEST(HttpServer, closes_when_the_client_says_so) {
    Serving serving;
    RawClient client{serving.port()};
    ASSERT_TRUE(client.send("GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    const auto response = client.read_response();
    EXPECT_EQ(response.body, "GET /a:");
    EXPECT_THAT(response.head, HasSubstr("Connection: close\r\n"));
    EXPECT_TRUE(client.is_closed());
}

TEST(HttpServer, leaves_the_body_out_where_there_is_none_to_be) {
    Serving serving{{}, [](const std::shared_ptr<net::HttpExchange>& exchange) {
                        const std::string& target = exchange->request().target;
                        if (target == "/wire") {
                            exchange->respond(net::make_wire(text("wire")));
                        } else if (target == "/stream") {
                            exchange->begin_stream(text(""));
                            EXPECT_EQ(exchange->write(std::make_shared<std::string>("x")),
                                      exchange->request().method != "HEAD");
                            exchange->end_stream();
                        } else {
                            exchange->respond(text("body", target == "/304"   ? 304
                                                           : target == "/204" ? 204
                                                                              : 200));
                        }
                    }};
    RawClient client{serving.port()};
    for (const char* target : {"/", "/wire"}) {
        ASSERT_TRUE(client.send("HEAD " + std::string{target} + " HTTP/1.1\r\nHost: a\r\n\r\n"));
        const auto response = client.read_response(false);
        EXPECT_EQ(response.status, 200U);
        EXPECT_THAT(response.head, HasSubstr("Content-Length: 4\r\n"));
    }
    ASSERT_TRUE(client.send("HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n"));
    EXPECT_EQ(client.read_response(false).status, 200U);
    for (const unsigned status : {204U, 304U}) {
        ASSERT_TRUE(client.send(get("/" + std::to_string(status))));
        const auto response = client.read_response();
        EXPECT_EQ(response.status, status);
        EXPECT_THAT(response.head, Not(HasSubstr("Content-Length")));
    }
    ASSERT_TRUE(client.send(get("/wire")));
    const auto wire = client.read_response();
    EXPECT_EQ(wire.body, "wire");
    EXPECT_THAT(wire.head, HasSubstr("\r\nDate: "));
    EXPECT_THAT(wire.head, HasSubstr("\r\nServer: attune\r\n"));
    EXPECT_THAT(*net::make_wire(text("never", 204)), EndsWith("\r\n\r\n"));
}

TEST(HttpServer, sends_large_bodies_and_shared_ones_whole) {
    const auto shared = std::make_shared<const std::string>(3'000'000, 's');
    Serving serving{{}, [&](const std::shared_ptr<net::HttpExchange>& exchange) {
                        if (exchange->request().target == "/shared") {
                            exchange->respond(text(""), shared);
                        } else {
                            exchange->respond(text(exchange->request().body));
                        }
                    }};
    RawClient client{serving.port(), "127.0.0.1", 4096};
    std::string body;
    for (int i = 0; i < 2'000'000; ++i) {
        body += static_cast<char>('a' + i % 23);
    }
    ASSERT_TRUE(client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: " +
                            std::to_string(body.size()) + "\r\n\r\n" + body + get("/shared")));
    EXPECT_EQ(client.read_response().body, body);
    EXPECT_EQ(client.read_response().body, *shared);
}

TEST(HttpServer, answers_500_for_a_handler_that_fails_and_tells_nothing) {
    Serving serving;
    RawClient client{serving.port()};
    for (const char* target : {"/throw", "/drop"}) {
        ASSERT_TRUE(client.send(get(target)));
        const auto response = client.read_response();
        EXPECT_EQ(response.status, 500U);
        EXPECT_THAT(response.body, Not(HasSubstr("secret")));
    }
    EXPECT_EQ(client.ask(get("/next")), 200U);
}

TEST(HttpServer, answers_500_for_an_exchange_dropped_on_another_thread) {
    Serving serving;
    RawClient client{serving.port()};
    ASSERT_TRUE(client.send(get("/hold")));
    ASSERT_TRUE(serving.arrived.reaches(1));
    auto last = serving.on_server([&] { return std::exchange(serving.held, {}); });
    last.clear();
    EXPECT_EQ(client.read_response().status, 500U);
}

TEST(HttpServer, ignores_what_follows_an_answer) {
    Serving serving{{}, [](const std::shared_ptr<net::HttpExchange>& exchange) {
                        exchange->respond(text("first"));
                        exchange->respond(text("second"));
                        exchange->respond(net::make_wire(text("third")));
                        exchange->begin_stream(text(""));
                        EXPECT_FALSE(exchange->write(std::make_shared<std::string>("fourth")));
                        exchange->end_stream();
                        throw 5;
                    }};
    RawClient client{serving.port()};
    ASSERT_TRUE(client.send(get("/") + "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    EXPECT_EQ(client.read_response().body, "first");
    EXPECT_EQ(client.read_response().body, "first");
    EXPECT_TRUE(client.is_closed());
}

TEST(HttpServer, knows_who_asks) {
    Serving serving{{}, [](const std::shared_ptr<net::HttpExchange>& exchange) {
                        const net::HttpPeer& peer = exchange->peer();
                        EXPECT_NE(peer.port, 0);
                        EXPECT_FALSE(peer.tls);
                        EXPECT_EQ(peer.certificate, "");
                        exchange->respond(text(peer.address));
                    }};
    RawClient client{serving.port()};
    ASSERT_TRUE(client.send(get("/")));
    EXPECT_EQ(client.read_response().body, "127.0.0.1");
}

TEST(HttpServer, listens_to_IPv6_and_names_IPv4_in_it_as_such) {
    std::unique_ptr<Serving> serving;
    try {
        serving = std::make_unique<Serving>(net::HttpServerOptions{.address = "::"},
                                            [](const std::shared_ptr<net::HttpExchange>& exchange) {
                                                exchange->respond(text(exchange->peer().address));
                                            });
    } catch (const std::system_error& error) {
        GTEST_SKIP() << "no IPv6 here: " << error.what();
    }
    RawClient six{serving->port(), "::1"};
    ASSERT_TRUE(six.send(get("/")));
    EXPECT_EQ(six.read_response().body, "::1");
    RawClient four{serving->port(), "127.0.0.1"};
    ASSERT_TRUE(four.send(get("/")));
    EXPECT_EQ(four.read_response().body, "127.0.0.1");
}

TEST(HttpServer, says_where_it_cannot_listen) {
    Serving serving;
    for (const auto& [address, port] : {std::pair{std::string{"nowhere.invalid"}, std::uint16_t{0}},
                                        {"127.0.0.1", serving.port()}}) {
        boost::asio::io_context context;
        try {
            const net::HttpServer second{context.get_executor(),
                                         {.address = address, .port = port},
                                         [](const std::shared_ptr<net::HttpExchange>&) {}};
            ADD_FAILURE() << "listens on " << address;
        } catch (const std::system_error& error) {
            EXPECT_THAT(error.what(), HasSubstr(address));
        }
    }
}

TEST(HttpServer, is_understood_by_curl) {
    if (std::system("curl --version >/dev/null 2>&1") != 0) {
        GTEST_SKIP() << "there is no curl";
    }
    Serving serving;
    const std::string url = "http://127.0.0.1:" + std::to_string(serving.port());
    const std::string command = "curl -sS --max-time 20 -T - -H 'Expect: 100-continue' " + url +
                                "/put " + "</dev/null -w '|%{http_code}' --next -sS " + url +
                                "/get -w '|%{http_code}|%{num_connects}'";
    FILE* const output = ::popen(command.c_str(), "r");
    ASSERT_NE(output, nullptr);
    char bytes[256];
    const std::string all{bytes, std::fread(bytes, 1, sizeof bytes, output)};
    EXPECT_EQ(::pclose(output), 0);
    EXPECT_EQ(all, "PUT /put:|200GET /get:|200|0");
}

}  // namespace
