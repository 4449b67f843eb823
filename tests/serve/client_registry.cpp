#include <attune/serve/client_registry.hpp>

#include <attune/document/parse.hpp>
#include <attune/transport/memory.hpp>
#include <serve/service_test.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace {

using namespace std::chrono_literals;
using attune::ClientReport;
using attune::ClientState;
using attune::Document;
using attune::detail::ClientRegistry;
using serve_tests::Answer;

const ClientRegistry::Time start{std::chrono::hours{1}};

TEST(ClientRegistry, knows_who_was_heard_and_what_they_said) {
    ClientRegistry registry{{}};
    registry.heard("b", "192.0.2.1", start);
    EXPECT_TRUE(registry.reported({.id = "a",
                                   .name = "host/program[1]",
                                   .address = "192.0.2.2",
                                   .state = ClientState::refused,
                                   .version = 7,
                                   .problems = {{.message = "no"}}},
                                  start + 1s));
    const auto clients = registry.list(start + 2s);
    ASSERT_EQ(clients.size(), 2U);
    EXPECT_EQ(clients[0].id, "a");
    EXPECT_EQ(clients[0].state, ClientState::refused);
    EXPECT_EQ(clients[0].problems.at(0).message, "no");
    EXPECT_EQ(clients[0].reported, start + 1s);
    EXPECT_EQ(clients[1].id, "b");
    EXPECT_EQ(clients[1].address, "192.0.2.1");
    EXPECT_EQ(clients[1].state, ClientState::unknown);
    EXPECT_EQ(clients[1].heard, start);
}

TEST(ClientRegistry, forgets_those_it_has_not_heard_of_for_long) {
    ClientRegistry registry{{.silence = 10min}};
    registry.heard("a", "", start);
    registry.heard("b", "", start + 5min);
    EXPECT_EQ(registry.list(start + 10min).size(), 2U);
    EXPECT_EQ(registry.list(start + 10min + 1s).size(), 1U);
    registry.heard("b", "", start + 14min);
    EXPECT_EQ(registry.list(start + 20min).size(), 1U);
}

TEST(ClientRegistry, does_not_forget_who_is_watching) {
    ClientRegistry registry{{.clients = 2, .silence = 10min}};
    {
        const ClientRegistry::Watch watch = registry.watch(registry.heard("a", "", start));
        EXPECT_TRUE(registry.list(start + 1h).at(0).watching);
        registry.heard("b", "", start + 1s);
        registry.heard("c", "", start + 2s);
        const auto clients = registry.list(start + 3s);
        ASSERT_EQ(clients.size(), 2U);
        EXPECT_EQ(clients[0].id, "a");
        EXPECT_EQ(clients[1].id, "c");
    }
    EXPECT_FALSE(registry.list(start + 3s).at(0).watching);
    EXPECT_EQ(registry.list(start + 1h).size(), 0U);
}

TEST(ClientRegistry, has_room_for_so_many_and_no_more) {
    ClientRegistry registry{{.clients = 2}};
    const auto one = registry.watch(registry.heard("a", "", start));
    const auto two = registry.watch(registry.heard("b", "", start));
    EXPECT_EQ(registry.heard("c", "", start), nullptr);
    EXPECT_FALSE(registry.reported({.id = "c"}, start));
    EXPECT_NE(registry.heard("a", "", start), nullptr);
    EXPECT_EQ(registry.size(), 2U);
}

