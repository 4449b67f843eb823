#include <attune/serve/detail/event_feed.hpp>

#include <attune/transport/memory.hpp>
#include <serve/service_test.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace std::chrono_literals;
using serve_tests::Answer;

/// The ids of the events in a stream, those without data left out.
std::vector<std::string> ids(const Answer& answer) {
    std::vector<std::string> found;
    std::string_view rest = answer.exchange->stream;
    while (!rest.empty()) {
        const std::string_view block = rest.substr(0, rest.find("\n\n"));
        rest.remove_prefix(block.size() + 2);
        const std::size_t id = block.find("id: ");
        if (id != std::string_view::npos && block.find("data: ") != std::string_view::npos) {
            found.emplace_back(block.substr(id + 4, block.find('\n', id) - id - 4));
        }
    }
    return found;
}

class EventFeed : public serve_tests::ServiceTest {
protected:
    EventFeed() { store.add(attune::memory({{"a", 1}, {"b", 1}})); }
};

TEST_F(EventFeed, tells_of_versions_from_now_on) {
    const Answer events = service.get("/v1/events");
    ASSERT_EQ(events.status(), 200U);
    EXPECT_EQ(events.field("Content-Type"), "text/event-stream");
    EXPECT_EQ(events.exchange->stream, "id: 1\n\n");
    set("/a", 2);
    const std::string& stream = events.exchange->stream;
    EXPECT_NE(stream.find("event: version\nid: 2\ndata: {\"changed\":[\"/a\"],\"layer\":"
                          "\"overrides\",\"reason\":\"set a\",\"time\":\""),
              std::string::npos)
        << stream;
    EXPECT_TRUE(stream.ends_with(",\"version\":2}\n\n"));
}

TEST_F(EventFeed, leaves_no_version_out_that_came_at_once) {
    const Answer events = service.get("/v1/events");
    store.set("/a", 2);
    store.set("/a", 3);
    service.published();
    set("/a", 4);
    service.published();
    EXPECT_EQ(ids(events), (std::vector<std::string>{"2", "3", "4"}));
}

TEST_F(EventFeed, resumes_after_what_the_client_has_seen) {
    set("/a", 2);
    set("/a", 3);
    EXPECT_EQ(ids(service.get("/v1/events", {{"Last-Event-ID", "2"}})),
              (std::vector<std::string>{"3"}));
    EXPECT_EQ(ids(service.get("/v1/events", {{"Last-Event-ID", "3"}})).size(), 0U);
    EXPECT_EQ(ids(service.get("/v1/events", {{"Last-Event-ID", "x"}})).size(), 0U);
    // From a server before this one.
    EXPECT_EQ(ids(service.get("/v1/events", {{"Last-Event-ID", "99"}})),
              (std::vector<std::string>{"1", "2", "3"}));
}

TEST_F(EventFeed, of_a_place_is_silent_about_others) {
    const Answer a = service.get("/v1/events?path=/a");
    const Answer below = service.get("/v1/events?path=/a/deep");
    set("/b", 2);
    EXPECT_TRUE(ids(a).empty());
    set("/a", 2);
    EXPECT_EQ(ids(a), (std::vector<std::string>{"3"}));
    EXPECT_EQ(ids(below), (std::vector<std::string>{"3"}));
    store.transact([](attune::Edit& edit) {
        edit.set("/a", 5);
        edit.set("/b", 5);
    });
    service.published();
    EXPECT_NE(a.exchange->stream.rfind("[\"/a\"]"), std::string::npos);
    EXPECT_EQ(a.exchange->stream.find("/b"), std::string::npos);
}

TEST_F(EventFeed, sends_a_comment_when_nothing_happens) {
    const Answer events = service.get("/v1/events");
    const std::size_t before = events.exchange->stream.size();
    service.pass(14s);
    EXPECT_EQ(events.exchange->stream.size(), before);
    service.pass(1s);
    EXPECT_EQ(events.exchange->stream.substr(before).front(), ':');
    const std::size_t once = events.exchange->stream.size();
    service.pass(15s);
    EXPECT_GT(events.exchange->stream.size(), once);
}

TEST_F(EventFeed, drops_who_is_gone_or_too_slow) {
    const Answer gone = service.get("/v1/events");
    const Answer slow = service.get("/v1/events");
    const Answer good = service.get("/v1/events");
    EXPECT_EQ(service.inside().streams(), 3U);
    gone.exchange->leave();
    slow.exchange->slow = true;
    set("/a", 2);
    EXPECT_EQ(service.inside().streams(), 1U);
    EXPECT_EQ(ids(good).size(), 1U);
    EXPECT_EQ(slow.exchange.use_count(), 1);
    slow.exchange->leave();
}

TEST_F(EventFeed, ends_when_the_server_drains) {
    const Answer events = service.get("/v1/events");
    service.inside().drain();
    EXPECT_FALSE(events.exchange->streaming);
    EXPECT_EQ(service.inside().streams(), 0U);
    EXPECT_EQ(service.get("/v1/events").status(), 503U);
}

TEST_F(EventFeed, of_a_head_is_no_stream) {
    const Answer head = service.ask("HEAD", "/v1/events");
    EXPECT_EQ(head.status(), 200U);
    EXPECT_EQ(head.field("Content-Type"), "text/event-stream");
    EXPECT_EQ(service.inside().streams(), 0U);
}

}  // namespace
