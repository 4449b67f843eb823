#include <attune/serve/detail/config_service.hpp>

#include <attune/bind/schema.hpp>
#include <attune/document/parse.hpp>
#include <attune/transport/memory.hpp>
#include <serve/service_test.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace serve_writing {

struct Server {
    int port = 80;
    std::string host;
};
inline void describe(attune::Schema<Server>& s) { s.field(&Server::port).between(1, 65535); }

}  // namespace serve_writing

namespace {

using attune::Document;
using attune::parse;
using serve_tests::Answer;
using serve_tests::Service;

class Writing : public serve_tests::ServiceTest {
protected:
    Writing() {
        store.add(attune::memory({{"server", {{"port", 8080}, {"host", "a"}}},
                                  {"list", Document{1, 2, 3}}}));
    }
    Document now(const char* path) {
        const attune::Snapshot snapshot = store.snapshot();
        const Document* const value = snapshot.document().find(attune::Path{path});
        return value != nullptr ? *value : Document("nothing");
    }
};

TEST_F(Writing, of_a_value_makes_a_version) {
    const Answer answer = service.put("/v1/config/server/port", "9090");
    ASSERT_EQ(answer.status(), 200U);
    EXPECT_EQ(answer.json(),
              (Document{{"version", store.version()}, {"changed", parse(R"(["/server/port"])")}}));
    EXPECT_EQ(answer.field("Attune-Version"), std::to_string(store.version()));
    EXPECT_EQ(answer.etag(), service.get("/v1/config/server/port").etag());
    EXPECT_EQ(now("/server/port"), Document(9090));
    EXPECT_EQ(store.snapshot().reason(), "PUT /v1/config/server/port");
    EXPECT_EQ(store.snapshot().layer(), "overrides");
}

TEST_F(Writing, tells_the_reason_that_it_is_given) {
    ASSERT_EQ(service.put("/v1/config/x", "1", {{"Attune-Reason", "as Ann wished"}}).status(),
              201U);
    EXPECT_EQ(store.snapshot().reason(), "as Ann wished");
    ASSERT_EQ(service.put("/v1/config/x", "2", {{"Attune-Reason", "\xff\"\\"}}).status(), 200U);
    EXPECT_EQ(store.snapshot().reason(), "\xEF\xBF\xBD\"\\");
}

TEST_F(Writing, of_what_is_there_already_makes_no_version) {
    const attune::Version before = store.version();
    const Answer answer = service.put("/v1/config/server/port", "8080");
    EXPECT_EQ(answer.status(), 200U);
    EXPECT_EQ(answer.json(), (Document{{"version", before}, {"changed", Document::array()}}));
}

TEST_F(Writing, of_the_whole_sets_it_above_all_layers) {
    ASSERT_EQ(service.put("/v1/config", R"({"server":{"port":1}})").status(), 200U);
    EXPECT_EQ(now("/server"), parse(R"({"host":"a","port":1})"));
    EXPECT_EQ(service.put("/v1/config", "[]").status(), 422U);
    EXPECT_EQ(service.put("/v1/config", "null").status(), 422U);
    EXPECT_EQ(now("/server/port"), Document(1));
}

TEST_F(Writing, of_an_element_keeps_the_others) {
    ASSERT_EQ(service.put("/v1/config/list/1", "20").status(), 200U);
    EXPECT_EQ(now("/list"), parse("[1,20,3]"));
    ASSERT_EQ(service.put("/v1/config/list/-", "4").status(), 200U);
    EXPECT_EQ(now("/list"), parse("[1,20,3,4]"));
    ASSERT_EQ(service.ask("DELETE", "/v1/config/list/0").status(), 200U);
    EXPECT_EQ(now("/list"), parse("[20,3,4]"));
    EXPECT_EQ(service.put("/v1/config/list/9", "1").status(), 409U);
    EXPECT_EQ(service.put("/v1/config/list/x", "1").status(), 409U);
    ASSERT_EQ(service.put("/v1/config/list/0", R"({"a":1,"b":2})").status(), 200U);
    ASSERT_EQ(service.merge("/v1/config/list/0", R"({"a":null,"c":3})").status(), 200U);
    EXPECT_EQ(now("/list/0"), parse(R"({"b":2,"c":3})"));
}

TEST_F(Writing, erases_what_was_set) {
    ASSERT_EQ(service.put("/v1/config/server/port", "9090").status(), 200U);
    const Answer answer = service.ask("DELETE", "/v1/config/server/port");
    EXPECT_EQ(answer.status(), 200U);
    EXPECT_EQ(now("/server/port"), Document(8080));
    ASSERT_EQ(service.put("/v1/config/new", "1").status(), 201U);
    EXPECT_EQ(service.ask("DELETE", "/v1/config/new").etag(), "\"abcdefghij.absent\"");
    EXPECT_EQ(service.ask("DELETE", "/v1/config/new").status(), 404U);
}

TEST_F(Writing, applies_a_json_patch_below_the_place) {
    const Answer answer = service.patch(
        "/v1/config/server",
        R"([{"op":"test","path":"/port","value":8080},{"op":"replace","path":"/port","value":1},
            {"op":"copy","from":"/port","path":"/copy"},{"op":"remove","path":"/host"}])");
    ASSERT_EQ(answer.status(), 200U);
    EXPECT_EQ(now("/server"), parse(R"({"copy":1,"host":null,"port":1})"));
    ASSERT_EQ(service.patch("/v1/config/list", R"([{"op":"add","path":"/0","value":0}])").status(),
              200U);
    EXPECT_EQ(now("/list"), parse("[0,1,2,3]"));
    ASSERT_EQ(service.patch("/v1/config/server/port", R"([{"op":"replace","path":"","value":7}])")
                  .status(),
              200U);
    EXPECT_EQ(now("/server/port"), Document(7));
}