TEST(ClientRegistry, keeps_its_memory_bounded) {
    ClientRegistry registry{{.bytes = 100'000}};
    const auto watch = registry.watch(registry.heard("watching", "", start));
    for (int i = 0; i < 100; ++i) {
        EXPECT_TRUE(registry.reported(
            {.id = std::to_string(i), .problems = {{.message = std::string(10'000, 'x')}}}, start));
    }
    EXPECT_LT(registry.size(), 12U);
    EXPECT_GT(registry.size(), 5U);
    EXPECT_TRUE(registry.reported(
        {.id = "watching", .problems = {{.message = std::string(200'000, 'x')}}}, start));
    EXPECT_TRUE(registry.list(start).back().problems.empty());
}

TEST(ClientRegistry, takes_plain_ids_only) {
    for (const char* const id : {"a", "A-z_0.9", "................................"}) {
        EXPECT_TRUE(ClientRegistry::valid_id(id)) << id;
    }
    EXPECT_TRUE(ClientRegistry::valid_id(std::string(64, 'x')));
    EXPECT_FALSE(ClientRegistry::valid_id(std::string(65, 'x')));
    for (const char* const id : {"", "a b", "a/b", "\xc3\xa4", "a\n"}) {
        EXPECT_FALSE(ClientRegistry::valid_id(id)) << id;
    }
}

class Clients : public serve_tests::ServiceTest {
protected:
    Clients() { store.add(attune::memory({{"a", 1}})); }
    Document list() { return service.get("/v1/clients").json().at("/clients"); }
};

TEST_F(Clients, are_listed_with_what_they_reported) {
    const Answer put = service.put("/v1/clients/c-1", R"({"name": "host/program[7]", "path": "/a",
        "etag": "\"abcdefghij.x\"", "version": 1, "state": "refused",
        "problems": [{"path": "/a", "expected": "2", "found": "1", "severity": "error",
                      "origin": "http", "text": "..."}]})");
    ASSERT_EQ(put.status(), 204U);
    const Document client = *list().find(std::size_t{0});
    EXPECT_EQ(client.at("/id"), Document("c-1"));
    EXPECT_EQ(client.at("/name"), Document("host/program[7]"));
    EXPECT_EQ(client.at("/address"), Document("192.0.2.7"));
    EXPECT_EQ(client.at("/state"), Document("refused"));
    EXPECT_EQ(client.at("/version"), Document(1));
    EXPECT_EQ(client.at("/problems/0/text"), Document("http: a: expected 2, found 1"));
    EXPECT_EQ(client.at("/watching"), Document(false));
    EXPECT_EQ(client.at("/reported"), Document("2023-11-14T22:13:20Z"));
    ASSERT_EQ(service.put("/v1/clients/c-1", R"({"state":"applied","version":2})").status(), 204U);
    EXPECT_EQ(list().size(), 1U);
    EXPECT_EQ(list().at("/0/state"), Document("applied"));
    EXPECT_EQ(list().at("/0/problems").size(), 0U);
}

TEST_F(Clients, are_seen_watching) {
    const attune::net::HttpFields me{{"Attune-Client", "c-1"}};
    const Answer held = service.watch("/v1/config", service.get("/v1/config", me).etag(), me);
    EXPECT_EQ(list().at("/0/watching"), Document(true));
    EXPECT_EQ(list().at("/0/state"), Document("unknown"));
    held.exchange->leave();
    EXPECT_EQ(list().at("/0/watching"), Document(false));
    const Answer events = service.get("/v1/events", me);
    EXPECT_EQ(list().at("/0/watching"), Document(true));
    for (int i = 0; i < 100; ++i) {
        service.pass(15s);
    }
    EXPECT_EQ(list().size(), 1U);
    events.exchange->leave();
    service.pass(11min);
    EXPECT_EQ(list().size(), 0U);
}

TEST_F(Clients, are_asked_for_a_report_until_they_have_made_one) {
    const attune::net::HttpFields me{{"Attune-Client", "c-1"}};
    const attune::net::HttpFields other{{"Attune-Client", "c-2"}};
    const auto asked = [](const Answer& answer) { return answer.field("Attune-Reported"); };
    const std::string etag = service.get("/v1/config").etag();
    EXPECT_EQ(asked(service.get("/v1/config")), "");
    EXPECT_EQ(asked(service.get("/v1/config", me)), "0");
    EXPECT_EQ(asked(service.get("/v1/config/nothing", me)), "0");
    const Answer held = service.watch("/v1/config", etag, me);
    const Answer meanwhile = service.watch("/v1/config", etag, other);
    ASSERT_EQ(service.put("/v1/clients/c-2", R"({"state":"applied"})").status(), 204U);
    service.pass(30s);
    EXPECT_EQ(held.status(), 304U);
    EXPECT_EQ(asked(held), "0");
    EXPECT_EQ(meanwhile.status(), 304U);
    EXPECT_EQ(asked(meanwhile), "");
    EXPECT_EQ(asked(service.get("/v1/config", me)), "0");
    ASSERT_EQ(service.put("/v1/clients/c-1", R"({"state":"refused"})").status(), 204U);
    EXPECT_EQ(asked(service.get("/v1/config", me)), "");
    service.pass(11min);
    EXPECT_EQ(asked(service.get("/v1/config", me)), "0");  // it was forgotten
}

TEST_F(Clients, that_report_nonsense_are_told_so) {
    for (const char* const body :
         {"1", "{}", R"({"state":"great"})", R"({"state":"applied","name":1})",
          R"({"state":"applied","path":"/~"})", R"({"state":"refused","problems":[{"path":7}]})"}) {
        EXPECT_EQ(service.put("/v1/clients/c", body).status(), 400U) << body;
    }
    EXPECT_EQ(service.put("/v1/clients/a%20b", R"({"state":"applied"})").status(), 404U);
    EXPECT_EQ(service.put("/v1/clients", R"({"state":"applied"})").status(), 404U);
    EXPECT_EQ(service.put("/v1/clients/c", std::string(70'000, ' ')).status(), 413U);
    EXPECT_EQ(service.put("/v1/clients/c", R"({"state":"applied","problems":{"a":1},"version":-1})")
                  .status(),
              204U);
    EXPECT_EQ(list().size(), 1U);
}

TEST_F(Clients, cannot_fill_the_list_with_long_texts) {
    const std::string problem = R"({"message":")" + std::string(1000, 'x') + "\xC3\xA4\"}";
    std::string problems = problem;
    for (int i = 0; i < 40; ++i) {
        problems += ',' + problem;
    }
    ASSERT_EQ(service
                  .put("/v1/clients/c", R"({"state":"refused","name":"x)" + std::string(255, 'y') +
                                            "\xC3\xA4\",\"problems\":[" + problems + "]}")
                  .status(),
              204U);
    const ClientReport report = service.inside().clients().at(0);
    EXPECT_EQ(report.name.size(), 256U);
    EXPECT_EQ(report.problems.size(), 16U);
    EXPECT_EQ(report.problems[0].message.size(), 512U);
}

}  // namespace
