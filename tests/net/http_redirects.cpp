#include <attune/net/http_client.hpp>

#include "asker.hpp"
#include "certificates.hpp"
#include "scripted_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace {

using namespace attune_test;
using attune::net::ClientResponse;
using attune::net::HttpClientOptions;
using attune::net::HttpError;
using attune::net::HttpFault;
using attune::net::parse_url;
using testing::HasSubstr;
using testing::Not;

/// Redirects `/` to `to`, and answers all else with what was asked.
ScriptedServer::Script redirecting(std::string status, std::string to) {
    return [status = std::move(status), to = std::move(to)](Conversation& conversation) {
        for (;;) {
            const Heard heard = conversation.hear();
            if (heard.line.find(" / ") != std::string::npos) {
                conversation.answer(status, "Location: " + to + "\r\n", "elsewhere");
            } else {
                conversation.answer(heard.line + '|' + heard.field("Authorization") + '|' +
                                    heard.body);
            }
        }
    };
}

attune::net::ClientRequest request(const std::string& url, std::string method = "GET",
                                   std::string body = {}) {
    return {.method = std::move(method),
            .url = parse_url(url),
            .fields = {{"Authorization", "Bearer key"}},
            .body = std::move(body)};
}

TEST(HttpRedirects, are_followed_over_the_same_connection) {
    for (const std::string status : {"301 M", "302 F", "303 S", "307 T", "308 P"}) {
        ScriptedServer server{redirecting(status, "x?y")};
        Asker asker;
        const auto result = asker.result(request(server.origin()));
        const auto& answered = std::get<ClientResponse>(result);
        EXPECT_EQ(answered.response.body, "GET /x?y HTTP/1.1|Bearer key|") << status;
        EXPECT_EQ(answered.url.target(), "/x?y");
        EXPECT_EQ(server.connections(), 1U);
    }
}

TEST(HttpRedirects, keep_method_and_body_where_the_status_says_so) {
    for (const std::string status : {"301 M", "302 F", "307 T", "308 P"}) {
        ScriptedServer server{redirecting(status, "/x")};
        Asker asker;
        EXPECT_EQ(asker.ask(request(server.origin(), "PUT", "body")),
                  "200 PUT /x HTTP/1.1|Bearer key|body");
    }
    ScriptedServer see_other{redirecting("303 See Other", "/x")};
    ScriptedServer found{redirecting("302 Found", "/x")};
    Asker asker;
    EXPECT_EQ(asker.ask(request(see_other.origin(), "PUT", "body")),
              "200 GET /x HTTP/1.1|Bearer key|");
    EXPECT_EQ(asker.ask(request(found.origin(), "POST", "body")),
              "200 GET /x HTTP/1.1|Bearer key|");
}

TEST(HttpRedirects, take_no_credentials_to_another_origin) {
    ScriptedServer other{redirecting("302 Found", "/never")};
    ScriptedServer server{redirecting("302 Found", other.origin() + "/x")};
    Asker asker;
    EXPECT_EQ(asker.ask(request(server.origin())), "200 GET /x HTTP/1.1||");
    const std::string with = "http://me:word@127.0.0.1:" + std::to_string(server.port());
    EXPECT_EQ(asker.get(with), "200 GET /x HTTP/1.1||");
    EXPECT_EQ(asker.get(with + "/y"), "200 GET /y HTTP/1.1|Basic bWU6d29yZA==|");
}

TEST(HttpRedirects, take_fields_to_another_origin_but_those_for_the_first_one) {
    ScriptedServer other{[](Conversation& conversation) {
        for (;;) {
            conversation.answer(conversation.hear().header);
        }
    }};
    ScriptedServer server{redirecting("307 T", other.origin() + "/x")};
    auto asked = request(server.origin());
    asked.fields = {{"authorization", "hush"},
                    {"COOKIE", "hush"},
                    {"Proxy-Authorization", "hush"},
                    {"Accept", "public"}};
    asked.private_fields = {{"X-Api-Key", "hush"}, {"X-Own", "hush"}};
    Asker asker;
    const std::string elsewhere = asker.ask(asked);
    EXPECT_THAT(elsewhere, HasSubstr("Accept: public"));
    EXPECT_THAT(elsewhere, Not(HasSubstr("hush")));
}

