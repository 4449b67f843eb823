#include <attune/store/history.hpp>

#include <attune/bind/secret.hpp>
#include <attune/document/difference.hpp>
#include <attune/document/merge.hpp>
#include <attune/document/parse.hpp>
#include <attune/document/patch.hpp>
#include <attune/document/text.hpp>
#include <attune/store/derive.hpp>
#include <attune/store/store.hpp>
#include <attune/transport/memory.hpp>

#include "fake_transport.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <atomic>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace history_sample {

struct Database {
    std::string host = "localhost";
    attune::Secret<std::string> password;
};
struct Service {
    int port = 80;
    Database database;
    std::map<std::string, Database> replicas;
};

}  // namespace history_sample

namespace {

using attune::Document;
using attune::Path;
using attune::Secrets;
using attune::Store;
using attune::StoreOptions;
using attune::VersionInfo;
using history_sample::Service;
using testing::HasSubstr;
using testing::Not;

std::vector<attune::Version> versions_of(const Store& store) {
    std::vector<attune::Version> versions;
    for (const VersionInfo& info : store.history()) {
        versions.push_back(info.version);
    }
    return versions;
}

TEST(History, tells_of_each_version_who_made_it_when_and_what_changed) {
    auto now = std::chrono::system_clock::time_point{std::chrono::hours{1000}};
    Store store{{.clock = [&] { return now; }}};
    store.add(attune::memory({{"port", 1}}, {.name = "defaults"}));
    now += std::chrono::hours{1};
    store.transact(
        [](attune::Edit& edit) {
            edit.set("port", 2);
            edit.set("host", "h");
        },
        {.expect = {}, .reason = "deploy 42"});
    const std::vector<VersionInfo> history = store.history();
    ASSERT_EQ(history.size(), 3u);
    EXPECT_EQ(history[0].version, 0u);
    EXPECT_EQ(history[1].version, 1u);
    EXPECT_EQ(history[1].reason, "defaults");
    EXPECT_EQ(history[1].layer, "defaults");
    EXPECT_EQ(history[1].changed, std::vector<Path>{"port"});
    EXPECT_EQ(history[2].reason, "deploy 42");
    EXPECT_EQ(history[2].layer, "overrides");
    EXPECT_EQ(history[2].changed, (std::vector<Path>{"host", "port"}));
    EXPECT_EQ(history[2].time - history[1].time, std::chrono::hours{1});
    EXPECT_EQ(store.snapshot(1).layer(), "defaults");
}

TEST(History, hashes_are_equal_where_contents_are) {
    Store store;
    store.set("x", 1);
    store.set("x", 2);
    store.set("x", 1);
    const std::vector<VersionInfo> history = store.history();
    EXPECT_EQ(history[1].content_hash(), history[3].content_hash());
    EXPECT_NE(history[1].content_hash(), history[2].content_hash());
    // printf '{"x":1}' | sha256sum
    EXPECT_EQ(history[1].content_hash(),
              "5041bf1f713df204784353e82f6a4a535931cb64f1f4b4a5aeaffcb720918b22");
}

TEST(History, holds_the_newest_versions_and_those_that_are_kept) {
    Store store{{.history = 3}};
    const auto x = store.bind<int>("x");
    store.set("x", 1);
    store.keep(1, "before migration");
    for (int i = 2; i <= 6; ++i) {
        store.set("x", i);
    }
    EXPECT_EQ(versions_of(store), (std::vector<attune::Version>{1, 4, 5, 6}));
    EXPECT_TRUE(store.history().front().kept);
    EXPECT_EQ(store.history().front().note, "before migration");
    EXPECT_EQ(store.snapshot(1)[x], 1);
    EXPECT_THROW((void)store.snapshot(2), std::out_of_range);
    EXPECT_THROW(store.keep(2), std::out_of_range);

    store.keep(1, "and after");
    EXPECT_EQ(store.history().front().note, "and after");
    store.forget(1);
    EXPECT_EQ(versions_of(store), (std::vector<attune::Version>{4, 5, 6}));
    EXPECT_THROW((void)store.snapshot(1), std::out_of_range);
    store.forget(1);
}

TEST(History, a_version_forgotten_while_it_is_new_stays_as_long_as_any) {
    Store store{{.history = 2}};
    store.set("x", 1);
    store.keep(1);
    store.forget(1);
    EXPECT_EQ(versions_of(store), (std::vector<attune::Version>{0, 1}));
    store.set("x", 2);
    store.set("x", 3);
    EXPECT_EQ(versions_of(store), (std::vector<attune::Version>{2, 3}));
}

TEST(History, retained_versions_are_read_with_their_types_derived_ones_too) {
    Store store;
    const auto x = store.bind<int>("x");
    const auto twice = x.map([](int value) { return 2 * value; });
    store.set("x", 1);
    store.set("x", 2);
    EXPECT_EQ(store.snapshot(1)[x], 1);
    EXPECT_EQ(store.snapshot(1)[twice], 2);
    EXPECT_EQ(store.snapshot(2)[twice], 4);
}

struct Past : testing::Test {
    Store store{{.history = 10}};
    void SetUp() override {
        store.set("x", 1);  // 1
        store.set("x", 2);  // 2
        store.set("y", 5);  // 3
    }
};

TEST_F(Past, a_handle_made_later_reads_what_was_there) {
    const attune::Snapshot first = store.snapshot(1);
    const auto view = store.view();
    store.set("x", 3);
    const auto x = store.bind<int>("x");
    const auto y = store.bind<int>("y");
    const auto sum = attune::derive([](int a, int b) { return a + b; }, x, y);
    EXPECT_EQ(first[x], 1);
    EXPECT_EQ(first[sum], 1);
    EXPECT_EQ(store.snapshot(2)[sum], 2);
    EXPECT_EQ(view[sum], 7);
    EXPECT_EQ(store.snapshot()[sum], 8);
    EXPECT_EQ(&first[x], &first[x]) << "worked out once";
}

TEST_F(Past, looking_back_leaves_the_present_and_its_observers_alone) {
    const auto x = store.bind<int>("x");
    int runs = 0;
    int told = 0;
    const auto twice = x.map([&](int value) {
        ++runs;
        return 2 * value;
    });
    const auto watch =
        twice.on_change(attune::inline_executor, [&](const attune::Change<int>&) { ++told; });
    EXPECT_EQ(store.snapshot(1)[twice], 2);
    EXPECT_EQ(runs, 2);
    EXPECT_EQ(twice.get(), 4);
    EXPECT_EQ(told, 0);
    EXPECT_EQ(store.version(), 3u);
    store.set("x", 9);
    EXPECT_EQ(twice.get(), 18);
    EXPECT_EQ(told, 1);
}

TEST_F(Past, what_is_refused_today_says_why_and_the_rest_can_be_read) {
    store.set("x", "text");
    store.set("x", 4);
    const auto x = store.bind<int>("x");
    const auto y = store.bind<int>("y");
    const auto twice = x.map([](int value) { return 2 * value; });
    const auto picky = x.map(
        [](int value) {
            if (value == 1) {
                throw std::runtime_error{"not one"};
            }
            return value;
        },
        {.on_error = attune::OnError::keep});
    const attune::Snapshot then = store.snapshot(4);
    EXPECT_EQ(then[y], 5);
    EXPECT_THROW((void)then[twice], attune::Rejected);
    try {
        (void)then[x];
        FAIL() << "a text is no integer";
    } catch (const attune::Rejected& rejected) {
        EXPECT_THAT(rejected.what(), HasSubstr("version 4: x: expected an integer"));
    }
    EXPECT_THROW((void)store.snapshot(1)[picky], attune::Rejected)
        << "a value kept from another version is none of this one";
    EXPECT_EQ(store.snapshot(2)[picky], 2);
    EXPECT_EQ(picky.get(), 4);
}

TEST_F(Past, values_worked_out_live_as_long_as_the_snapshot) {
    std::optional<attune::Snapshot> kept;
    {
        Store brief;
        brief.set("s", "one");
        kept = brief.snapshot();
        brief.set("s", "two");
        const auto s = brief.bind<std::string>("s");
        const std::string& then = (*kept)[s];
        EXPECT_EQ(then, "one");
        const auto late = brief.bind<Document>("s");
        EXPECT_EQ((*kept)[late], Document("one"));
        EXPECT_EQ(then, "one");
    }
    kept.reset();
}

TEST(Diff, is_a_patch_from_any_retained_version_to_any_other) {
    Store store;
    store.set("server", {{"port", 1}, {"host", "h"}});
    store.set("server.port", 2);
    store.erase("server.host");
    const Document patch = store.diff(1, 3);
    EXPECT_EQ(attune::apply_patch(store.snapshot(1).document(), patch),
              store.snapshot(3).document());
    EXPECT_EQ(attune::apply_patch(store.snapshot(3).document(), store.diff(3, 1)),
              store.snapshot(1).document());
    EXPECT_EQ(store.diff(2, 2), Document::array());
    EXPECT_EQ(attune::merge_patch(store.snapshot(1).document(), store.merge_diff(1, 3)),
              store.snapshot(3).document());
    EXPECT_EQ(store.changed_paths(1, 3), (std::vector<Path>{"server.host", "server.port"}));
    EXPECT_THROW((void)store.diff(1, 9), std::out_of_range);
    EXPECT_THROW((void)store.diff(9, 1), std::out_of_range);
}

TEST(Diff, for_people_is_a_line_per_path) {
    Store store;
    store.set("server", {{"port", 8080}, {"host", "h"}});
    store.transact([](attune::Edit& edit) {
        edit.set("server.port", 9090);
        edit.erase("server.host");
        edit.set("log", {{"level", "debug"}});
    });
    EXPECT_EQ(store.render_diff(1, 2),
              "log: nothing -> {\"level\":\"debug\"}\n"
              "server.host: \"h\" -> nothing\n"
              "server.port: 8080 -> 9090\n");
    EXPECT_EQ(store.render_diff(2, 2), "");
}

TEST(Diff, masks_secrets_at_any_depth_unless_they_are_asked_for) {
    Store store;
    store.add(attune::memory({{"database", {{"password", "hunter1"}}}}));
    (void)store.bind<Service>();
    store.set("database.password", "hunter2");
    store.set("replicas", {{"eu", {{"host", "e"}, {"password", "hunter3"}}}});
    for (const std::string& text :
         {to_text(store.diff(0, 3)), to_text(store.diff(1, 2)), to_text(store.diff(3, 1)),
          to_text(store.merge_diff(0, 3)), store.render_diff(0, 3), store.render_diff(1, 2)}) {
        EXPECT_THAT(text, Not(HasSubstr("hunter")));
    }
    EXPECT_EQ(store.render_diff(1, 2), "database.password: \"***\" -> \"***\"\n");
    EXPECT_THAT(to_text(store.diff(2, 3)), HasSubstr(R"("host":"e","password":"***")"));
    EXPECT_THAT(to_text(store.diff(2, 3, Secrets::shown)), HasSubstr("hunter3"));
    EXPECT_THAT(to_text(store.merge_diff(1, 2, Secrets::shown)), HasSubstr("hunter2"));
    EXPECT_THAT(store.render_diff(1, 2, Secrets::shown), HasSubstr("\"hunter1\" -> \"hunter2\""));
}

RC_GTEST_PROP(HistoryLaw, any_two_versions_are_led_to_each_other_by_their_diff, ()) {
    Store store{{.history = 100}};
    const std::vector<std::string> paths{"a", "b", "a.x", "a.y", "b.z.u", "b.z"};
    for (int steps = *rc::gen::inRange(1, 12); steps != 0; --steps) {
        const Path path = *rc::gen::elementOf(paths);
        if (*rc::gen::inRange(0, 4) == 0) {
            store.erase(path);
        } else {
            store.set(path, *rc::gen::inRange(0, 3));
        }
    }
    const auto history = store.history();
    const auto any = [&] {
        return history[*rc::gen::inRange<std::size_t>(0, history.size())].version;
    };
    const attune::Version from = any();
    const attune::Version to = any();
    const Document before = store.snapshot(from).document();
    const Document after = store.snapshot(to).document();
    RC_ASSERT(attune::apply_patch(before, store.diff(from, to)) == after);
    RC_ASSERT(attune::merge_patch(before, store.merge_diff(from, to)) == after);
    RC_ASSERT((store.render_diff(from, to).empty()) == (before == after));
    for (std::size_t i = 1; i != history.size(); ++i) {
        RC_ASSERT(history[i].changed ==
                  attune::changed_paths(store.snapshot(history[i - 1].version).document(),
                                        store.snapshot(history[i].version).document()));
    }
}

TEST(HistoryThreads, is_listed_and_compared_while_versions_come_and_go) {
    Store store{{.history = 4}};
    const auto x = store.bind<int>("x");
    store.set("x", 0);
    std::atomic<bool> done{false};
    std::vector<std::thread> readers;
    for (int i = 0; i != 2; ++i) {
        readers.emplace_back([&] {
            while (!done) {
                const auto history = store.history();
                EXPECT_FALSE(history.empty());
                for (const VersionInfo& info : history) {
                    EXPECT_LE(info.changed.size(), 1u);
                }
                try {
                    store.keep(history.front().version);
                    EXPECT_LE(store.diff(history.front().version, history.back().version).size(),
                              1u);
                    store.forget(history.front().version);
                } catch (const std::out_of_range&) {
                    // gone meanwhile
                }
            }
        });
    }
    for (int i = 1; i != 500; ++i) {
        store.set("x", i);
    }
    done = true;
    for (std::thread& reader : readers) {
        reader.join();
    }
}

}  // namespace
