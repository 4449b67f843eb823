#include <attune/net/http_client.hpp>

#include "asker.hpp"
#include "scripted_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cctype>
#include <chrono>
#include <future>
#include <string>
#include <string_view>
#include <utility>

namespace {

using namespace attune_test;
using namespace std::chrono_literals;
using attune::net::ClientRequest;
using attune::net::ClientResponse;
using attune::net::HttpClientOptions;
using attune::net::HttpError;
using attune::net::HttpFault;
using attune::net::parse_url;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

/// Answers every request by what `make` makes of it.
ScriptedServer::Script always(std::function<std::string(const Heard&)> make) {
    return [make = std::move(make)](Conversation& conversation) {
        for (;;) {
            const Heard heard = conversation.hear();
            conversation.answer(make(heard));
        }
    };
}

/// Sends these bytes in answer to the first request of each connection, and closes.
ScriptedServer::Script bytes(std::string text) {
    return [text = std::move(text)](Conversation& conversation) {
        conversation.hear();
        conversation.say(text);
    };
}

TEST(HttpClient, gets_what_the_server_has_over_one_connection) {
    ScriptedServer server{always([](const Heard& heard) { return heard.line; })};
    Asker asker;
    EXPECT_EQ(asker.get(server.origin() + "/a?b=c"), "200 GET /a?b=c HTTP/1.1");
    EXPECT_EQ(asker.get(server.origin() + "/d"), "200 GET /d HTTP/1.1");
    EXPECT_EQ(asker.get(server.origin()), "200 GET / HTTP/1.1");
    EXPECT_EQ(server.connections(), 1U);
}

TEST(HttpClient, sends_fields_and_a_body) {
    ScriptedServer server{
        always([](const Heard& heard) { return heard.header + "--" + heard.body; })};
    Asker asker;
    const std::string sent = asker.ask({.method = "PUT",
                                        .url = parse_url(server.origin() + "/a"),
                                        .fields = {{"If-Match", "\"1\""}, {"X-Empty", ""}},
                                        .body = "{}"});
    EXPECT_EQ(sent, "200 PUT /a HTTP/1.1\r\nHost: " + parse_url(server.origin()).authority() +
                        "\r\nIf-Match: \"1\"\r\nX-Empty: \r\nUser-Agent: attune/0.1.0\r\n"
                        "Content-Length: 2\r\n--{}");
}

TEST(HttpClient, gives_status_and_fields) {
    ScriptedServer server{
        bytes("HTTP/1.1 404 Not Found\r\nETag: \"1\"\r\nVary: a\r\nvary: b\r\nContent-Length: "
              "0\r\n\r\n")};
    Asker asker;
    const auto result = asker.result({.url = parse_url(server.origin())});
    const auto& response = std::get<ClientResponse>(result).response;
    EXPECT_EQ(response.status, 404U);
    EXPECT_EQ(response.fields.find("etag"), "\"1\"");
    EXPECT_EQ(response.fields.joined("Vary"), "a, b");
}

TEST(HttpClient, reads_chunks_and_bodies_that_end_with_the_connection) {
    ScriptedServer chunked{
        bytes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
              "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: x\r\n\r\n")};
    ScriptedServer closed{bytes("HTTP/1.0 200 OK\r\n\r\nabcde")};
    Asker asker;
    EXPECT_EQ(asker.get(chunked.origin()), "200 abcde");
    EXPECT_EQ(asker.get(closed.origin()), "200 abcde");
}

TEST(HttpClient, reads_responses_that_come_byte_by_byte) {
    ScriptedServer server{[](Conversation& conversation) {
        for (const std::string_view response :
             {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
              "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
              "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: y\r\n\r\n"}) {
            conversation.hear();
            for (const char c : response) {
                conversation.say({&c, 1});
            }
        }
    }};
    Asker asker;
    EXPECT_EQ(asker.get(server.origin()), "200 abc");
    EXPECT_EQ(asker.get(server.origin()), "200 ");
    EXPECT_EQ(asker.get(server.origin()), "200 a");
}

