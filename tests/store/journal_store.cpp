#include <attune/store/journal.hpp>

#include <attune/bind/schema.hpp>
#include <attune/document/text.hpp>
#include <attune/store/derive.hpp>
#include <attune/store/store.hpp>
#include <attune/transport/memory.hpp>

#include "fake_transport.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <sys/resource.h>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

// A store on a journal: what is there after a restart, and what happens when the disk fails.

namespace journal_store_sample {

struct Server {
    int port = 80;
};
inline void describe(attune::Schema<Server>& s) { s.field(&Server::port).between(1, 100); }

}  // namespace journal_store_sample

namespace {

using attune::Document;
using attune::JournalError;
using attune::Store;
using attune::StoreOptions;
using attune::Version;
using journal_store_sample::Server;
using testing::HasSubstr;

Document now(const Store& store) { return store.snapshot().document(); }

class Journaled : public testing::Test {
protected:
    Journaled() {
        std::string name = (std::filesystem::temp_directory_path() / "attune-XXXXXX").string();
        directory_ = ::mkdtemp(name.data());
        open();
    }
    ~Journaled() override {
        store_.reset();
        std::filesystem::remove_all(directory_);
    }
    void open(std::size_t history = 64) {
        store_.reset();
        store_.emplace(StoreOptions{
            .history = history, .journal = directory_ / "journal", .sync = false});
    }
    Store& store() { return *store_; }

