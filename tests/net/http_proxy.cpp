#include <attune/net/http_client.hpp>

#include "asker.hpp"
#include "certificates.hpp"
#include "scripted_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace {

using namespace attune_test;
using attune::net::HttpClientOptions;
using attune::net::HttpError;
using attune::net::HttpFault;
using attune::net::parse_url;
using testing::EndsWith;
using testing::HasSubstr;

HttpClientOptions by(const ScriptedServer& proxy, const std::string& credentials = {}) {
    HttpClientOptions options;
    options.proxy =
        parse_url("http://" + credentials + "127.0.0.1:" + std::to_string(proxy.port()));
    return options;
}

TEST(HttpProxy, is_asked_for_the_whole_url) {
    ScriptedServer proxy{[](Conversation& conversation) {
        for (;;) {
            const Heard heard = conversation.hear();
            conversation.answer(heard.line + '|' + heard.field("Host") + '|' +
                                heard.field("Proxy-Authorization") + '|' +
                                heard.field("Authorization"));
        }
    }};
    Asker asker{by(proxy)};
    EXPECT_EQ(asker.get("http://a.example/x?y"),
              "200 GET http://a.example/x?y HTTP/1.1|a.example||");
    EXPECT_EQ(asker.get("http://b.example:81/"),
              "200 GET http://b.example:81/ HTTP/1.1|b.example:81||");
    EXPECT_EQ(proxy.connections(), 1U);
    Asker known{by(proxy, "me:word@")};
    EXPECT_EQ(known.get("http://a.example/"),
              "200 GET http://a.example/ HTTP/1.1|a.example|Basic bWU6d29yZA==|");
}

TEST(HttpProxy, is_asked_for_a_tunnel_to_a_server_that_speaks_tls) {
    const Certificate certificate{{.names = "DNS:a.example"}};
    ScriptedServer proxy{[&](Conversation& conversation) {
        const Heard heard = conversation.hear();
        conversation.say("HTTP/1.1 200 Connection established\r\n\r\n");
        conversation.secure(certificate.server());
        for (;;) {
            const Heard inside = conversation.hear();
            conversation.answer(heard.line + '|' + heard.field("Proxy-Authorization") + '|' +
                                inside.line + '|' + inside.field("Proxy-Authorization"));
        }
    }};
    HttpClientOptions options = by(proxy, "me:word@");
    options.tls.authorities = certificate.file();
    Asker asker{options};
    for (int i = 0; i != 2; ++i) {
        EXPECT_EQ(asker.get("https://a.example/x"),
                  "200 CONNECT a.example:443 HTTP/1.1|Basic bWU6d29yZA==|GET /x HTTP/1.1|");
    }
    EXPECT_EQ(proxy.connections(), 1U);
    EXPECT_THAT(asker.get("https://b.example/x"), HasSubstr("is not for this name"));
}

TEST(HttpProxy, may_refuse_a_tunnel) {
    ScriptedServer proxy{[](Conversation& conversation) {
        conversation.hear();
        conversation.say("HTTP/1.1 407 Who are you\r\nContent-Length: 4\r\n\r\nHTML");
    }};
    ScriptedServer closing{[](Conversation&) {}};
    Asker asker{by(proxy)};
    const auto result = asker.result({.url = parse_url("https://a.example/x")});
    const auto* error = std::get_if<HttpError>(&result);
    ASSERT_NE(error, nullptr);
    EXPECT_EQ(error->fault, HttpFault::proxy_denied);
    EXPECT_EQ(error->message,
              "the proxy " + proxy.origin() +
                  " does not connect to https://a.example: it answered 407; give it credentials "
                  "that it accepts");
    Asker other{by(closing)};
    EXPECT_THAT(other.get("https://a.example/x"),
                HasSubstr(" does not connect to https://a.example: "));
}

TEST(HttpProxy, cannot_answer_in_the_place_of_the_server_behind_its_tunnel) {
    const Certificate certificate{{.names = "DNS:a.example"}};
    ScriptedServer proxy{[&](Conversation& conversation) {
        conversation.hear();
        conversation.say(
            "HTTP/1.1 200 Connection established\r\n\r\n"
            "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison");
        conversation.secure(certificate.server());
        conversation.wait_gone();
    }};
    HttpClientOptions options = by(proxy);
    options.tls.authorities = certificate.file();
    Asker asker{options};
    const auto result = asker.result({.url = parse_url("https://a.example/x")});
    const auto* error = std::get_if<HttpError>(&result);
    ASSERT_NE(error, nullptr);
    EXPECT_EQ(error->fault, HttpFault::proxy);
    EXPECT_EQ(error->message, "the proxy " + proxy.origin() +
                                  " does not connect to https://a.example: it sent more than its "
                                  "answer");
}

TEST(HttpProxy, may_not_be_there) {
    HttpClientOptions options;
    const std::string place = "127.0.0.1:" + std::to_string(free_port());
    options.proxy = parse_url("http://me:word@" + place);
    Asker asker{options};
    EXPECT_EQ(asker.get("http://a.example/x"), "cannot connect to http://" + place +
                                                   ": connection refused, the proxy for "
                                                   "http://a.example");
}

}  // namespace
