#include <attune/bind/schema.hpp>
#include <attune/document/parse.hpp>
#include <attune/serve/detail/config_service.hpp>
#include <attune/transport/memory.hpp>
#include <serve/service_test.hpp>

#include <gtest/gtest.h>

#include <string>

namespace serve_history {

struct Server {
    int port = 80;
};

}  // namespace serve_history

namespace {

using attune::Document;
using attune::parse;
using serve_tests::Answer;

class History : public serve_tests::ServiceTest {
protected:
    History() {
        store.add(attune::memory({{"server", {{"port", 1}}}}));
        store.set("/server/port", 2);
        store.set("/server/port", 3);
    }
    Answer rollback(std::string body) {
        return service.ask("POST", "/v1/rollback", {{"Content-Type", "application/json"}},
                           std::move(body));
    }
};

TEST_F(History, lists_the_versions_there_are) {
    store.keep(2, "good");
    const Document versions = service.get("/v1/history").json().at("/versions");
    ASSERT_EQ(versions.size(), store.history().size());
    const Document& last = *versions.find(versions.size() - 1);
    EXPECT_EQ(last.at("/version"), Document(store.version()));
    EXPECT_EQ(last.at("/reason"), Document("set server.port"));
    EXPECT_EQ(last.at("/layer"), Document("overrides"));
    EXPECT_EQ(last.at("/changed"), parse(R"(["/server/port"])"));
    EXPECT_EQ(last.find("kept"), nullptr);
    EXPECT_EQ(versions.at("/2/kept"), Document(true));
    EXPECT_EQ(versions.at("/2/note"), Document("good"));
}

TEST_F(History, gives_a_version_back_whole) {
    const Answer answer = service.get("/v1/versions/1");
    ASSERT_EQ(answer.status(), 200U);
    EXPECT_EQ(answer.json().at("/document"), parse(R"({"server":{"port":1}})"));
    EXPECT_EQ(answer.json().at("/version"), Document(1));
    for (const char* const target : {"/v1/versions/99", "/v1/versions/x", "/v1/versions/-1",
                                     "/v1/versions", "/v1/versions/", "/v1/versions/1/2"}) {
        EXPECT_EQ(service.get(target).status(), 404U) << target;
    }
}

TEST_F(History, compares_versions) {
    EXPECT_EQ(service.get("/v1/diff?from=1&to=3").json(),
              parse(R"([{"op":"replace","path":"/server/port","value":3}])"));
    EXPECT_EQ(service.get("/v1/diff?from=1").body(), service.get("/v1/diff?from=1&to=3").body());
    const Answer merge = service.get("/v1/diff?from=3&to=1&format=merge");
    EXPECT_EQ(merge.json(), parse(R"({"server":{"port":1}})"));
    EXPECT_EQ(merge.field("Content-Type"), "application/merge-patch+json");
    EXPECT_EQ(service.get("/v1/diff?from=2&to=3&format=text").body(), "server.port: 2 -> 3\n");
    EXPECT_EQ(service.get("/v1/diff?from=9").status(), 404U);
    for (const char* const target : {"/v1/diff", "/v1/diff?to=1", "/v1/diff?from=x",
                                     "/v1/diff?from=1&to=", "/v1/diff?from=1&format=xml"}) {
        EXPECT_EQ(service.get(target).status(), 400U) << target;
    }
}

TEST_F(History, rolls_back_and_lets_go_again) {
    const Answer back = rollback(R"({"version":1})");
    ASSERT_EQ(back.status(), 200U);
    EXPECT_EQ(back.json().at("/version"), Document(store.version()));
    EXPECT_EQ(store.snapshot().document().at("/server/port"), Document(1));
    const Answer place = rollback(R"({"version":2,"path":"/server"})");
    ASSERT_EQ(place.status(), 200U);
    EXPECT_EQ(place.etag(), service.get("/v1/config/server").etag());
    EXPECT_EQ(store.snapshot().document().at("/server/port"), Document(2));
    ASSERT_EQ(service.ask("DELETE", "/v1/rollback").status(), 200U);
    // What had been set by then holds again.
    EXPECT_EQ(store.snapshot().document().at("/server/port"), Document(2));
}

TEST_F(History, rolls_back_to_versions_only) {
    store.set("/list", Document::array().with("/-", 1));
    EXPECT_EQ(rollback(R"({"version":99})").status(), 404U);
    EXPECT_EQ(rollback(R"({"version":1,"path":"/list/0"})").status(), 422U);
    for (const char* const body : {"1", "{}", R"({"version":-1})", R"({"version":"1"})",
                                   R"({"version":1,"path":1})", R"({"version":1,"path":"/~"})"}) {
        EXPECT_EQ(rollback(body).status(), 400U) << body;
    }
    EXPECT_EQ(service.ask("POST", "/v1/rollback", {}, R"({"version":1})").status(), 415U);
}

TEST_F(History, explains_values_to_people_and_programs) {
    const Document explained = service.get("/v1/explain/server/port").json();
    EXPECT_EQ(explained.at("/value"), Document(3));
    EXPECT_EQ(explained.at("/since"), Document(3));
    EXPECT_EQ(explained.at("/candidates/0/fate"), Document("wins"));
    EXPECT_EQ(explained.at("/candidates/1/origin/layer"), Document("memory"));
    EXPECT_EQ(explained.at("/candidates/1/value"), Document(1));
    const Answer text = service.get("/v1/explain/server/port", {{"Accept", "text/plain"}});
    EXPECT_EQ(text.body(), to_string(store.explain("/server/port")) + '\n');
    EXPECT_EQ(service.get("/v1/explain").json().at("/values/0/path"), Document("/server/port"));
    EXPECT_EQ(service.get("/v1/explain/none").json().find("value"), nullptr);
}

TEST_F(History, describes_the_store) {
    const auto server = store.bind<serve_history::Server>("/server");
    EXPECT_EQ(service.get("/v1/schema").json(), store.schema());
    EXPECT_EQ(service.get("/v1/graph").body(), store.graph_dot());
    EXPECT_EQ(service.get("/v1/graph", {{"Accept", "application/json"}}).json().at("/nodes/0/type"),
              Document("bound"));
    const Document status = service.get("/v1/status").json();
    EXPECT_EQ(status.at("/state"), Document("ready"));
    EXPECT_EQ(status.at("/version"), Document(store.version()));
    EXPECT_EQ(status.at("/layers/0/name"), Document("memory"));
    EXPECT_EQ(status.at("/server/instance"), Document("abcdefghij"));
}

}  // namespace
