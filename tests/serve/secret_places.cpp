#include <attune/serve/detail/secret_places.hpp>

#include <attune/bind/schema.hpp>
#include <attune/bind/secret.hpp>
#include <attune/document/parse.hpp>
#include <attune/document/text.hpp>
#include <attune/transport/memory.hpp>
#include <serve/service_test.hpp>

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace serve_secrets {

struct Account {
    std::string user;
    attune::Secret<std::string> password;
};
struct Database {
    std::string host;
    Account account;
    std::vector<Account> others;
    std::map<std::string, attune::Secret<std::string>> keys;
    std::vector<attune::Secret<std::string>> tokens;
};

}  // namespace serve_secrets

namespace {

using attune::Document;
using attune::parse;
using attune::Store;
using serve_tests::Answer;
using serve_tests::Service;

constexpr const char* reader_token = "reader-reader-reader";
constexpr const char* writer_token = "writer-writer-writer";
constexpr const char* insider_token = "insider-insider-insider";

// Every secret contains this, and nothing else does.
constexpr std::string_view telltale = "hunter2";

class SecretPlaces : public serve_tests::ServiceTest {
protected:
    SecretPlaces()
        : ServiceTest(
              {.tokens =
                   {{.token = reader_token, .name = "reader", .admin = true},
                    {.token = writer_token, .name = "writer", .write = true, .admin = true},
                    {.token = insider_token, .name = "insider", .write = true, .secrets = true}},
               .instance = "abcdefghij",
               .secrets = {"/vault"}}) {
        store.add(attune::memory(parse(R"({
            "db": {"host": "h", "account": {"user": "u", "password": "hunter2"},
                   "others": [{"user": "v", "password": "hunter2b"}],
                   "keys": {"a": "hunter2c"}, "tokens": ["hunter2d"]},
            "vault": {"code": "hunter2e"}, "plain": 1})")));
        store.bind<serve_secrets::Database>("/db");
    }
    Answer read(const std::string& target, attune::net::HttpFields fields = as(reader_token)) {
        return service.get(target, std::move(fields));
    }
};

TEST_F(SecretPlaces, are_masked_for_who_may_not_see_them) {
    const Answer answer = read("/v1/config");
    EXPECT_EQ(answer.json(), parse(R"({
        "db": {"host": "h", "account": {"user": "u", "password": "***"},
               "others": [{"user": "v", "password": "***"}],
               "keys": {"a": "***"}, "tokens": ["***"]},
        "vault": "***", "plain": 1})"));
    EXPECT_EQ(answer.field("Attune-Masked"), "5");
    EXPECT_EQ(read("/v1/config/db/account/password").body(), "\"***\"");
    EXPECT_EQ(read("/v1/config/vault/code").body(), "\"***\"");
    EXPECT_EQ(read("/v1/config?path=/vault&path=/plain").body(), R"({"/plain":1,"/vault":"***"})");
    EXPECT_EQ(read("/v1/config/plain").field("Attune-Masked"), "");
}

TEST_F(SecretPlaces, are_shown_to_who_may_see_them) {
    const Answer answer = read("/v1/config", as(insider_token));
    EXPECT_EQ(answer.json(), store.snapshot().document());
    EXPECT_EQ(answer.field("Attune-Masked"), "");
    EXPECT_NE(answer.etag(), read("/v1/config").etag());
}

TEST_F(SecretPlaces, are_left_out_when_the_reader_prefers_that) {
    auto fields = as(reader_token);
    fields.add("Prefer", "secrets=omit");
    const Answer answer = read("/v1/config", fields);
    EXPECT_EQ(answer.json(), parse(R"({
        "db": {"host": "h", "account": {"user": "u"}, "others": [{"user": "v"}], "keys": {}},
        "plain": 1})"));
    EXPECT_EQ(answer.field("Preference-Applied"), "secrets=omit");
    EXPECT_EQ(read("/v1/config/vault", fields).status(), 404U);
    EXPECT_EQ(read("/v1/config/db/tokens", fields).status(), 404U);
    EXPECT_EQ(read("/v1/config/db/others/0/password", fields).status(), 404U);
    EXPECT_EQ(read("/v1/config/db/others/0", fields).body(), R"({"user":"v"})");
    EXPECT_EQ(read("/v1/config?path=/vault&path=/plain", fields).body(), R"({"/plain":1})");
}

TEST_F(SecretPlaces, that_change_are_news_for_those_only_who_see_them) {
    const std::string target = "/v1/config/db/account";
    const Answer outside = service.watch(target, read(target).etag(), as(reader_token));
    const Answer inside =
        service.watch(target, read(target, as(insider_token)).etag(), as(insider_token));
    set("/db/account/password", "hunter2-new");
    EXPECT_TRUE(outside.held());
    EXPECT_EQ(inside.status(), 200U);
    set("/db/account/user", "w");
    EXPECT_EQ(outside.status(), 200U);
}

TEST_F(SecretPlaces, that_are_bound_later_are_masked_from_then_on) {
    store.set("/late", "hunter2");
    EXPECT_EQ(read("/v1/config/late").body(), "\"hunter2\"");
    const Answer held =
        service.watch("/v1/config/late", read("/v1/config/late").etag(), as(reader_token));
    store.bind<attune::Secret<std::string>>("/late");
    EXPECT_EQ(read("/v1/config/late").body(), "\"***\"");
    EXPECT_EQ(held.body(), "\"***\"");
}

TEST_F(SecretPlaces, appear_nowhere) {
    store.set("/db/account/password", "hunter2-new");
    store.set("/vault/code", "hunter2-newer");
    store.set("/plain", 2);
    for (const char* const target : {"/v1/config",
                                     "/v1/history",
                                     "/v1/versions/1",
                                     "/v1/diff?from=1",
                                     "/v1/explain/vault",
                                     "/v1/diff?from=1&format=merge",
                                     "/v1/diff?from=1&format=text",
                                     "/v1/diff?from=0&to=1",
                                     "/v1/diff?from=0&to=1&format=merge",
                                     "/v1/diff?from=0&to=1&format=text",
                                     "/v1/explain",
                                     "/v1/explain/db/account/password",
                                     "/v1/explain/vault/code",
                                     "/v1/explain/",
                                     "/v1/explain/db/",
                                     "/v1/explain/~1~02",
                                     "/v1/explain/db.account",
                                     "/v1/schema",
                                     "/v1/status",
                                     "/v1/graph",
                                     "/v1/clients",
                                     "/metrics"}) {
        for (const char* const accept : {"application/json", "text/plain"}) {
            auto fields = as(reader_token);
            fields.add("Accept", accept);
            const Answer answer = read(target, fields);
            ASSERT_EQ(answer.status(), 200U) << target;
            EXPECT_EQ(answer.body().find(telltale), std::string::npos) << target << answer.body();
        }
    }
    auto fields = as(reader_token);
    fields.add("Last-Event-ID", "0");
    const Answer events = read("/v1/events", fields);
    EXPECT_NE(events.exchange->stream.find("/db/account/password"), std::string::npos);
    EXPECT_EQ(events.exchange->stream.find(telltale), std::string::npos);
}

TEST_F(SecretPlaces, show_in_a_diff_that_they_have_changed) {
    const std::string from = std::to_string(store.version());
    store.set("/vault/code", "hunter2-new");
    EXPECT_EQ(read("/v1/diff?from=" + from).json(),
              parse(R"([{"op":"replace","path":"/vault/code","value":"***"}])"));
    EXPECT_EQ(read("/v1/diff?format=text&from=" + from).body(), "vault.code: \"***\" -> \"***\"\n");
    EXPECT_EQ(read("/v1/diff?from=" + from, as(insider_token)).json(),
              parse(R"([{"op":"replace","path":"/vault/code","value":"hunter2-new"}])"));
}

TEST_F(SecretPlaces, are_not_overwritten_by_their_mask) {
    const Document seen = read("/v1/config/db/account").json();
    const Answer answer =
        service.put("/v1/config/db/account", to_text(seen.with("/user", "w")), as(writer_token));
    EXPECT_EQ(answer.status(), 422U);
    EXPECT_EQ(answer.json().at("/problems/0/path"), Document("/db/account/password"));
    EXPECT_EQ(service.merge("/v1/config/db", R"({"tokens":["***"]})", as(writer_token)).status(),
              422U);
    EXPECT_EQ(service
                  .patch("/v1/config", R"([{"op":"replace","path":"/vault","value":"***"}])",
                         as(writer_token))
                  .status(),
              422U);
    EXPECT_EQ(service.put("/v1/config/vault", R"("\u002a**")", as(writer_token)).status(), 422U);
    EXPECT_EQ(
        service.merge("/v1/config", R"({"vault":{"code":"*\u002A*"}})", as(writer_token)).status(),
        422U);
    EXPECT_EQ(store.snapshot().document().at("/db/account/user"), Document("u"));

    EXPECT_EQ(service.put("/v1/config/plain", "\"***\"", as(writer_token)).status(), 200U);
    EXPECT_EQ(service.put("/v1/config/db/account/password", "\"new\"", as(writer_token)).status(),
              200U);
}

TEST_F(SecretPlaces, are_not_copied_to_where_they_could_be_seen) {
    for (const char* const patch :
         {R"([{"op":"copy","from":"/db/account/password","path":"/plain"}])",
          R"([{"op":"move","from":"/db/account","path":"/plain"}])",
          R"([{"op":"copy","from":"/vault/code","path":"/plain"}])",
          R"([{"op":"copy","from":"","path":"/plain"}])",
          R"([{"op":"add","path":"/db/others/0","value":{"user":"z"}},
              {"op":"copy","from":"/db/others/1/password","path":"/plain"}])",
          R"([{"op":"add","path":"/db/others/0","value":{"user":"z"}},
              {"op":"copy","from":"/db/others/1","path":"/plain"}])",
          R"([{"op":"add","path":"/db/others/0","value":{"user":"z"}},
              {"op":"copy","from":"/db/host","path":"/db/host2"},
              {"op":"move","from":"/db/others/1","path":"/plain"}])",
          R"([{"op":"test","path":"/db/account/password","value":"hunter2"}])"}) {
        EXPECT_EQ(service.patch("/v1/config", patch, as(writer_token)).status(), 403U) << patch;
    }
    EXPECT_EQ(service
                  .patch("/v1/config", R"([{"op":"copy","from":"/db/host","path":"/plain"}])",
                         as(writer_token))
                  .status(),
              200U);
    EXPECT_EQ(service
                  .patch("/v1/config",
                         R"([{"op":"test","path":"/db/account/password","value":"hunter2"}])",
                         as(insider_token))
                  .status(),
              200U);
}

