// Files on disk, through a store, to a struct and its observers.

#include "support.hpp"

namespace {

using acceptance::Folder;
using acceptance::Inbox;
using acceptance::patience;

struct Server {
    std::string host = "localhost";
    std::uint16_t port = 80;
};

/// A store that serves one file, and what its observers were told.
class Files : public testing::Test {
protected:
    void serve(attune::FileOptions options = {}) { serve(folder / "service.json", options); }
    void serve(const std::filesystem::path& path, attune::FileOptions options = {}) {
        layer = store.add(attune::file(path, options));
        server = store.bind<Server>("server");
        subscriptions.push_back(server.on_change([this](const attune::Change<Server>& change) {
            ports.put(change.after->port);
        }));
        subscriptions.push_back(store.on_rejected([this](const attune::Rejection& rejection) {
            refusals.put(to_string(rejection));
        }));
    }
    static std::string with_port(int port) {
        return R"({"server": {"port": )" + std::to_string(port) + "}}";
    }

    Folder folder;
    attune::Store store;
    std::optional<attune::Layer> layer;
    attune::Config<Server> server;
    Inbox<std::uint16_t> ports;
    Inbox<std::string> refusals;
    std::vector<attune::Subscription> subscriptions;
};

TEST_F(Files, saved_by_renaming_are_one_change) {
    folder.write("service.json", with_port(1));
    serve();
    const attune::Version before = store.version();
    folder.save("service.json", with_port(2));
    EXPECT_EQ(ports.take(), 2);
    EXPECT_EQ(store.version(), before + 1);
    EXPECT_EQ(server.get(&Server::port), 2);
}

TEST_F(Files, truncated_and_written_again_are_never_seen_half_done) {
    folder.write("service.json", with_port(1));
    serve();
    for (int port = 2; port <= 4; ++port) {
        folder.write("service.json", with_port(port));
        EXPECT_EQ(ports.take(), port);
    }
    EXPECT_EQ(refusals.size(), 0U);
}

TEST_F(Files, with_a_broken_save_keep_the_last_good_version_until_repaired) {
    folder.write("service.json", with_port(1));
    serve();
    const attune::Version before = store.version();
    folder.save("service.json", "{\"server\": {\"port\": 2}");
    const auto broken = refusals.take();
    ASSERT_TRUE(broken);
    EXPECT_THAT(*broken, testing::HasSubstr("service.json:1:"));
    EXPECT_EQ(store.version(), before);
    EXPECT_EQ(server.get(&Server::port), 1);
    EXPECT_EQ(store.status().state, attune::State::stale);
    EXPECT_EQ(layer->status().state, attune::State::stale);
    EXPECT_FALSE(layer->status().problems.empty());

    folder.save("service.json", with_port(80800));
    const auto too_much = refusals.take();
    ASSERT_TRUE(too_much);
    EXPECT_THAT(
        *too_much,
        testing::HasSubstr(
            "service.json:1:21: server.port: expected an integer in [0, 65535], found 80800"));
    EXPECT_EQ(store.version(), before);

    folder.save("service.json", with_port(3));
    EXPECT_EQ(ports.take(), 3);
    EXPECT_EQ(store.status().state, attune::State::ready);
    EXPECT_TRUE(layer->status().problems.empty());
    EXPECT_EQ(store.status().refusals, 2U);
}

TEST_F(Files, behind_a_swapped_link_are_one_change) {
    folder.write("..2024_a/service.json", with_port(1));
    folder.write("..2024_b/service.json", with_port(2));
    std::filesystem::create_directory_symlink("..2024_a", folder / "..data");
    std::filesystem::create_symlink("..data/service.json", folder / "service.json");
    serve();
    EXPECT_EQ(server.get(&Server::port), 1);
    std::filesystem::create_directory_symlink("..2024_b", folder / "..data_new");
    std::filesystem::rename(folder / "..data_new", folder / "..data");
    EXPECT_EQ(ports.take(), 2);
}

TEST_F(Files, deleted_keep_their_last_value_and_come_back) {
    folder.write("service.json", with_port(1));
    serve();
    std::filesystem::remove(folder / "service.json");
    EXPECT_TRUE(refusals.take());
    EXPECT_EQ(server.get(&Server::port), 1);
    folder.save("service.json", with_port(2));
    EXPECT_EQ(ports.take(), 2);
    EXPECT_EQ(store.status().state, attune::State::ready);
}

TEST_F(Files, that_are_optional_come_and_go) {
    serve(folder / "later/service.json", {.optional = true});
    EXPECT_EQ(server.get(&Server::port), 80);
    std::filesystem::create_directory(folder / "later");
    folder.save("later/service.json", with_port(2));
    EXPECT_EQ(ports.take(), 2);
    std::filesystem::remove(folder / "later/service.json");
    EXPECT_EQ(ports.take(), 80);
    EXPECT_EQ(refusals.size(), 0U);
}

TEST_F(Files, saved_with_equal_content_make_no_version) {
    folder.write("service.json", with_port(1));
    serve();
    const attune::Version before = store.version();
    folder.save("service.json", with_port(1));
    folder.save("service.json", R"({ "server" : { "port" : 1 } })");
    folder.save("service.json", with_port(2));
    EXPECT_EQ(ports.take(), 2);
    EXPECT_EQ(store.version(), before + 1);
}

TEST_F(Files, are_polled_where_that_is_asked_for) {
    folder.write("service.json", with_port(1));
    serve({.poll = std::chrono::milliseconds{20}});
    folder.write("service.json", with_port(2));
    EXPECT_EQ(ports.take(), 2);
}

TEST_F(Files, may_have_comments_a_byte_order_mark_and_crlf) {
    folder.write(
        "service.jsonc",
        "\xEF\xBB\xBF{\r\n  // the port\r\n  \"server\": {\"port\": 7} /* end */\r\n}\r\n");
    serve(folder / "service.jsonc");
    EXPECT_EQ(server.get(&Server::port), 7);
}

TEST_F(Files, in_a_directory_are_one_value_each) {
    folder.write("conf/server.port", "7\n");
    folder.write("conf/server/host", "a.example");
    store.add(attune::directory(folder / "conf"));
    server = store.bind<Server>("server");
    const auto told = server.on_change([this](const attune::Change<Server>& change) {
        ports.put(change.after->port);
    });
    EXPECT_EQ(server.get(&Server::port), 7);
    EXPECT_EQ(server.get(&Server::host), "a.example");
    folder.save("conf/server.port", "8\n");
    EXPECT_EQ(ports.take(), 8);
}

TEST_F(Files, of_100000_keys_with_one_changed_share_all_the_rest) {
    attune::Document document = attune::Document::object();
    for (int i = 0; i < 100'000; ++i) {
        document = document.with(attune::Path{std::to_string(i)} / "value", i);
    }
    folder.write("large.json", to_text(document));
    attune::Layer large = store.add(attune::file(folder / "large.json", {.watch = false}));
    const attune::Snapshot before = store.snapshot();

    folder.write("large.json", to_text(document, {.indent = 1}));
    EXPECT_TRUE(large.reload().changed.empty());
    EXPECT_EQ(store.version(), before.version());

    folder.write("large.json", to_text(document.with("77.value", "x")));
    EXPECT_EQ(large.reload().changed, (std::vector<attune::Path>{"77.value"}));
    const attune::Snapshot after = store.snapshot();
    std::size_t shared = 0;
    for (const auto& [key, value] : before.document().members()) {
        shared += after.document().find(key)->same(value) ? 1U : 0U;
    }
    EXPECT_EQ(shared, 99'999U);
}

TEST_F(Files, changed_while_the_store_goes_away_hang_nobody) {
    folder.write("service.json", with_port(1));
    for (int round = 0; round < 20; ++round) {
        attune::Store brief;
        brief.add(attune::file(folder / "service.json", {.quiet = std::chrono::milliseconds{1}}));
        const auto port = brief.bind<std::uint16_t>("server.port");
        const auto told = port.on_change([](const attune::Change<std::uint16_t>&) {});
        folder.save("service.json", with_port(round + 2));
    }
    SUCCEED();
}

}  // namespace