TEST(HttpClient, expects_no_body_where_there_is_none) {
    ScriptedServer server{[](Conversation& conversation) {
        for (;;) {
            const Heard heard = conversation.hear();
            if (heard.line == "HEAD / HTTP/1.1") {
                conversation.say("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
            } else if (heard.line == "GET /304 HTTP/1.1") {
                conversation.say("HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\n\r\n");
            } else {
                conversation.say("HTTP/1.1 204 No Content\r\n\r\n");
            }
        }
    }};
    Asker asker;
    EXPECT_EQ(asker.ask({.method = "HEAD", .url = parse_url(server.origin())}), "200 ");
    EXPECT_EQ(asker.get(server.origin() + "/304"), "304 ");
    EXPECT_EQ(asker.get(server.origin() + "/204"), "204 ");
    EXPECT_EQ(server.connections(), 1U);
}

TEST(HttpClient, passes_over_interim_responses_but_not_without_end) {
    ScriptedServer server{[](Conversation& conversation) {
        conversation.hear();
        conversation.say(
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n");
        conversation.answer("late");
    }};
    ScriptedServer endless{[](Conversation& conversation) {
        conversation.hear();
        for (;;) {
            conversation.say("HTTP/1.1 100 Continue\r\n\r\n");
        }
    }};
    Asker asker;
    EXPECT_EQ(asker.get(server.origin()), "200 late");
    EXPECT_EQ(asker.get(endless.origin()),
              endless.origin() + "/ never came to an answer that is one");
}

TEST(HttpClient, says_that_nobody_listens) {
    const std::string origin = "http://127.0.0.1:" + std::to_string(free_port());
    Asker asker;
    EXPECT_EQ(asker.get(origin + "/v1"), "cannot connect to " + origin + ": connection refused");
}

TEST(HttpClient, says_that_there_is_no_such_host) {
    Asker asker;
    EXPECT_THAT(asker.get("http://me:secret@nowhere.invalid/v1"),
                StartsWith("cannot find the host of http://nowhere.invalid: host not found"));
}

TEST(HttpClient, finds_a_server_by_name) {
    ScriptedServer server{always([](const Heard&) { return "here"; })};
    Asker asker;
    EXPECT_EQ(asker.get("http://localhost:" + std::to_string(server.port())), "200 here");
}

TEST(HttpClient, gives_up_on_a_server_that_does_not_answer) {
    ScriptedServer silent{[](Conversation& conversation) { conversation.wait_gone(); }};
    HttpClientOptions options;
    options.timeouts.first_byte = 60s;
    Asker asker{options};
    EXPECT_EQ(asker.ask({.url = parse_url(silent.origin()), .first_byte = 20ms}),
              silent.origin() + "/ did not answer within 20ms");
}

TEST(HttpClient, gives_up_on_a_server_that_stops_in_the_middle) {
    ScriptedServer body{[](Conversation& conversation) {
        conversation.hear();
        conversation.say("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc");
        conversation.wait_gone();
    }};
    ScriptedServer header{[](Conversation& conversation) {
        conversation.hear();
        conversation.say("HTTP/1.1 200 OK\r\nContent-");
        conversation.wait_gone();
    }};
    HttpClientOptions options;
    options.timeouts.between = 20ms;
    Asker asker{options};
    EXPECT_EQ(asker.get(body.origin()), body.origin() + "/ stopped in the middle of its answer");
    EXPECT_EQ(asker.get(header.origin()),
              header.origin() + "/ stopped in the middle of its answer");
}

TEST(HttpClient, gives_up_on_a_server_that_drips) {
    const auto drip = [](Conversation& conversation, std::string_view begin) {
        conversation.hear();
        conversation.say(begin);
        for (;;) {
            conversation.say("a");
            ::pollfd nothing{-1, 0, 0};
            ::poll(&nothing, 1, 5);
        }
    };
    ScriptedServer header{
        [&](Conversation& conversation) { drip(conversation, "HTTP/1.1 200 OK\r\nX: "); }};
    ScriptedServer body{[&](Conversation& conversation) {
        drip(conversation, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
    }};
    HttpClientOptions options;
    options.timeouts.between = 200ms;
    options.timeouts.whole = 400ms;
    Asker asker{options};
    EXPECT_EQ(asker.get(header.origin()),
              header.origin() + "/ stopped in the middle of its answer");
    EXPECT_EQ(asker.get(body.origin()), body.origin() + "/ stopped in the middle of its answer");
}

TEST(HttpClient, says_where_an_answer_was_cut_off) {
    ScriptedServer body{bytes("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")};
    ScriptedServer chunk{bytes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab")};
    ScriptedServer header{bytes("HTTP/1.1 200 OK\r\nContent-")};
    ScriptedServer nothing{bytes("")};
    ScriptedServer reset{[](Conversation& conversation) {
        conversation.hear();
        conversation.reset();
    }};
    Asker asker;
    EXPECT_EQ(asker.get(body.origin()),
              body.origin() +
                  "/: the answer ended in the middle of the body, after 3 of 100 bytes");
    EXPECT_EQ(asker.get(chunk.origin()),
              chunk.origin() + "/: the answer ended in the middle of the body, after 2 bytes");
    EXPECT_EQ(asker.get(header.origin()),
              header.origin() + "/: the answer ended in the middle of its header");
    EXPECT_EQ(asker.get(nothing.origin()),
              nothing.origin() + "/ closed the connection before it answered");
    EXPECT_EQ(asker.get(reset.origin()),
              reset.origin() +
                  "/ closed the connection before it answered: connection reset by peer");
}

TEST(HttpClient, refuses_what_is_too_large_before_it_has_come) {
    const auto flood = [](Conversation& conversation, std::string_view begin) {
        conversation.hear();
        conversation.say(begin);
        const std::string more(64 * 1024, 'x');
        for (;;) {
            conversation.say(more);
        }
    };
    ScriptedServer declared{bytes("HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n")};
    ScriptedServer flooding{
        [&](Conversation& conversation) { flood(conversation, "HTTP/1.0 200 OK\r\n\r\n"); }};
    ScriptedServer chunked{[&](Conversation& conversation) {
        flood(conversation, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFF\r\n");
    }};
    ScriptedServer header{
        [&](Conversation& conversation) { flood(conversation, "HTTP/1.1 200 OK\r\nX: "); }};
    ScriptedServer fields{[&](Conversation& conversation) {
        conversation.hear();
        conversation.say("HTTP/1.1 200 OK\r\n");
        for (;;) {
            conversation.say("X: y\r\n");
        }
    }};
    HttpClientOptions options;
    options.body = 1024 * 1024;
    Asker asker{options};
    for (const ScriptedServer* server : {&declared, &flooding, &chunked}) {
        EXPECT_EQ(asker.get(server->origin()),
                  server->origin() + "/ answered with more than 1 MiB");
    }
    for (const ScriptedServer* server : {&header, &fields}) {
        EXPECT_EQ(asker.get(server->origin()),
                  server->origin() + "/ answered with a header of more than 64 KiB");
    }
}

TEST(HttpClient, refuses_lines_before_chunks_and_trailers_without_end) {
    const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    const auto flood = [&](const std::string& begin, const std::string& more) {
        return [=](Conversation& conversation) {
            conversation.hear();
            conversation.say(chunked + begin);
            for (;;) {
                conversation.say(more);
            }
        };
    };
    ScriptedServer extension{flood("1;x=", std::string(4096, 'y'))};
    ScriptedServer last{flood("1\r\na\r\n0;x=", std::string(4096, 'y'))};
    ScriptedServer trailers{flood("1\r\na\r\n0\r\n", "X: y\r\n")};
    Asker asker;
    for (const ScriptedServer* server : {&extension, &last, &trailers}) {
        const auto result = asker.result({.url = parse_url(server->origin())});
        const auto* error = std::get_if<HttpError>(&result);
        ASSERT_NE(error, nullptr);
        EXPECT_EQ(error->fault, HttpFault::too_large);
        EXPECT_EQ(error->message, server->origin() +
                                      "/ answered with a line before a chunk, or trailers, of "
                                      "more than 64 KiB");
    }
}

TEST(HttpClient, limits_heads_lines_before_chunks_and_trailers_exactly) {
    HttpClientOptions options;
    options.header = 60;
    Asker asker{options};
    const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: 1234567\r\n\r\n";
    ASSERT_EQ(head.size(), options.header - 1);
    const auto padded = [](const std::string& begin, const std::string& end, std::size_t size) {
        return begin + std::string(size - begin.size() - end.size(), 'y') + end;
    };
    for (const std::size_t size : {options.header, options.header + 1}) {
        const std::string line = padded("1;x=", "\r\n", size);
        // The end of a chunk counts for the line after it.
        const std::string last = padded("\r\n0;x=", "\r\n\r\n", size);
        const std::string trailers = padded("\r\n0\r\nX: ", "\r\n\r\n", size);
        const std::string expected = size == options.header ? "200 a" : "more than 60 bytes";
        for (const std::string& text :
             {head + line + "a\r\n0\r\n\r\n", head + "1\r\na" + last, head + "1\r\na" + trailers}) {
            ScriptedServer at_once{bytes(text)};
            EXPECT_THAT(asker.get(at_once.origin()), EndsWith(expected)) << text;
            ScriptedServer bit_by_bit{[&](Conversation& conversation) {
                conversation.hear();
                for (const char byte : text) {
                    conversation.say({&byte, 1});
                }
            }};
            EXPECT_THAT(asker.get(bit_by_bit.origin()), EndsWith(expected)) << text;
        }
    }
    ScriptedServer long_head{bytes(padded("HTTP/1.1 200 OK\r\nX: ", "\r\n\r\n", 61))};
    EXPECT_THAT(asker.get(long_head.origin()), EndsWith("a header of more than 60 bytes"));
}

TEST(HttpClient, passes_over_trailers) {
    ScriptedServer server{
        bytes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;a=b\r\nx\r\n0;c\r\n"
              "ETag: \"late\"\r\n\r\n")};
    Asker asker;
    const auto result = asker.result({.url = parse_url(server.origin())});
    const auto& response = std::get<ClientResponse>(result).response;
    EXPECT_EQ(response.body, "x");
    EXPECT_EQ(response.fields.find("ETag"), std::nullopt);
}

TEST(HttpClient, takes_a_body_of_exactly_the_limit) {
    HttpClientOptions options;
    options.body = 5;
    Asker asker{options};
    ScriptedServer server{always([](const Heard&) { return "12345"; })};
    EXPECT_EQ(asker.get(server.origin()), "200 12345");
}

TEST(HttpClient, survives_garbage) {
    Asker asker;
    for (const std::string text :
         {"SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/9.9 200 OK\r\n\r\n",
          "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
          "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
          "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\nx",
          "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
          "HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "HTTP/1.1 200 OK\r\n: no name\r\n\r\n"}) {
        ScriptedServer server{bytes(text)};
        EXPECT_THAT(asker.get(server.origin()),
                    StartsWith(server.origin() + "/ answered with what is not HTTP ("))
            << text;
    }
    ScriptedServer zeros{bytes(std::string(1000, '\0'))};
    EXPECT_THAT(asker.get(zeros.origin()), HasSubstr("what is not HTTP"));
    ScriptedServer switching{
        bytes("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")};
    EXPECT_THAT(asker.get(switching.origin()), EndsWith("never came to an answer that is one"));
}

TEST(HttpClient, keeps_no_connection_that_the_server_closes_or_that_says_more_than_asked) {
    ScriptedServer closing{[](Conversation& conversation) {
        conversation.hear();
        conversation.answer("200 OK", "Connection: close\r\n", "x");
        conversation.wait_gone();
    }};
    ScriptedServer chatty{[](Conversation& conversation) {
        conversation.hear();
        conversation.say(
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\n"
            "Content-Length: 6\r\n\r\npoison");
        conversation.wait_gone();
    }};
    Asker asker;
    for (const ScriptedServer* server : {&closing, &chatty}) {
        EXPECT_EQ(asker.get(server->origin()), "200 x");
        EXPECT_EQ(asker.get(server->origin()), "200 x");
        EXPECT_EQ(server->connections(), 2U);
    }
}

TEST(HttpClient, asks_once_more_when_a_kept_connection_turns_out_dead) {
    // Each connection serves one request, and dies of the second.
    ScriptedServer server{[](Conversation& conversation) {
        conversation.hear();
        conversation.answer(std::to_string(conversation.number()));
        conversation.hear();
        conversation.reset();
    }};
    Asker asker;
    EXPECT_EQ(asker.get(server.origin()), "200 0");
    EXPECT_EQ(asker.get(server.origin()), "200 1");
    EXPECT_EQ(asker.get(server.origin()), "200 2");
}

TEST(HttpClient, asks_only_once_more) {
    ScriptedServer server{[](Conversation& conversation) {
        conversation.hear();
        if (conversation.number() == 0) {
            conversation.answer("first");
            conversation.hear();
        }
    }};
    Asker asker;
    EXPECT_EQ(asker.get(server.origin()), "200 first");
    EXPECT_EQ(asker.get(server.origin()),
              server.origin() + "/ closed the connection before it answered");
    EXPECT_EQ(server.connections(), 2U);
}

TEST(HttpClient, sends_what_must_not_be_repeated_over_a_new_connection) {
    ScriptedServer server{always([](const Heard& heard) { return heard.body; })};
    Asker asker;
    EXPECT_EQ(asker.get(server.origin()), "200 ");
    EXPECT_EQ(asker.ask({.method = "PATCH", .url = parse_url(server.origin()), .body = "[]"}),
              "200 []");
    EXPECT_EQ(server.connections(), 2U);
    EXPECT_EQ(asker.ask({.url = parse_url(server.origin()), .fresh = true}), "200 ");
    EXPECT_EQ(server.connections(), 3U);
}

TEST(HttpClient, keeps_a_few_connections_and_each_for_a_while) {
    ScriptedServer server{always([](const Heard&) { return "x"; })};
    HttpClientOptions none;
    none.kept = 0;
    HttpClientOptions brief;
    brief.keep = 0ms;
    for (const HttpClientOptions& options : {none, brief}) {
        const std::size_t before = server.connections();
        Asker asker{options};
        EXPECT_EQ(asker.get(server.origin()), "200 x");
        EXPECT_EQ(asker.get(server.origin()), "200 x");
        EXPECT_EQ(server.connections(), before + 2);
    }
}

TEST(HttpClient, reads_the_answer_of_a_server_that_does_not_want_all_of_a_request) {
    ScriptedServer server{[](Conversation& conversation) {
        conversation.say("HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n");
        conversation.wait_gone();
    }};
    Asker asker;
    EXPECT_EQ(asker.ask({.method = "PUT",
                         .url = parse_url(server.origin()),
                         .body = std::string(1024 * 1024, 'x')}),
              "413 ");
}

TEST(HttpClient, refuses_fields_that_would_become_two) {
    Asker asker;
    const auto url = parse_url("http://127.0.0.1:" + std::to_string(free_port()));
    EXPECT_EQ(asker.ask({.url = url, .fields = {{"Authorization", "Bearer a\r\nX: b"}}}),
              url.text() +
                  " cannot be asked: the field Authorization holds a line break or a "
                  "control character");
    EXPECT_THAT(asker.ask({.url = url, .fields = {{"X Y", "z"}}}),
                HasSubstr("the name of a field"));
    EXPECT_THAT(asker.ask({.method = "GET /x HTTP/1.1\r\n", .url = url}),
                HasSubstr("the method is no word"));
}

TEST(HttpClient, is_not_told_the_result_of_a_request_that_it_has_cancelled) {
    std::promise<void> heard;
    std::promise<void> gone;
    ScriptedServer server{[&](Conversation& conversation) {
        conversation.hear();
        heard.set_value();
        conversation.wait_gone();
        gone.set_value();
    }};
    Asker asker;
    auto [operation, result] = asker.start({.url = parse_url(server.origin()), .first_byte = 60s});
    heard.get_future().get();
    asker.on_thread([&, held = std::move(operation)] { held->cancel(); });
    gone.get_future().get();
    EXPECT_THROW(result.get(), std::future_error);  // the promise was destroyed
}

TEST(HttpClient, cancels_what_is_under_way_when_it_is_destroyed) {
    std::promise<void> heard;
    ScriptedServer server{[&](Conversation& conversation) {
        conversation.hear();
        heard.set_value();
        conversation.wait_gone();
    }};
    std::future<attune::net::ClientResult> result;
    std::shared_ptr<attune::net::HttpOperation> operation;
    {
        Asker asker;
        std::tie(operation, result) =
            asker.start({.url = parse_url(server.origin()), .first_byte = 60s});
        heard.get_future().get();
    }
    EXPECT_THROW(result.get(), std::future_error);
}

TEST(HttpClient, serves_several_requests_at_a_time) {
    std::promise<void> second_came;
    ScriptedServer server{[&](Conversation& conversation) {
        const Heard heard = conversation.hear();
        if (heard.line == "GET /first HTTP/1.1") {
            second_came.get_future().get();
        } else {
            second_came.set_value();
        }
        conversation.answer(heard.line);
    }};
    Asker asker;
    auto [operation, first] = asker.start({.url = parse_url(server.origin() + "/first")});
    EXPECT_EQ(asker.get(server.origin() + "/second"), "200 GET /second HTTP/1.1");
    EXPECT_EQ(std::get<ClientResponse>(first.get()).response.body, "GET /first HTTP/1.1");
}

RC_GTEST_PROP(HttpClientLaws, whatever_comes_ends_in_a_response_or_an_error,
              (const std::string& noise)) {
    const std::string begin =
        *rc::gen::element<std::string>("", "HTTP/1.1 ", "HTTP/1.1 200 OK\r\n",
                                       "HTTP/1.1 200 OK\r\nContent-Length: ",
                                       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    const std::string end = *rc::gen::element<std::string>("", "\r\n", "\r\n\r\n", "\r\n\r\n0\r\n");
    ScriptedServer server{bytes(begin + noise + end)};
    Asker asker;
    const std::string result = asker.get(server.origin());
    RC_ASSERT(result.starts_with("200 ") || result.starts_with(server.origin() + '/') ||
              std::isdigit(static_cast<unsigned char>(result[0])));
}

}  // namespace