    std::filesystem::path directory_;
    std::optional<Store> store_;
};

TEST_F(Journaled, a_store_goes_on_where_it_ended) {
    store().set("server.port", 1);
    store().transact([](attune::Edit& edit) { edit.set("log", "debug"); },
                     {.expect = {}, .reason = "deploy 42"});
    const auto before = store().history();
    open();
    EXPECT_EQ(store().version(), 2u);
    EXPECT_EQ(now(store()), (Document{{"server", {{"port", 1}}}, {"log", "debug"}}));
    const auto after = store().history();
    ASSERT_EQ(after.size(), 2u);
    EXPECT_EQ(after[1].reason, "deploy 42");
    EXPECT_EQ(after[1].layer, "overrides");
    EXPECT_EQ(after[1].time, before[2].time);
    EXPECT_EQ(after[1].content_hash(), before[2].content_hash());
    EXPECT_EQ(after[1].changed, before[2].changed);
    store().set("log", "info");
    EXPECT_EQ(store().version(), 3u);
    EXPECT_EQ(to_text(store().diff(1, 3)), R"([{"op":"add","path":"/log","value":"info"}])");
}

TEST_F(Journaled, layers_that_bring_the_same_again_make_no_version) {
    const auto start = [&] {
        store().add(attune::memory({{"server", {{"port", 1}}}, {"a", 1}}, {.name = "low"}));
        store().add(attune::memory({{"server", {{"port", 2}}}}, {.name = "high"}));
        return store().bind<Server>("server");
    };
    (void)start();
    store().set("a", 5);
    const Version last = store().version();
    const Document document = now(store());
    open();
    EXPECT_EQ(store().status().state, attune::State::starting);
    EXPECT_FALSE(store().status().ready());
    EXPECT_EQ(now(store()), document) << "the last version stands in";
    const auto server = start();
    EXPECT_EQ(store().status().state, attune::State::ready);
    EXPECT_EQ(store().version(), last);
    EXPECT_EQ(now(store()), document);
    EXPECT_EQ(server.get(&Server::port), 2);
    EXPECT_EQ(store().explain("server.port").candidates.front().origin.layer, "high");
}

TEST_F(Journaled, what_the_layers_lost_meanwhile_goes_when_the_program_is_there_again) {
    store().add(attune::memory({{"server", {{"port", 1}}}, {"gone", 1}}, {.name = "m"}));
    (void)store().bind<Server>("server");
    open();
    store().add(attune::memory({{"server", {{"port", 3}}}}, {.name = "m"}));
    EXPECT_EQ(now(store()), (Document{{"server", {{"port", 1}}}, {"gone", 1}}));
    EXPECT_EQ(store().explain("gone").candidates.front().origin.source, "journal, version 1");
    (void)store().bind<Server>("server");
    EXPECT_EQ(now(store()), (Document{{"server", {{"port", 3}}}}));
    EXPECT_EQ(store().version(), 2u);
}

TEST_F(Journaled, the_first_write_after_a_restart_shows_what_the_layers_have_by_now) {
    store().add(attune::memory({{"x", 1}, {"y", 1}}, {.name = "m"}));
    open();
    store().add(attune::memory({{"x", 2}, {"y", 1}}, {.name = "m"}));
    const attune::Commit commit = store().set("y", 5);
    EXPECT_EQ(commit.changed, (std::vector<attune::Path>{"x", "y"}));
    EXPECT_EQ(now(store()), (Document{{"x", 2}, {"y", 5}}));
    open();
    EXPECT_EQ(now(store()), (Document{{"x", 2}, {"y", 5}}));
    EXPECT_EQ(store().snapshot(1).document(), (Document{{"x", 1}, {"y", 1}}));
}

TEST_F(Journaled, runs_that_change_nothing_write_nothing_and_hold_nothing) {
    const auto bytes = [&] {
        std::uintmax_t sum = 0;
        for (const auto& entry : std::filesystem::directory_iterator(directory_ / "journal")) {
            sum += entry.file_size();
        }
        return sum;
    };
    store().add(attune::memory({{"x", 1}}, {.name = "m"}));
    store_.reset();
    const std::uintmax_t before = bytes();
    for (int run = 0; run != 3; ++run) {
        open();
        store().add(attune::memory({{"x", 1}}, {.name = "m"}));
        store_.reset();
        EXPECT_EQ(bytes(), before);
    }
    open();
    store().add(attune::memory({{"x", 2}}, {.name = "m"}));
    (void)store().bind<int>("x");
    EXPECT_EQ(now(store()), (Document{{"x", 2}}));
    EXPECT_EQ(store().status().layers.size(), 1u) << "no rollback that nobody asked for";
}

TEST_F(Journaled, a_program_that_only_adds_layers_has_them_too) {
    store().add(attune::memory({{"x", 1}}, {.name = "m"}));
    open();
    store().add(attune::memory({{"x", 2}}, {.name = "m"}));
    EXPECT_TRUE(store().wait_for(2, std::chrono::seconds{60}));
    EXPECT_EQ(now(store()), (Document{{"x", 2}}));
    EXPECT_EQ(store().snapshot().reason(), "restart");
}

TEST_F(Journaled, versions_of_an_earlier_run_are_read_with_their_types) {
    store().set("server.port", 1);
    store().set("server.port", 2);
    open();
    const auto server = store().bind<Server>("server");
    const auto twice = server.map([](const Server& value) { return 2 * value.port; });
    EXPECT_EQ(store().snapshot(1)[server].port, 1);
    EXPECT_EQ(store().snapshot(1)[twice], 2);
    EXPECT_EQ(twice.get(), 4);
    store().rollback(1);
    EXPECT_EQ(twice.get(), 2);
}

TEST_F(Journaled, kept_versions_are_kept_and_forgotten_ones_are_not) {
    for (int i = 1; i <= 10; ++i) {
        store().set("x", i);
    }
    store().keep(2, "before migration");
    store().keep(3);
    store().forget(3);
    open(2);
    const auto history = store().history();
    ASSERT_EQ(history.size(), 3u);
    EXPECT_EQ(history[0].version, 2u);
    EXPECT_TRUE(history[0].kept);
    EXPECT_EQ(history[0].note, "before migration");
    EXPECT_EQ(history[1].version, 9u);
    store().rollback(2);
    EXPECT_EQ(now(store()), (Document{{"x", 2}}));
}

TEST_F(Journaled, a_rollback_goes_on_until_it_is_released) {
    const auto add = [&](int port) {
        store().add(attune::memory({{"server", {{"port", port}}}}, {.name = "m"}));
        (void)store().bind<Server>("server");
    };
    add(1);
    store().set("x", 1);             // 2
    store().set("server.port", 50);  // 3
    store().rollback(2);             // 4
    store().set("x", 2);             // 5
    open();
    add(7);
    EXPECT_EQ(now(store()), (Document{{"server", {{"port", 1}}}, {"x", 2}}));
    EXPECT_EQ(store().version(), 5u);
    EXPECT_EQ(store().explain("server.port").candidates.front().origin.source,
              "rollback to version 2");
    store().release_rollback();
    EXPECT_EQ(now(store()), (Document{{"server", {{"port", 7}}}, {"x", 2}}));
}

TEST_F(Journaled, what_was_set_without_effect_is_there_after_a_restart_too) {
    store().add(attune::memory({{"x", 1}}, {.name = "m"}));
    EXPECT_EQ(store().set("x", 1).version, 1u) << "shows nothing";
    open();
    store().add(attune::memory({{"x", 2}}, {.name = "m"}));
    EXPECT_EQ(now(store()), (Document{{"x", 1}})) << "but is in force";
}

TEST_F(Journaled, a_list_in_place_of_everything_comes_back) {
    store().set("", {1, 2});
    open();
    EXPECT_EQ(now(store()), (Document{1, 2}));
    store().set("", {{"x", 1}});
    EXPECT_EQ(now(store()), (Document{{"x", 1}}));
}

TEST_F(Journaled, a_scope_that_was_never_ended_is_over_after_a_restart) {
    store().set("x", 1);
    {
        auto scope = std::make_optional(store().override_scope({{"x", 2}}));
        EXPECT_EQ(store().version(), 2u);
        store_.reset();
    }
    open();
    EXPECT_EQ(now(store()), (Document{{"x", 1}}));
    EXPECT_EQ(store().version(), 3u);
}

TEST_F(Journaled, only_one_store_has_a_journal) {
    EXPECT_THROW(Store{StoreOptions{.journal = directory_ / "journal"}}, JournalError);
    const attune::Config<int> x = store().bind<int>("x");
    store_.reset();
    open();
    EXPECT_EQ(x.get(), 0) << "a handle that outlives its store holds no journal";
}

TEST_F(Journaled, damage_is_refused_with_the_way_out) {
    store().set("x", 1);
    store_.reset();
    for (const auto& entry : std::filesystem::directory_iterator(directory_ / "journal")) {
        if (entry.file_size() != 0) {
            std::filesystem::resize_file(entry.path(), 20);
        }
    }
    try {
        open();
        FAIL() << "half a journal";
    } catch (const JournalError& error) {
        EXPECT_THAT(error.what(), HasSubstr("recover"));
    }
}

/// Files may not grow beyond what they are now, as on a full disk.
class FullDisk {
public:
    explicit FullDisk(rlim_t bytes) {
        ::getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit limit{bytes, before_.rlim_max};
        handler_ = std::signal(SIGXFSZ, SIG_IGN);
        ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    ~FullDisk() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, handler_);
    }

private:
    rlimit before_{};
    void (*handler_)(int) = nullptr;
};

