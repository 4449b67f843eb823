// The program of the design's public face, part by part, with the values it must give.

#include "support.hpp"

#include <attune/document/json.hpp>

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <sstream>
#include <type_traits>

namespace {

using namespace std::chrono_literals;
using acceptance::Folder;
using acceptance::patience;

enum class Mode { primary, replica };
struct Pool {
    int size = 8;
    std::chrono::milliseconds timeout{250};
};
struct Server {
    std::string host = "0.0.0.0";
    std::uint16_t port = 8080;
    Mode mode{};
    Pool pool;
    std::optional<std::string> certificate;
    attune::Secret<std::string> password;
    std::vector<std::string> tags;
    std::map<std::string, int> limits;
};

void describe(attune::Schema<Server>& s) {
    s.doc("The HTTP listener");
    s.field(&Server::port).doc("TCP port").between(1, 65535);
    s.field(&Server::host).required().matches("[a-z0-9.-]+");
    s.field(&Server::tags).max_size(16);
    s.check([](const Server& v) { return v.pool.size > 0; }, "pool.size must be positive");
}

struct Tls {
    bool enabled = false;
};

constexpr std::string_view service_json = R"({
    "server": {
        "host": "shop.example",
        "port": 8443,
        "mode": "replica",
        "pool": {"size": 4, "timeout": "1s"},
        "certificate": "server.pem",
        "password": "hunter2",
        "tags": ["eu", "paid"],
        "limits": {"uploads": 3}
    },
    "tls": {"enabled": true}
})";

/// Every local layer of the design's program, lowest first.
class PublicFace : public testing::Test {
protected:
    PublicFace() {
        folder.write("service.json", service_json);
        folder.write("service.d/server.pool.size", "16\n");
        store.add(attune::file(folder / "service.json"));
        store.add(attune::file(folder / "local.json", {.optional = true}));
        store.add(attune::directory(folder / "service.d"));
        store.add(attune::env("SERVICE_", variables.options()));
        store.add(acceptance::arguments({"--server.limits.uploads=5"}));
        server = store.bind<Server>("server");
        tls = store.bind<Tls>("tls");
    }

    const acceptance::Variables variables{"SERVICE_SERVER_POOL_TIMEOUT=2s", "OTHER_SERVER_PORT=1"};
    Folder folder;
    attune::Store store;
    attune::Config<Server> server;
    attune::Config<Tls> tls;
};

TEST_F(PublicFace, merges_all_layers_into_one_struct) {
    const auto now = server.read();
    EXPECT_EQ(now->host, "shop.example");
    EXPECT_EQ(now->port, 8443);
    EXPECT_EQ(now->mode, Mode::replica);
    EXPECT_EQ(now->pool.size, 16);
    EXPECT_EQ(now->pool.timeout, 2s);
    EXPECT_EQ(now->certificate, "server.pem");
    EXPECT_EQ(now->password.reveal(), "hunter2");
    EXPECT_EQ(now->tags, (std::vector<std::string>{"eu", "paid"}));
    EXPECT_EQ(now->limits, (std::map<std::string, int>{{"uploads", 5}}));
}

TEST_F(PublicFace, reads_in_every_form) {
    EXPECT_EQ(server.get(&Server::port), 8443);
    EXPECT_EQ(server.get().host, "shop.example");
    EXPECT_EQ(server.with([](const Server& s) { return s.tags.size(); }), 2U);

    const std::shared_ptr<const Server> kept = server.pin();
    const auto view = store.view();
    EXPECT_EQ(view[server].port, 8443);
    EXPECT_TRUE(view[tls].enabled);
    EXPECT_EQ(view.version(), store.version());

    const attune::Version before = store.version();
    store.set("server.port", 9090);
    EXPECT_EQ(kept->port, 8443);
    EXPECT_EQ(view[server].port, 8443);
    EXPECT_EQ(server.get(&Server::port), 9090);

    const attune::Snapshot then = store.snapshot(before);
    EXPECT_EQ(then[server].port, 8443);
    EXPECT_EQ(then.version(), before);
    EXPECT_EQ(then.document().at("server.port"), attune::Document(8443));
    const attune::Snapshot now = store.snapshot();
    EXPECT_EQ(now[server].port, 9090);
}

