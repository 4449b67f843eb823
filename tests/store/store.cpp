#include <attune/store/store.hpp>

#include <attune/bind/schema.hpp>
#include <attune/bind/secret.hpp>
#include <attune/transport/memory.hpp>

#include "fake_transport.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace sample {

struct Pool {
    int size = 8;
    std::string name = "main";
};
struct Server {
    std::string host = "localhost";
    std::uint16_t port = 8080;
    Pool pool;
    std::optional<std::string> certificate;
    attune::Secret<std::string> password;
};
void describe(attune::Schema<Server>& s) {
    s.field(&Server::port).between(1, 65535);
    s.check([](const Server& v) { return v.pool.size <= v.port; },
            "pool.size must not exceed port");
}
struct Limits {
    int low = 0;
    int high = 10;
};
void describe(attune::Schema<Limits>& s) {
    s.check([](const Limits& v) { return v.low <= v.high; }, "low must not exceed high");
}

struct Nosy {
    int value = 0;
};
std::function<void()> nosy_action;
void describe(attune::Schema<Nosy>& s) {
    s.check(
        [](const Nosy&) {
            if (nosy_action) {
                nosy_action();
            }
            return true;
        },
        "never");
}

}  // namespace sample

namespace {

using namespace std::chrono_literals;
using attune::Document;
using attune::Store;
using sample::Limits;
using sample::Pool;
using sample::Server;

template <class F>
std::vector<std::string> problems_of(F&& f) {
    std::vector<std::string> texts;
    try {
        f();
    } catch (const attune::Rejected& rejected) {
        for (const auto& problem : rejected.problems()) {
            texts.push_back(to_string(problem));
        }
    }
    return texts;
}

TEST(Store, an_absent_path_gives_the_defaults) {
    Store store;
    const auto server = store.bind<Server>("server");
    EXPECT_EQ(server.get(&Server::port), 8080);
    EXPECT_EQ(store.bind<int>("number").get(), 0);
    EXPECT_EQ(store.version(), 0u);
}

TEST(Store, later_layers_win_key_by_key) {
    Store store;
    store.add(attune::memory({{"server", {{"host", "a"}, {"port", 1000}}}}));
    store.add(attune::memory({{"server", {{"port", 2000}}}}));
    const auto server = store.bind<Server>("server");
    const auto now = server.read();
    EXPECT_EQ(now->host, "a");
    EXPECT_EQ(now->port, 2000);
}

TEST(Store, null_in_a_higher_layer_masks_the_lower_value) {
    Store store;
    store.add(attune::memory({{"server", {{"port", 1000}, {"certificate", "x"}}}}));
    const auto server = store.bind<Server>("server");
    EXPECT_TRUE(server.get(&Server::certificate).has_value());
    store.set("server.certificate", nullptr);
    EXPECT_FALSE(server.get(&Server::certificate).has_value());
    store.set("server.port", nullptr);
    EXPECT_EQ(server.get(&Server::port), 8080);
    store.erase("server.port");
    EXPECT_EQ(server.get(&Server::port), 1000);
}

TEST(Store, a_key_that_vanishes_falls_back_to_the_lower_layer_then_to_the_default) {
    Store store;
    auto base = store.add(attune::memory({{"server", {{"port", 1000}}}}));
    auto upper = store.add(attune::memory({{"server", {{"port", 2000}}}}));
    const auto server = store.bind<Server>("server");
    upper.set(Document::object());
    EXPECT_EQ(server.get(&Server::port), 1000);
    base.set(Document::object());
    EXPECT_EQ(server.get(&Server::port), 8080);
}

TEST(Store, a_write_is_visible_when_it_returns_and_names_what_changed) {
    Store store;
    const auto server = store.bind<Server>("server");
    const attune::Commit commit = store.set("server.port", 9090);
    EXPECT_EQ(server.get(&Server::port), 9090);
    EXPECT_EQ(commit.version, store.version());
    ASSERT_EQ(commit.changed.size(), 1u);
    EXPECT_EQ(to_string(commit.changed[0]), "server");
    const attune::Commit second = store.set("server.host", "b");
    EXPECT_EQ(second.version, commit.version + 1);
    ASSERT_EQ(second.changed.size(), 1u);
    EXPECT_EQ(to_string(second.changed[0]), "server.host");
}

TEST(Store, the_path_of_a_write_may_be_destroyed_by_an_observer_of_it) {
    Store store;
    const auto a = store.bind<int>("a");
    auto path = std::make_unique<attune::Path>("a");
    const auto observer =
        a.on_change(attune::inline_executor, [&](const attune::Change<int>&) { path.reset(); });
    EXPECT_EQ(store.set(*path, 1).changed, std::vector<attune::Path>{"a"});
    EXPECT_EQ(path, nullptr);
}

TEST(Store, a_write_of_equal_content_shares_it_and_makes_no_version) {
    const auto made_anew = [](int second) {
        return Document{{"text", std::string(100, 'x')}, {"list", {1, second, 3}}};
    };
    const std::vector<attune::Path> element{"a.list.1"};
    Store store;
    store.set("a", made_anew(2));
    const auto version = store.version();
    EXPECT_TRUE(store.set("a", made_anew(2)).changed.empty());
    EXPECT_EQ(store.version(), version);
    EXPECT_EQ(store.set("a", made_anew(7)).changed, element);
    EXPECT_EQ(store.merge(Document{{"a", made_anew(2)}}).changed, element);
    EXPECT_TRUE(store.merge(Document{{"a", made_anew(2)}}).changed.empty());
    EXPECT_EQ(store.version(), version + 2);
    const Document before = store.snapshot().document();
    store.set("a", made_anew(8));
    EXPECT_TRUE(before.at("a.text").same(store.snapshot().document().at("a.text")));
}

TEST(Store, a_write_that_changes_nothing_makes_no_version) {
    Store store;
    store.set("a.b", 1);
    const auto version = store.version();
    const attune::Commit commit = store.set("a.b", 1);
    EXPECT_EQ(commit.version, version);
    EXPECT_TRUE(commit.changed.empty());
    EXPECT_EQ(store.version(), version);
}

TEST(Store, a_shadowed_change_makes_no_version) {
    Store store;
    auto base = store.add(attune::memory({{"a", 1}}));
    store.set("a", 5);
    const auto version = store.version();
    base.set("a", 2);
    EXPECT_EQ(store.version(), version);
    store.erase("a");
    EXPECT_EQ(store.bind<int>("a").get(), 2);
}

TEST(Store, structs_can_be_written_whole) {
    Store store;
    const auto server = store.bind<Server>("server");
    Server wanted;
    wanted.port = 99;
    wanted.pool.size = 3;
    wanted.password = std::string{"open sesame"};
    store.set("server", wanted);
    EXPECT_EQ(server.get(&Server::port), 99);
    EXPECT_EQ(server.get(&Server::pool).size, 3);
    EXPECT_EQ(server.read().version(), store.version());
    EXPECT_TRUE(server.with([](const Server& s) { return s.password.reveal() == "open sesame"; }));
}

TEST(Store, merge_applies_a_merge_patch_to_what_was_set) {
    Store store;
    store.add(attune::memory({{"server", {{"port", 1000}}}}));
    const auto server = store.bind<Server>("server");
    store.merge({{"server", {{"port", 2000}, {"host", "m"}}}});
    EXPECT_EQ(server.get(&Server::port), 2000);
    store.merge({{"server", {{"port", nullptr}}}});
    EXPECT_EQ(server.get(&Server::port), 1000);
    EXPECT_EQ(server.get(&Server::host), "m");
}

TEST(Store, a_refused_write_changes_nothing_and_says_what_is_wrong) {
    Store store;
    const auto server = store.bind<Server>("server");
    store.set("server.port", 1000);
    const auto version = store.version();
    const auto problems = problems_of([&] {
        store.merge({{"server", {{"port", 70000}, {"hots", "x"}, {"pool", {{"size", "4"}}}}}});
    });
    ASSERT_EQ(problems.size(), 3u);
    EXPECT_EQ(store.version(), version);
    EXPECT_EQ(server.get(&Server::port), 1000);
    std::string all;
    for (const auto& problem : problems) {
        all += problem + "\n";
    }
    EXPECT_NE(all.find("server.port: expected an integer in [1, 65535], found 70000"),
              std::string::npos)
        << all;
    EXPECT_NE(all.find("server.hots: unknown key; did you mean \"host\"?"), std::string::npos)
        << all;
    EXPECT_NE(all.find("server.pool.size: expected an integer"), std::string::npos) << all;
}

TEST(Store, problems_name_the_layer_that_the_value_comes_from) {
    Store store;
    const FakeTransport file;
    store.add(file.make("file a.json"));
    store.bind<Server>("server");
    std::vector<std::string> seen;
    const auto subscription =
        store.on_rejected(attune::inline_executor, [&](const attune::Rejection& rejection) {
            seen.push_back(to_string(rejection));
        });
    file.bring_text("{\n  \"server\": {\n    \"port\": 80800\n  }\n}\n", "a.json");
    ASSERT_EQ(seen.size(), 1u);
    EXPECT_EQ(seen[0], "a.json:3:13: server.port: expected an integer in [1, 65535], found 80800");
}

TEST(Store, binding_reports_every_problem_of_what_is_there) {
    Store store;
    store.add(attune::memory({{"server", {{"port", 0}, {"pool", {{"sise", 1}}}}}}));
    const auto problems = problems_of([&] { store.bind<Server>("server"); });
    EXPECT_EQ(problems.size(), 2u);
    // The failed binding is gone: it does not hold up later versions.
    store.set("server.port", 0);
}

TEST(Store, the_same_place_and_type_bound_twice_is_one_value) {
    Store store;
    const auto first = store.bind<Server>("server");
    const auto second = store.bind<Server>("/server");
    const auto view = store.view();
    EXPECT_EQ(&view[first], &view[second]);
    const auto port = store.bind<int>("server.port");
    store.set("server.port", 77);
    EXPECT_EQ(port.get(), 77);
    EXPECT_EQ(first.get(&Server::port), 77);
}

TEST(Store, the_root_can_be_bound) {
    Store store;
    store.add(attune::memory({{"size", 3}}));
    EXPECT_EQ(store.bind<Pool>().get().size, 3);
}

TEST(Store, a_view_shows_one_version_of_everything) {
    Store store;
    const auto a = store.bind<int>("a");
    const auto b = store.bind<int>("b");
    store.merge({{"a", 1}, {"b", 1}});
    const auto view = store.view();
    store.merge({{"a", 2}, {"b", 2}});
    EXPECT_EQ(view[a], 1);
    EXPECT_EQ(view[b], 1);
    EXPECT_EQ(a.get(), 2);
    EXPECT_EQ(view.version() + 1, store.version());
}

TEST(Store, handles_of_another_store_are_refused_by_views) {
    Store store;
    Store other;
    const auto foreign = other.bind<int>("a");
    const auto view = store.view();
    EXPECT_THROW((void)view[foreign], std::invalid_argument);
}

TEST(Store, retained_versions_can_be_read_with_their_types) {
    Store store{attune::StoreOptions{.history = 4}};
    const auto a = store.bind<int>("a");
    for (int i = 1; i != 10; ++i) {
        store.set("a", i);
    }
    EXPECT_EQ(store.snapshot()[a], 9);
    const attune::Snapshot then = store.snapshot(7);
    EXPECT_EQ(then[a], 7);
    EXPECT_EQ(then.version(), 7u);
    EXPECT_EQ(then.document(), Document({{"a", 7}}));
    EXPECT_THROW((void)store.snapshot(5), std::out_of_range);
    EXPECT_THROW((void)store.snapshot(10), std::out_of_range);
}

TEST(Store, handles_snapshots_and_pins_outlive_the_store) {
    std::optional<attune::Config<Server>> server;
    std::optional<attune::Snapshot> snapshot;
    std::shared_ptr<const Server> pin;
    attune::Subscription subscription;
    {
        Store store;
        server = store.bind<Server>("server");
        subscription = server->on_change([](const attune::Change<Server>&) {});
        store.set("server.port", 5000);
        snapshot = store.snapshot();
        pin = server->pin();
        store.set("server.port", 6000);
    }
    EXPECT_EQ(server->get(&Server::port), 6000);
    EXPECT_EQ((*snapshot)[*server].port, 5000);
    EXPECT_EQ(pin->port, 5000);
    EXPECT_FALSE(subscription);
    int calls = 0;
    const auto late = server->apply([&](const Server& s) { calls += s.port; });
    EXPECT_EQ(calls, 6000);
    EXPECT_FALSE(late);
    server.reset();
    EXPECT_EQ((*snapshot).version() + 1, 2u);
}

TEST(Store, observing_a_store_that_only_a_layer_remembers_is_over_from_the_start) {
    std::optional<Store> store{std::in_place};
    const attune::Layer layer = store->add(attune::memory({{"a", 1}}));
    const auto a = store->bind<int>("a");
    store.reset();
    const auto state = std::make_shared<int>(0);
    const std::weak_ptr<int> captured = state;
    const auto changes = a.on_change([kept = state](const attune::Change<int>&) { ++*kept; });
    const auto applied = a.apply([state](const int& value) { *state += value; });
    EXPECT_EQ(*state, 1);
    EXPECT_FALSE(changes);
    EXPECT_FALSE(applied);
    EXPECT_EQ(captured.use_count(), 1) << "the callbacks are gone";
}

TEST(Store, observers_run_on_the_notifier_and_see_before_and_after) {
    Store store;
    const auto server = store.bind<Server>("server");
    std::promise<std::thread::id> thread;
    std::vector<std::pair<int, int>> seen;
    const auto subscription = server.on_change([&](const attune::Change<Server>& change) {
        seen.emplace_back(change.before->port, change.after->port);
        if (seen.size() == 1) {
            thread.set_value(std::this_thread::get_id());
        }
    });
    ASSERT_TRUE(store.set("server.port", 1001).settle(20s));
    ASSERT_TRUE(store.set("server.port", 1002).settle(20s));
    EXPECT_NE(thread.get_future().get(), std::this_thread::get_id());
    EXPECT_EQ(seen, (std::vector<std::pair<int, int>>{{8080, 1001}, {1001, 1002}}));
}

TEST(Store, an_observer_is_not_told_when_only_others_changed) {
    Store store;
    const auto server = store.bind<Server>("server");
    int calls = 0;
    const auto subscription =
        server.on_change(attune::inline_executor, [&](const attune::Change<Server>&) { ++calls; });
    store.set("elsewhere", 1);
    // The default, written out: another document, the same value.
    store.set("server.port", 8080);
    EXPECT_EQ(calls, 0);
    EXPECT_EQ(store.version(), 2u);
}

TEST(Store, apply_calls_at_once_and_then_after_each_change) {
    Store store;
    const auto a = store.bind<int>("a");
    std::vector<int> seen;
    const auto subscription =
        a.apply(attune::inline_executor, [&](const int& value) { seen.push_back(value); });
    store.set("a", 1);
    store.set("a", 2);
    EXPECT_EQ(seen, (std::vector<int>{0, 1, 2}));
}

TEST(Store, an_apply_whose_first_call_throws_does_not_begin) {
    Store store;
    const auto a = store.bind<int>("a");
    int calls = 0;
    EXPECT_THROW((void)a.apply(attune::inline_executor,
                               [&](const int&) {
                                   ++calls;
                                   throw std::runtime_error{"no"};
                               }),
                 std::runtime_error);
    store.set("a", 1);
    EXPECT_EQ(calls, 1);
}

TEST(Store, an_observer_may_write_and_sees_its_own_write_later) {
    Store store;
    const auto a = store.bind<int>("a");
    const auto b = store.bind<int>("b");
    const auto follow =
        a.on_change([&](const attune::Change<int>& change) { store.set("b", *change.after); });
    store.set("a", 3);
    ASSERT_TRUE(store.settle(20s));
    EXPECT_EQ(b.get(), 3);
}

TEST(Store, an_inline_observer_that_writes_its_own_value_is_told_again) {
    Store store;
    const auto a = store.bind<int>("a");
    std::vector<int> seen;
    const auto count = a.on_change(attune::inline_executor, [&](const attune::Change<int>& change) {
        seen.push_back(*change.after);
        if (*change.after < 5) {
            store.set("a", *change.after + 1);
        }
    });
    store.set("a", 1);
    EXPECT_EQ(seen, (std::vector<int>{1, 2, 3, 4, 5}));
}

TEST(Store, a_throwing_observer_is_reported_and_stops_nobody) {
    Store store;
    const auto a = store.bind<int>("a");
    std::vector<std::string> reports;
    const auto rejected =
        store.on_rejected(attune::inline_executor, [&](const attune::Rejection& rejection) {
            reports.push_back(to_string(rejection));
        });
    int calls = 0;
    const auto bad = a.on_change(attune::inline_executor, [](const attune::Change<int>&) {
        throw std::runtime_error{"cannot cope"};
    });
    const auto good =
        a.on_change(attune::inline_executor, [&](const attune::Change<int>&) { ++calls; });
    store.set("a", 1);
    store.set("a", 2);
    EXPECT_EQ(calls, 2);
    ASSERT_EQ(reports.size(), 2u);
    EXPECT_NE(reports[0].find("observer of \"a\" threw: cannot cope"), std::string::npos);
    EXPECT_EQ(store.status().observer_errors, 2u);
}

TEST(Store, a_throwing_rejection_observer_does_not_report_itself_for_ever) {
    Store store;
    const FakeTransport file;
    store.add(file.make());
    int calls = 0;
    const auto rejected = store.on_rejected(attune::inline_executor, [&](const attune::Rejection&) {
        ++calls;
        throw std::runtime_error{"again"};
    });
    file.fail("gone");
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(store.status().observer_errors, 1u);
}

TEST(Store, the_last_good_version_stays_when_a_layer_brings_nonsense) {
    Store store;
    const FakeTransport file{{{"server", {{"port", 1000}}}}};
    auto layer = store.add(file.make("file x"));
    const auto server = store.bind<Server>("server");
    int rejections = 0;
    const auto rejected =
        store.on_rejected(attune::inline_executor, [&](const attune::Rejection&) { ++rejections; });
    const auto version = store.version();
    file.bring({{"server", {{"port", -1}}}});
    EXPECT_EQ(server.get(&Server::port), 1000);
    EXPECT_EQ(store.version(), version);
    EXPECT_EQ(rejections, 1);
    EXPECT_EQ(layer.status().state, attune::State::stale);
    EXPECT_EQ(layer.status().consecutive_failures, 1u);
    EXPECT_EQ(store.status().state, attune::State::stale);
    ASSERT_EQ(layer.status().problems.size(), 1u);
    file.bring({{"server", {{"port", 2000}}}});
    EXPECT_EQ(server.get(&Server::port), 2000);
    EXPECT_EQ(layer.status().state, attune::State::ready);
    EXPECT_TRUE(layer.status().problems.empty());
    EXPECT_EQ(store.status().refusals, 1u);
}

TEST(Store, two_layers_that_are_only_right_together_arrive_together) {
    Store store;
    const FakeTransport low{{{"limits", {{"low", 0}}}}};
    const FakeTransport high{{{"limits", {{"high", 10}}}}};
    auto low_layer = store.add(low.make("low"));
    store.add(high.make("high"));
    const auto limits = store.bind<Limits>("limits");
    std::vector<std::pair<int, int>> seen;
    const auto observed =
        limits.on_change(attune::inline_executor, [&](const attune::Change<Limits>& change) {
            seen.emplace_back(change.after->low, change.after->high);
        });
    low.bring({{"limits", {{"low", 20}}}});  // refused: 20 > 10
    EXPECT_EQ(limits.get().low, 0);
    EXPECT_EQ(low_layer.status().state, attune::State::stale);
    high.bring({{"limits", {{"high", 30}}}});  // right alone, and makes the other right
    EXPECT_EQ(limits.get().low, 20);
    EXPECT_EQ(limits.get().high, 30);
    EXPECT_EQ(low_layer.status().state, attune::State::ready);
    // And where each is wrong without the other, both ways round.
    int rejections = 0;
    const auto rejected =
        store.on_rejected(attune::inline_executor, [&](const attune::Rejection&) { ++rejections; });
    high.bring({{"limits", {{"high", 5}}}});
    low.bring({{"limits", {{"low", 1}}}});
    EXPECT_EQ(limits.get().low, 1);
    EXPECT_EQ(limits.get().high, 5);
    EXPECT_EQ(rejections, 1);
    for (const auto& [a, b] : seen) {
        EXPECT_LE(a, b);
    }
}

TEST(Store, unknown_keys_of_remote_layers_are_warnings) {
    Store store;
    const FakeTransport remote{{{"server", {{"port", 1000}, {"colour", "red"}}}}, true};
    store.add(remote.make("remote"));
    const auto server = store.bind<Server>("server");
    EXPECT_EQ(server.get(&Server::port), 1000);
    ASSERT_EQ(store.status().warnings.size(), 1u);
    EXPECT_EQ(to_string(store.status().warnings[0].path), "server.colour");
    // The same key from a local layer is an error.
    EXPECT_EQ(problems_of([&] { store.set("server.colour", "blue"); }).size(), 1u);
}

TEST(Store, unknown_keys_can_be_let_through_per_store_and_per_layer) {
    Store lenient{attune::StoreOptions{.unknown_keys = attune::UnknownKeys::ignore}};
    lenient.bind<Pool>("pool");
    lenient.set("pool.colour", 1);
    EXPECT_TRUE(lenient.status().warnings.empty());

    Store strict;
    strict.add(attune::memory({{"pool", {{"colour", 1}}}}),
               {.unknown_keys = attune::UnknownKeys::warn});
    strict.bind<Pool>("pool");
    EXPECT_EQ(strict.status().warnings.size(), 1u);
}

TEST(Store, a_layer_that_cannot_be_loaded_is_not_added) {
    Store store;
    const FakeTransport broken;
    broken->load_fails = true;
    EXPECT_THROW((void)store.add(broken.make()), attune::Rejected);
    EXPECT_EQ(broken->starts, 0);
    EXPECT_TRUE(store.status().layers.empty());
}

TEST(Store, a_layer_whose_content_is_refused_is_not_added) {
    Store store;
    store.bind<Server>("server");
    const FakeTransport bad{{{"server", {{"port", 0}}}}};
    EXPECT_THROW((void)store.add(bad.make()), attune::Rejected);
    EXPECT_TRUE(store.status().layers.empty());
    EXPECT_EQ(store.version(), 0u);
}

TEST(Store, a_removed_layer_is_stopped_and_what_it_hid_shows_again) {
    Store store;
    store.add(attune::memory({{"a", 1}}));
    const FakeTransport upper{{{"a", 2}}};
    auto layer = store.add(upper.make());
    const auto a = store.bind<int>("a");
    EXPECT_EQ(a.get(), 2);
    layer.remove();
    EXPECT_EQ(a.get(), 1);
    EXPECT_EQ(upper->stops, 1);
    layer.remove();
    EXPECT_THROW((void)layer.status(), std::logic_error);
}

TEST(Store, reload_reads_the_transport_again) {
    Store store;
    const FakeTransport file{{{"a", 1}}};
    auto layer = store.add(file.make());
    const auto a = store.bind<int>("a");
    file->next.document = {{"a", 2}};
    const attune::Commit commit = layer.reload();
    EXPECT_EQ(a.get(), 2);
    EXPECT_EQ(commit.version, store.version());
    file->load_fails = true;
    EXPECT_THROW((void)layer.reload(), attune::Rejected);
    EXPECT_EQ(a.get(), 2);
    EXPECT_EQ(layer.status().state, attune::State::stale);
}

TEST(Store, only_layers_of_the_program_can_be_written) {
    Store store;
    const FakeTransport file;
    auto layer = store.add(file.make("file x"));
    const auto problems = problems_of([&] { layer.set("a", 1); });
    ASSERT_EQ(problems.size(), 1u);
    EXPECT_NE(problems[0].find("file x"), std::string::npos);
}

TEST(Store, a_check_that_writes_to_its_store_is_refused_instead_of_hanging) {
    Store store;
    const auto nosy = store.bind<sample::Nosy>("nosy");
    sample::nosy_action = [&] { store.set("other", 1); };
    const auto problems = problems_of([&] { store.set("nosy.value", 1); });
    sample::nosy_action = nullptr;
    ASSERT_EQ(problems.size(), 1u);
    EXPECT_NE(problems[0].find("must not call the store"), std::string::npos) << problems[0];
    EXPECT_EQ(nosy.get().value, 0);
    store.set("nosy.value", 2);
    EXPECT_EQ(nosy.get().value, 2);
}

TEST(Store, everything_left_over_is_reported_by_check) {
    Store store;
    store.add(attune::memory({{"server", {{"port", 1000}}}, {"sever", 1}, {"other", {{"x", 1}}}}));
    store.bind<Server>("server");
    store.bind<int>("other.y");
    const auto problems = problems_of([&] { store.check(); });
    ASSERT_EQ(problems.size(), 2u);
    EXPECT_NE(problems[0].find("other.x"), std::string::npos);
    EXPECT_NE(problems[1].find("sever: nothing is bound here; did you mean \"server\"?"),
              std::string::npos)
        << problems[1];
}

TEST(Store, describes_what_is_bound_so_far_as_schema_and_sample) {
    Store store;
    EXPECT_EQ(store.schema().find("properties")->size(), 0u);
    EXPECT_NE(store.reference().find("\n{}\n"), std::string::npos);
    const auto server = store.bind<Server>("server");
    const auto level = store.bind<int>("log.level");
    EXPECT_NE(store.schema().find(attune::Path("properties.server.properties.port")), nullptr);
    EXPECT_NE(store.schema().find(attune::Path("properties.log.properties.level")), nullptr);
    EXPECT_NE(store.reference().find("\"port\": "), std::string::npos);
    EXPECT_NE(store.reference().find("\"level\": 0,"), std::string::npos);
}

TEST(Store, a_closed_store_says_so) {
    std::optional<attune::Layer> layer;
    {
        Store store;
        layer = store.add(attune::memory({{"a", 1}}));
    }
    EXPECT_THROW((void)layer->set("a", 2), std::logic_error);
    layer->remove();
}

}  // namespace
