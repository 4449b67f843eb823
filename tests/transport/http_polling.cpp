#include <attune/transport/http.hpp>

#include "http_publisher.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <mutex>
#include <string>
#include <vector>

namespace {

using namespace attune_test;
using testing::HasSubstr;
using testing::Not;

/// A web server that knows nothing of waiting.
class Plain {
public:
    explicit Plain(std::string fields) : fields_(std::move(fields)) {}

    void put(std::string mark, std::string text) {
        const std::scoped_lock lock{mutex_};
        mark_ = std::move(mark);
        text_ = std::move(text);
    }
    std::string url() const { return server_.origin() + "/service.json"; }
    std::size_t requests() {
        const std::scoped_lock lock{mutex_};
        return requests_;
    }
    std::size_t unchanged() {
        const std::scoped_lock lock{mutex_};
        return unchanged_;
    }

private:
    void serve(Conversation& conversation) {
        for (;;) {
            const Heard heard = conversation.hear();
            std::string text;
            bool same = false;
            {
                const std::scoped_lock lock{mutex_};
                ++requests_;
                same = !mark_.empty() && (heard.field("If-None-Match") == mark_ ||
                                          heard.field("If-Modified-Since") == mark_);
                unchanged_ += same ? 1 : 0;
                text = text_;
            }
            const std::string field = fields_.empty() ? "" : fields_ + ": " + mark() + "\r\n";
            if (same) {
                conversation.say("HTTP/1.1 304 Not Modified\r\n" + field + "\r\n");
            } else {
                conversation.answer("200 OK", field, text);
            }
        }
    }
    std::string mark() {
        const std::scoped_lock lock{mutex_};
        return mark_;
    }

