// A ConfigServer and the stores that follow it.

#include <attune/bind/schema.hpp>
#include <attune/document/text.hpp>
#include <attune/serve/config_server.hpp>
#include <attune/store/store.hpp>
#include <attune/transport/cached.hpp>
#include <attune/transport/http.hpp>
#include <attune/transport/memory.hpp>

#include "net/certificates.hpp"
#include "support.hpp"
#include "transport/quick.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace http_pair_test {

struct Server {
    int port = 1;
    std::string host{};
    attune::Secret<std::string> password{};
};

inline void describe(attune::Schema<Server>& s) { s.field(&Server::port).between(1, 65535); }

struct Narrow {
    int port = 1;
    std::string host{};
};

inline void describe(attune::Schema<Narrow>& s) { s.field(&Narrow::port).between(1, 100); }

}  // namespace http_pair_test

namespace {

using namespace std::chrono_literals;
using attune_test::quick;
using http_pair_test::Narrow;
using http_pair_test::Server;
using testing::HasSubstr;

class HttpPair : public testing::Test {
protected:
    std::unique_ptr<attune::ConfigServer> serve(attune::ConfigServerOptions options = {}) {
        return std::make_unique<attune::ConfigServer>(published, std::move(options));
    }

    /// Waits until the server has been told that of its only client.
    static attune::ClientReport reported(const attune::ConfigServer& server,
                                         const std::string& state) {
        const auto until = std::chrono::steady_clock::now() + 60s;
        while (std::chrono::steady_clock::now() < until) {
            const auto clients = server.clients();
            if (clients.size() == 1 && to_string(clients[0].state) == state) {
                return clients[0];
            }
            std::this_thread::yield();
        }
        ADD_FAILURE() << "never reported as " << state;
        return {};
    }

