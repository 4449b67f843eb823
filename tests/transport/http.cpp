#include <attune/transport/http.hpp>

#include "http_publisher.hpp"
#include "net/certificates.hpp"

#include <attune/bind/schema.hpp>
#include <attune/store/store.hpp>
#include <attune/transport/cached.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <utility>

namespace http_test {

struct Server {
    int port = 0;
    std::string host{};
};

inline void describe(attune::Schema<Server>& s) { s.field(&Server::port).between(1, 65535); }

}  // namespace http_test

namespace {

using namespace attune_test;
using http_test::Server;
using testing::HasSubstr;
using testing::StartsWith;

TEST(HttpTransport, loads_what_the_server_has) {
    Publisher publisher{R"({"port":1})"};
    const auto transport = attune::http(publisher.url());
    EXPECT_EQ(transport->name(), "http " + publisher.url());
    EXPECT_TRUE(transport->remote());
    EXPECT_FALSE(transport->writable());
    const attune::Content content = transport->load();
    EXPECT_EQ(text_of(content), R"({"port":1})");
    EXPECT_EQ(content.revision, "1");
    ASSERT_NE(content.source, nullptr);
    EXPECT_EQ(to_string(content.source->locate("port", attune::Part::value)),
              publisher.url() + ":1:9");
}

TEST(HttpTransport, tells_of_a_change_the_moment_it_is_made) {
    Publisher publisher{R"({"port":1})"};
    Recorder feed;
    const Followed followed{feed, attune::http(publisher.url())};
    EXPECT_EQ(followed.loaded, R"({"port":1})");
    for (int i = 2; i != 20; ++i) {
        ASSERT_TRUE(publisher.wait_held());
        const std::string text = R"({"port":)" + std::to_string(i) + '}';
        publisher.publish(text);
        EXPECT_EQ(feed.next(), text);
    }
    EXPECT_EQ(feed.waiting(), 0U);
}

TEST(HttpTransport, holds_one_connection_and_asks_once_for_each_change) {
    Publisher publisher{R"({"port":1})"};
    Recorder feed;
    attune::HttpOptions options;
    options.report = false;
    const Followed followed{feed, attune::http(publisher.url(), options)};
    for (int i = 2; i != 6; ++i) {
        ASSERT_TRUE(publisher.wait_held());
        publisher.publish(std::to_string(i));
        EXPECT_EQ(feed.next(), std::to_string(i));
    }
    ASSERT_TRUE(publisher.wait_held());
    EXPECT_EQ(publisher.connections(), 2U);  // one of `load`
    EXPECT_EQ(publisher.requests(), 6U);
}

TEST(HttpTransport, misses_nothing_between_load_and_start) {
    Publisher publisher{"1"};
    Recorder feed;
    const auto transport = attune::http(publisher.url());
    EXPECT_EQ(text_of(transport->load()), "1");
    publisher.publish("2");
    transport->start(feed);
    EXPECT_EQ(feed.next(), "2");
    ASSERT_TRUE(publisher.wait_held());
    transport->stop();
    publisher.publish("3");
    EXPECT_EQ(feed.waiting(), 0U);
    transport->start(feed);
    EXPECT_EQ(feed.next(), "3");
    transport->stop();
}

TEST(HttpTransport, tells_nothing_equal) {
    Publisher publisher{R"({"a":1,"b":[1,2]})"};
    Recorder feed;
    const Followed followed{feed, attune::http(publisher.url(), quick())};
    for (const std::string text : {R"({"b":[1,2],"a":1})", R"({ "a": 1, "b": [1, 2] })"}) {
        ASSERT_TRUE(publisher.wait_held());
        publisher.publish(text);
    }
    ASSERT_TRUE(publisher.wait_held());
    publisher.publish("2");
    EXPECT_EQ(feed.next(), "2");
}

TEST(HttpTransport, says_who_asks_for_what) {
    Publisher publisher{R"({"port":1})"};
    Recorder feed;
    attune::HttpOptions options;
    options.token = "key-of-mine";
    options.fields = {{"X-Zone", "north"}};
    options.wait = 7s;
    const Followed followed{feed, attune::http(publisher.url("/server"), options)};
    ASSERT_TRUE(publisher.wait_held());
    const auto heard = publisher.heard();
    ASSERT_EQ(heard.size(), 2U);
    for (const Heard& each : heard) {
        EXPECT_EQ(each.line, "GET /v1/config/server HTTP/1.1");
        EXPECT_EQ(each.field("Authorization"), "Bearer key-of-mine");
        EXPECT_EQ(each.field("X-Zone"), "north");
        EXPECT_EQ(each.field("Attune-Client").size(), 16U);
        EXPECT_EQ(each.field("Attune-Client"), heard[0].field("Attune-Client"));
    }
    EXPECT_EQ(heard[0].field("Prefer"), "secrets=omit");
    EXPECT_EQ(heard[0].field("If-None-Match"), "");
    EXPECT_EQ(heard[1].field("Prefer"), "wait=7, secrets=omit");
    EXPECT_EQ(heard[1].field("If-None-Match"), publisher.etag());
}

TEST(HttpTransport, names_the_paths_of_a_server_but_neither_credentials_nor_other_queries) {
    EXPECT_EQ(attune::http("http://me:word@h/v1/config/a?path=/b&path=/c")->name(),
              "http http://h/v1/config/a?path=/b&path=/c");
    EXPECT_EQ(attune::http("https://h/x?path=/b&token=c")->name(), "http https://h/x?...");
    EXPECT_EQ(attune::http({"http://a/x", "http://b/x"})->name(), "http http://a/x or http://b/x");
}

TEST(HttpTransport, refuses_what_cannot_be_asked_without_showing_it) {
    const auto error_of = [](const std::string& url, attune::HttpOptions options = {}) {
        try {
            return attune::http(url, std::move(options))->name();
        } catch (const attune::Rejected& rejected) {
            return std::string(rejected.what());
        }
    };
    EXPECT_EQ(error_of("ftp://me:word@h/"), "\"ftp://h/\" does not begin with http:// or https://");
    EXPECT_EQ(error_of("http://h/", {.token = "my\r\nkey"}),
              "HttpOptions::token holds a line break or a control character");
    EXPECT_EQ(error_of("http://h/", {.fields = {{"X", "my\nkey"}}}),
              "one of HttpOptions::fields holds a line break or has no name");
    EXPECT_EQ(error_of("http://h/", {.proxy = attune::HttpProxy{.url = "https://p/"}}),
              "HttpOptions::proxy: a proxy is reached by http://");
    EXPECT_THROW((void)attune::http(std::vector<std::string>{}), attune::Rejected);
}

TEST(HttpTransport, empties_an_optional_layer_while_there_is_no_document) {
    Publisher publisher{""};
    Recorder feed;
    attune::HttpOptions options = quick();
    options.optional = true;
    const Followed followed{feed, attune::http(publisher.url(), options)};
    EXPECT_EQ(followed.loaded, "null");
    ASSERT_TRUE(publisher.wait_held());
    publisher.publish("1");
    EXPECT_EQ(feed.next(), "1");
    ASSERT_TRUE(publisher.wait_held());
    publisher.publish("");
    EXPECT_EQ(feed.next(), "null");
    ASSERT_TRUE(publisher.wait_held());
    EXPECT_EQ(feed.waiting(), 0U);
}

TEST(HttpTransport, keeps_the_last_document_of_a_required_layer_when_there_is_none_any_more) {
    Publisher publisher{"1"};
    Recorder feed;
    const Followed followed{feed, attune::http(publisher.url(), quick())};
    ASSERT_TRUE(publisher.wait_held());
    publisher.publish("");
    EXPECT_EQ(feed.next(),
              "failed: " + publisher.url() +
                  ": answered 404 Not Found; give the right URL, or say `.optional = true` where "
                  "there may be none");
    ASSERT_TRUE(publisher.wait_held());  // for one to come
    const std::size_t requests = publisher.requests();
    publisher.publish("1");
    EXPECT_EQ(feed.next(), "unchanged");
    ASSERT_TRUE(publisher.wait_held());
    EXPECT_EQ(publisher.requests(), requests + 1);
}

TEST(HttpTransport, takes_a_restart_with_the_same_document_for_no_event) {
    Publisher publisher{"1"};
    Recorder feed;
    const Followed followed{feed, attune::http(publisher.url(), quick())};
    ASSERT_TRUE(publisher.wait_held());
    publisher.publish("2");
    EXPECT_EQ(feed.next(), "2");
    ASSERT_TRUE(publisher.wait_held());
    publisher.restart("BBBBBBBBBB");  // and with lower numbers
    ASSERT_TRUE(publisher.wait_requests(4));
    ASSERT_TRUE(publisher.wait_held());
    publisher.publish("3");
    EXPECT_EQ(feed.next(), "3");
}

/// A cache on the way that has kept a publisher's first version, while `there` is one. Most ask the
/// server again when a request says `no-cache`.
Publisher::Answer cache(const std::atomic<bool>& there, bool asks_again) {
    return [&there, asks_again](Conversation& conversation, const Heard& heard) {
        if (!there || (asks_again && heard.field("Cache-Control") == "no-cache")) {
            return false;
        }
        conversation.answer("200 OK",
                            "Content-Type: application/json\r\nETag: \"AAAAAAAAAA.old\"\r\n"
                            "Attune-Version: 1\r\n",
                            "1");
        return true;
    };
}

TEST(HttpTransport, does_not_go_back_to_what_a_cache_on_the_way_has_kept) {
    std::atomic<bool> cached{false};
    Publisher publisher{"1", cache(cached, true)};
    Recorder feed;
    const Followed followed{feed, attune::http(publisher.url(), quick())};
    ASSERT_TRUE(publisher.wait_held());
    cached = true;
    publisher.publish("2");
    EXPECT_EQ(feed.next(), "2");  // asked for before there was a cache
    publisher.publish("3");
    EXPECT_EQ(feed.next(), "3");  // from behind it
    publisher.publish("4");
    EXPECT_EQ(feed.next(), "4");
}

TEST(HttpTransport, says_so_when_nothing_but_old_versions_come) {
    std::atomic<bool> cached{false};
    Publisher publisher{"1", cache(cached, false)};
    Recorder feed;
    const Followed followed{feed, attune::http(publisher.url(), quick())};
    ASSERT_TRUE(publisher.wait_held());
    cached = true;
    publisher.publish("2");
    EXPECT_EQ(feed.next(), "2");
    EXPECT_EQ(feed.next(),
              "failed: " + publisher.url() +
                  ": answered with version 1, older than version 2 that was read before; a cache "
                  "on the way that does not ask the server again?");
    cached = false;
    EXPECT_EQ(feed.next(), "unchanged");
}

TEST(HttpTransport, goes_on_to_another_server_and_stays_there) {
    Publisher first{"1"};
    Publisher second{"2"};
    Recorder feed;
    const Followed followed{feed, attune::http({first.url(), second.url()}, quick())};
    EXPECT_EQ(followed.loaded, "1");
    ASSERT_TRUE(first.wait_held());
    first.stop();
    EXPECT_EQ(feed.next(), "2");  // no failure told: somebody has answered
    ASSERT_TRUE(second.wait_held());
    second.publish("3");
    EXPECT_EQ(feed.next(), "3");
    ASSERT_TRUE(second.wait_held());
    second.stop();
    EXPECT_THAT(feed.next(), testing::AllOf(StartsWith("failed: "), HasSubstr(first.url()),
                                            HasSubstr(second.url())));
}

TEST(HttpTransport, loads_from_the_first_server_that_answers) {
    Publisher second{"2"};
    const std::string nobody = "http://127.0.0.1:" + std::to_string(free_port()) + "/v1/config";
    const auto transport = attune::http({nobody, second.url()});
    EXPECT_EQ(text_of(transport->load()), "2");
    second.stop();
    EXPECT_THAT(load_error(*transport), testing::AllOf(HasSubstr(nobody), HasSubstr(second.url())));
}

TEST(HttpTransport, gives_a_store_what_it_may_refuse_and_goes_on) {
    Publisher publisher{R"({"server":{"port":1}})"};
    attune::Store store;
    const attune::Layer layer = store.add(attune::http(publisher.url(), quick()));
    const auto server = store.bind<Server>("server");
    ASSERT_TRUE(publisher.wait_held());
    publisher.publish(R"({"server":{"port":0}})");
    const std::string report = publisher.report(1);
    EXPECT_THAT(report, HasSubstr(R"("state":"refused")"));
    ASSERT_TRUE(publisher.wait_held());  // for what comes after it
    EXPECT_EQ(server.get().port, 1);
    EXPECT_EQ(layer.status().state, attune::State::stale);
    EXPECT_THAT(to_string(layer.status().problems.at(0)),
                StartsWith(publisher.url() + ":1:19: server.port: expected an integer in "));
    publisher.publish(R"({"server":{"port":2}})");
    EXPECT_THAT(publisher.report(2), HasSubstr(R"("state":"applied")"));
    EXPECT_EQ(server.get().port, 2);
    EXPECT_EQ(layer.status().state, attune::State::ready);
    EXPECT_EQ(layer.status().revision, "3");
}

TEST(HttpTransport, is_reloaded_in_order_with_what_it_brings_by_itself) {
    Publisher publisher{R"({"server":{"port":1}})"};
    attune::Store store;
    attune::Layer layer = store.add(attune::http(publisher.url(), quick()));
    const auto server = store.bind<Server>("server");
    for (int i = 2; i != 30; ++i) {
        publisher.publish(R"({"server":{"port":)" + std::to_string(i) + "}}");
        layer.reload();
        EXPECT_EQ(server.get().port, i);
    }
    ASSERT_TRUE(publisher.wait_held());
    publisher.stop();
    EXPECT_THROW(layer.reload(), attune::Rejected);
    EXPECT_EQ(server.get().port, 29);
}

TEST(HttpTransport, is_stood_in_for_by_a_cache_until_the_server_is_there) {
    const Folder folder;
    std::uint16_t port = 0;
    const auto make = [&](std::uint16_t at) {
        return attune::cached(attune::http("http://127.0.0.1:" + std::to_string(at) + "/v1/config",
                                           quick()),
                              folder / "cache.json", {.delay = 0ms});
    };
    {
        Publisher publisher{R"({"server":{"port":1}})"};
        port = publisher.port();
        attune::Store store;
        store.add(make(port));
        const auto server = store.bind<Server>("server");
        ASSERT_TRUE(publisher.wait_held());
    }
    attune::Store store;
    const attune::Layer layer = store.add(make(port));
    const auto server = store.bind<Server>("server");
    EXPECT_EQ(server.get().port, 1);
    EXPECT_EQ(layer.status().state, attune::State::stale);
    Publisher publisher{R"({"server":{"port":2}})", {}, nullptr, port};
    EXPECT_THAT(publisher.report(0), HasSubstr(R"("state":"applied")"));
    EXPECT_EQ(server.get().port, 2);
    EXPECT_EQ(layer.status().state, attune::State::ready);
}

TEST(HttpTransport, is_reloaded_while_there_is_no_document) {
    Publisher publisher{R"({"server":{"port":1}})"};
    attune::Store store;
    attune::Layer layer = store.add(attune::http(publisher.url(), quick()));
    const auto server = store.bind<Server>("server");
    ASSERT_TRUE(publisher.wait_held());
    publisher.publish("");
    ASSERT_TRUE(publisher.wait_held());
    EXPECT_THROW(layer.reload(), attune::Rejected);
    const std::size_t requests = publisher.requests();
    ASSERT_TRUE(publisher.wait_requests(requests + 1));  // once more to see, once to be held
    ASSERT_TRUE(publisher.wait_held());
    EXPECT_LE(publisher.requests(), requests + 2);
    EXPECT_EQ(server.get().port, 1);
    publisher.publish(R"({"server":{"port":2}})");
    EXPECT_THAT(publisher.report(1), HasSubstr(R"("version":3)"));
    EXPECT_EQ(server.get().port, 2);
    EXPECT_EQ(layer.status().state, attune::State::ready);
}

TEST(HttpTransport, follows_a_server_over_tls_that_wants_to_know_who_it_is) {
    const Certificate certificate{{.client_needed = true}};
    Publisher publisher{"1", {}, certificate.server()};
    attune::HttpOptions options = quick();
    options.tls.authorities = certificate.file();
    EXPECT_THAT(load_error(*attune::http(publisher.url(), options)),
                testing::Not(StartsWith("loaded")));
    options.tls.certificate = certificate.file();
    options.tls.private_key = certificate.key_file();
    Recorder feed;
    const Followed followed{feed, attune::http(publisher.url(), options)};
    ASSERT_TRUE(publisher.wait_held());
    publisher.publish("2");
    EXPECT_EQ(feed.next(), "2");
}

TEST(HttpTransport, trusts_no_server_by_default) {
    const Certificate certificate;
    Publisher publisher{"1", {}, certificate.server()};
    EXPECT_THAT(load_error(*attune::http(publisher.url())),
                HasSubstr("is not trusted: self-signed certificate; give "
                          "TlsClientOptions::authorities"));
    attune::HttpOptions options;
    options.tls.authorities = "missing.pem";
    EXPECT_THAT(load_error(*attune::http(publisher.url(), options)),
                HasSubstr("\"missing.pem\" cannot be used as the authorities for TLS: "));
}

TEST(HttpTransport, goes_through_the_proxy_that_it_is_told_of) {
    std::atomic<std::size_t> known{0};
    ScriptedServer proxy{[&](Conversation& conversation) {
        for (;;) {
            const Heard heard = conversation.hear();
            known += heard.field("Proxy-Authorization") == "Basic bWU6d29yZA==" ? 1 : 0;
            conversation.answer("[\"" + heard.line + "\"]");
        }
    }};
    attune::HttpOptions options;
    options.proxy = attune::HttpProxy{.url = proxy.origin(), .user = "me", .password = "word"};
    EXPECT_EQ(text_of(attune::http("http://config.example/x", options)->load()),
              R"(["GET http://config.example/x HTTP/1.1"])");
    EXPECT_EQ(known, 1U);
}

}  // namespace
