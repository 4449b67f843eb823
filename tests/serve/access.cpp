#include <attune/serve/access.hpp>

#include <attune/bind/schema.hpp>
#include <attune/document/parse.hpp>
#include <attune/serve/detail/access_list.hpp>
#include <attune/transport/memory.hpp>
#include <serve/service_test.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>

#include <malloc.h>

namespace serve_access {

struct Range {
    int min = 0;
    int max = 0;
};
inline void describe(attune::Schema<Range>& s) {
    s.check(
        [](const Range& range) {
            if (range.min > range.max) {
                throw std::runtime_error{"more than " + std::to_string(range.max)};
            }
            return true;
        },
        "must be a range");
}

}  // namespace serve_access

namespace {

using attune::AccessToken;
using attune::Document;
using attune::parse;
using attune::Store;
using attune::detail::AccessList;
using attune::detail::bearer_token;
using attune::detail::local_host;
using serve_tests::Answer;
using serve_tests::Service;

TEST(AccessList, knows_whose_a_token_is) {
    AccessList list{{{.token = "one", .name = "1"}, {.token = "two", .name = "2", .write = true}}};
    ASSERT_NE(list.find("one"), nullptr);
    EXPECT_EQ(list.find("one")->name, "1");
    EXPECT_FALSE(list.find("one")->write);
    EXPECT_TRUE(list.find("two")->write);
    for (const char* const token : {"", "on", "onet", "One", "one "}) {
        EXPECT_EQ(list.find(token), nullptr) << token;
    }
}

TEST(AccessList, takes_no_empty_and_no_doubled_token) {
    EXPECT_THROW(AccessList({{.token = ""}}), std::invalid_argument);
    EXPECT_THROW(AccessList({{.token = "a", .name = "x"}, {.token = "a", .name = "y"}}),
                 std::invalid_argument);
    try {
        AccessList({{.token = "secret"}, {.token = "secret", .name = "y"}});
    } catch (const std::invalid_argument& error) {
        EXPECT_EQ(std::string(error.what()).find("secret"), std::string::npos);
    }
}

TEST(BearerTokens, are_read_from_the_field) {
    EXPECT_EQ(bearer_token("Bearer abc"), "abc");
    EXPECT_EQ(bearer_token("bearer   abc"), "abc");
    EXPECT_EQ(bearer_token("Bearer "), "");
    EXPECT_FALSE(bearer_token("Bearer"));
    EXPECT_FALSE(bearer_token("Basic abc"));
    EXPECT_FALSE(bearer_token(""));
}

TEST(LocalHosts, are_names_of_this_machine) {
    for (const char* const host : {"localhost", "LOCALHOST:8080", "127.0.0.1", "127.1.2.3:80",
                                   "[::1]", "[::1]:8080", "config.internal:80"}) {
        EXPECT_TRUE(local_host(host, {"Config.Internal"})) << host;
    }
    for (const char* const host :
         {"", "evil.example", "127.0.0.1.evil.example", "127.evil.0.1", "localhost.evil.example",
          "10.0.0.1", "[::2]:80", "[::1", "128.0.0.1", "127.0.0"}) {
        EXPECT_FALSE(local_host(host, {})) << host;
    }
}

class Access : public serve_tests::ServiceTest {
protected:
    Access()
        : ServiceTest({.tokens = {{.token = "reader", .name = "reader"},
                                  {.token = "writer", .name = "writer", .write = true},
                                  {.token = "blind", .name = "blind", .read = false, .write = true},
                                  {.token = "admin", .name = "admin", .admin = true},
                                  {.token = "part",
                                   .name = "part",
                                   .write = true,
                                   .admin = true,
                                   .paths = {"/a", "/list"}}},
                       .instance = "abcdefghij"}) {
        store.add(attune::memory({{"a", {{"x", 1}}}, {"b", {{"x", 1}}}}));
    }
};

TEST_F(Access, takes_a_token_where_there_are_tokens) {
    const Answer none = service.get("/v1/config");
    EXPECT_EQ(none.status(), 401U);
    EXPECT_EQ(none.field("WWW-Authenticate"), "Bearer");
    EXPECT_EQ(none.field("Content-Type"), "application/problem+json");
    const Answer wrong = service.get("/v1/config", as("nobody"));
    EXPECT_EQ(wrong.status(), 401U);
    EXPECT_EQ(wrong.field("WWW-Authenticate"), "Bearer error=\"invalid_token\"");
    EXPECT_EQ(wrong.body().find("nobody\""), std::string::npos);
    EXPECT_EQ(service.get("/v1/config", {{"Authorization", "Basic cmVhZGVy"}}).status(), 401U);
    EXPECT_EQ(service.get("/v1/config", as("reader")).status(), 200U);
}

TEST_F(Access, of_a_probe_needs_none) {
    EXPECT_EQ(service.get("/healthz").status(), 200U);
    EXPECT_EQ(service.get("/readyz").status(), 200U);
    EXPECT_EQ(service.ask("OPTIONS", "/v1/config").status(), 204U);
    EXPECT_EQ(service.get("/metrics").status(), 401U);
}

TEST_F(Access, ends_where_the_scopes_end) {
    const Answer put = service.put("/v1/config/a/x", "2", as("reader"));
    EXPECT_EQ(put.status(), 403U);
    EXPECT_EQ(put.field("WWW-Authenticate"), "Bearer error=\"insufficient_scope\"");
    EXPECT_EQ(service.put("/v1/config/a/x", "2", as("writer")).status(), 200U);
    EXPECT_EQ(service.put("/v1/config/a/x", "3", as("blind")).status(), 200U);
    EXPECT_EQ(service.get("/v1/config/a/x", as("blind")).status(), 403U);
    EXPECT_EQ(service.get("/v1/clients", as("writer")).status(), 403U);
    EXPECT_EQ(service.get("/v1/clients", as("admin")).status(), 200U);
    auto rollback = as("writer");
    rollback.set("Content-Type", "application/json");
    EXPECT_EQ(service.ask("POST", "/v1/rollback", rollback, R"({"version":1})").status(), 403U);
    EXPECT_EQ(service.ask("DELETE", "/v1/rollback", as("writer")).status(), 403U);
    EXPECT_EQ(service.ask("DELETE", "/v1/rollback", as("admin")).status(), 200U);
}

TEST_F(Access, names_who_has_written) {
    service.put("/v1/config/a/x", "2", as("writer"));
    EXPECT_EQ(store.snapshot().reason(), "PUT /v1/config/a/x by writer");
}

TEST_F(Access, to_some_places_is_to_nothing_beside) {
    EXPECT_EQ(service.get("/v1/config/a", as("part")).status(), 200U);
    EXPECT_EQ(service.get("/v1/config/a/x", as("part")).status(), 200U);
    EXPECT_EQ(service.get("/v1/config?path=/a&path=/a/x", as("part")).status(), 200U);
    for (const char* const target :
         {"/v1/config", "/v1/config/b", "/v1/config/ab", "/v1/config?path=/a&path=/b",
          "/v1/explain", "/v1/explain/b", "/v1/events", "/v1/events?path=/b", "/v1/history",
          "/v1/versions/1", "/v1/diff?from=0", "/v1/schema", "/v1/status", "/v1/graph",
          "/v1/clients", "/metrics"}) {
        EXPECT_EQ(service.get(target, as("part")).status(), 403U) << target;
    }
    EXPECT_EQ(service.get("/v1/explain/a/x", as("part")).status(), 200U);
    EXPECT_EQ(service.get("/v1/events?path=/a", as("part")).status(), 200U);
}

TEST_F(Access, to_some_places_lets_write_there_only) {
    const Document before = store.snapshot().document();
    EXPECT_EQ(service.put("/v1/config/b/x", "2", as("part")).status(), 403U);
    EXPECT_EQ(service.put("/v1/config", R"({"a":1})", as("part")).status(), 403U);
    EXPECT_EQ(service.ask("DELETE", "/v1/config", as("part")).status(), 403U);
    for (const char* const patch :
         {R"([{"op":"replace","path":"/b/x","value":2}])",
          R"([{"op":"add","path":"/a/y","value":2},{"op":"add","path":"/b/y","value":2}])",
          R"([{"op":"copy","from":"/b/x","path":"/a/x"}])",
          R"([{"op":"move","from":"/b","path":"/a/x"}])",
          R"([{"op":"test","path":"/b/x","value":1}])", R"([{"op":"remove","path":""}])"}) {
        EXPECT_EQ(service.patch("/v1/config", patch, as("part")).status(), 403U) << patch;
    }
    for (const char* const patch :
         {R"({"b":{"x":2}})", R"({"a":{"x":2},"c":1})", R"({"a":{"x":2},"c":null})", "{}"}) {
        EXPECT_EQ(service.merge("/v1/config", patch, as("part")).status(), 403U) << patch;
    }
    EXPECT_EQ(store.snapshot().document(), before);

    EXPECT_EQ(service.put("/v1/config/a/x", "2", as("part")).status(), 200U);
    EXPECT_EQ(service.merge("/v1/config", R"({"a":{"x":3}})", as("part")).status(), 200U);
    EXPECT_EQ(service
                  .patch("/v1/config", R"([{"op":"replace","path":"/a/x","value":4}])", as("part"))
                  .status(),
              200U);
    EXPECT_EQ(store.snapshot().document(), parse(R"({"a":{"x":4},"b":{"x":1}})"));
}

TEST_F(Access, to_some_places_tells_nothing_of_the_rest) {
    const std::string whole = service.get("/v1/config", as("reader")).etag();
    EXPECT_EQ(service.patch("/v1/config", "[]", as("part")).status(), 403U);
    EXPECT_EQ(service.patch("/v1/config/b", "[]", as("part")).status(), 403U);
    EXPECT_EQ(service.get("/v1/config/a", as("reader")).etag(),
              service.patch("/v1/config/a", "[]", as("part")).etag());
    EXPECT_EQ(service.merge("/v1/config", R"({"a":{"x":1}})", as("part")).etag(), "");
    for (const char* const name : {"If-Match", "If-None-Match"}) {
        for (const std::string& tag : {std::string("\"x\""), whole}) {
            auto fields = as("part");
            fields.set(name, tag);
            const Answer answer = service.merge("/v1/config", R"({"a":{"x":2}})", fields);
            EXPECT_EQ(answer.status(), 403U) << name << tag;
            EXPECT_EQ(answer.etag(), "");
            EXPECT_EQ(service.merge("/v1/config/a", R"({"x":1})", fields).status(),
                      std::string_view(name) == "If-Match" ? 412U : 200U);
        }
    }
}

// The nearest name is one that nobody has told them.
TEST_F(Access, to_some_places_does_not_name_their_neighbours) {
    store.set("/lisd", 1);
    const std::string patch = R"([{"op":"remove","path":"/list/x"}])";
    const Answer part = service.patch("/v1/config", patch, as("part"));
    EXPECT_EQ(part.status(), 409U);
    EXPECT_EQ(part.body().find("lisd"), std::string::npos) << part.body();
    EXPECT_NE(part.body().find("operation 0"), std::string::npos) << part.body();
    const Answer whole = service.patch("/v1/config", patch, as("writer"));
    EXPECT_NE(whole.body().find("lisd"), std::string::npos) << whole.body();
}

TEST_F(Access, to_write_alone_tells_nothing_of_what_is_there) {
    const std::string etag = service.get("/v1/config/a/x", as("reader")).etag();
    const Answer same = service.put("/v1/config/a/x", "1", as("blind"));
    EXPECT_EQ(same.status(), 200U);
    EXPECT_EQ(same.etag(), "");
    EXPECT_EQ(same.json().find("changed"), nullptr);
    EXPECT_EQ(service.patch("/v1/config/a", "[]", as("blind")).etag(), "");
    auto fields = as("blind");
    fields.set("If-Match", etag);
    EXPECT_EQ(service.put("/v1/config/a/x", "2", fields).status(), 403U);
    for (const char* const value : {"1", "2"}) {
        const std::string test =
            std::string(R"([{"op":"test","path":"/x","value":)") + value + "}]";
        EXPECT_EQ(service.patch("/v1/config/a", test, as("blind")).status(), 403U);
    }
    const Answer refused =
        service.patch("/v1/config/a",
                      R"([{"op":"replace","path":"/x","value":2},{"op":"remove","path":"/x/y"}])",
                      as("blind"));
    EXPECT_EQ(refused.status(), 409U);
    EXPECT_EQ(refused.json().find("problems"), nullptr) << refused.body();
    EXPECT_EQ(refused.body().find("operation"), std::string::npos) << refused.body();
}

TEST_F(Access, shows_problems_of_a_refusal_only_where_it_may_read) {
    store.set("/list", Document{{"min", 1}, {"max", 77}});
    const auto range = store.bind<serve_access::Range>("/list");
    const Answer reader = service.put("/v1/config/list/min", "99", as("part"));
    EXPECT_EQ(reader.status(), 422U);
    EXPECT_NE(reader.body().find("77"), std::string::npos) << reader.body();
    const Answer blind = service.put("/v1/config/list/min", "99", as("blind"));
    EXPECT_EQ(blind.status(), 422U);
    EXPECT_EQ(blind.body().find("77"), std::string::npos) << blind.body();
    EXPECT_EQ(blind.json().at("/problems/0/path"), Document("/list"));
}

// Its memory is the only thing that tells.
TEST(AccessTokens, are_not_kept_themselves) {
    Store store;
    const std::string token(std::size_t{16} << 20, 't');
    const auto in_use = [] {
        const auto info = mallinfo2();
        return info.uordblks + info.hblkhd;
    };
    const std::size_t before = in_use();
    const Service service{store, {.tokens = {{.token = token}}}};
    EXPECT_LT(in_use(), before + token.size());
}

TEST_F(Access, without_tokens_is_everybodys_but_for_foreign_names) {
    Service open{
        store,
        {.check_host = true, .allowed_hosts = {"config.internal"}, .instance = "abcdefghij"}};
    EXPECT_EQ(open.get("/v1/config", {{"Host", "localhost:8080"}}).status(), 200U);
    EXPECT_EQ(open.get("/v1/config", {{"Host", "config.internal"}}).status(), 200U);
    EXPECT_EQ(open.put("/v1/config/a/x", "2", {{"Host", "127.0.0.1:1"}}).status(), 200U);
    EXPECT_EQ(open.get("/v1/clients", {{"Host", "[::1]:1"}}).status(), 200U);
    EXPECT_EQ(open.get("/v1/config", {{"Host", "evil.example"}}).status(), 421U);
    EXPECT_EQ(open.put("/v1/config/a/x", "3", {{"Host", "evil.example"}}).status(), 421U);
    EXPECT_EQ(open.get("/v1/config").status(), 421U);
    EXPECT_EQ(open.get("/healthz").status(), 200U);
}

}  // namespace
