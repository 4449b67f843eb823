#include <attune/net/http_server.hpp>

#include <attune/net/event_stream.hpp>

#include "net/raw_client.hpp"
#include "net/serving.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

namespace {

namespace net = attune::net;
using namespace std::chrono_literals;
using net_test::get;
using net_test::RawClient;
using net_test::Serving;
using net_test::Tally;
using net_test::text;
using testing::HasSubstr;
using testing::Not;

std::shared_ptr<const std::string> chunk(std::string bytes) {
    return std::make_shared<const std::string>(std::move(bytes));
}

/// Begins a stream for whoever asks, and keeps it.
struct Streaming {
    explicit Streaming(net::HttpServerOptions options = {})
        : serving{std::move(options), [this](std::shared_ptr<net::HttpExchange> exchange) {
                      net::HttpResponse head;
                      head.fields.add("Content-Type", std::string{net::event_stream_type});
                      exchange->on_gone([this] { gone.add(); });
                      exchange->begin_stream(std::move(head));
                      stream = std::move(exchange);
                      begun.add();
                  }} {}

    bool write(std::string bytes) {
        return serving.on_server([&] { return stream->write(chunk(std::move(bytes))); });
    }

    Tally begun;
    Tally gone;
    std::shared_ptr<net::HttpExchange> stream;
    Serving serving;
};

TEST(HttpServerStream, sends_the_head_at_once_and_chunks_as_they_are_written) {
    Streaming streaming;
    RawClient client{streaming.serving.port()};
    ASSERT_TRUE(client.send(get("/")));
    const std::string head = client.read_until("\r\n\r\n");
    EXPECT_THAT(head, HasSubstr("Content-Type: text/event-stream\r\n"));
    EXPECT_THAT(head, HasSubstr("Transfer-Encoding: chunked\r\n"));
    EXPECT_THAT(head, Not(HasSubstr("Content-Length")));
    ASSERT_TRUE(streaming.begun.reaches(1));
    EXPECT_TRUE(streaming.write("0123456789abcdef"));
    EXPECT_EQ(client.read_until("ef\r\n"), "10\r\n0123456789abcdef\r\n");
    EXPECT_TRUE(streaming.write(""));
    EXPECT_TRUE(streaming.write("x"));
    EXPECT_EQ(client.read_until("x\r\n"), "1\r\nx\r\n");
    const std::string large(100'000, 'y');
    EXPECT_TRUE(streaming.write(large));
    EXPECT_EQ(client.read_until("y\r\n"), "186a0\r\n" + large + "\r\n");
}

TEST(HttpServerStream, goes_on_with_the_connection_after_the_end) {
    Streaming streaming;
    RawClient client{streaming.serving.port()};
    for (std::size_t round = 1; round <= 2; ++round) {
        ASSERT_TRUE(client.send(get("/")));
        ASSERT_TRUE(streaming.begun.reaches(round));
        streaming.serving.on_server([&] {
            streaming.stream->end_stream();
            EXPECT_FALSE(streaming.stream->write(chunk("late")));
        });
        client.read_until("\r\n\r\n");
        EXPECT_EQ(client.read_until("\r\n\r\n"), "0\r\n\r\n");
    }
    EXPECT_EQ(streaming.gone.count(), 0U);
}

TEST(HttpServerStream, ends_with_the_connection_in_HTTP_1_0) {
    Streaming streaming;
    RawClient client{streaming.serving.port()};
    ASSERT_TRUE(client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
    EXPECT_THAT(client.read_until("\r\n\r\n"), Not(HasSubstr("Transfer-Encoding")));
    ASSERT_TRUE(streaming.begun.reaches(1));
    EXPECT_TRUE(streaming.write("plain"));
    streaming.serving.on_server([&] { streaming.stream->end_stream(); });
    EXPECT_EQ(client.read_to_end(), "plain");
}

TEST(HttpServerStream, is_cut_off_without_its_end_when_let_go_of) {
    Streaming streaming;
    RawClient client{streaming.serving.port()};
    ASSERT_TRUE(client.send(get("/")));
    client.read_until("\r\n\r\n");
    streaming.serving.on_server([&] { streaming.stream = nullptr; });
    EXPECT_EQ(client.read_to_end(), "");
}

TEST(HttpServerStream, is_over_when_the_client_is_gone) {
    Streaming streaming;
    RawClient client{streaming.serving.port()};
    ASSERT_TRUE(client.send(get("/")));
    ASSERT_TRUE(streaming.begun.reaches(1));
    client.close();
    EXPECT_TRUE(streaming.gone.reaches(1));
    EXPECT_FALSE(streaming.write("to nobody"));
}

TEST(HttpServerStream, is_over_for_a_client_that_does_not_read) {
    net::HttpServerOptions options;
    options.limits.backlog = 100'000;
    Streaming streaming{options};
    RawClient client{streaming.serving.port(), "127.0.0.1", 4096};
    ASSERT_TRUE(client.send(get("/")));
    ASSERT_TRUE(streaming.begun.reaches(1));
    const std::string much(50'000, 'x');
    std::size_t written = 0;
    while (streaming.write(much) && written < 1'000) {
        ++written;  // the kernel takes some of it
    }
    EXPECT_LT(written, 1'000U);
    EXPECT_TRUE(streaming.gone.reaches(1));
    EXPECT_TRUE(streaming.serving.has_open(0));
    EXPECT_EQ(streaming.serving.server.counters().over_limit, 1U);
}

TEST(HttpServerStream, is_over_for_a_client_that_stops_reading) {
    net::HttpServerOptions options;
    options.limits.between = 40ms;
    Streaming streaming{options};
    RawClient client{streaming.serving.port(), "127.0.0.1", 4096};
    ASSERT_TRUE(client.send(get("/")));
    ASSERT_TRUE(streaming.begun.reaches(1));
    EXPECT_TRUE(streaming.write(std::string(7'000'000, 'x')));
    EXPECT_TRUE(streaming.gone.reaches(1));
    EXPECT_FALSE(streaming.write("more"));
}

TEST(HttpServerStream, may_be_quiet_for_longer_than_any_limit) {
    net::HttpServerOptions options;
    options.limits.between = options.limits.request = options.limits.idle = 20ms;
    Streaming streaming{options};
    RawClient client{streaming.serving.port()};
    RawClient idle{streaming.serving.port()};
    ASSERT_TRUE(client.send(get("/")));
    ASSERT_TRUE(streaming.begun.reaches(1));
    EXPECT_TRUE(idle.is_closed());  // so the time is over
    EXPECT_TRUE(streaming.write("still here"));
    EXPECT_THAT(client.read_until("here"), HasSubstr("still here"));
}

}  // namespace
