// Every problem of a load in one report: where, what, what instead.

#include "support.hpp"

#include <map>

namespace {

using acceptance::Folder;
using acceptance::rejection_of;
using acceptance::without;

enum class Level { debug, info, warning };

struct Pool {
    int size = 8;
    std::chrono::milliseconds idle_timeout{250};
};

struct Server {
    std::string host;
    std::uint16_t port = 8080;
    Level level = Level::info;
    Pool pool;
    bool keep_alive = true;
    attune::Bytes buffer{4096};
    std::vector<std::uint8_t> weights;
    std::map<std::string, Pool> pools;
    attune::Secret<int> pin;
};

void describe(attune::Schema<Server>& s) {
    s.field(&Server::host).required();
    s.field(&Server::port).between(1, 65535);
}

TEST(Problems, are_all_reported_at_once_each_with_its_place) {
    const Folder folder;
    folder.write("service.json", R"({
  "server": {
    "prt": 8081,
    "port": 80800,
    "level": "inof",
    "pool": {"size": "4", "idle_timout": "1s", "idle_timeout": "5q"},
    "keep_alive": 1,
    "buffer": "64MiBB",
    "weights": [1, 300, 3],
    "pools": {"a": {"size": 1}, "b": {"sise": 2}},
    "pin": "hunter2"
  }
})");
    attune::Store store;
    store.add(attune::file(folder / "service.json"));
    const std::string text =
        without(rejection_of([&] { store.bind<Server>("server"); }), folder / "");

    EXPECT_THAT(
        text,
        testing::HasSubstr(
            "service.json:4:13: server.port: expected an integer in [1, 65535], found 80800"));
    EXPECT_THAT(text, testing::HasSubstr(
                          "service.json:3:5: server.prt: unknown key; did you mean \"port\"?"));
    EXPECT_THAT(text, testing::HasSubstr("service.json:5:14: server.level: expected one of"));
    EXPECT_THAT(text, testing::HasSubstr("did you mean \"info\"?"));
    EXPECT_THAT(text,
                testing::HasSubstr("service.json:6:22: server.pool.size: expected an integer"));
    EXPECT_THAT(text, testing::HasSubstr("service.json:6:27: server.pool.idle_timout: unknown key; "
                                         "did you mean \"idle_timeout\"?"));
    EXPECT_THAT(text, testing::HasSubstr("service.json:6:64: server.pool.idle_timeout: "));
    EXPECT_THAT(text,
                testing::HasSubstr("service.json:7:19: server.keep_alive: expected true or false"));
    EXPECT_THAT(text, testing::HasSubstr("service.json:8:15: server.buffer: "));
    EXPECT_THAT(text,
                testing::HasSubstr("service.json:9:20: server.weights.1: expected an integer"));
    EXPECT_THAT(
        text, testing::HasSubstr(
                  "service.json:10:39: server.pools.b.sise: unknown key; did you mean \"size\"?"));
    EXPECT_THAT(text, testing::HasSubstr("server.host: "));
    EXPECT_THAT(text, testing::HasSubstr("server.pin: expected an integer"));
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 11) << text;
}

TEST(Problems, never_show_a_secret) {
    const Folder folder;
    folder.write("service.json", R"({"server": {"host": "a", "pin": "hunter2"}})");
    attune::Store store;
    store.add(attune::file(folder / "service.json"));
    const std::string text = rejection_of([&] { store.bind<Server>("server"); });
    EXPECT_THAT(text, testing::HasSubstr("server.pin"));
    EXPECT_THAT(text, testing::Not(testing::HasSubstr("hunter2")));
}

TEST(Problems, name_the_variable_or_the_argument) {
    const acceptance::Variables variables{"APP_SERVER_PORT=http"};
    attune::Store store;
    store.add(attune::memory({{"server", {{"host", "a"}}}}));
    store.add(attune::env("APP_", variables.options()));
    store.add(acceptance::arguments({"--server.pool.size=many"}));
    const std::string text = rejection_of([&] { store.bind<Server>("server"); });
    EXPECT_THAT(text, testing::HasSubstr("environment variable APP_SERVER_PORT: server.port: "
                                         "expected an integer in [1, 65535], found \"http\""));
    EXPECT_THAT(text, testing::HasSubstr("argument --server.pool.size: server.pool.size: "
                                         "expected an integer"));
}

TEST(Problems, of_a_text_that_is_not_json_say_where) {
    const Folder folder;
    folder.write("service.json", "{\n  \"server\": {\"port\": 80,}\n}\n");
    attune::Store store;
    const std::string text =
        without(rejection_of([&] { store.add(attune::file(folder / "service.json")); }),
                folder / "");
    EXPECT_THAT(text, testing::StartsWith("service.json:2:"));
}

TEST(Problems, of_a_missing_file_name_the_file) {
    const Folder folder;
    attune::Store store;
    EXPECT_THAT(rejection_of([&] { store.add(attune::file(folder / "absent.json")); }),
                testing::HasSubstr("absent.json"));
    EXPECT_NO_THROW(store.add(attune::file(folder / "absent.json", {.optional = true})));
}

TEST(Problems, leave_the_store_as_it_was) {
    attune::Store store;
    store.add(attune::memory({{"server", {{"host", "a"}, {"port", 1}}}}));
    const auto server = store.bind<Server>("server");
    const attune::Version before = store.version();
    EXPECT_THROW(store.add(attune::memory({{"server", {{"port", "x"}}}})), attune::Rejected);
    EXPECT_THROW(store.bind<int>("server.host"), attune::Rejected);
    EXPECT_EQ(store.version(), before);
    EXPECT_EQ(server.get(&Server::port), 1);
    EXPECT_NO_THROW(store.set("server.port", 2));
}

TEST(Problems, of_unknown_keys_are_warnings_or_nothing_when_asked) {
    const attune::Document document{{"server", {{"host", "a"}, {"prot", 1}}}};
    attune::Store warned{{.unknown_keys = attune::UnknownKeys::warn}};
    warned.add(attune::memory(document));
    EXPECT_NO_THROW(warned.bind<Server>("server"));
    ASSERT_EQ(warned.status().warnings.size(), 1U);
    EXPECT_EQ(warned.status().warnings.front().suggestion, "port");

    attune::Store ignorant;
    ignorant.add(attune::memory(document), {.unknown_keys = attune::UnknownKeys::ignore});
    EXPECT_NO_THROW(ignorant.bind<Server>("server"));
    EXPECT_TRUE(ignorant.status().warnings.empty());
}

}  // namespace
