#include <attune/transport/http.hpp>

#include "http_publisher.hpp"

#include <attune/bind/schema.hpp>
#include <attune/document/parse.hpp>
#include <attune/store/store.hpp>
#include <attune/transport/memory.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <future>
#include <string>

namespace http_reports_test {

struct Server {
    int port = 1;
    attune::Secret<std::string> password{};
};

inline void describe(attune::Schema<Server>& s) {
    s.field(&Server::port).between(1, 65535);
    s.check([](const Server& v) { return v.password.reveal() != "hunter2"; },
            "the password is too well known");
}

}  // namespace http_reports_test

namespace {

using namespace attune_test;
using http_reports_test::Server;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::string text_at(const std::string& report, const attune::Path& path) {
    const attune::Document document = attune::parse(report);
    const attune::Document* const value = document.find(path);
    return value != nullptr ? to_text(*value) : "none";
}

TEST(HttpReports, tell_what_is_applied) {
    Publisher publisher{R"({"port":1})"};
    attune::HttpOptions options = quick();
    options.client_name = "host/program[7]";
    options.token = "key-of-mine";
    attune::Store store;
    const attune::Layer layer = store.add(attune::http(publisher.url("/server"), options));
    const std::string report = publisher.report(0);
    EXPECT_EQ(text_at(report, "name"), R"("host/program[7]")");
    EXPECT_EQ(text_at(report, "path"), R"("/server")");
    EXPECT_EQ(text_at(report, "version"), "1");
    EXPECT_EQ(text_at(report, "state"), R"("applied")");
    EXPECT_EQ(text_at(report, "problems"), "none");
    EXPECT_EQ(attune::parse(report).at("etag").as_string(), publisher.etag());
    publisher.publish(R"({"port":2})");
    EXPECT_EQ(text_at(publisher.report(1), "version"), "2");
}

TEST(HttpReports, tell_what_is_refused_and_why_without_values) {
    Publisher publisher{R"({"port":1})"};
    attune::Store store;
    const attune::Layer layer = store.add(attune::http(publisher.url("/server"), quick()));
    const auto server = store.bind<Server>();
    publisher.report(0);
    publisher.publish(R"({"port":70123,"password":"hunter2"})");
    const std::string report = publisher.report(1);
    EXPECT_EQ(text_at(report, "state"), R"("refused")");
    EXPECT_EQ(text_at(report, "problems.0.path"), R"("/server/port")");
    EXPECT_THAT(text_at(report, "problems.0.expected"), HasSubstr("an integer in [1, 65535]"));
    EXPECT_EQ(text_at(report, "problems.0.severity"), R"("error")");
    EXPECT_THAT(text_at(report, "problems.0.origin"), HasSubstr(publisher.url("/server") + ":1:9"));
    EXPECT_THAT(report, Not(HasSubstr("70123")));
    EXPECT_THAT(report, Not(HasSubstr("hunter2")));
}

TEST(HttpReports, tell_of_what_is_accepted_later) {
    Publisher publisher{R"({"port":1})"};
    attune::Store store;
    const attune::Layer layer = store.add(attune::http(publisher.url(), quick()));
    const auto both = store.bind<Server>();
    publisher.report(0);
    publisher.publish(R"({"port":0})");
    EXPECT_EQ(text_at(publisher.report(1), "state"), R"("refused")");
    const attune::Layer cover = store.add(attune::memory({{"port", 5}}));
    EXPECT_EQ(text_at(publisher.report(2), "state"), R"("applied")");
    EXPECT_EQ(text_at(publisher.report(2), "version"), "2");
}

TEST(HttpReports, that_did_not_arrive_are_repeated_with_the_next_poll) {
    std::atomic<int> lost{0};
    Publisher publisher{"1", [&](Conversation& conversation, const Heard& heard) {
                            if (!heard.line.starts_with("PUT ")) {
                                return false;
                            }
                            switch (lost++) {
                            case 0: conversation.reset(); break;
                            case 1: conversation.answer("503 Service Unavailable", "", ""); break;
                            case 2: conversation.say("garbage\r\n\r\n"); throw Gone{};
                            default: return false;
                            }
                            return true;
                        }};
    publisher.hold(false);
    Recorder feed;
    const Followed followed{feed, attune::http(publisher.url(), quick())};
    const std::string first = publisher.report(0);
    for (std::size_t i = 1; i != 4; ++i) {
        EXPECT_EQ(publisher.report(i), first);
    }
    // It has arrived, and is not made again however often the document is asked for.
    ASSERT_TRUE(publisher.wait_requests(publisher.requests() + 5));
    EXPECT_EQ(publisher.reports(), 4U);
}

TEST(HttpReports, are_repeated_at_most_once_for_each_poll) {
    Publisher publisher{"1", [&](Conversation& conversation, const Heard& heard) {
                            if (!heard.line.starts_with("PUT ")) {
                                return false;
                            }
                            conversation.answer("503 Service Unavailable", "", "");
                            return true;
                        }};
    publisher.hold(false);
    Recorder feed;
    const Followed followed{feed, attune::http(publisher.url(), quick())};
    for (std::size_t i = 1; i != 10; ++i) {
        ASSERT_NE(publisher.report(i), "none");
        const std::size_t reports = publisher.reports();
        EXPECT_LE(reports, publisher.requests());
    }
}

TEST(HttpReports, are_not_repeated_where_nobody_takes_any) {
    for (const std::string status : {"404 Not Found", "405 Method Not Allowed"}) {
        Publisher publisher{"1", [&](Conversation& conversation, const Heard& heard) {
                                if (!heard.line.starts_with("PUT ")) {
                                    return false;
                                }
                                conversation.answer(status, "", "");
                                return true;
                            }};
        publisher.hold(false);
        Recorder feed;
        const Followed followed{feed, attune::http(publisher.url(), quick())};
        publisher.report(0);
        ASSERT_TRUE(publisher.wait_requests(publisher.requests() + 5));
        EXPECT_EQ(publisher.reports(), 1U) << status;
    }
}

TEST(HttpReports, are_repeated_when_the_server_has_forgotten_them) {
    std::atomic<bool> forgotten{false};
    Publisher publisher{
        "1", [&](Conversation& conversation, const Heard& heard) {
            if (heard.line.starts_with("PUT ")) {
                forgotten = false;
            } else if (forgotten) {
                conversation.say("HTTP/1.1 304 Not Modified\r\nAttune-Version: 1\r\nETag: " +
                                 publisher.etag() + "\r\nAttune-Reported: 0\r\n\r\n");
                return true;
            }
            return false;
        }};
    publisher.hold(false);
    Recorder feed;
    const Followed followed{feed, attune::http(publisher.url(), quick())};
    const std::string first = publisher.report(0);
    ASSERT_TRUE(publisher.wait_requests(publisher.requests() + 5));
    EXPECT_EQ(publisher.reports(), 1U);
    forgotten = true;
    EXPECT_EQ(publisher.report(1), first);
}

TEST(HttpReports, tell_of_answers_that_cannot_be_read) {
    Publisher publisher{R"({"port":1})"};
    Recorder feed;
    const Followed followed{feed, attune::http(publisher.url(), quick())};
    EXPECT_EQ(text_at(publisher.report(0), "state"), R"("applied")");
    publisher.publish(R"({"port":)");
    std::string report = publisher.report(1);
    EXPECT_EQ(text_at(report, "state"), R"("refused")");
    EXPECT_EQ(text_at(report, "version"), "2");
    EXPECT_EQ(attune::parse(report).at("etag").as_string(), publisher.etag());
    EXPECT_THAT(text_at(report, "problems.0.origin"), HasSubstr(publisher.url() + ":1:"));
    EXPECT_THAT(feed.next(), StartsWith("failed: "));
    publisher.publish(R"({"port":1})");
    report = publisher.report(2);
    EXPECT_EQ(text_at(report, "state"), R"("applied")");
    EXPECT_EQ(text_at(report, "version"), "3");
    EXPECT_EQ(publisher.reports(), 3U);
}

TEST(HttpReports, tell_of_answers_that_are_too_large) {
    Publisher publisher{"1"};
    Recorder feed;
    attune::HttpOptions options = quick();
    options.max_body = 100;
    const Followed followed{feed, attune::http(publisher.url(), options)};
    EXPECT_EQ(text_at(publisher.report(0), "state"), R"("applied")");
    publisher.publish('"' + std::string(100, 'x') + '"');
    const std::string report = publisher.report(1);
    EXPECT_EQ(text_at(report, "state"), R"("refused")");
    EXPECT_EQ(text_at(report, "version"), "2");
    EXPECT_EQ(text_at(report, "problems.0.message"), R"("answered with more than 100 bytes")");
}

TEST(HttpReports, are_not_made_when_nobody_wants_them_or_could_read_them) {
    Publisher publisher{"1"};
    Recorder feed;
    attune::HttpOptions options = quick();
    options.report = false;
    const Followed followed{feed, attune::http(publisher.url(), options)};
    ASSERT_TRUE(publisher.wait_held());
    publisher.publish("2");
    EXPECT_EQ(feed.next(), "2");
    ASSERT_TRUE(publisher.wait_held());
    EXPECT_EQ(publisher.reports(), 0U);
    for (const Heard& heard : publisher.heard()) {
        EXPECT_EQ(heard.field("Attune-Client"), "");
    }

    std::atomic<std::size_t> put{0};
    ScriptedServer plain{[&](Conversation& conversation) {
        for (;;) {
            put += conversation.hear().line.starts_with("PUT ") ? 1 : 0;
            conversation.answer("200 OK", "ETag: \"1\"\r\n", "1");
        }
    }};
    Recorder other;
    const Followed plainly{other, attune::http(plain.origin() + "/v1/config", quick())};
    other.pass(50ms);
    EXPECT_EQ(put, 0U);
}

TEST(HttpReports, are_never_in_the_way) {
    std::promise<void> over;
    const auto is_over = over.get_future().share();
    Publisher publisher{"1", [&](Conversation& conversation, const Heard& heard) {
                            if (!heard.line.starts_with("PUT ")) {
                                return false;
                            }
                            is_over.wait();
                            conversation.say("garbage\r\n\r\n");
                            throw Gone{};
                            return true;
                        }};
    Recorder feed;
    const Followed followed{feed, attune::http(publisher.url(), quick())};
    for (int i = 2; i != 10; ++i) {
        ASSERT_TRUE(publisher.wait_held());
        publisher.publish(std::to_string(i));
        EXPECT_EQ(feed.next(), std::to_string(i));
    }
    EXPECT_EQ(text_at(publisher.report(0), "version"), "1");
    EXPECT_EQ(publisher.reports(), 1U);  // the others wait for it
    over.set_value();
    EXPECT_EQ(text_at(publisher.report(1), "version"), "9");
}

}  // namespace