TEST_F(Writing, of_a_patch_that_does_not_apply_changes_nothing) {
    const attune::Version before = store.version();
    const Answer answer =
        service.patch("/v1/config",
                      R"([{"op":"add","path":"/x","value":1},{"op":"remove","path":"/none"}])");
    EXPECT_EQ(answer.status(), 409U);
    EXPECT_EQ(answer.json().at("/problems/0/path"), Document("/none"));
    EXPECT_EQ(store.version(), before);
}

TEST_F(Writing, of_what_is_no_patch_tells_where) {
    const Answer answer = service.patch("/v1/config",
                                        "[\n {\"op\":\"remove\",\"path\":\"/list\"},\n"
                                        "  {\"op\":\"delete\",\"path\":\"/list\"}]");
    EXPECT_EQ(answer.status(), 400U);
    EXPECT_EQ(answer.json().at("line"), Document(3));
    EXPECT_EQ(answer.json().at("column"), Document(3));
    for (const char* const patch :
         {"{}", "[1]", R"([{"op":"add","path":"/x"}])", R"([{"op":"add","path":"x","value":1}])",
          R"([{"path":"/x","value":1}])", R"([{"op":"move","path":"/x"}])",
          R"([{"op":"add","path":"/~","value":1}])"}) {
        EXPECT_EQ(service.patch("/v1/config", patch).status(), 400U) << patch;
    }
    EXPECT_NE(now("/list"), Document("nothing"));
}

TEST_F(Writing, applies_a_merge_patch_at_the_place) {
    ASSERT_EQ(service.merge("/v1/config/server", R"({"port":1,"extra":{"a":1}})").status(), 200U);
    EXPECT_EQ(now("/server"), parse(R"({"extra":{"a":1},"host":"a","port":1})"));
    ASSERT_EQ(service.merge("/v1/config/server", R"({"port":null})").status(), 200U);
    EXPECT_EQ(now("/server/port"), Document(8080));  // the layer's own shows again
    EXPECT_EQ(service.merge("/v1/config", "1").status(), 422U);
}

TEST_F(Writing, of_what_is_no_json_tells_line_and_column) {
    const Answer answer = service.put("/v1/config/server", "{\n  \"port\": 1,,\n}");
    EXPECT_EQ(answer.status(), 400U);
    EXPECT_EQ(answer.field("Content-Type"), "application/problem+json");
    EXPECT_EQ(answer.json().at("line"), Document(2));
    EXPECT_EQ(answer.json().at("column"), Document(13));
    EXPECT_EQ(service.put("/v1/config/server", "").status(), 400U);
}