TEST_F(PublicFace, tells_observers_before_and_after) {
    acceptance::Inbox<attune::Change<Server>> changes;
    const attune::Subscription told =
        server.on_change([&](const attune::Change<Server>& change) { changes.put(change); });

    const attune::Commit commit = store.set("server.port", 9090);
    ASSERT_TRUE(commit.settle(patience));
    EXPECT_EQ(commit.version, store.version());
    EXPECT_EQ(commit.changed, (std::vector<attune::Path>{"server.port"}));

    const auto change = changes.take();
    ASSERT_TRUE(change);
    EXPECT_EQ(change->before->port, 8443);
    EXPECT_EQ(change->after->port, 9090);
    EXPECT_EQ(change->version, commit.version);
    EXPECT_EQ(changes.size(), 0U);
}

TEST_F(PublicFace, applies_now_and_after_every_change) {
    acceptance::Inbox<std::uint16_t> ports;
    const attune::Subscription applied = server.apply([&](const Server& s) { ports.put(s.port); });
    EXPECT_EQ(ports.size(), 1U);
    store.set("server.port", 9090);
    EXPECT_EQ(ports.take(), 8443);
    EXPECT_EQ(ports.take(), 9090);
}

TEST_F(PublicFace, runs_observers_inline_when_asked_to) {
    std::vector<std::uint16_t> ports;
    const attune::Subscription on =
        server.on_change(attune::inline_executor, [&](const attune::Change<Server>& change) {
            ports.push_back(change.after->port);
        });
    store.set("server.port", 9090);
    EXPECT_EQ(ports, (std::vector<std::uint16_t>{9090}));
}

TEST_F(PublicFace, sets_erases_and_merges_above_all_layers) {
    store.set("server.pool.size", 32);
    EXPECT_EQ(server.read().version(), store.version());
    EXPECT_EQ(server.with([](const Server& s) { return s.pool.size; }), 32);
    store.erase("server.pool.size");
    EXPECT_EQ(server.with([](const Server& s) { return s.pool.size; }), 16);

    store.merge({{"server", {{"port", 1}, {"pool", {{"size", 64}}}}}});
    EXPECT_EQ(server.get(&Server::port), 1);
    EXPECT_EQ(server.get(&Server::pool).size, 64);
    store.merge({{"server", {{"port", nullptr}}}});
    EXPECT_EQ(server.get(&Server::port), 8443);
    EXPECT_EQ(server.get(&Server::pool).size, 64);
}

TEST_F(PublicFace, makes_no_version_for_a_write_that_changes_nothing) {
    const attune::Version before = store.version();
    const attune::Commit commit = store.set("server.port", 8443);
    EXPECT_TRUE(commit.changed.empty());
    EXPECT_EQ(commit.version, before);
    EXPECT_EQ(store.version(), before);
}

TEST_F(PublicFace, refuses_a_bad_write_and_changes_nothing) {
    const attune::Version before = store.version();
    try {
        store.merge({{"server", {{"port", 0}, {"mode", "replika"}, {"host", "a.example"}}}});
        FAIL() << "accepted";
    } catch (const attune::Rejected& rejected) {
        ASSERT_EQ(rejected.problems().size(), 2U);
        EXPECT_EQ(rejected.rejection().version, before);
        EXPECT_EQ(to_string(rejected.rejection()), rejected.what());
    }
    EXPECT_EQ(store.version(), before);
    EXPECT_EQ(server.get(&Server::host), "shop.example");
    EXPECT_EQ(store.status().refusals, 1U);
}

TEST_F(PublicFace, refuses_what_a_check_of_the_struct_refuses) {
    EXPECT_THAT(acceptance::rejection_of([&] { store.set("server.pool.size", 0); }),
                testing::HasSubstr("pool.size must be positive"));
}

