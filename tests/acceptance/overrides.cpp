// Environment, arguments and directories against the bound structs.

#include "support.hpp"

#include <map>

namespace {

using acceptance::Folder;
using acceptance::rejection_of;
using acceptance::Variables;

struct Pool {
    int size = 8;
    std::chrono::milliseconds idle_timeout{250};
};

struct Server {
    std::uint16_t port = 8080;
    bool tls = false;
    Pool pool;
    std::vector<std::string> tags;
    std::map<std::string, int> limits;
    std::optional<std::string> certificate;
};

class Overrides : public testing::Test {
protected:
    Server with_variables(std::initializer_list<const char*> given) {
        const Variables variables{given};
        attune::Store store;
        store.add(attune::env("SERVICE_", variables.options()));
        return store.bind<Server>("server").get();
    }
    Server with_arguments(std::initializer_list<const char*> given) {
        attune::Store store;
        store.add(acceptance::arguments(given));
        return store.bind<Server>("server").get();
    }
};

TEST_F(Overrides, a_variable_finds_nested_and_snake_case_fields) {
    const Server server =
        with_variables({"SERVICE_SERVER_POOL_SIZE=4", "SERVICE_SERVER_POOL_IDLE_TIMEOUT=1m30s",
                        "SERVICE_SERVER_TLS=on", "SERVICE_SERVER_CERTIFICATE=a.pem"});
    EXPECT_EQ(server.pool.size, 4);
    EXPECT_EQ(server.pool.idle_timeout, std::chrono::seconds{90});
    EXPECT_TRUE(server.tls);
    EXPECT_EQ(server.certificate, "a.pem");
}

TEST_F(Overrides, a_variable_holds_a_list_or_a_map_as_json) {
    const Server server =
        with_variables({R"(SERVICE_SERVER_TAGS=["a", "b"])", R"(SERVICE_SERVER_LIMITS={"x": 1})"});
    EXPECT_EQ(server.tags, (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(server.limits, (std::map<std::string, int>{{"x", 1}}));
}

TEST_F(Overrides, an_argument_comes_with_or_without_an_equals_sign) {
    EXPECT_EQ(with_arguments({"--server.port=9090"}).port, 9090);
    EXPECT_EQ(with_arguments({"--server.port", "9090"}).port, 9090);
    EXPECT_EQ(with_arguments({"--server.port=1", "--server.port=2"}).port, 2);
    EXPECT_EQ(with_arguments({"--server.pool.idle-timeout=5s"}).pool.idle_timeout,
              std::chrono::seconds{5});
}

TEST_F(Overrides, a_boolean_is_switched_by_its_name_alone) {
    EXPECT_TRUE(with_arguments({"--server.tls"}).tls);
    EXPECT_FALSE(with_arguments({"--server.tls", "--no-server.tls"}).tls);
    EXPECT_FALSE(with_arguments({"--server.tls=off"}).tls);
}

TEST_F(Overrides, a_json_string_stays_an_error_where_a_number_belongs) {
    attune::Store store;
    store.add(attune::memory({{"server", {{"port", "9090"}}}}));
    EXPECT_THAT(rejection_of([&] { store.bind<Server>("server"); }),
                testing::HasSubstr("server.port: expected an integer in [0, 65535], "
                                   "found \"9090\""));
}

struct Ambiguous {
    struct Nested {
        int size = 1;
    };
    Nested pool;
    int pool_size = 2;
};

TEST_F(Overrides, a_variable_that_fits_two_fields_is_an_error_naming_both) {
    const Variables variables{"SERVICE_POOL_SIZE=4"};
    attune::Store store;
    store.add(attune::env("SERVICE_", variables.options()));
    const std::string text = rejection_of([&] { store.bind<Ambiguous>(); });
    EXPECT_THAT(text, testing::HasSubstr("SERVICE_POOL_SIZE"));
    EXPECT_THAT(text, testing::HasSubstr("pool.size"));
    EXPECT_THAT(text, testing::HasSubstr("pool_size"));
}

TEST_F(Overrides, later_layers_win) {
    const Folder folder;
    folder.write("service.json", R"({"server": {"port": 1, "pool": {"size": 1}}})");
    folder.write("service.d/server.port", "2");
    folder.write("service.d/server/pool/size", "2");
    folder.write("service.d/.server.port.swp", "99");
    const Variables variables{"SERVICE_SERVER_PORT=3"};
    attune::Store store;
    store.add(attune::file(folder / "service.json"));
    store.add(attune::directory(folder / "service.d"));
    const auto server = store.bind<Server>("server");
    EXPECT_EQ(server.get(&Server::port), 2);
    EXPECT_EQ(server.get(&Server::pool).size, 2);
    store.add(attune::env("SERVICE_", variables.options()));
    EXPECT_EQ(server.get(&Server::port), 3);
    attune::Layer arguments = store.add(acceptance::arguments({"--server.port=4"}));
    EXPECT_EQ(server.get(&Server::port), 4);
    store.set("server.port", 5);
    EXPECT_EQ(server.get(&Server::port), 5);
    arguments.remove();
    EXPECT_EQ(server.get(&Server::port), 5);
    store.erase("server.port");
    EXPECT_EQ(server.get(&Server::port), 3);
}

TEST_F(Overrides, null_masks_what_lies_below) {
    attune::Store store;
    store.add(attune::memory({{"server", {{"port", 1}, {"certificate", "a.pem"}}}}));
    const auto server = store.bind<Server>("server");
    store.set("server.certificate", nullptr);
    EXPECT_EQ(server.get(&Server::certificate), std::nullopt);
    store.set("server.port", nullptr);
    EXPECT_EQ(server.get(&Server::port), 8080);
}

TEST_F(Overrides, check_reports_all_that_is_left_over) {
    const Variables variables{"SERVICE_SERVER_PROT=1"};
    attune::Store store;
    store.add(attune::memory({{"server", {{"port", 1}}}, {"sever", {{"port", 2}}}}));
    store.add(attune::env("SERVICE_", variables.options()));
    store.add(acceptance::arguments({"--server.pol.size=4", "stray"}));
    store.bind<Server>("server");
    const std::string text = rejection_of([&] { store.check(); });
    EXPECT_THAT(text, testing::HasSubstr("sever: "));
    EXPECT_THAT(text, testing::HasSubstr("did you mean \"server\"?"));
    EXPECT_THAT(text, testing::HasSubstr("environment variable SERVICE_SERVER_PROT: "));
    EXPECT_THAT(text, testing::HasSubstr("SERVICE_SERVER_PORT"));
    EXPECT_THAT(text, testing::HasSubstr("argument --server.pol.size: "));
    EXPECT_THAT(text, testing::HasSubstr("--server.pool.size"));
    EXPECT_THAT(text, testing::HasSubstr("stray"));
}

}  // namespace