TEST_F(Writing, takes_no_other_types) {
    const Answer put = service.ask("PUT", "/v1/config/x", {{"Content-Type", "text/plain"}}, "1");
    EXPECT_EQ(put.status(), 415U);
    EXPECT_EQ(put.field("Accept"), "application/json");
    const Answer patch =
        service.ask("PATCH", "/v1/config/x", {{"Content-Type", "application/json"}}, "{}");
    EXPECT_EQ(patch.status(), 415U);
    EXPECT_EQ(patch.field("Accept-Patch"),
              "application/json-patch+json, application/merge-patch+json");
    EXPECT_EQ(service.ask("PUT", "/v1/config/x", {}, "1").status(), 415U);
    EXPECT_EQ(service
                  .ask("PUT", "/v1/config/x", {{"Content-Type", "application/json;charset=utf-8"}},
                       "1")
                  .status(),
              201U);
}

TEST_F(Writing, that_the_store_refuses_leaves_all_as_it_was_and_tells_every_problem) {
    const auto server = store.bind<serve_writing::Server>("/server");
    const attune::Version before = store.version();
    const Answer answer =
        service.merge("/v1/config/server", R"({"port":80800,"prot":1,"host":"b"})");
    EXPECT_EQ(answer.status(), 422U);
    EXPECT_EQ(answer.field("Content-Type"), "application/problem+json");
    const Document problems = answer.json().at("problems");
    ASSERT_EQ(problems.size(), 2U);
    EXPECT_EQ(problems.at("/0/path"), Document("/server/port"));
    EXPECT_EQ(problems.at("/0/expected"), Document("an integer in [1, 65535]"));
    EXPECT_EQ(problems.at("/0/found"), Document("80800"));
    EXPECT_EQ(problems.at("/0/severity"), Document("error"));
    EXPECT_EQ(problems.find(std::size_t{0})->find("suggestion"), nullptr);
    EXPECT_EQ(problems.at("/1/suggestion"), Document("port"));
    EXPECT_EQ(problems.at("/1/text").kind(), attune::Kind::string);
    EXPECT_EQ(store.version(), before);
    EXPECT_EQ(server.get().host, "a");
}

TEST_F(Writing, on_condition_of_an_etag_is_done_once) {
    const std::string etag = service.get("/v1/config/server").etag();
    const Answer first = service.merge("/v1/config/server", R"({"port":1})", {{"If-Match", etag}});
    EXPECT_EQ(first.status(), 200U);
    const Answer second = service.merge("/v1/config/server", R"({"port":2})", {{"If-Match", etag}});
    EXPECT_EQ(second.status(), 412U);
    EXPECT_EQ(second.etag(), first.etag());
    EXPECT_EQ(now("/server/port"), Document(1));
    EXPECT_EQ(
        service.merge("/v1/config/server", R"({"port":2})", {{"If-Match", first.etag()}}).status(),
        200U);
    EXPECT_EQ(service
                  .merge("/v1/config/server", R"({"port":3})",
                         {{"If-Match", "W/" + service.get("/v1/config/server").etag()}})
                  .status(),
              412U);
}

TEST_F(Writing, on_condition_is_not_disturbed_by_changes_elsewhere) {
    const std::string etag = service.get("/v1/config/server").etag();
    store.set("/list", 1);
    EXPECT_EQ(service.merge("/v1/config/server", R"({"port":1})", {{"If-Match", etag}}).status(),
              200U);
}

TEST_F(Writing, on_condition_that_there_is_something_or_nothing) {
    EXPECT_EQ(service.put("/v1/config/new", "1", {{"If-Match", "*"}}).status(), 412U);
    EXPECT_EQ(service.put("/v1/config/new", "1", {{"If-None-Match", "*"}}).status(), 201U);
    EXPECT_EQ(service.put("/v1/config/new", "2", {{"If-None-Match", "*"}}).status(), 412U);
    EXPECT_EQ(service.put("/v1/config/new", "2", {{"If-Match", "*"}}).status(), 200U);
    EXPECT_EQ(service.put("/v1/config/new", "3", {{"If-Match", "new"}}).status(), 400U);
    EXPECT_EQ(
        service.put("/v1/config/newer", "1", {{"If-Match", service.get("/v1/config/newer").etag()}})
            .status(),
        201U);
    EXPECT_EQ(now("/new"), Document(2));
}

