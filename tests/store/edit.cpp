#include <attune/store/edit.hpp>

#include <attune/document/patch.hpp>
#include <attune/store/store.hpp>
#include <attune/transport/memory.hpp>

#include <gtest/gtest.h>

#include <stdexcept>
#include <thread>
#include <vector>

namespace {

using attune::Document;
using attune::Edit;
using attune::Store;
using attune::VersionConflict;

class Edits : public testing::Test {
protected:
    Store store;
    attune::Layer base =
        store.add(attune::memory({{"server", {{"host", "h"}, {"port", 1}}}, {"n", 0}}));
    attune::Config<int> port = store.bind<int>("server.port");
    attune::Config<int> n = store.bind<int>("n");
};

TEST_F(Edits, several_edits_are_one_version_with_one_reason) {
    const attune::Version before = store.version();
    const attune::Commit commit = store.transact(
        [](Edit& edit) {
            edit.set("server.port", 2);
            edit.set("n", 3);
            edit.erase("n");
        },
        {.expect = before, .reason = "deploy 42"});
    EXPECT_EQ(commit.version, before + 1);
    EXPECT_EQ(commit.changed, std::vector<attune::Path>{"server.port"});
    EXPECT_EQ(store.snapshot().reason(), "deploy 42");
    EXPECT_EQ(n.get(), 0);
}

TEST_F(Edits, an_edit_sees_those_before_it_and_the_layers) {
    store.transact([](Edit& edit) {
        EXPECT_EQ(edit.document().at("server.port"), Document(1));
        edit.set("server.port", 2);
        EXPECT_EQ(edit.document().at("server.port"), Document(2));
        edit.erase("server.port");
        EXPECT_EQ(edit.document().at("server.port"), Document(1));
    });
    EXPECT_EQ(port.get(), 1);
}

TEST_F(Edits, another_version_than_the_expected_one_is_a_conflict) {
    const attune::Version seen = store.version();
    store.set("n", 1);
    bool ran = false;
    try {
        store.transact([&](Edit&) { ran = true; }, {.expect = seen, .reason = "late"});
        FAIL() << "it was accepted";
    } catch (const VersionConflict& conflict) {
        EXPECT_EQ(conflict.expected(), seen);
        EXPECT_EQ(conflict.current(), store.version());
    }
    EXPECT_FALSE(ran);
}

TEST_F(Edits, what_the_function_throws_changes_nothing) {
    EXPECT_THROW(store.transact([](Edit& edit) {
        edit.set("n", 5);
        throw std::runtime_error{"changed my mind"};
    }),
                 std::runtime_error);
    EXPECT_EQ(n.get(), 0);
}

TEST_F(Edits, a_refused_transaction_changes_nothing) {
    EXPECT_THROW(store.transact([](Edit& edit) {
        edit.set("n", 5);
        edit.set("server.port", "no number");
    }),
                 attune::Rejected);
    EXPECT_EQ(n.get(), 0);
}

TEST_F(Edits, a_transaction_that_calls_its_store_is_an_error) {
    EXPECT_THROW(store.transact([&](Edit&) { store.set("n", 1); }), std::logic_error);
}

TEST_F(Edits, a_json_patch_applies_to_the_merged_document) {
    store.patch(attune::parse(R"([
        {"op": "test", "path": "/server/port", "value": 1},
        {"op": "replace", "path": "/server/port", "value": 9},
        {"op": "add", "path": "/list", "value": [1, 2]},
        {"op": "add", "path": "/list/-", "value": 3}])"));
    EXPECT_EQ(port.get(), 9);
    EXPECT_EQ(store.snapshot().document().at("list"), Document({1, 2, 3}));
    EXPECT_EQ(store.snapshot().document().at("server.host"), Document("h"));
}

TEST_F(Edits, a_json_patch_hides_what_it_removes_from_a_layer) {
    store.set("own", 1);
    store.patch(attune::parse(
        R"([{"op": "remove", "path": "/server/port"}, {"op": "remove", "path": "/own"}])"));
    EXPECT_EQ(port.get(), 0);
    EXPECT_EQ(store.snapshot().document().find("own"), nullptr);
    store.erase("server");
    EXPECT_EQ(port.get(), 1);
}

TEST_F(Edits, a_json_patch_that_fails_changes_nothing) {
    EXPECT_THROW(store.patch(attune::parse(
                     R"([{"op": "replace", "path": "/n", "value": 4},
                         {"op": "test", "path": "/server/port", "value": 2}])")),
                 attune::PatchError);
    EXPECT_EQ(n.get(), 0);
}

TEST_F(Edits, threads_that_read_and_write_in_a_transaction_lose_nothing) {
    std::vector<std::thread> threads;
    for (int t = 0; t != 4; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i != 250; ++i) {
                store.transact([](Edit& edit) {
                    edit.set("n", edit.document().at("n").as_int64() + 1);
                });
            }
        });
    }
    for (auto& thread : threads) {
        thread.join();
    }
    EXPECT_EQ(n.get(), 1000);
}

}  // namespace
