#include <attune/serve/detail/config_service.hpp>

#include <attune/document/text.hpp>
#include <attune/transport/memory.hpp>
#include <serve/service_test.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>

#include <rapidcheck/gtest.h>

namespace {

using attune::Document;
using attune::Store;
using serve_tests::Answer;
using serve_tests::Service;

class Reading : public serve_tests::ServiceTest {
protected:
    Reading() {
        store.add(attune::memory({{"server", {{"port", 8080}, {"hosts", Document{"a", "b"}}}},
                                  {"odd/key", {{"~", 1}}}}));
    }
};

TEST_F(Reading, gives_the_whole_or_a_part) {
    const Answer whole = service.get("/v1/config");
    EXPECT_EQ(whole.status(), 200U);
    EXPECT_EQ(whole.field("Content-Type"), "application/json");
    EXPECT_EQ(whole.json(), store.snapshot().document());
    EXPECT_EQ(service.get("/v1/config/server/port").body(), "8080");
    EXPECT_EQ(service.get("/v1/config/server/hosts/1").body(), "\"b\"");
    EXPECT_EQ(service.get("/v1/config/odd~1key/~0").body(), "1");
    EXPECT_EQ(service.get("/v1/config/odd%2Fkey/%7E0").body(), "1");
}

TEST_F(Reading, says_what_a_cache_and_a_client_need) {
    const Answer answer = service.get("/v1/config/server");
    EXPECT_EQ(answer.field("Attune-Version"), std::to_string(store.version()));
    EXPECT_EQ(answer.field("Cache-Control"), "no-cache");
    EXPECT_EQ(answer.field("Vary"), "Authorization, Prefer");
    EXPECT_EQ(answer.field("Preference-Applied"), "");
    // printf '{"hosts":["a","b"],"port":8080}' | sha256sum, the first 16 bytes in base64url
    EXPECT_EQ(answer.etag(), "\"abcdefghij.MiWjxDc0oD3OhCd9ECks7w\"");
}

TEST_F(Reading, of_a_head_gives_the_same_fields) {
    const Answer get = service.get("/v1/config/server");
    const Answer head = service.ask("HEAD", "/v1/config/server");
    EXPECT_EQ(head.status(), 200U);
    EXPECT_EQ(head.etag(), get.etag());
}

TEST_F(Reading, of_nothing_is_not_found_with_an_etag_of_its_own) {
    const Answer answer = service.get("/v1/config/server/prot");
    EXPECT_EQ(answer.status(), 404U);
    EXPECT_EQ(answer.field("Content-Type"), "application/problem+json");
    EXPECT_EQ(answer.etag(), "\"abcdefghij.absent\"");
    EXPECT_EQ(answer.field("Attune-Version"), std::to_string(store.version()));
    EXPECT_EQ(answer.json().at("status"), Document(404));
    EXPECT_EQ(answer.json().at("detail"), Document("there is nothing at \"server.prot\""));
}

TEST_F(Reading, of_null_is_no_absence) {
    store.set("/server/port", nullptr);
    const Answer answer = service.get("/v1/config/server/port");
    EXPECT_EQ(answer.status(), 200U);
    EXPECT_EQ(answer.body(), "null");
}

TEST_F(Reading, of_several_places_leaves_out_what_is_not_there) {
    const Answer answer =
        service.get("/v1/config?path=/server/port&path=%2Fnone&path=/odd~1key&path=server.port");
    EXPECT_EQ(answer.status(), 200U);
    EXPECT_EQ(answer.body(), R"({"/odd~1key":{"~":1},"/server/port":8080})");
    EXPECT_EQ(service.get("/v1/config?path=/none").body(), "{}");
    EXPECT_EQ(service.get("/v1/config?path=/odd~1key&path=/server/port").etag(), answer.etag());
}

TEST_F(Reading, of_several_places_below_one_is_refused) {
    EXPECT_EQ(service.get("/v1/config/server?path=/port").status(), 400U);
    EXPECT_EQ(service.get("/v1/config?path=/a~2").status(), 400U);
}

TEST_F(Reading, with_the_present_etag_is_not_modified) {
    const std::string etag = service.get("/v1/config/server").etag();
    const Answer same = service.get("/v1/config/server", {{"If-None-Match", etag}});
    EXPECT_EQ(same.status(), 304U);
    EXPECT_EQ(same.etag(), etag);
    EXPECT_EQ(same.field("Attune-Version"), std::to_string(store.version()));
    EXPECT_EQ(same.body(), "");
    EXPECT_EQ(service.get("/v1/config/server", {{"If-None-Match", "\"x\", W/" + etag}}).status(),
              304U);
    EXPECT_EQ(service.get("/v1/config/server", {{"If-None-Match", "*"}}).status(), 304U);
    EXPECT_EQ(service.get("/v1/config/server", {{"If-None-Match", "\"x\""}}).status(), 200U);
    EXPECT_EQ(service.get("/v1/config/server", {{"If-None-Match", "x"}}).status(), 400U);
}

TEST_F(Reading, of_what_is_not_there_is_not_found_whatever_the_condition) {
    const std::string etag = service.get("/v1/config/none").etag();
    EXPECT_EQ(service.get("/v1/config/none", {{"If-None-Match", etag}}).status(), 404U);
    EXPECT_EQ(service.get("/v1/config/none", {{"If-None-Match", "*"}}).status(), 404U);
}

TEST_F(Reading, keeps_an_etag_while_the_subtree_is_the_same) {
    const Answer before = service.get("/v1/config/server");
    store.set("/other", 1);
    const Answer after = service.get("/v1/config/server");
    EXPECT_EQ(after.etag(), before.etag());
    EXPECT_EQ(after.field("Attune-Version"), std::to_string(store.version()));
    store.set("/server/port", 9090);
    const Answer changed = service.get("/v1/config/server");
    EXPECT_NE(changed.etag(), before.etag());
    EXPECT_EQ(changed.json().at("port"), Document(9090));
    store.erase("/server/port");
    EXPECT_EQ(service.get("/v1/config/server").etag(), before.etag());
}

TEST_F(Reading, is_told_apart_from_another_server_by_the_etag) {
    Service other{store, {.instance = "other22222"}};
    EXPECT_NE(other.get("/v1/config").etag(), service.get("/v1/config").etag());
    EXPECT_EQ(other.get("/v1/config").body(), service.get("/v1/config").body());
}

TEST_F(Reading, makes_a_response_once_for_all) {
    const Answer one = service.get("/v1/config/server");
    const Answer two = service.get("/v1/config/server");
    EXPECT_EQ(one.exchange->shared_wire, two.exchange->shared_wire);
    const std::string etag = one.etag();
    const Answer three = service.get("/v1/config/server", {{"If-None-Match", etag}});
    const Answer four = service.get("/v1/config/server", {{"If-None-Match", etag}});
    EXPECT_EQ(three.exchange->shared_wire, four.exchange->shared_wire);
    EXPECT_NE(one.exchange->shared_wire, three.exchange->shared_wire);
}

TEST_F(Reading, of_a_large_value_does_not_copy_it) {
    store.set("/large", std::string(100'000, 'x'));
    const Answer answer = service.get("/v1/config/large");
    EXPECT_EQ(answer.status(), 200U);
    EXPECT_EQ(answer.body().size(), 100'002U);
    EXPECT_EQ(answer.exchange->shared_wire, nullptr);
}

TEST_F(Reading, forgets_places_that_were_asked_for_long_ago) {
    const std::string etag = service.get("/v1/config/server").etag();
    for (int i = 0; i < 1000; ++i) {
        ASSERT_EQ(service.get("/v1/config/none/" + std::to_string(i)).status(), 404U);
    }
    EXPECT_EQ(service.get("/v1/config/server").etag(), etag);
}

TEST_F(Reading, below_a_prefix_is_there_only) {
    Service prefixed{store, {.prefix = "/my%20settings/x", .instance = "abcdefghij"}};
    EXPECT_EQ(prefixed.get("/my%20settings/x/v1/config/server/port").body(), "8080");
    EXPECT_EQ(prefixed.get("/v1/config/server/port").status(), 404U);
    EXPECT_EQ(prefixed.get("/my%20settings/x/healthz").status(), 200U);
    EXPECT_EQ(prefixed.get("/my%20settings/x").status(), 404U);
    EXPECT_THROW(Service(store, {.prefix = "settings"}), std::invalid_argument);
    EXPECT_THROW(Service(store, {.prefix = "/settings/"}), std::invalid_argument);
}

TEST_F(Reading, finds_no_other_endpoints) {
    for (const char* const target :
         {"/", "/v1", "/v1/", "/v1/none", "/v2/config", "/config", "/v1/config2", "/v1/status/more",
          "/healthz/", "//v1/config"}) {
        EXPECT_EQ(service.get(target).status(), 404U) << target;
    }
    EXPECT_EQ(service.get("/v1/config/%zz").status(), 400U);
    EXPECT_EQ(service.get("/v1/config/~7").status(), 400U);
    EXPECT_EQ(service.get("v1").status(), 400U);
}

TEST_F(Reading, tells_which_methods_there_are) {
    const Answer options = service.ask("OPTIONS", "/v1/config/server");
    EXPECT_EQ(options.status(), 204U);
    EXPECT_EQ(options.field("Allow"), "GET, HEAD, PUT, PATCH, DELETE, OPTIONS");
    const Answer post = service.ask("POST", "/v1/config");
    EXPECT_EQ(post.status(), 405U);
    EXPECT_EQ(post.field("Allow"), "GET, HEAD, PUT, PATCH, DELETE, OPTIONS");
    EXPECT_EQ(service.ask("OPTIONS", "/v1/rollback").field("Allow"), "POST, DELETE, OPTIONS");
    EXPECT_EQ(service.ask("PUT", "/v1/history").status(), 405U);
    EXPECT_EQ(service.ask("GET", "/v1/clients/x").field("Allow"), "PUT, OPTIONS");
    EXPECT_EQ(service.ask("OPTIONS", "*").status(), 204U);
}

TEST(ReadingLaws, an_empty_store_is_an_empty_object) {
    const Store store;
    Service service{store};
    EXPECT_EQ(service.get("/v1/config").body(), "{}");
    EXPECT_EQ(service.get("/v1/config/a").status(), 404U);
}

TEST(ReadingLaws, a_store_that_is_gone_is_unavailable) {
    std::optional<Store> store{std::in_place};
    Service service{*store};
    EXPECT_EQ(service.get("/readyz").status(), 200U);
    const std::string etag = service.get("/v1/config").etag();
    const Answer held = service.watch("/v1/config", etag);
    const auto handle = store->bind<int>("x");
    store.reset();
    EXPECT_EQ(service.get("/readyz").status(), 503U);
    EXPECT_EQ(service.get("/healthz").status(), 200U);
    EXPECT_EQ(service.get("/v1/status").status(), 503U);
    EXPECT_EQ(service.put("/v1/config/x", "1").status(), 503U);
    service.published();
    service.pass(std::chrono::seconds{31});
    EXPECT_EQ(held.status(), 304U);
}

RC_GTEST_PROP(ReadingLaws, an_etag_is_as_good_as_the_body,
              (const std::vector<std::pair<std::uint8_t, std::uint8_t>>& writes)) {
    Store store;
    store.add(attune::memory({{"a", {{"x", 0}}}, {"b", 0}}));
    Service service{store};
    std::map<std::string, std::string> bodies;
    for (const auto& [place, value] : writes) {
        const char* const places[] = {"/a/x", "/a/y", "/b"};
        store.set(places[place % 3], value % 4);
        for (const char* const target :
             {"/v1/config", "/v1/config/a", "/v1/config?path=/a&path=/b"}) {
            const Answer answer = service.get(target);
            const auto [known, fresh] = bodies.emplace(answer.etag() + target, answer.body());
            RC_ASSERT(known->second == answer.body());
            RC_ASSERT(service.get(target, {{"If-None-Match", answer.etag()}}).status() == 304U);
        }
    }
}

// RFC 9110, 6.6.1
TEST(ReadingAtATime, says_when) {
    Store store;
    Service service{store};
    const auto read = [&] { return service.get("/v1/config"); };
    const Answer first = read();
    EXPECT_EQ(first.field("Date"), "Tue, 14 Nov 2023 22:13:20 GMT");
    EXPECT_EQ(first.field("Server"), "attune");
    service.pass(std::chrono::milliseconds{999});
    EXPECT_EQ(read().exchange->shared_wire, first.exchange->shared_wire);
    service.pass(std::chrono::milliseconds{1});
    EXPECT_EQ(read().field("Date"), "Tue, 14 Nov 2023 22:13:21 GMT");
    EXPECT_EQ(read().etag(), first.etag());
}

}  // namespace
