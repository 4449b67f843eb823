// The life of a service with versions: changed, compared, explained, rolled back, restarted.

#include "support.hpp"

#include <cstdlib>
#include <iterator>
#include <map>
#include <sstream>

namespace {

using namespace std::chrono_literals;
using acceptance::Folder;
using acceptance::rejection_of;
using acceptance::Variables;
using attune::Document;
using attune::Path;
using attune::Store;
using attune::StoreOptions;
using attune::Version;
using testing::HasSubstr;
using testing::Not;

struct Account {
    std::string user = "service";
    attune::Secret<std::string> password;
};

struct Server {
    std::string host = "0.0.0.0";
    std::uint16_t port = 8080;
    Account account;
    std::map<std::string, Account> others;
    std::string token;
};

void describe(attune::Schema<Server>& s) {
    s.doc("The HTTP listener");
    s.field(&Server::port).doc("TCP port").between(1, 65535);
    s.field(&Server::token).secret();
}

class Versions : public testing::Test {
protected:
    /// A run of the service.
    struct Run {
        Run(const Folder& folder, const Variables& variables)
            : store{StoreOptions{.journal = folder / "journal"}} {
            store.add(attune::file(folder / "service.json", {.quiet = 1ms}));
            store.add(attune::env("SERVICE_", variables.options()));
            server = store.bind<Server>("server");
            url = server.map([](const Server& s) { return s.host + ':' + std::to_string(s.port); });
        }
        Store store;
        attune::Config<Server> server;
        attune::Config<std::string> url;
    };

    Versions() {
        folder.write("service.json", R"({
  "server": {
    "host": "localhost",
    "port": 8000,
    "account": {"password": "hunter2-file"}
  }
})");
    }

    static std::string slurp(const std::filesystem::path& path) {
        std::ifstream in{path, std::ios::binary};
        return {std::istreambuf_iterator<char>{in}, {}};
    }

    Folder folder;
    Variables variables{"SERVICE_SERVER_HOST=::1"};
};

TEST_F(Versions, are_listed_compared_explained_and_rolled_back) {
    Run run{folder, variables};
    Store& store = run.store;
    const Version first = store.version();
    const attune::Commit commit =
        store.transact([](attune::Edit& edit) { edit.set("server.port", 9000); },
                       {.expect = first, .reason = "deploy 42"});
    const Version second = commit.version;

    const auto history = store.history();
    EXPECT_EQ(history.back().version, second);
    EXPECT_EQ(history.back().reason, "deploy 42");
    EXPECT_EQ(history.back().layer, "overrides");
    EXPECT_EQ(history.back().changed, std::vector<Path>{"server.port"});
    EXPECT_EQ(history.back().content_hash().size(), 64u);

    EXPECT_EQ(store.snapshot(first)[run.server].port, 8000);
    EXPECT_EQ(store.snapshot(first)[run.url], "::1:8000");
    EXPECT_EQ(to_text(store.diff(first, second)),
              R"([{"op":"replace","path":"/server/port","value":9000}])");
    EXPECT_EQ(to_text(store.merge_diff(first, second)), R"({"server":{"port":9000}})");
    EXPECT_EQ(store.render_diff(first, second), "server.port: 8000 -> 9000\n");

    EXPECT_EQ(to_string(store.explain("server.port")), "server.port = 9000 (set in version " +
                                                           std::to_string(second) +
                                                           ")\n"
                                                           "  * overrides: 9000\n"
                                                           "    " +
                                                           (folder / "service.json").string() +
                                                           ":4:13: 8000, shadowed\n"
                                                           "    default: 8080");
    EXPECT_EQ(store.explain(run.url).inputs.front().path, Path{"server"});

    store.keep(first, "before the deployment");
    const attune::Commit back = store.rollback(first);
    EXPECT_GT(back.version, second);
    EXPECT_EQ(run.url.get(), "::1:8000");
    EXPECT_EQ(store.snapshot().document(), store.snapshot(first).document());
}

TEST_F(Versions, a_rollback_holds_against_a_file_that_moves_until_it_is_released) {
    Run run{folder, variables};
    Store& store = run.store;
    const Version first = store.version();
    folder.save("service.json", R"({"server": {"port": 8001}})");
    ASSERT_TRUE(store.wait_for(first + 1, acceptance::patience));
    store.rollback(first, "server");
    const Version held = store.version();
    folder.save("service.json", R"({"server": {"port": 8002}, "beside": 1})");
    ASSERT_TRUE(store.wait_for(held + 1, acceptance::patience));
    EXPECT_EQ(run.server.get(&Server::port), 8000);
    EXPECT_EQ(store.explain("server.port").candidates.front().origin.layer, "rollback");
    EXPECT_THAT(to_string(store.status()), HasSubstr("rollback: ready"));
    store.release_rollback();
    EXPECT_EQ(run.server.get(&Server::port), 8002);
}