TEST(HttpRedirects, keep_fields_within_the_origin) {
    ScriptedServer server{[](Conversation& conversation) {
        conversation.hear();
        conversation.answer("307 T", "Location: /x\r\n", "");
        conversation.answer(conversation.hear().header);
    }};
    auto asked = request(server.origin());
    asked.private_fields = {{"X-Api-Key", "hush"}};
    Asker asker;
    const std::string kept = asker.ask(asked);
    EXPECT_THAT(kept, HasSubstr("Authorization: Bearer key"));
    EXPECT_THAT(kept, HasSubstr("X-Api-Key: hush"));
}

TEST(HttpRedirects, take_no_body_to_another_origin) {
    ScriptedServer other{redirecting("302 Found", "/never")};
    for (const std::string status : {"301 M", "302 F", "307 T", "308 P"}) {
        ScriptedServer server{redirecting(status, other.origin() + "/x")};
        Asker asker;
        const auto result = asker.result(request(server.origin(), "PUT", "body"));
        const auto* error = std::get_if<HttpError>(&result);
        ASSERT_NE(error, nullptr) << status;
        EXPECT_EQ(error->fault, HttpFault::redirect);
        EXPECT_EQ(error->message, server.origin() + "/ redirects to " + other.origin() +
                                      "/x, which is another server, and what was sent was not "
                                      "meant for it; that is not followed: give the URL of that "
                                      "server if it is");
    }
    EXPECT_EQ(other.connections(), 0U);
    ScriptedServer see_other{redirecting("303 See Other", other.origin() + "/x")};
    Asker asker;
    EXPECT_EQ(asker.ask(request(see_other.origin(), "PUT", "body")), "200 GET /x HTTP/1.1||");
}

TEST(HttpRedirects, are_followed_a_few_times) {
    ScriptedServer server{redirecting("302 Found", "/?again")};
    ScriptedServer loop{[](Conversation& conversation) {
        for (;;) {
            conversation.hear();
            conversation.answer("302 Found", "Location: /\r\n", "");
        }
    }};
    Asker asker;
    EXPECT_EQ(asker.get(server.origin()), "200 GET /?again HTTP/1.1||");
    EXPECT_EQ(asker.get(loop.origin()),
              loop.origin() + "/ redirects more than 5 times, last to " + loop.origin() + "/");
}

TEST(HttpRedirects, are_refused_where_they_lead_nowhere) {
    for (const std::string to : {"ftp://h/x", "http://", "http://h:99999/"}) {
        ScriptedServer server{redirecting("302 Found", to)};
        Asker asker;
        EXPECT_THAT(asker.get(server.origin()), HasSubstr("redirects to where no client can go"));
    }
    ScriptedServer nowhere{[](Conversation& conversation) {
        conversation.hear();
        conversation.answer("302 Found", "", "no place");
    }};
    Asker asker;
    EXPECT_EQ(asker.get(nowhere.origin()), "302 no place");
}

TEST(HttpRedirects, never_lead_from_https_to_http) {
    const Certificate certificate;
    ScriptedServer plain{redirecting("302 Found", "/never")};
    ScriptedServer server{redirecting("302 Found", plain.origin() + "/x?token=key"),
                          certificate.server()};
    HttpClientOptions options;
    options.tls.authorities = certificate.file();
    Asker asker{options};
    EXPECT_EQ(asker.get(server.origin()),
              server.origin() + "/ redirects to " + plain.origin() +
                  "/x?..., from https to http, where others could read and change it; that is not "
                  "followed");
    EXPECT_EQ(plain.connections(), 0U);
}

}  // namespace
