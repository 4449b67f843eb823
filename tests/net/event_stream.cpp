#include <attune/net/event_stream.hpp>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace net = attune::net;
using net::to_event_stream;

/// What a client makes of a stream: the algorithm of WHATWG HTML, 9.2.6.
struct Received {
    std::string event;
    std::string id;
    std::string data;

    bool operator==(const Received&) const = default;
};

std::vector<Received> interpret(std::string_view stream) {
    std::vector<Received> received;
    Received now;
    std::string id;
    bool has_data = false;
    while (!stream.empty()) {
        const std::size_t end = stream.find_first_of("\r\n");
        const std::string_view line = stream.substr(0, end);
        if (end == stream.npos) {
            break;  // an incomplete line is no line
        }
        stream.remove_prefix(end + (stream.substr(end).starts_with("\r\n") ? 2 : 1));
        if (line.empty()) {
            if (has_data) {
                now.id = id;
                now.data.pop_back();
                received.push_back(now);
            }
            now = {};
            has_data = false;
            continue;
        }
        const std::size_t colon = line.find(':');
        const std::string_view field = line.substr(0, colon);
        std::string_view value = colon == line.npos ? "" : line.substr(colon + 1);
        if (value.starts_with(' ')) {
            value.remove_prefix(1);
        }
        if (field == "event") {
            now.event = value;
        } else if (field == "id") {
            id = value;
        } else if (field == "data") {
            now.data.append(value).append("\n");
            has_data = true;
        }
    }
    return received;
}

TEST(EventStream, writes_the_fields_that_are_there) {
    EXPECT_EQ(to_event_stream({.event = "version",
                               .id = "17",
                               .data = "{\"version\":17}",
                               .retry = std::chrono::seconds{2}}),
              "event: version\nid: 17\nretry: 2000\ndata: {\"version\":17}\n\n");
    EXPECT_EQ(to_event_stream({.data = "x"}), "data: x\n\n");
    EXPECT_EQ(to_event_stream({.data = ""}), "data: \n\n");
    EXPECT_EQ(to_event_stream({.id = ""}), "id: \n\n");
}

TEST(EventStream, splits_data_at_every_kind_of_line_break) {
    EXPECT_EQ(to_event_stream({.data = "a\nb\r\nc\rd\n"}),
              "data: a\ndata: b\ndata: c\ndata: d\ndata: \n\n");
    EXPECT_EQ(to_event_stream({.data = "\r\n\n\r"}), "data: \ndata: \ndata: \ndata: \n\n");
}

TEST(EventStream, keeps_what_would_end_a_line_out_of_the_others) {
    EXPECT_THROW(to_event_stream({.event = "a\nb"}), std::invalid_argument);
    EXPECT_THROW(to_event_stream({.event = "a\rb"}), std::invalid_argument);
    EXPECT_THROW(to_event_stream({.id = "a\nb"}), std::invalid_argument);
    EXPECT_THROW(to_event_stream({.id = std::string_view{"a\0b", 3}}), std::invalid_argument);
    EXPECT_THROW(to_event_stream({.retry = std::chrono::milliseconds{-1}}), std::invalid_argument);
}

TEST(EventStream, writes_comments_that_clients_pass_over) {
    EXPECT_EQ(net::event_stream_comment(), ":\n");
    EXPECT_EQ(net::event_stream_comment("still\nhere"), ": still\n: here\n");
    EXPECT_TRUE(interpret(net::event_stream_comment("data: x\n\ndata: y\n\n") + "\n").empty());
}

RC_GTEST_PROP(EventStreamLaws, what_is_written_is_what_a_client_reads, ()) {
    const auto character = rc::gen::element('a', ':', ' ', '\n', '\r', '\0', '\xff');
    const auto data = *rc::gen::container<std::string>(character);
    const auto one_line = rc::gen::container<std::string>(rc::gen::element('a', ':', ' '));
    const std::string type = *one_line;
    const std::string id = *one_line;

    std::string expected;
    for (std::size_t i = 0; i < data.size(); ++i) {
        if (data[i] != '\r') {
            expected += data[i];
        } else if (i + 1 == data.size() || data[i + 1] != '\n') {
            expected += '\n';
        }
    }
    const auto text =
        net::event_stream_comment(data) + to_event_stream({.event = type, .id = id, .data = data});
    const auto received = interpret(text + text);
    RC_ASSERT(received.size() == 2U);
    RC_ASSERT((received[0] == Received{type, id, expected}));
    RC_ASSERT(received[1] == received[0]);
}

}  // namespace
