#include <attune/transport/http.hpp>

#include "http_publisher.hpp"

#include <attune/bind/schema.hpp>
#include <attune/store/store.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <future>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace http_write_test {

struct Server {
    int port = 0;
    int limit = 0;
};

inline void describe(attune::Schema<Server>& s) { s.field(&Server::port).between(1, 65535); }

}  // namespace http_write_test

namespace {

using namespace attune_test;
using http_write_test::Server;
using testing::AllOf;
using testing::HasSubstr;

std::string write_error(attune::Layer& layer, const attune::Path& path, attune::Document value) {
    try {
        layer.set(path, std::move(value));
        return "written";
    } catch (const attune::Rejected& rejected) {
        return rejected.what();
    }
}

class HttpWrite : public testing::Test {
protected:
    static constexpr const char* first = R"({"server":{"limit":1,"port":1}})";

    attune::Layer add(Publisher& publisher, const std::string& below = {}) {
        return store.add(attune::http(publisher.url(below), quick()));
    }

    attune::Store store;
};

TEST_F(HttpWrite, changes_the_document_of_the_server_and_returns_when_it_is_applied) {
    Publisher publisher{first};
    attune::Layer layer = add(publisher);
    const auto server = store.bind<Server>("server");
    for (int i = 2; i != 10; ++i) {
        const attune::Commit commit = layer.set("server.port", i);
        EXPECT_EQ(server.get().port, i);
        EXPECT_EQ(commit.version, store.version());
        EXPECT_EQ(commit.changed, (std::vector<attune::Path>{"server.port"}));
    }
    EXPECT_EQ(publisher.text(), R"({"server":{"limit":1,"port":9}})");
    for (const Heard& heard : publisher.heard()) {
        if (heard.line.starts_with("PATCH")) {
            EXPECT_EQ(heard.field("Content-Type"), "application/json-patch+json");
            EXPECT_THAT(heard.body, HasSubstr(R"("op":"replace","path":"/server/port")"));
            EXPECT_THAT(heard.field("Attune-Reason"), testing::StartsWith("set server.port by "));
        }
    }
}

TEST_F(HttpWrite, creates_a_document_where_there_is_none) {
    Publisher publisher{""};
    attune::HttpOptions options = quick();
    options.optional = true;
    attune::Layer layer = store.add(attune::http(publisher.url(), options));
    const auto server = store.bind<Server>("server");
    layer.set("server", {{"port", 5}});
    EXPECT_EQ(server.get().port, 5);
    EXPECT_EQ(publisher.text(), R"({"server":{"port":5}})");
}

/// A publisher to which somebody else writes just before a patch of ours arrives: what `others`
/// gives, unless that is empty.
struct Contested {
    Contested(std::string text, std::function<std::string()> theirs)
        : others(std::move(theirs)),
          publisher(std::move(text), [this](Conversation&, const Heard& heard) {
              if (heard.line.starts_with("PATCH")) {
                  if (std::string written = others(); !written.empty()) {
                      publisher.publish(std::move(written));
                  }
              }
              return false;
          }) {}

    const std::function<std::string()> others;
    Publisher publisher;
};

/// What somebody else writes who changes the limit.
std::string with_limit(int limit) {
    return R"({"server":{"limit":)" + std::to_string(limit) + R"(,"port":1}})";
}

TEST_F(HttpWrite, goes_on_top_of_what_somebody_else_has_written_elsewhere) {
    std::atomic<int> others{0};
    Contested contested{first, [&] { return others < 3 ? with_limit(++others + 10) : ""; }};
    attune::Layer layer = add(contested.publisher);
    const auto server = store.bind<Server>("server");
    layer.set("server.port", 2);
    EXPECT_EQ(server.get().port, 2);
    EXPECT_EQ(server.get().limit, 13);
    EXPECT_EQ(contested.publisher.text(), R"({"server":{"limit":13,"port":2}})");
}

TEST_F(HttpWrite, does_not_overwrite_what_somebody_else_has_written_there) {
    std::atomic<bool> once{false};
    Contested contested{
        first, [&] { return once.exchange(true) ? "" : R"({"server":{"limit":1,"port":7}})"; }};
    attune::Layer layer = add(contested.publisher);
    const auto server = store.bind<Server>("server");
    EXPECT_EQ(write_error(layer, "server.port", 2),
              contested.publisher.url() +
                  ": server.port: somebody else has changed this in between; nothing was written: "
                  "look at what it is now, then write again");
    EXPECT_EQ(server.get().port, 7);
    EXPECT_EQ(write_error(layer, "server.port", 2), "written");
}

TEST_F(HttpWrite, gives_up_when_others_write_all_the_time) {
    std::atomic<int> others{0};
    Contested contested{first, [&] { return with_limit(++others + 10); }};
    attune::Layer layer = add(contested.publisher);
    const auto server = store.bind<Server>("server");
    EXPECT_THAT(write_error(layer, "server.port", 2),
                HasSubstr("others write to the document all the time: 5 attempts came too late"));
    EXPECT_EQ(server.get().port, 1);
}

TEST_F(HttpWrite, tells_why_the_server_refuses) {
    Publisher publisher{R"({"port":1})", [](Conversation& conversation, const Heard& heard) {
                            if (!heard.line.starts_with("PATCH")) {
                                return false;
                            }
                            conversation.answer("422 No",
                                                "Content-Type: application/problem+json\r\n",
                                                R"({"title":"Refused","status":422,"problems":[
                                    {"path":"/server/port","expected":"a port","found":"0",
                                     "suggestion":"1","severity":"error","text":"x"},
                                    {"path":"/elsewhere","message":"unknown\nkey",
                                     "severity":"warning"},
                                    7]})");
                            return true;
                        }};
    attune::Layer layer = add(publisher, "/server");
    try {
        layer.set("port", 0);
        ADD_FAILURE() << "written";
    } catch (const attune::Rejected& rejected) {
        ASSERT_EQ(rejected.problems().size(), 3U);
        const attune::Problem& problem = rejected.problems()[0];
        EXPECT_EQ(problem.path, "port");
        EXPECT_EQ(problem.expected, "a port");
        EXPECT_EQ(problem.found, "0");
        EXPECT_EQ(problem.suggestion, "1");
        EXPECT_EQ(problem.origin.source, publisher.url("/server"));
        EXPECT_EQ(rejected.problems()[1].path, "");
        EXPECT_EQ(rejected.problems()[1].message, "unknown key");
        EXPECT_EQ(rejected.problems()[1].severity, attune::Severity::warning);
    }
    EXPECT_EQ(publisher.text(), R"({"port":1})");
}