    attune::Store published;
    attune::Layer base = published.add(attune::memory(
        {{"server", {{"port", 1}, {"host", "h"}, {"password", "hunter2"}}}, {"list", {1, 2}}}));
    attune::Config<Server> truth = published.bind<Server>("server");
};

TEST_F(HttpPair, agree_on_every_change) {
    const auto server = serve();
    attune::Store store;
    store.add(attune::http(server->url() + "/v1/config/server", quick()));
    const auto followed = store.bind<Narrow>();
    const attune::Version before = store.version();
    for (int i = 2; i != 60; ++i) {
        published.set("server.port", i);
        ASSERT_TRUE(followed.wait_until([&](const Narrow& v) { return v.port == i; }, 60s));
    }
    published.set("list", {3});
    published.set("server.port", 70);
    ASSERT_TRUE(followed.wait_until([](const Narrow& v) { return v.port == 70; }, 60s));
    EXPECT_EQ(store.version(), before + 59);  // nothing for the list
}

TEST_F(HttpPair, leave_out_secrets_where_they_may_not_be_seen) {
    const auto server = serve();
    attune::Store store;
    store.add(attune::http(server->url() + "/v1/config", quick()));
    EXPECT_EQ(to_text(store.snapshot().document()),
              R"({"list":[1,2],"server":{"host":"h","port":1}})");
}

TEST_F(HttpPair, write_below_the_place_that_is_followed) {
    const auto server = serve();
    attune::Store store;
    attune::Layer layer = store.add(attune::http(server->url() + "/v1/config/server", quick()));
    const auto followed = store.bind<Narrow>();
    layer.set("port", 5);
    EXPECT_EQ(followed.get().port, 5);
    EXPECT_EQ(truth.get().port, 5);
    EXPECT_EQ(truth.get().password.reveal(), "hunter2");  // which the writer has never seen
    layer.set({{"port", 6}});
    EXPECT_EQ(followed.get().host, "");
    EXPECT_EQ(truth.get().port, 6);
    EXPECT_EQ(truth.get().password.reveal(), "hunter2");
}

TEST_F(HttpPair, tell_the_writer_what_the_server_refuses_at_paths_of_its_own) {
    const auto server = serve();
    attune::Store store;
    attune::Layer layer = store.add(attune::http(server->url() + "/v1/config/server", quick()));
    try {
        layer.set("port", 0);
        ADD_FAILURE() << "written";
    } catch (const attune::Rejected& rejected) {
        ASSERT_EQ(rejected.problems().size(), 1U);
        EXPECT_EQ(rejected.problems()[0].path, "port");
        EXPECT_THAT(rejected.problems()[0].expected, HasSubstr("[1, 65535]"));
    }
    EXPECT_EQ(truth.get().port, 1);
}

TEST_F(HttpPair, tell_the_publisher_who_refuses_what) {
    const auto server = serve();
    attune::Store store;
    attune::HttpOptions options = quick();
    options.client_name = "host/program[7]";
    store.add(attune::http(server->url() + "/v1/config/server", options));
    const auto followed = store.bind<Narrow>();
    EXPECT_EQ(reported(*server, "applied").name, "host/program[7]");
    published.set("server.port", 101);
    const attune::ClientReport refused = reported(*server, "refused");
    ASSERT_EQ(refused.problems.size(), 1U);
    EXPECT_EQ(refused.problems[0].path, "server.port");
    EXPECT_EQ(followed.get().port, 1);
    published.set("server.port", 2);
    reported(*server, "applied");
    EXPECT_EQ(followed.get().port, 2);
}

TEST_F(HttpPair, survive_restarts_without_an_event_or_a_step_back) {
    auto server = serve();
    const std::uint16_t port = server->port();
    attune::Store store;
    attune::Layer layer = store.add(attune::http(server->url() + "/v1/config/server", quick()));
    const auto followed = store.bind<Narrow>();
    std::atomic<int> events{0};
    std::atomic<bool> back{false};
    const auto subscription =
        followed.on_change(attune::inline_executor, [&](const attune::Change<Narrow>& change) {
            ++events;
            back = back || change.after->port < change.before->port;
        });
    for (int i = 2; i != 12; ++i) {
        server.reset();
        server = serve({.port = port});
        published.set("server.port", i);
        ASSERT_TRUE(followed.wait_until([&](const Narrow& v) { return v.port == i; }, 60s));
    }
    EXPECT_TRUE(store.settle(60s));
    EXPECT_EQ(events, 10);
    EXPECT_FALSE(back);
}

TEST_F(HttpPair, change_and_write_through_a_cache_which_stands_in_for_a_server_that_is_away) {
    const acceptance::Folder folder;
    const std::filesystem::path file = folder / "server.json";
    auto server = serve();
    const std::uint16_t port = server->port();
    const std::string url = server->url() + "/v1/config";
    {
        attune::Store store;
        attune::Layer layer = store.add(attune::cached(attune::http(url, quick()), file));
        const auto followed = store.bind<Server>("server");
        published.set("server.port", 2);
        EXPECT_TRUE(followed.wait_until([](const Server& s) { return s.port == 2; }, 60s));
        const attune::Commit commit = layer.set("server.port", 3);
        EXPECT_EQ(commit.version, store.version());
        EXPECT_EQ(truth.get(&Server::port), 3);
    }
    server.reset();

    attune::Store store;
    attune::Layer layer = store.add(attune::cached(attune::http(url, quick()), file));
    const auto followed = store.bind<Server>("server");
    EXPECT_EQ(layer.status().state, attune::State::stale);
    EXPECT_EQ(followed.get(&Server::port), 3);
    published.set("server.port", 4);
    server = serve({.port = port});
    EXPECT_TRUE(followed.wait_until([](const Server& s) { return s.port == 4; }, 60s));
    EXPECT_EQ(layer.status().state, attune::State::ready);
}

TEST_F(HttpPair, need_a_token_where_the_server_wants_one) {
    const auto server = serve({.token = "key-of-mine"});
    const std::string url = server->url() + "/v1/config/server";
    attune::Store store;
    const auto error = [&](attune::HttpOptions options) {
        try {
            store.add(attune::http(url, std::move(options)));
            return std::string("added");
        } catch (const attune::Rejected& rejected) {
            return std::string(rejected.what());
        }
    };
    EXPECT_THAT(error({}), HasSubstr("answered 401 Unauthorized"));
    EXPECT_THAT(error({}), HasSubstr("; give HttpOptions::token"));
    EXPECT_THAT(error({.token = "other-key"}), HasSubstr("is not one that the server accepts"));
    EXPECT_EQ(error({.token = "key-of-mine"}), "added");
    EXPECT_EQ(store.bind<Server>().get().password.reveal(), "hunter2");
}

TEST_F(HttpPair, know_each_other_by_certificates) {
    const auto authority = attune_test::Identity::authority("an authority of this test");
    const acceptance::Folder folder;
    authority.write(folder / "authority.pem", folder / "authority.key");
    authority.signs("server").write(folder / "server.pem", folder / "server.key");
    authority.signs("client").write(folder / "client.pem", folder / "client.key");
    const auto server =
        serve({.token = "a token",
               .tls = attune::TlsServerOptions{.certificate = folder / "server.pem",
                                               .private_key = folder / "server.key",
                                               .client_authorities = folder / "authority.pem"}});
    const std::string url = server->url() + "/v1/config";
    ASSERT_TRUE(url.starts_with("https://127.0.0.1:"));

    attune::HttpOptions options = quick();
    options.token = "a token";
    const auto why_not = [&]() -> std::string {
        attune::Store store;
        try {
            store.add(attune::http(url, options));
        } catch (const attune::Rejected& rejected) {
            return rejected.what();
        }
        return "accepted";
    };
    EXPECT_THAT(why_not(), HasSubstr("not trusted"));
    options.tls.authorities = folder / "authority.pem";
    EXPECT_THAT(why_not(), testing::Not(HasSubstr("accepted")));  // who is asking?
    options.tls.certificate = folder / "client.pem";
    options.tls.private_key = folder / "client.key";

    attune::Store store;
    attune::Layer layer = store.add(attune::http(url, options));
    const auto followed = store.bind<Server>("server");
    EXPECT_EQ(followed.get().password.reveal(), "hunter2");
    published.set("server.port", 2);
    EXPECT_TRUE(followed.wait_until([](const Server& s) { return s.port == 2; }, 60s));
    layer.set("server.port", 3);
    EXPECT_EQ(truth.get(&Server::port), 3);
}

TEST_F(HttpPair, read_several_places_as_one_document) {
    const auto server = serve();
    attune::Store store;
    store.add(attune::http(server->url() + "/v1/config?path=/server/port&path=/list", quick()));
    EXPECT_EQ(to_text(store.snapshot().document()), R"({"/list":[1,2],"/server/port":1})");
    const auto port = store.bind<int>(attune::Path{} / "/server/port");
    published.set("server.port", 9);
    EXPECT_TRUE(port.wait_until([](int now) { return now == 9; }, 60s));
}

TEST_F(HttpPair, pass_on_what_another_one_passes_on) {
    const auto first = serve();
    attune::Store middle;
    attune::Layer layer = middle.add(attune::http(first->url() + "/v1/config/server", quick()));
    const attune::ConfigServer second{middle, {}};
    attune::Store store;
    store.add(attune::http(second.url() + "/v1/config", quick()));
    const auto followed = store.bind<Narrow>();
    for (int i = 2; i != 20; ++i) {
        published.set("server.port", i);
        ASSERT_TRUE(followed.wait_until([&](const Narrow& v) { return v.port == i; }, 60s));
    }
}

}  // namespace
