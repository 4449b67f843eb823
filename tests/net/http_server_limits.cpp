#include <attune/net/http_server.hpp>
#include <attune/net/impl/http_request_parser.hpp>

#include "net/raw_client.hpp"
#include "net/serving.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace {

namespace net = attune::net;
using namespace std::chrono_literals;
using net_test::get;
using net_test::RawClient;
using net_test::Serving;
using net_test::text;
using testing::HasSubstr;

net::HttpServerOptions with(const attune::HttpLimits& limits) {
    net::HttpServerOptions options;
    options.limits = limits;
    return options;
}

/// Sends all of it and expects to be told why it was refused, and then the end.
void expect_refusal(const Serving& serving, const std::string& request, unsigned status) {
    RawClient client{serving.port()};
    client.send(request);  // the server may have had enough before
    const auto response = client.read_response();
    EXPECT_EQ(response.status, status) << request.substr(0, 200);
    EXPECT_THAT(response.head, HasSubstr("Connection: close\r\n"));
    EXPECT_THAT(response.head, HasSubstr("Content-Type: application/problem+json\r\n"));
    EXPECT_THAT(response.body, HasSubstr("\"status\":" + std::to_string(status)));
    client.shut();
    EXPECT_TRUE(client.is_closed());
}

TEST(HttpServerLimits, refuses_headers_that_are_too_long_in_any_way) {
    const Serving serving{with({.header = 1'000})};
    const std::string begin = "GET / HTTP/1.1\r\nHost: a\r\n";
    std::string fields;
    for (int i = 0; i < 100; ++i) {
        fields += "X-Field: 0123456789\r\n";
    }
    expect_refusal(serving, "GET /" + std::string(1'000, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n",
                   431);
    expect_refusal(serving, "GET /" + std::string(100'000, 'a'), 431);
    expect_refusal(serving, begin + "X-Long: " + std::string(1'000, 'a') + "\r\n\r\n", 431);
    expect_refusal(serving, begin + fields + "\r\n", 431);
    expect_refusal(serving, begin + fields, 431);
    EXPECT_EQ(serving.server.counters().over_limit, 5U);
    RawClient client{serving.port()};
    EXPECT_EQ(client.ask(begin + "X-Long: " + std::string(900, 'a') + "\r\n\r\n"), 200U);
}

TEST(HttpServerLimits, refuses_bodies_that_are_too_long_before_they_have_come) {
    const Serving serving{with({.body = 1'000})};
    const std::string begin = "PUT / HTTP/1.1\r\nHost: a\r\n";
    expect_refusal(serving, begin + "Content-Length: 1001\r\nExpect: 100-continue\r\n\r\n", 413);
    expect_refusal(serving, begin + "Content-Length: 18446744073709551615\r\n\r\n", 413);
    expect_refusal(serving, begin + "Transfer-Encoding: chunked\r\n\r\n3e9\r\n", 413);
    expect_refusal(serving,
                   begin + "Transfer-Encoding: chunked\r\n\r\n3e8\r\n" + std::string(1'000, 'x') +
                       "\r\n1\r\nx\r\n0\r\n\r\n",
                   413);
    expect_refusal(serving, begin + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", 413);
    RawClient client{serving.port()};
    EXPECT_EQ(client.ask(begin + "Content-Length: 1000\r\n\r\n" + std::string(1'000, 'x')), 200U);
}

TEST(HttpServerLimits, refuses_bodies_that_are_too_much_together) {
    Serving serving{with({.body = 100'000, .bodies = 150'000})};
    const std::string put = "PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n";
    RawClient first{serving.port()};
    ASSERT_TRUE(first.send(put + "Expect: 100-continue\r\n\r\n"));
    first.read_until("\r\n\r\n");
    ASSERT_TRUE(first.send(std::string(90'000, 'x')));
    RawClient second{serving.port()};
    unsigned status = 200;
    while (status == 200) {  // until the first has arrived
        status = second.ask(put + "\r\n" + std::string(100'000, 'y'));
    }
    EXPECT_EQ(status, 503U);
    EXPECT_EQ(serving.server.counters().over_limit, 1U);
    ASSERT_TRUE(first.send(std::string(10'000, 'x')));
    EXPECT_EQ(first.read_response().status, 200U);
    RawClient third{serving.port()};
    EXPECT_EQ(third.ask(put + "\r\n" + std::string(100'000, 'z')), 200U);
}

TEST(HttpServerLimits, refuses_endless_chunk_extensions_and_trailers) {
    const Serving serving{with({.header = 1'000})};
    const std::string begin = "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    expect_refusal(serving, begin + "1;" + std::string(100'000, 'a'), 431);
    expect_refusal(serving, begin + "0\r\nX: " + std::string(100'000, 'a'), 431);
}

TEST(HttpServerLimits, refuses_long_chunk_extensions_and_trailers_however_they_are_cut) {
    const Serving serving{with({.header = 1'000})};
    const std::string begin = "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    const auto extension = [&](std::size_t length) {
        return begin + "1;a=" + std::string(length, 'a') + "\r\nx\r\n0\r\n\r\n";
    };
    const auto trailers = [&](std::size_t length) {
        return begin + "1\r\nx\r\n0\r\nX: " + std::string(length, 'a') + "\r\n\r\n";
    };
    for (const auto& request : {extension(1'000), trailers(1'000)}) {
        expect_refusal(serving, request, 431);  // as one piece, most likely
        for (const std::size_t piece : {1U, 7U, 500U}) {
            const attune::HttpLimits limits{.header = 1'000};
            net::detail::HttpRequestParser parser{limits, {}};
            std::string pending;
            for (std::size_t at = 0; at < request.size() && !parser.refusal(); at += piece) {
                pending += request.substr(at, piece);
                std::size_t used = 1;
                while (used != 0 && !pending.empty() && !parser.refusal() && !parser.done()) {
                    used = parser.feed(pending);
                    pending.erase(0, used);
                }
            }
            ASSERT_TRUE(parser.refusal()) << piece;
            EXPECT_EQ(parser.refusal()->status, 431U) << piece;
        }
    }
    RawClient client{serving.port()};
    EXPECT_EQ(client.ask(extension(900)), 200U);
    EXPECT_EQ(client.ask(trailers(900)), 200U);
}

TEST(HttpServerLimits, reads_the_rest_so_that_a_refusal_arrives) {
    const Serving serving{with({.body = 1'000})};
    RawClient client{serving.port()};
    client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n" +
                std::string(3'000'000, 'x'));
    EXPECT_EQ(client.read_response().status, 413U);
    EXPECT_TRUE(client.is_closed());
    EXPECT_FALSE(client.was_reset());
}

TEST(HttpServerLimits, refuses_a_header_that_dribbles) {
    const Serving serving{with({.header = 64 * 1024 * 1024, .request = 40ms})};
    RawClient client{serving.port()};
    ASSERT_TRUE(client.send("GET / HTTP/1.1\r\nX"));
    std::string answer;
    for (int i = 0; answer.empty() && i < 1'000'000; ++i) {  // each byte comes in time
        if (!client.send("x") || serving.server.counters().over_limit != 0) {
            answer = client.read_until("\r\n");
        }
    }
    EXPECT_EQ(answer, "HTTP/1.1 408 Request Timeout\r\n");
}

TEST(HttpServerLimits, refuses_a_body_that_stops) {
    const Serving serving{with({.between = 40ms})};
    expect_refusal(serving, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabc", 408);
    expect_refusal(serving,
                   "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab", 408);
    expect_refusal(serving,
                   "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "3\nabc\n0\n\n",
                   408);  // no line of which has ended
}

TEST(HttpServerLimits, closes_idle_connections_without_a_word) {
    const Serving serving{with({.idle = 40ms})};
    RawClient fresh{serving.port()};
    EXPECT_TRUE(fresh.is_closed());
    RawClient used{serving.port()};
    EXPECT_EQ(used.ask(get("/")), 200U);
    EXPECT_TRUE(used.is_closed());
    EXPECT_EQ(serving.server.counters().over_limit, 0U);
}

TEST(HttpServerLimits, lets_a_held_request_wait_for_longer_than_any_limit) {
    Serving serving{with({.idle = 20ms, .request = 20ms, .between = 20ms})};
    RawClient held{serving.port()};
    ASSERT_TRUE(held.send(get("/hold")));
    ASSERT_TRUE(serving.arrived.reaches(1));
    RawClient idle{serving.port()};
    EXPECT_TRUE(idle.is_closed());  // so the time is over
    serving.answer_held("patience");
    EXPECT_EQ(held.read_response().body, "patience");
}

TEST(HttpServerLimits, closes_on_a_client_that_does_not_read_its_answer) {
    Serving serving{with({.between = 40ms}),
                    [](const std::shared_ptr<net::HttpExchange>& exchange) {
                        exchange->respond(text(std::string(20'000'000, 'x')));
                    }};
    RawClient client{serving.port(), "127.0.0.1", 4096};
    ASSERT_TRUE(client.send(get("/")));
    client.read_until("\r\n\r\n");
    EXPECT_TRUE(serving.has_open(0));
    EXPECT_EQ(serving.server.counters().over_limit, 1U);
}

TEST(HttpServerLimits, refuses_requests_beyond_the_rate_of_a_connection) {
    const Serving serving{with({.rate = 1, .burst = 3})};
    RawClient client{serving.port()};
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(client.ask(get("/")), 200U);
    }
    unsigned status = 200;
    std::string head;
    for (int i = 0; i < 100 && status == 200; ++i) {
        ASSERT_TRUE(client.send(get("/")));
        const auto response = client.read_response();
        status = response.status;
        head = response.head;
    }
    EXPECT_EQ(status, 429U);
    EXPECT_THAT(head, HasSubstr("Retry-After: 1\r\n"));
    client.shut();
    EXPECT_TRUE(client.is_closed());
    RawClient other{serving.port()};
    EXPECT_EQ(other.ask(get("/")), 200U);
}

TEST(HttpServerLimits, turns_away_connections_beyond_their_number) {
    Serving serving{with({.connections = 2})};
    RawClient first{serving.port()};
    EXPECT_EQ(first.ask(get("/")), 200U);
    {
        RawClient second{serving.port()};
        EXPECT_EQ(second.ask(get("/")), 200U);
        RawClient third{serving.port()};
        ASSERT_TRUE(third.send(get("/")));
        const auto response = third.read_response();
        EXPECT_EQ(response.status, 503U);
        EXPECT_THAT(response.head, HasSubstr("Retry-After: 1\r\n"));
    }
    ASSERT_TRUE(serving.has_open(1));
    RawClient fourth{serving.port()};
    EXPECT_EQ(fourth.ask(get("/")), 200U);
    EXPECT_EQ(serving.server.counters().over_limit, 1U);
}

TEST(HttpServerLimits, goes_on_when_there_are_descriptors_again) {
#if defined(__SANITIZE_ADDRESS__)
    GTEST_SKIP() << "UndefinedBehaviorSanitizer looks at memory through a pipe, which takes two";
#endif
    Serving serving;
    RawClient before{serving.port()};
    EXPECT_EQ(before.ask(get("/")), 200U);
    rlimit usual{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &usual), 0);
    rlimit low = usual;
    low.rlim_cur = std::min<rlim_t>(256, usual.rlim_max);
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
    std::vector<int> taken;
    for (int fd = 0; (fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;) {
        taken.push_back(fd);
    }
    ASSERT_EQ(errno, EMFILE);
    ::close(taken.back());
    taken.pop_back();
    RawClient client{serving.port()};  // has the last one
    ASSERT_TRUE(client.send(get("/after")));
    for (int i = 0; i < 10; ++i) {
        EXPECT_EQ(before.ask(get("/")), 200U);  // the server has had time to try
    }
    EXPECT_EQ(serving.server.counters().connections, 1U);
    for (const int fd : taken) {
        ::close(fd);
    }
    EXPECT_EQ(client.read_response().body, "GET /after:");
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &usual), 0);
}

TEST(HttpServerLimits, refuses_what_two_servers_could_read_in_two_ways) {
    const Serving serving;
    const std::string put = "PUT / HTTP/1.1\r\nHost: a\r\n";
    for (const std::string& request : {
             put + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
             put + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
             put + "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
             put + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
             put + "Content-Length: 3, 3\r\n\r\nabc",
             put + "Content-Length: +3\r\n\r\nabc",
             put + "Content-Length: -3\r\n\r\nabc",
             put + "Content-Length: 3x\r\n\r\nabc",
             put + "Content-Length: 0x3\r\n\r\nabc",
             put + "Content-Length:\r\n\r\nabc",
             put + "Content-Length: 99999999999999999999\r\n\r\nabc",
             put + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
             put + "Content-Length : 3\r\n\r\nabc",
             put + " Content-Length: 3\r\n\r\nabc",
             put + "Transfer-Encoding: chunked\r\n\r\n3 \r\nabc\r\n0\r\n\r\n",
             put + "Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n",
             put + "Transfer-Encoding: chunked\r\n\r\n-1\r\nabc\r\n0\r\n\r\n",
             put + "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
             put + "Transfer-Encoding: chunked\r\n\r\n10000000000000001\r\nabc\r\n0\r\n\r\n",
             std::string{"GET / HTTP/1.1\nHost: a\n\n"},
             std::string{"GET / HTTP/1.1\r\nHost: a\n\r\n"},
             std::string{"GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n"},
             "GET / HTTP/1.1\r\nHost: a\r\nX: a" + std::string(1, '\0') + "b\r\n\r\n",
             std::string{"GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n"},
             std::string{"GET / HTTP/1.1\r\n Host: a\r\n\r\n"},
             std::string{"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"},
             std::string{"GET / HTTP/1.1\r\n\r\n"},
             std::string{"GET / HTTP/1.1\r\nHost: a\r\nNoColon\r\n\r\n"},
             std::string{"GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n"},
             std::string{"GET  / HTTP/1.1\r\nHost: a\r\n\r\n"},
             std::string{"GET / x HTTP/1.1\r\nHost: a\r\n\r\n"},
             std::string{"GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n"},
             std::string{" GET / HTTP/1.1\r\nHost: a\r\n\r\n"},
             std::string{"G(T / HTTP/1.1\r\nHost: a\r\n\r\n"},
             std::string{"\x16\x03\x01\x02 TLS where there is none \r\n\r\n"},
             std::string{"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
         }) {
        expect_refusal(serving, request, 400);
    }
    expect_refusal(serving, put + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501);
    expect_refusal(serving, put + "Transfer-Encoding: identity\r\n\r\n", 501);
    expect_refusal(serving, "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505);
    expect_refusal(serving, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505);
    EXPECT_EQ(serving.server.counters().requests, 0U);
}

}  // namespace