TEST_F(Journaled, a_full_disk_is_an_error_to_the_writer_and_nothing_is_lost) {
    const auto x = store().bind<int>("x");
    store().set("x", 1);
    {
        const FullDisk full{0};
        EXPECT_THROW(store().set("x", 2), JournalError);
        EXPECT_THROW(store().rollback(0), JournalError);
        EXPECT_EQ(x.get(), 1);
        EXPECT_EQ(store().version(), 1u);
        EXPECT_EQ(store().snapshot(1)[x], 1);
    }
    EXPECT_EQ(store().set("x", 3).version, 2u) << "there is room again";
    open();
    EXPECT_EQ(now(store()), (Document{{"x", 3}}));
    EXPECT_EQ(store().version(), 2u);
}

TEST_F(Journaled, what_a_layer_brings_on_a_full_disk_is_tried_again) {
    const FakeTransport remote({{"x", 1}}, true);
    const attune::Layer layer = store().add(remote.make());
    const auto x = store().bind<int>("x");
    int refusals = 0;
    const auto bad = store().on_rejected(attune::inline_executor, [&](const attune::Rejection& r) {
        ++refusals;
        EXPECT_THAT(to_string(r), HasSubstr("journal"));
    });
    {
        const FullDisk full{0};
        remote.bring({{"x", 2}});
        EXPECT_EQ(x.get(), 1);
        EXPECT_EQ(layer.status().state, attune::State::stale);
        EXPECT_EQ(layer.status().last_error.kind, attune::Failure::not_kept);
        EXPECT_EQ(refusals, 1);
    }
    EXPECT_TRUE(x.wait_until([](int value) { return value == 2; }, std::chrono::seconds{60}));
    EXPECT_EQ(layer.status().state, attune::State::ready);
    open();
    EXPECT_EQ(now(store()), (Document{{"x", 2}}));
}

RC_GTEST_PROP(JournaledLaw, a_restart_changes_nothing_but_the_layers, ()) {
    std::string name = (std::filesystem::temp_directory_path() / "attune-XXXXXX").string();
    const std::filesystem::path directory = ::mkdtemp(name.data());
    std::map<Version, Document> model;
    const std::vector<std::string> paths{"a", "b", "a.x", "a.y", "b.z.u", "b.z"};
    Document base = Document::object();
    for (int runs = *rc::gen::inRange(1, 5); runs != 0; --runs) {
        Store store{
            StoreOptions{.history = 1000, .journal = {directory, {.keep = 1000}}, .sync = false}};
        for (const auto& [version, document] : model) {
            RC_ASSERT(store.snapshot(version).document() == document);
        }
        const Version last = model.empty() ? 0 : model.rbegin()->first;
        RC_ASSERT(store.version() == last);
        attune::Layer layer = store.add(attune::memory(base, {.name = "m"}));
        RC_ASSERT((model.empty() ? store.version() <= 1 : store.version() == last));
        for (int steps = *rc::gen::inRange(0, 12); steps != 0; --steps) {
            const attune::Path path = *rc::gen::elementOf(paths);
            switch (*rc::gen::inRange(0, 7)) {
            case 0: store.erase(path); break;
            case 1: {
                const int value = *rc::gen::inRange(0, 3);
                layer.set(path, value);
                base = base.with(path, value);
                break;
            }
            case 2: {
                const auto history = store.history();
                store.rollback(history[*rc::gen::inRange<std::size_t>(0, history.size())].version);
                break;
            }
            case 3: store.release_rollback(); break;
            default: store.set(path, *rc::gen::inRange(0, 3)); break;
            }
        }
        for (const auto& info : store.history()) {
            if (info.version != 0) {
                model[info.version] = store.snapshot(info.version).document();
            }
        }
    }
    std::filesystem::remove_all(directory);
}

}  // namespace