TEST_F(SecretPlaces, do_not_keep_a_masked_reader_from_a_conditional_write) {
    for (const char* const prefer : {"", "secrets=omit"}) {
        auto fields = as(writer_token);
        fields.add("Prefer", prefer);
        const std::string etag = read("/v1/config/db/account", fields).etag();
        auto condition = as(writer_token);
        condition.add("If-Match", etag);
        const std::string user = std::string("{\"user\":\"x") + prefer + "\"}";
        EXPECT_EQ(service.merge("/v1/config/db/account", user, condition).status(), 200U);
        EXPECT_EQ(service.merge("/v1/config/db/account", user + " ", condition).status(), 412U);
    }
}

TEST_F(SecretPlaces, have_nothing_found_in_problems) {
    auto report = as(reader_token);
    const Answer put = service.put("/v1/clients/c1",
                                   R"({"path":"/db","state":"refused","version":1,"problems":[
            {"path":"/account/password","expected":"8 characters","found":"hunter2",
             "text":"found hunter2"},
            {"path":"/vault/code","message":"bad","found":"hunter2"},
            {"path":"/host","expected":"a name","found":"h h"}]})",
                                   report);
    ASSERT_EQ(put.status(), 204U);
    const Answer list = read("/v1/clients");
    EXPECT_EQ(list.body().find(telltale), std::string::npos);
    EXPECT_EQ(list.json().at("/clients/0/problems/2/found"), Document("h h"));
    const attune::ClientReport known = service.inside().clients().at(0);
    for (const attune::Problem& problem : known.problems) {
        EXPECT_EQ(to_string(problem).find(telltale), std::string::npos);
    }
}

