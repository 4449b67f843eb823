#include <attune/transport/http.hpp>

#include "http_publisher.hpp"

#include <attune/transport/detail/http_reading.hpp>
#include <attune/transport/detail/http_settings.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace attune_test;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

/// What is told when each request is answered with these bytes.
std::string told(const std::string& bytes, attune::HttpOptions options = quick()) {
    ScriptedServer server{[&](Conversation& conversation) {
        for (;;) {
            conversation.hear();
            conversation.say(bytes);
            throw Gone{};
        }
    }};
    const std::string url = server.origin() + "/v1/config";
    std::string error = load_error(*attune::http(url, std::move(options)));
    for (auto at = error.find(url); at != std::string::npos; at = error.find(url)) {
        error.replace(at, url.size(), "URL");
    }
    return error;
}

std::string response(const std::string& status, const std::string& type, const std::string& body) {
    return "HTTP/1.1 " + status + "\r\nContent-Type: " + type +
           "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

TEST(HttpFailures, are_told_in_words) {
    EXPECT_EQ(
        told(response("200 OK", "text/html; charset=utf-8", "<html>Log in</html>")),
        "URL: answered with an HTML page (text/html) where JSON was expected; a captive portal "
        "or a wrong address?");
    EXPECT_EQ(told(response("200 OK", "image/png", "png")),
              "URL: answered with image/png where JSON was expected; a wrong address?");
    EXPECT_EQ(told(response("200 OK", "application/json", "{\n  \"a\": }")),
              "URL:2:8: expected a value, found \"}\"");
    EXPECT_EQ(told(response("200 OK\r\nContent-Encoding: gzip", "application/json", "x")),
              "URL: answered with a body in the encoding gzip, which was not asked for");
    EXPECT_EQ(told(response("503 Later", "text/html", "<html>")),
              "URL: answered 503 Service Unavailable where a document was expected");
    EXPECT_EQ(told(response("204 No Content", "text/html", "")),
              "URL: answered 204 No Content where a document was expected");
    EXPECT_EQ(told("HTTP/1.1 304 Not Modified\r\n\r\n"),
              "URL: answered 304 Not Modified to a request that asked for the document");
    EXPECT_EQ(told("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}"),
              "URL: the answer ended in the middle of the body, after 2 of 100 bytes");
    EXPECT_EQ(told(""), "URL: closed the connection before it answered");
    EXPECT_THAT(told("SSH-2.0-OpenSSH\r\n"), StartsWith("URL: answered with what is not HTTP ("));
    EXPECT_EQ(told("HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n"),
              "URL: answered with more than 64 MiB");
    EXPECT_EQ(told("HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x')),
              "URL: answered with a header of more than 64 KiB");
}

TEST(HttpFailures, of_access_say_what_to_give) {
    EXPECT_EQ(told(response("401 Who", "text/plain", "")),
              "URL: answered 401 Unauthorized; give HttpOptions::token");
    attune::HttpOptions with = quick();
    with.token = "key-of-mine";
    EXPECT_EQ(told(response("401 Who", "text/plain", ""), with),
              "URL: answered 401 Unauthorized; HttpOptions::token is not one that the server "
              "accepts");
    EXPECT_EQ(told(response("403 No", "application/problem+json",
                            R"({"detail":"key-of-mine\nmay not read /a"})"),
                   with),
              "URL: answered 403 Forbidden: *** may not read /a; whoever HttpOptions::token stands "
              "for may not read this");
}

TEST(HttpFailures, are_bounded_by_the_options) {
    attune::HttpOptions options = quick();
    options.max_body = 10;
    options.max_depth = 2;
    EXPECT_EQ(told(response("200 OK", "application/json", "[0,1,2,3,4]"), options),
              "URL: answered with more than 10 bytes");
    EXPECT_THAT(told(response("200 OK", "application/json", "[[[0]]]"), options),
                StartsWith("URL:1:3: "));
    options.timeouts.first_byte = 10ms;
    ScriptedServer silent{[](Conversation& conversation) { conversation.wait_gone(); }};
    EXPECT_EQ(load_error(*attune::http(silent.origin(), options)),
              silent.origin() + "/: did not answer within 10ms");
}

TEST(HttpFailures, take_what_servers_call_files_they_know_nothing_about) {
    for (const std::string type :
         {"application/json", "application/vnd.x+json", "text/plain", "application/octet-stream",
          "binary/octet-stream", "TEXT/JSON"}) {
        EXPECT_EQ(told(response("200 OK", type, "1")), "loaded 1") << type;
    }
    EXPECT_EQ(told("HTTP/1.0 200 OK\r\n\r\n{}"), "loaded {}");
}

TEST(HttpFailures, are_told_once_and_end_with_the_outage) {
    Recorder feed;
    std::uint16_t port = 0;
    std::string url;
    std::unique_ptr<Followed> followed;
    {
        Publisher publisher{"1"};
        port = publisher.port();
        url = publisher.url();
        followed = std::make_unique<Followed>(feed, attune::http(url, quick()));
        ASSERT_TRUE(publisher.wait_held());
    }
    const std::string origin = url.substr(0, url.find("/v1"));
    EXPECT_EQ(feed.until("failed: " + url + ": cannot connect to " + origin +
                         ": connection refused") != 0,
              true);
    feed.pass(100ms);  // many attempts
    EXPECT_EQ(feed.waiting(), 0U);
    Publisher publisher{"1", {}, nullptr, port};
    EXPECT_EQ(feed.next(), "unchanged");
    ASSERT_TRUE(publisher.wait_held());
    publisher.publish("2");
    EXPECT_EQ(feed.next(), "2");
    followed.reset();
}

TEST(HttpFailures, do_not_make_the_last_document_forgotten) {
    std::atomic<int> fault{0};
    const std::vector<std::string> faults{
        "",
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        "garbage\r\n\r\n",
        response("500 Oops", "text/plain", "x"),
        response("200 OK", "text/html", "<html>"),
        response("200 OK", "application/json", "{"),
        response("200 OK", "application/json", ""),
    };
    Publisher publisher{"1", [&](Conversation& conversation, const Heard& heard) {
                            const int now = fault;
                            if (now == 0 || heard.line.starts_with("PUT ")) {
                                return false;
                            }
                            conversation.say(faults[static_cast<std::size_t>(now - 1)]);
                            throw Gone{};
                            return true;
                        }};
    Recorder feed;
    const Followed followed{feed, attune::http(publisher.url(), quick())};
    for (int i = 1; i <= static_cast<int>(faults.size()); ++i) {
        ASSERT_TRUE(publisher.wait_held());
        fault = i;
        publisher.publish(std::to_string(100 + i));
        EXPECT_EQ(feed.next(), std::to_string(100 + i));
        EXPECT_THAT(feed.next(), StartsWith("failed: " + publisher.url())) << i;
        fault = 0;
        publisher.publish(std::to_string(200 + i));
        EXPECT_EQ(feed.next(), std::to_string(200 + i));
    }
}

/// A client tries again at once after a first failure; told to slow down, or after many failures in a
/// row, it does not within a test's time.
attune::HttpOptions soon_or_never() {
    attune::HttpOptions options;
    options.back_off = {.first = 1ms, .longest = 1h};
    return options;
}

/// Expects a client to ask once more after its first document, and no more when that is the answer.
void expect_patience(const std::string& status, const std::string& fields,
                     const std::string& told) {
    std::atomic<std::size_t> asked{0};
    ScriptedServer server{[&](Conversation& conversation) {
        for (;;) {
            conversation.hear();
            if (asked++ == 0) {
                conversation.answer("200 OK", "ETag: \"1\"\r\n", "1");
            } else {
                conversation.answer(status, fields, "");
            }
        }
    }};
    Recorder feed;
    const Followed followed{feed, attune::http(server.origin(), soon_or_never())};
    EXPECT_EQ(feed.next(), "failed: " + server.origin() + "/: " + told);
    feed.pass(200ms);
    EXPECT_EQ(asked, 2U);
}

TEST(HttpFailures, of_access_slow_down_at_once) {
    expect_patience("401 Unauthorized", "", "answered 401 Unauthorized; give HttpOptions::token");
    expect_patience(
        "407 Who", "",
        "answered 407 Proxy Authentication Required; give HttpOptions::proxy a user and "
        "a password that it accepts");
    // A proxy that is asked for a tunnel says it before there is a server to answer.
    const attune::detail::HttpSettings settings{{"https://a.example/"}, {}};
    const auto reading = attune::detail::read_http(
        settings, settings.places().front(),
        attune::net::HttpError{attune::net::HttpFault::proxy_denied, "it answered 407"}, false);
    EXPECT_EQ(reading.kind, attune::detail::HttpReading::Kind::denied);
}

TEST(HttpFailures, wait_for_as_long_as_the_server_asks_within_limits) {
    expect_patience("503 Later", "Retry-After: 100000\r\n",
                    "answered 503 Service Unavailable where a document was expected");
}

// A proxy on the way may hold less long than the server.
TEST(HttpFailures, of_requests_that_were_held_do_not_add_up) {
    constexpr std::size_t many = 60;
    std::atomic<std::size_t> asked{0};
    std::promise<void> asked_often;
    Recorder feed;
    ScriptedServer server{[&](Conversation& conversation) {
        for (;;) {
            const Heard heard = conversation.hear();
            if (++asked == many) {
                asked_often.set_value();
            }
            if (heard.field("Prefer").find("wait") == std::string::npos) {
                conversation.answer("200 OK", "ETag: \"1\"\r\n", "1");
            } else {
                feed.pass(20ms);
                return conversation.reset();
            }
        }
    }};
    const Followed followed{feed, attune::http(server.origin(), soon_or_never())};
    EXPECT_EQ(asked_often.get_future().wait_for(60s), std::future_status::ready);
}

TEST(HttpFailures, show_no_token) {
    attune::HttpOptions options = quick();
    options.token = "key-of-mine";
    options.fields = {{"X-Key", "other-key"}};
    ScriptedServer server{[](Conversation& conversation) {
        const Heard heard = conversation.hear();
        conversation.answer("500 Oops", "Content-Type: application/problem+json\r\n",
                            R"({"detail":"you said )" + heard.field("Authorization") +
                                heard.field("X-Key") + "\"}");
    }};
    const std::string url =
        "http://me:password@127.0.0.1:" + std::to_string(server.port()) + "/?signature=abcdef";
    const auto transport = attune::http(url, options);
    const std::string error = load_error(*transport);
    EXPECT_THAT(error, HasSubstr("you said Bearer ***"));
    for (const std::string& text : {error, transport->name()}) {
        for (const char* const secret : {"key-of-mine", "other-key", "password", "abcdef"}) {
            EXPECT_THAT(text, Not(HasSubstr(secret)));
        }
    }
}

}  // namespace