TEST_F(Versions, are_found_again_after_a_restart_and_go_on_growing) {
    Version last = 0;
    Document document;
    {
        Run run{folder, variables};
        run.store.set("server.port", 9001);
        run.store.keep(run.store.version(), "good");
        run.store.set("server.account.user", "other");
        last = run.store.version();
        document = run.store.snapshot().document();
    }
    Run run{folder, variables};
    EXPECT_EQ(run.store.version(), last) << "the layers brought what they had brought before";
    EXPECT_EQ(run.store.snapshot().document(), document);
    EXPECT_EQ(run.server.get(&Server::port), 9001);
    EXPECT_EQ(run.store.snapshot(last - 1)[run.server].account.user, "service");
    EXPECT_EQ(run.store.snapshot(1)[run.url], "localhost:8000")
        << "the variable found its place with the first binding";
    EXPECT_EQ(run.store.history().back().reason, "set server.account.user");
    EXPECT_GT(run.store.rollback(last - 1).version, last);
    EXPECT_TRUE(attune::journal::verify(folder / "journal"));
}

TEST_F(Versions, no_output_shows_a_secret) {
    const Variables secret{"SERVICE_SERVER_HOST=::1", "SERVICE_SERVER_TOKEN=hunter2-variable"};
    Run run{folder, secret};
    Store& store = run.store;
    std::string heard;
    const auto bad = store.on_rejected(attune::inline_executor,
                                       [&](const attune::Rejection& r) { heard += to_string(r); });
    store.set("server.account.password", "hunter2-set");
    store.set("server.others.eu", {{"user", "u"}, {"password", "hunter2-map"}});
    store.set("server.token", "hunter2-field");
    store.merge({{"server", {{"account", {{"password", "hunter2-merged"}}}}}});
    const std::string refusal = rejection_of([&] {
        store.set("server.account.password", {{"hunter2", 1}});
    });
    const Version last = store.version();

    std::ostringstream git;
    attune::journal::export_git(store.records(), git);
    attune::journal::export_folder(store.records(), folder / "versions");
    std::string exported;
    for (const auto& entry : std::filesystem::directory_iterator(folder / "versions")) {
        exported += slurp(entry.path());
    }
    std::string listed;
    for (const attune::VersionInfo& info : store.history()) {
        listed += info.reason + info.layer + info.note + info.content_hash();
        for (const Path& path : info.changed) {
            listed += to_string(path);
        }
    }
    std::string compared;
    for (Version version = 0; version != last; ++version) {
        for (const Version other : {version + 1, last}) {
            compared += to_text(store.diff(version, other)) + to_text(store.diff(other, version)) +
                        to_text(store.merge_diff(version, other)) +
                        store.render_diff(version, other);
        }
    }
    store.rollback(1);
    const std::string explained = to_string(store.explain()) + to_string(store.explain("")) +
                                  to_string(store.explain(run.server)) +
                                  to_string(store.explain(run.url)) +
                                  to_string(store.explain("server.account.password"));
    for (const std::string& text : {heard, refusal, git.str(), exported, listed, compared,
                                    explained, to_string(store.status()), to_text(store.schema()),
                                    store.reference(), store.usage(), store.graph_dot()}) {
        EXPECT_THAT(text, Not(HasSubstr("hunter2")));
    }
    EXPECT_THAT(exported, HasSubstr("***"));
    EXPECT_THAT(compared, HasSubstr("***"));
    EXPECT_EQ(run.server.get(&Server::account).password.reveal(), "hunter2-file");
}

TEST_F(Versions, exported_to_git_their_log_shows_what_changed) {
    if (std::system("git --version > /dev/null 2>&1") != 0) {
        GTEST_SKIP() << "git is not installed";
    }
    Run run{folder, variables};
    run.store.set("server.port", 9001);
    std::ofstream{folder / "stream"} << [&] {
        std::ostringstream out;
        attune::journal::export_git(run.store.records(), out);
        return out.str();
    }();
    const std::string root = (folder / "repository").string();
    const std::string git = "git -C " + root + ' ';
    ASSERT_EQ(std::system(("git init -q " + root + " && " + git + "fast-import --quiet < " +
                           (folder / "stream").string() + " && " + git + "log -p main > " +
                           (folder / "log").string())
                              .c_str()),
              0);
    const std::string log = slurp(folder / "log");
    EXPECT_THAT(log, HasSubstr("set server.port"));
    EXPECT_THAT(log, HasSubstr("-    \"port\": 8000"));
    EXPECT_THAT(log, HasSubstr("+    \"port\": 9001"));
}

}  // namespace
