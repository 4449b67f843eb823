#include <attune/bind/schema.hpp>
#include <attune/bind/secret.hpp>
#include <attune/document/text.hpp>
#include <attune/store/store.hpp>
#include <attune/transport/memory.hpp>

#include "fake_transport.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace rollback_sample {

struct Server {
    int port = 80;
    std::string host = "localhost";
};
inline void describe(attune::Schema<Server>& s) { s.field(&Server::port).between(1, 100); }

}  // namespace rollback_sample

namespace {

using attune::Document;
using attune::Store;
using attune::Version;
using rollback_sample::Server;

Document now(const Store& store) { return store.snapshot().document(); }

TEST(Rollback, brings_a_version_back_as_a_new_one) {
    Store store;
    const auto base = store.add(attune::memory({{"server", {{"port", 1}}}}));
    const auto server = store.bind<Server>("server");
    const Version good = store.version();
    store.set("server.port", 2);
    store.set("log", "debug");
    const attune::Commit commit = store.rollback(good);
    EXPECT_EQ(commit.version, 4u);
    EXPECT_EQ(store.version(), 4u);
    EXPECT_EQ(now(store), store.snapshot(good).document());
    EXPECT_EQ(server.get(&Server::port), 1);
    EXPECT_EQ(store.snapshot().reason(), "rollback to version 1");
    EXPECT_EQ(store.snapshot().layer(), "rollback");
    EXPECT_EQ(commit.changed, (std::vector<attune::Path>{"log", "server.port"}));
}

TEST(Rollback, holds_while_the_layers_move_and_is_seen_in_explain_and_status) {
    Store store;
    const FakeTransport remote({{"server", {{"port", 1}}}}, true);
    store.add(remote.make("remote"));
    const auto server = store.bind<Server>("server");
    remote.bring({{"server", {{"port", 2}, {"host", "h"}}}});
    store.rollback(1);
    EXPECT_EQ(server.get(&Server::port), 1);

    remote.bring({{"server", {{"port", 3}, {"host", "i"}}}, {"other", 1}});
    EXPECT_EQ(server.get(&Server::port), 1);
    EXPECT_EQ(now(store), store.snapshot(1).document()) << "what was not there stays away too";
    const attune::Explanation why = store.explain("server.port");
    ASSERT_EQ(why.candidates.size(), 2u);
    EXPECT_EQ(why.candidates[0].fate, attune::Candidate::Fate::wins);
    EXPECT_EQ(why.candidates[0].origin.layer, "rollback");
    EXPECT_EQ(why.candidates[0].origin.revision, "1");
    EXPECT_EQ(why.candidates[1].origin.layer, "remote");
    EXPECT_EQ(why.candidates[1].value, Document(3));
    ASSERT_EQ(store.status().layers.size(), 2u);
    EXPECT_EQ(store.status().layers[1].name, "rollback");
    EXPECT_EQ(store.status().layers[1].revision, "1");

    store.release_rollback();
    EXPECT_EQ(server.get(&Server::port), 3);
    EXPECT_EQ(store.status().layers.size(), 1u);
    EXPECT_EQ(store.snapshot().reason(), "release rollback");
    const Version last = store.version();
    EXPECT_EQ(store.release_rollback().version, last) << "there is none any more";
}

TEST(Rollback, of_a_subtree_leaves_the_rest_to_the_layers) {
    Store store;
    const FakeTransport remote(Document{{"server", {{"port", 1}}}, {"log", "info"}});
    store.add(remote.make());
    remote.bring({{"server", {{"port", 2}, {"host", "h"}}}, {"log", "debug"}});
    store.rollback(1, "server");
    EXPECT_EQ(now(store), (Document{{"server", {{"port", 1}}}, {"log", "debug"}}));
    EXPECT_EQ(store.snapshot().reason(), "rollback server to version 1");
    remote.bring({{"server", {{"port", 3}}}, {"log", "error"}});
    EXPECT_EQ(now(store), (Document{{"server", {{"port", 1}}}, {"log", "error"}}));
}

TEST(Rollback, of_what_was_not_there_takes_it_away) {
    Store store;
    const FakeTransport remote(Document{{"log", "info"}});
    store.add(remote.make());
    remote.bring({{"server", {{"port", 2}}}, {"log", "info"}});
    store.rollback(1, "server");
    EXPECT_EQ(now(store), (Document{{"log", "info"}}));
    remote.bring({{"server", {{"port", 3}}}, {"log", "info"}, {"x", 1}});
    EXPECT_EQ(now(store), (Document{{"log", "info"}, {"x", 1}}));
    store.release_rollback();
    EXPECT_EQ(now(store).at("server.port"), Document(3));
}

TEST(Rollback, takes_names_as_they_are) {
    for (const char* const name : {"", "a.b", "/x", "/~"}) {
        const attune::Path path = attune::Path{"outer"} / name / "inner";
        Store store;
        const auto base = store.add(attune::memory(Document::object().with(path, 1)));
        const Version good = store.version();
        store.set(path, 2);
        store.rollback(good, path);
        EXPECT_EQ(now(store).at(path), Document(1)) << name;
        EXPECT_EQ(store.explain(path).candidates.at(0).value, Document(1)) << name;
        store.release_rollback();
        EXPECT_EQ(now(store), Document::object().with(path, 1)) << name;
    }
}

TEST(Rollback, of_nothing_to_nothing_is_no_version) {
    Store store;
    EXPECT_EQ(store.rollback(0, "a.b").version, 0u);
    EXPECT_EQ(now(store), Document::object());
}

TEST(Rollback, of_a_part_is_a_part_of_the_explanation_of_the_whole) {
    Store store;
    attune::Layer base = store.add(attune::memory({{"server", {{"port", 1}}}}));
    base.set("server", {{"port", 2}, {"host", "h"}});
    store.rollback(1, "server.port");
    const attune::Explanation why = store.explain("server");
    EXPECT_EQ(why.value, (Document{{"port", 1}, {"host", "h"}}));
    ASSERT_EQ(why.candidates.size(), 2u);
    EXPECT_EQ(why.candidates[0].origin.layer, "rollback");
    EXPECT_EQ(why.candidates[1].fate, attune::Candidate::Fate::merged);
}

TEST(Rollback, several_hold_at_once_and_the_later_has_the_word) {
    Store store;
    store.set("a", 1);       // 1
    store.set("b", 1);       // 2
    store.set("a", 2);       // 3
    store.set("b", 2);       // 4
    store.rollback(2, "a");  // 5
    EXPECT_EQ(now(store), (Document{{"a", 1}, {"b", 2}}));
    store.rollback(2, "b");
    EXPECT_EQ(now(store), (Document{{"a", 1}, {"b", 1}}));
    store.rollback(4);
    EXPECT_EQ(now(store), (Document{{"a", 2}, {"b", 2}}));
    store.rollback(3, "b");
    EXPECT_EQ(now(store), (Document{{"a", 2}, {"b", 1}}));
}

TEST(Rollback, what_is_set_afterwards_is_above_it) {
    Store store;
    store.add(attune::memory({{"x", 1}}));
    store.set("x", 2);
    store.set("y", 1);
    store.rollback(1);
    store.set("x", 5);
    EXPECT_EQ(now(store), (Document{{"x", 5}}));
    store.erase("x");
    EXPECT_EQ(now(store), (Document{{"x", 1}}));
}

TEST(Rollback, released_it_leaves_what_the_program_had_set_by_that_version) {
    Store store;
    attune::Layer base = store.add(attune::memory({{"x", 1}, {"y", 1}}));  // 1
    store.set("x", 2);                                                     // 2
    store.set("y", 2);                                                     // 3
    store.rollback(2);
    base.set({{"x", 7}, {"y", 7}, {"z", 7}});
    EXPECT_EQ(now(store), (Document{{"x", 2}, {"y", 1}}));
    store.set("w", 5);
    store.release_rollback();
    EXPECT_EQ(now(store), (Document{{"x", 2}, {"y", 7}, {"z", 7}, {"w", 5}}));
}

TEST(Rollback, to_a_version_that_was_itself_rolled_back_keeps_what_was_set_by_then) {
    Store store;
    attune::Layer base = store.add(attune::memory({{"x", 1}}));  // 1
    store.set("y", 1);                                           // 2
    store.set("x", 9);                                           // 3
    store.rollback(2);                                           // 4
    store.set("y", 2);                                           // 5
    store.rollback(4);                                           // 6
    EXPECT_EQ(now(store), (Document{{"x", 1}, {"y", 1}}));
    store.release_rollback();
    EXPECT_EQ(now(store), (Document{{"x", 1}, {"y", 1}}));
}

TEST(Rollback, to_what_is_refused_today_changes_nothing) {
    Store store;
    store.set("server.port", 1000);
    store.set("server.port", 10);
    const auto server = store.bind<Server>("server");
    const Version before = store.version();
    EXPECT_THROW(store.rollback(1), attune::Rejected);
    EXPECT_EQ(store.version(), before);
    EXPECT_EQ(server.get(&Server::port), 10);
    EXPECT_EQ(store.status().layers.size(), 1u) << "no trace of a layer";
    EXPECT_EQ(store.status().refusals, 1u);
}

TEST(Rollback, is_not_released_while_the_layers_are_refused) {
    Store store;
    const FakeTransport remote(Document{{"server", {{"port", 1}}}});
    store.add(remote.make());
    remote.bring({{"server", {{"port", 1000}}}});
    store.rollback(1);
    const auto server = store.bind<Server>("server");
    EXPECT_THROW(store.release_rollback(), attune::Rejected);
    EXPECT_EQ(server.get(&Server::port), 1);
    remote.bring({{"server", {{"port", 5}}}});
    store.release_rollback();
    EXPECT_EQ(server.get(&Server::port), 5);
}

TEST(Rollback, needs_a_retained_version_and_no_list_on_the_way) {
    Store store{{.history = 3}};
    store.set("list", {{{"x", 1}}, {{"x", 2}}});
    store.set("list", {{{"x", 3}}, {{"x", 4}}});
    EXPECT_THROW(store.rollback(7), std::out_of_range);
    EXPECT_THROW(store.rollback(1, "/list/0/x"), std::invalid_argument);
    store.rollback(1, "list");
    EXPECT_EQ(now(store), store.snapshot(1).document());
}

TEST(Rollback, accepts_the_unknown_keys_that_were_accepted_before) {
    Store store;
    const FakeTransport remote({{"server", {{"port", 1}, {"newer", true}}}}, true);
    store.add(remote.make());
    (void)store.bind<Server>("server");
    remote.bring({{"server", {{"port", 2}}}});
    store.rollback(1);
    EXPECT_EQ(now(store).at("server.port"), Document(1));
    EXPECT_EQ(store.status().warnings.size(), 1u);
}

TEST(Rollback, lies_below_a_scope) {
    Store store;
    store.set("x", 1);
    const auto x = store.bind<int>("x");
    const attune::OverrideScope scope = store.override_scope({{"x", 9}});
    store.rollback(1);
    EXPECT_EQ(x.get(), 9);
}

TEST(Rollback, a_version_seen_through_a_scope_comes_back_as_it_was) {
    Store store;
    store.set("x", 1);
    { const attune::OverrideScope scope = store.override_scope({{"x", 9}, {"y", 9}}); }
    store.rollback(2);
    EXPECT_EQ(now(store), (Document{{"x", 9}, {"y", 9}}));
}

RC_GTEST_PROP(RollbackLaw, versions_grow_and_the_content_is_that_of_the_version_or_subtree, ()) {
    Store store{{.history = 1000}};
    attune::Layer base = store.add(attune::memory(Document::object()));
    const std::vector<std::string> paths{"a", "b", "a.x", "a.y", "b.z.u", "b.z"};
    Version last = store.version();
    for (int steps = *rc::gen::inRange(1, 25); steps != 0; --steps) {
        const attune::Path path = *rc::gen::elementOf(paths);
        switch (*rc::gen::inRange(0, 7)) {
        case 0: store.erase(path); break;
        case 1: base.set(path, *rc::gen::inRange(0, 3)); break;
        case 2: {
            const Version to = *rc::gen::inRange<Version>(0, store.version() + 1);
            store.rollback(to);
            RC_ASSERT(now(store) == store.snapshot(to).document());
            break;
        }
        case 3: {
            const Version to = *rc::gen::inRange<Version>(0, store.version() + 1);
            const Document wanted = store.snapshot(to).document();
            store.rollback(to, path);
            const Document present = now(store);
            const Document* const value = present.find(path);
            const Document* const old = wanted.find(path);
            RC_ASSERT((value == nullptr) == (old == nullptr));
            RC_ASSERT((old == nullptr || *value == *old));
            break;
        }
        case 4: store.release_rollback(); break;
        default: store.set(path, *rc::gen::inRange(0, 3)); break;
        }
        RC_ASSERT(store.version() >= last);
        last = store.version();
        // Merged from nothing it is the same as merged step by step.
        for (const attune::Explanation& each : store.explain()) {
            RC_ASSERT(each.value == std::optional{now(store).at(each.path)});
            if (!(now(store) == Document::object())) {
                RC_LOG() << to_string(each) << '\n';
                RC_ASSERT(!each.candidates.empty());
                if (!each.value->is_object()) {
                    RC_ASSERT(to_text(each.candidates.front().value) == to_text(*each.value));
                }
            }
        }
    }
}

}  // namespace