TEST(SecretElements, are_secret_wherever_they_are_moved) {
    Store store;
    store.add(attune::memory(parse(R"({"users": [{"pin": "hunter2"}, {"pin": "hunter2b"}],
                                       "names": {"0": {"pin": "a"}, "x": {"pin": "b"}}})")));
    store.bind<attune::Secret<std::string>>("/names/0/pin");
    Service service{store, {.instance = "abcdefghij", .secrets = {"/users/0/pin"}}};
    const auto shows_nothing = [&] {
        for (const char* const target :
             {"/v1/config", "/v1/config/users", "/v1/config/users/0", "/v1/config/users/1",
              "/v1/config/users/1/pin", "/v1/versions/1", "/v1/diff?from=0", "/v1/explain"}) {
            for (const char* const prefer : {"", "secrets=omit"}) {
                const Answer answer = service.get(target, {{"Prefer", prefer}});
                EXPECT_EQ(answer.body().find(telltale), std::string::npos)
                    << target << answer.body();
            }
        }
    };
    shows_nothing();
    EXPECT_EQ(service.get("/v1/config/users").json(), parse(R"([{"pin":"***"},{"pin":"***"}])"));
    EXPECT_EQ(service.get("/v1/config/users", {{"Prefer", "secrets=omit"}}).json(),
              parse("[{},{}]"));
    EXPECT_EQ(service.get("/v1/config/names").json(),
              parse(R"({"0":{"pin":"***"},"x":{"pin":"b"}})"));
    ASSERT_EQ(
        service.patch("/v1/config", R"([{"op":"add","path":"/users/0","value":{}}])").status(),
        200U);
    shows_nothing();
    EXPECT_EQ(service
                  .patch("/v1/config",
                         R"([{"op":"add","path":"/users/0","value":{}},
                                {"op":"copy","from":"/users/3/pin","path":"/plain"}])")
                  .status(),
              403U);
    EXPECT_EQ(service.put("/v1/config/users/2/pin", R"("***")").status(), 422U);
}

}  // namespace