TEST_F(Writing, counts_what_became_of_it) {
    const auto server = store.bind<serve_writing::Server>("/server");
    service.put("/v1/config/server/port", "1");
    service.put("/v1/config/server/port", "0");
    service.put("/v1/config/server/port", "2", {{"If-Match", "\"x\""}});
    const auto& counters = service.inside().counters();
    EXPECT_EQ(counters.writes.load(), 1U);
    EXPECT_EQ(counters.refused_writes.load(), 1U);
    EXPECT_EQ(counters.conflicts.load(), 1U);
}

TEST_F(Writing, says_whether_it_has_made_something) {
    EXPECT_EQ(service.put("/v1/config/new", "1").status(), 201U);
    EXPECT_EQ(service.put("/v1/config/new", "2").status(), 200U);
    EXPECT_EQ(service.put("/v1/config/server/port", "1").status(), 200U);
    EXPECT_EQ(service.put("/v1/config/list/-", "4").status(), 200U);  // has another name now
    EXPECT_EQ(service.ask("DELETE", "/v1/config/new").status(), 200U);
    EXPECT_EQ(service.put("/v1/config/new", "null").status(), 201U);
}

// RFC 9110, 9.3.4: a validator says that what was sent is what is stored.
TEST_F(Writing, answers_with_an_etag_only_when_what_was_sent_is_what_is_there) {
    const Answer whole = service.put("/v1/config/server", R"({ "port": 1, "host": "b" })");
    EXPECT_EQ(whole.etag(), service.get("/v1/config/server").etag());
    const Answer merged = service.put("/v1/config/server", R"({"port":2})");
    EXPECT_EQ(merged.status(), 200U);
    EXPECT_EQ(now("/server"), parse(R"({"host":"a","port":2})"));
    EXPECT_EQ(merged.etag(), "");
    Service masking{store, {.instance = "abcdefghij", .secrets = {"/server/host"}}};
    EXPECT_EQ(masking.put("/v1/config/server", R"({"port":3,"host":"c"})").etag(), "");
    const Answer masked = masking.merge("/v1/config/server", R"({"port":4})");
    EXPECT_EQ(masked.etag(), masking.get("/v1/config/server").etag());
}

TEST_F(Writing, of_copies_larger_than_a_body_is_refused) {
    Service small{store, {.copies = 1000, .instance = "abcdefghij"}};
    std::string patch;
    for (int i = 0; i != 30; ++i) {
        patch += patch.empty() ? '[' : ',';
        patch += R"({"op":"copy","from":"/list","path":"/list/-"})";
    }
    const attune::Version before = store.version();
    EXPECT_EQ(small.patch("/v1/config", patch + ']').status(), 413U);
    EXPECT_EQ(store.version(), before);
    EXPECT_EQ(
        small.patch("/v1/config", R"([{"op":"copy","from":"/list","path":"/list/-"}])").status(),
        200U);
}

TEST_F(Writing, of_what_nobody_could_read_is_refused) {
    const auto nested = [](std::size_t levels) {
        std::string place = "/v1/config";
        for (std::size_t i = 0; i != levels; ++i) {
            place += "/d";
        }
        return place;
    };
    EXPECT_EQ(service.put(nested(129), "1").status(), 422U);
    EXPECT_EQ(service.put(nested(128), "{}").status(), 422U);
    EXPECT_EQ(service.put(nested(100), std::string(29, '[') + std::string(29, ']')).status(), 422U);
    EXPECT_EQ(service.merge(nested(200), "1").status(), 422U);
    EXPECT_EQ(now("/d"), Document("nothing"));
    ASSERT_EQ(service.put(nested(128), "1").status(), 201U);
    EXPECT_NO_THROW(parse(service.get("/v1/config").body()));
    EXPECT_EQ(
        service.patch("/v1/config", R"([{"op":"copy","from":"/d","path":"/d/d/e"}])").status(),
        422U);

    // What is too deep already may be mended, and does not stand in the way of the rest.
    store.set(attune::Path{nested(200).substr(std::string("/v1/config").size())}, 1);
    EXPECT_EQ(service.put("/v1/config/x", "1").status(), 201U);
    EXPECT_EQ(service.put(nested(200), "2").status(), 200U);
    EXPECT_EQ(service.ask("DELETE", "/v1/config/d").status(), 200U);
}

}  // namespace