TEST_F(HttpWrite, says_what_a_server_does_not_let_it_do) {
    std::string status;
    Publisher publisher{first, [&](Conversation& conversation, const Heard& heard) {
                            if (!heard.line.starts_with("PATCH")) {
                                return false;
                            }
                            conversation.answer(status, "", "");
                            return true;
                        }};
    attune::Layer layer = add(publisher);
    const auto told = [&](const std::string& answered) {
        status = answered;
        return write_error(layer, "server.port", 2);
    };
    EXPECT_THAT(told("405 No"), HasSubstr("answered 405 Method Not Allowed; the server takes no "
                                          "changes of this document; nothing was written"));
    EXPECT_THAT(told("403 No"), HasSubstr("does not allow to write there; nothing was written"));
    EXPECT_THAT(told("500 No"), HasSubstr("answered 500 Internal Server Error; nothing was"));
}

TEST_F(HttpWrite, says_whether_anything_may_have_been_written_when_the_server_goes_away) {
    std::atomic<bool> drop{false};
    Publisher publisher{first, [&](Conversation&, const Heard& heard) {
                            if (drop && heard.line.starts_with("PATCH")) {
                                throw Gone{};
                            }
                            return false;
                        }};
    attune::Layer layer = add(publisher);
    ASSERT_TRUE(publisher.wait_held());
    drop = true;
    EXPECT_THAT(write_error(layer, "server.port", 2),
                HasSubstr("closed the connection before it answered; whether the change was made "
                          "is not known"));
    publisher.stop();
    EXPECT_THAT(write_error(layer, "server.port", 2),
                AllOf(HasSubstr("connection refused"), HasSubstr("; nothing was written")));
}

TEST_F(HttpWrite, refuses_what_cannot_be_written_before_it_asks) {
    Publisher publisher{R"({"list":[1,2]})"};
    attune::Layer layer = add(publisher);
    EXPECT_THAT(write_error(layer, "x", std::numeric_limits<double>::infinity()),
                HasSubstr("the value holds what JSON cannot say"));
    EXPECT_THAT(write_error(layer, "list.7", 1), HasSubstr("nothing was written"));
    attune::Layer several = store.add(attune::http(publisher.url("?path=/a&path=/b"), quick()));
    EXPECT_THAT(write_error(several, "x", 1),
                HasSubstr("a URL with a query names no document that could be written"));
    ScriptedServer plain{[](Conversation& conversation) {
        for (;;) {
            conversation.hear();
            conversation.answer("{}");
        }
    }};
    attune::Layer without = store.add(attune::http(plain.origin(), quick()));
    EXPECT_THAT(write_error(without, "x", 1), HasSubstr("the server gives no strong ETag"));
}

TEST_F(HttpWrite, tells_why_this_store_refuses_what_the_server_has_taken) {
    Publisher publisher{first};
    attune::Layer layer = add(publisher);
    const auto server = store.bind<Server>("server");
    EXPECT_THAT(write_error(layer, "server.port", 0), HasSubstr("expected an integer in [1, "));
    EXPECT_EQ(server.get().port, 1);
    EXPECT_EQ(publisher.text(), R"({"server":{"limit":1,"port":0}})");
    layer.set("server.port", 3);
    EXPECT_EQ(server.get().port, 3);
}

TEST_F(HttpWrite, does_not_wait_for_itself_on_the_network_thread) {
    Publisher publisher{first};
    attune::Layer layer = add(publisher);
    const auto server = store.bind<Server>("server");
    std::promise<std::string> told;
    const auto subscription =
        server.on_change(attune::inline_executor, [&](const attune::Change<Server>&) {
            told.set_value(write_error(layer, "server.limit", 2));
        });
    ASSERT_TRUE(publisher.wait_held());
    publisher.publish(R"({"server":{"limit":1,"port":2}})");
    EXPECT_THAT(told.get_future().get(),
                HasSubstr("on the thread that would have to bring the answer"));
}

TEST_F(HttpWrite, concurrent_writers_lose_no_write) {
    Publisher publisher{R"({"a":0,"b":0,"c":0})"};
    attune::Layer layer = add(publisher);
    attune::Store other;
    attune::Layer there = other.add(attune::http(publisher.url(), quick()));
    std::vector<std::thread> writers;
    const auto write = [](attune::Layer to, const char* path) {
        return [to, path]() mutable {
            for (int i = 1; i <= 20;) {
                i += write_error(to, path, i) == "written" ? 1 : 0;  // else others were quicker
            }
        };
    };
    writers.emplace_back(write(layer, "a"));
    writers.emplace_back(write(layer, "b"));
    writers.emplace_back(write(there, "c"));
    for (std::thread& writer : writers) {
        writer.join();
    }
    EXPECT_EQ(publisher.text(), R"({"a":20,"b":20,"c":20})");
}

}  // namespace