    const std::string fields_;
    std::mutex mutex_;
    std::string mark_;
    std::string text_ = "1";
    std::size_t requests_ = 0;
    std::size_t unchanged_ = 0;
    ScriptedServer server_{[this](Conversation& conversation) { serve(conversation); }};
};

TEST(HttpPolling, finds_changes_by_etag_by_date_or_by_content) {
    for (const std::string field : {"ETag", "Last-Modified", ""}) {
        Plain server{field};
        server.put(field == "ETag" ? "\"a\"" : "Mon, 23 Nov 2026 10:00:00 GMT", "1");
        Recorder feed;
        const Followed followed{feed, attune::http(server.url(), quick())};
        EXPECT_EQ(followed.loaded, "1");
        server.put(field == "ETag" ? "\"b\"" : "Mon, 23 Nov 2026 10:00:01 GMT", "2");
        EXPECT_EQ(feed.next(), "2");
        feed.pass(100ms);
        EXPECT_EQ(feed.waiting(), 0U) << field;
        EXPECT_EQ(server.unchanged() != 0, !field.empty());
    }
}

TEST(HttpPolling, tells_nothing_equal_whatever_the_marks_say) {
    Plain server{"ETag"};
    server.put("\"a\"", R"({"a":1})");
    Recorder feed;
    const Followed followed{feed, attune::http(server.url(), quick())};
    server.put("W/\"b\"", R"({ "a": 1 })");
    feed.pass(100ms);
    server.put("\"c\"", "2");
    EXPECT_EQ(feed.next(), "2");
}

TEST(HttpPolling, calls_what_it_reads_by_the_mark_there_is) {
    for (const auto& [field, mark, revision] :
         std::vector<std::array<std::string, 3>>{{"ETag", "\"a-1\"", "a-1"},
                                                 {"ETag", "W/\"a-2\"", "a-2"},
                                                 {"ETag", "odd", "odd"},
                                                 {"Last-Modified", "yesterday", "yesterday"},
                                                 {"X-None", "x", ""}}) {
        Plain server{field};
        server.put(mark, "1");
        EXPECT_EQ(attune::http(server.url())->load().revision, revision);
    }
}

TEST(HttpPolling, asks_no_more_often_than_it_is_told) {
    Plain server{"ETag"};
    server.put("\"a\"", "1");
    Recorder feed;
    attune::HttpOptions options = quick();
    options.interval = 1h;
    const Followed followed{feed, attune::http(server.url(), options)};
    feed.pass(200ms);
    EXPECT_LE(server.requests(), 2U);  // load, and whether anything has happened since
}

TEST(HttpPolling, does_not_ask_to_be_held_when_it_is_told_not_to) {
    Publisher publisher{"1"};
    Recorder feed;
    attune::HttpOptions options = quick();
    options.wait = 0s;
    const Followed followed{feed, attune::http(publisher.url(), options)};
    publisher.publish("2");
    EXPECT_EQ(feed.next(), "2");
    ASSERT_TRUE(publisher.wait_requests(10));
    for (const Heard& heard : publisher.heard()) {
        EXPECT_EQ(heard.field("Prefer"), "secrets=omit");
    }
}

TEST(HttpPolling, notices_that_a_server_begins_to_hold_and_ceases) {
    Publisher publisher{"1"};
    publisher.hold(false);
    Recorder feed;
    const Followed followed{feed, attune::http(publisher.url(), quick())};
    publisher.publish("2");
    EXPECT_EQ(feed.next(), "2");
    publisher.hold(true);
    ASSERT_TRUE(publisher.wait_held());
    publisher.hold(false);
    publisher.publish("3");
    EXPECT_EQ(feed.next(), "3");
    const std::size_t requests = publisher.requests();
    ASSERT_TRUE(publisher.wait_requests(requests + 3));
}

TEST(HttpPolling, does_not_spin_when_a_server_that_says_it_holds_does_not) {
    std::atomic<std::size_t> asked{0};
    ScriptedServer server{[&](Conversation& conversation) {
        for (;;) {
            conversation.hear();
            const std::string etag = std::to_string(asked++);
            conversation.answer("200 OK",
                                "Preference-Applied: wait=30\r\nETag: \"" + etag + "\"\r\n", "1");
        }
    }};
    Recorder feed;
    attune::HttpOptions options = quick();
    options.back_off = {.first = 1h, .longest = 1h};
    const Followed followed{feed, attune::http(server.origin(), options)};
    feed.pass(200ms);
    EXPECT_LE(asked, 3U);
    EXPECT_EQ(feed.waiting(), 0U);
}

TEST(HttpPolling, takes_neither_token_nor_own_fields_to_where_it_is_redirected) {
    std::promise<std::string> header;
    ScriptedServer target{[&](Conversation& conversation) {
        header.set_value(conversation.hear().header);
        conversation.answer("1");
        conversation.wait_gone();
    }};
    ScriptedServer server{[&](Conversation& conversation) {
        conversation.hear();
        conversation.answer("307 T", "Location: " + target.origin() + "/x\r\n", "");
    }};
    attune::HttpOptions options = quick();
    options.token = "hush-token";
    options.fields = {{"X-Api-Key", "hush-key"}, {"Private-Token", "hush-too"}};
    EXPECT_EQ(text_of(attune::http(server.origin(), options)->load()), "1");
    const std::string sent = header.get_future().get();
    EXPECT_THAT(sent, HasSubstr("Accept: "));
    EXPECT_THAT(sent, Not(HasSubstr("hush")));
}

TEST(HttpPolling, follows_redirects_and_says_what_it_found_behind_one) {
    Plain target{"ETag"};
    target.put("\"a\"", "1");
    ScriptedServer portal{[&](Conversation& conversation) {
        for (;;) {
            conversation.hear();
            conversation.answer("200 OK", "Content-Type: text/html\r\n", "<html>");
        }
    }};
    std::atomic<bool> captive{false};
    ScriptedServer server{[&](Conversation& conversation) {
        for (;;) {
            conversation.hear();
            const std::string to = captive ? portal.origin() + "/login?from=x" : target.url();
            conversation.answer("302 Found", "Location: " + to + "\r\n", "");
        }
    }};
    Recorder feed;
    const Followed followed{feed, attune::http(server.origin(), quick())};
    EXPECT_EQ(followed.loaded, "1");
    captive = true;
    EXPECT_THAT(feed.next(), HasSubstr("answered with an HTML page (text/html) where JSON was "
                                       "expected (at " +
                                       portal.origin() + "/login?..., after a redirect)"));
    captive = false;
    EXPECT_EQ(feed.next(), "unchanged");
}

}  // namespace