TEST_F(PublicFace, removes_sets_and_reloads_layers) {
    attune::Layer top = store.add(attune::memory({{"server", {{"port", 1}}}}));
    EXPECT_EQ(server.get(&Server::port), 1);
    top.set("server.port", 2);
    EXPECT_EQ(server.get(&Server::port), 2);
    top.set({{"server", {{"host", "b.example"}}}});
    EXPECT_EQ(server.get(&Server::port), 8443);
    EXPECT_EQ(server.get(&Server::host), "b.example");
    EXPECT_EQ(top.status().state, attune::State::ready);
    top.remove();
    EXPECT_EQ(server.get(&Server::host), "shop.example");

    attune::Store other;
    attune::Layer file = other.add(attune::file(folder / "service.json", {.watch = false}));
    const auto port = other.bind<std::uint16_t>("server.port");
    folder.save("service.json", R"({"server": {"port": 7}})");
    EXPECT_EQ(port.get(), 8443);
    file.reload();
    EXPECT_EQ(port.get(), 7);
    EXPECT_EQ(file.status().updates, 2U);
}

TEST_F(PublicFace, reports_its_status) {
    const attune::StoreStatus status = store.status();
    EXPECT_EQ(status.state, attune::State::ready);
    EXPECT_EQ(status.version, store.version());
    ASSERT_GE(status.layers.size(), 5U);
    EXPECT_THAT(status.layers[0].name, testing::HasSubstr("service.json"));
    EXPECT_THAT(to_string(status), testing::Not(testing::HasSubstr("hunter2")));
}

TEST_F(PublicFace, is_complete_and_describes_itself) {
    EXPECT_NO_THROW(store.check());
    const std::string usage = store.usage();
    for (const char* part : {"The HTTP listener", "server.port", "TCP port", "SERVICE_SERVER_PORT",
                             "server.pool.timeout", "tls.enabled", "8080"}) {
        EXPECT_THAT(usage, testing::HasSubstr(part));
    }
    EXPECT_THAT(usage, testing::Not(testing::HasSubstr("hunter2")));
}

TEST_F(PublicFace, settles_when_every_observer_has_returned) {
    acceptance::Inbox<int> told;
    const attune::Subscription on = tls.on_change([&](const attune::Change<Tls>&) { told.put(1); });
    store.set("tls.enabled", false);
    ASSERT_TRUE(store.settle(patience));
    EXPECT_EQ(told.size(), 1U);
}

TEST(Documents, are_parsed_compared_and_converted) {
    const attune::Document d =
        attune::parse(R"({"a": [1, 2.5, "x"], "b": {"c": null}})", {.name = "x.json"});
    EXPECT_EQ(d.at("a.1"), attune::Document(2.5));
    EXPECT_EQ(d, (attune::Document{{"a", {1, 2.5, "x"}}, {"b", {{"c", nullptr}}}}));
    const nlohmann::json j = attune::to_json(d);
    EXPECT_EQ(j["a"][2], "x");
    EXPECT_EQ(attune::from_json(j), d);
    const attune::Document implicit = j;
    EXPECT_EQ(implicit, d);
    try {
        attune::parse("{\"a\": 1,\n \"a\": 2}", {.name = "x.json"});
        FAIL() << "accepted";
    } catch (const attune::ParseError& error) {
        EXPECT_THAT(error.what(), testing::StartsWith("x.json:2:2: "));
    }
}

TEST(Handles, outlive_their_store_with_the_last_value) {
    attune::Config<Server> server;
    std::optional<attune::Snapshot> snapshot;
    attune::Subscription on;
    std::optional<attune::Layer> layer;
    {
        attune::Store store;
        layer = store.add(attune::memory({{"server", {{"host", "a"}, {"port", 1}}}}));
        server = store.bind<Server>("server");
        on = server.on_change([](const attune::Change<Server>&) {});
        store.set("server.port", 2);
        snapshot = store.snapshot();
    }
    EXPECT_EQ(server.get(&Server::port), 2);
    EXPECT_EQ((*snapshot)[server].port, 2);
    EXPECT_EQ(server.pin()->port, 2);
    EXPECT_FALSE(on);
    EXPECT_THROW(layer->set("server.port", 3), std::logic_error);
    EXPECT_NO_THROW(layer->remove());
}

// Lifetime mistakes do not compile.
template <class T>
concept DereferencesTemporary = requires(const attune::Config<T>& config) { config.read()->host; };
static_assert(!DereferencesTemporary<Server>);
static_assert(!std::is_move_constructible_v<attune::Reading<Server>>);
static_assert(!std::is_copy_constructible_v<attune::View>);
static_assert(std::is_copy_constructible_v<attune::Snapshot>);

}  // namespace
