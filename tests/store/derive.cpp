#include <attune/store/derive.hpp>

#include <attune/graph/executor.hpp>
#include <attune/store/store.hpp>
#include <attune/transport/memory.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace derive_sample {

struct Server {
    std::string host = "localhost";
    std::uint16_t port = 80;
};
struct Tls {
    bool on = false;
};
/// Has no `==`, and holds a list of what has none.
struct Endpoint {
    std::string url;
    std::vector<Server> peers;
};
/// Can be compared in no way.
class Opaque {
public:
    explicit Opaque(int number) : number_(number) {}
    int number() const { return number_; }

private:
    int number_;
};

}  // namespace derive_sample

namespace {

using attune::Change;
using attune::Config;
using attune::DeriveOptions;
using attune::OnError;
using attune::Rejected;
using attune::Store;
using attune::Track;
using derive_sample::Endpoint;
using derive_sample::Opaque;
using derive_sample::Server;
using derive_sample::Tls;
using testing::HasSubstr;

class Derive : public testing::Test {
protected:
    Store store;
    Config<Server> server = store.bind<Server>("server");
    Config<Tls> tls = store.bind<Tls>("tls");
    Config<std::uint16_t> port = server.field(&Server::port);

    template <class F>
    static std::string refusal(F&& write) {
        try {
            write();
        } catch (const Rejected& rejected) {
            return rejected.what();
        }
        return "";
    }
};

TEST_F(Derive, a_value_moves_in_the_version_of_its_sources) {
    const auto url = attune::derive(
        [](const Server& s, const Tls& t) {
            return (t.on ? "https://" : "http://") + s.host + ':' + std::to_string(s.port);
        },
        server, tls);
    EXPECT_EQ(url.get(), "http://localhost:80");

    const attune::Commit commit = store.set("tls.on", true);
    const auto view = store.view();
    EXPECT_EQ(view.version(), commit.version);
    EXPECT_EQ(view[url], "https://localhost:80");
    EXPECT_TRUE(view[tls].on);
}

TEST_F(Derive, a_derived_handle_is_a_handle_in_every_respect) {
    const auto twice = port.map([](std::uint16_t value) { return 2 * value; });
    std::vector<std::string> told;
    const auto observer = twice.on_change(attune::inline_executor, [&](const Change<int>& change) {
        told.push_back(std::to_string(*change.before) + " to " + std::to_string(*change.after));
    });
    int applied = 0;
    const auto apply = twice.apply(attune::inline_executor, [&](int value) { applied = value; });
    EXPECT_EQ(applied, 160);
    const attune::Version before = store.version();
    const auto pinned = twice.pin();

    store.set("server.port", 90);

    const auto now = twice.read();
    EXPECT_EQ(*now, 180);
    EXPECT_EQ(twice.with([](int value) { return value; }), 180);
    EXPECT_EQ(*pinned, 160);
    EXPECT_EQ(store.snapshot()[twice], 180);
    EXPECT_EQ(store.snapshot(before)[twice], 160);
    EXPECT_EQ(applied, 180);
    EXPECT_THAT(told, testing::ElementsAre("160 to 180"));
}

TEST_F(Derive, a_node_of_a_diamond_runs_once_and_sees_one_version) {
    int runs = 0;
    const auto left = port.map([](int value) { return value + 1; });
    const auto right = port.map([](int value) { return value + 2; });
    const auto bottom = attune::derive(
        [&](int a, int b) {
            ++runs;
            EXPECT_EQ(a + 1, b);
            return a + b;
        },
        left, right);
    runs = 0;
    store.set("server.port", 1000);
    EXPECT_EQ(runs, 1);
    EXPECT_EQ(bottom.get(), 2003);
}

TEST_F(Derive, an_equal_value_stops_what_derives_from_it) {
    int runs = 0;
    const auto secure = port.map([](int value) { return value == 443; });
    const auto shown = secure.map([&](bool value) {
        ++runs;
        return std::string{value ? "secure" : "plain"};
    });
    EXPECT_EQ(runs, 1);
    store.set("server.port", 81);
    EXPECT_EQ(runs, 1);
    store.set("server.port", 443);
    EXPECT_EQ(runs, 2);
    EXPECT_EQ(shown.get(), "secure");
}

TEST_F(Derive, plain_structs_without_an_equality_are_compared_by_their_members) {
    int told = 0;
    const auto endpoint = server.map([](const Server& s) {
        return Endpoint{s.host, {{s.host, 1}}};
    });
    const auto observer =
        endpoint.on_change(attune::inline_executor, [&](const Change<Endpoint>&) { ++told; });
    store.set("server.port", 81);
    EXPECT_EQ(told, 0);
    store.set("server.host", "other");
    EXPECT_EQ(told, 1);
    EXPECT_EQ(endpoint.read().version(), store.version());
}

TEST_F(Derive, values_that_cannot_be_compared_count_as_new_each_time) {
    int told = 0;
    const auto opaque = server.map([](const Server& s) { return Opaque{s.host.empty() ? 0 : 1}; });
    const auto next = opaque.map([&](const Opaque& value) { return ++told, value.number(); });
    store.set("server.port", 81);
    EXPECT_EQ(told, 2);
    EXPECT_EQ(next.get(), 1);
}

TEST_F(Derive, a_value_that_is_not_a_number_stays_the_same) {
    int runs = 0;
    const auto nan = port.map([](int) { return std::numeric_limits<double>::quiet_NaN(); });
    const auto below = nan.map([&](double) { return ++runs; });
    store.set("server.port", 81);
    EXPECT_EQ(runs, 1);
}

TEST_F(Derive, a_field_hears_nothing_of_the_other_fields) {
    int told = 0;
    const auto observer =
        port.on_change(attune::inline_executor, [&](const Change<std::uint16_t>&) { ++told; });
    store.set("server.host", "other");
    EXPECT_EQ(told, 0);
    EXPECT_EQ(port.name(), "server.port");
}

TEST_F(Derive, functions_may_be_generic_lambdas) {
    const auto mapped = server.map([](const auto& now) { return now.port + 1; });
    const auto optioned = attune::derive(
        DeriveOptions{.name = "sum"}, [](const auto& a, const auto& b) { return a + b; }, port,
        mapped);
    const auto plain = attune::derive([](const auto& a) { return a * 2; }, optioned);
    const auto tracked =
        attune::derive(store, [plain, from = port](auto& use) { return use(plain) + use(from); });
    store.set("server.port", 100);
    EXPECT_EQ(tracked.get(), (100 + 101) * 2 + 100);
}

TEST_F(Derive, what_a_function_reads_may_change_from_run_to_run) {
    const auto on = tls.field(&Tls::on);
    const auto secure_port = store.bind<int>("secure_port");
    int runs = 0;
    const auto used = attune::derive(store, [&, on, secure_port, port = port](Track& use) {
        ++runs;
        return use(on) ? use(secure_port) : int{use(port)};
    });
    EXPECT_EQ(used.get(), 80);
    store.set("secure_port", 443);
    EXPECT_EQ(runs, 1) << "it has not read that";
    store.set("tls.on", true);
    EXPECT_EQ(used.get(), 443);
    store.set("server.port", 81);
    EXPECT_EQ(runs, 2) << "it does not read that any more";
}

// folly::observer loses this one: dependencies count there only when the value has changed.
TEST_F(Derive, what_was_read_by_a_run_that_ended_equal_is_a_dependency) {
    const auto flag = store.bind<bool>("flag");
    const auto b = store.bind<int>("b");
    const auto c = store.bind<int>("c");
    const auto chosen =
        attune::derive(store, [=](Track& use) { return use(flag) ? use(b) : use(c); });
    store.set("flag", true);  // b equals c
    store.set("b", 42);
    EXPECT_EQ(chosen.get(), 42);
}

// And this one.
TEST_F(Derive, what_was_read_by_a_run_that_threw_is_a_dependency) {
    const auto flag = store.bind<bool>("flag");
    const auto bad = store.bind<int>("bad");
    const auto value =
        attune::derive(store,
                       [=](Track& use) {
                           if (!use(flag)) {
                               return 0;
                           }
                           return use(bad) == 0 ? throw std::runtime_error{"bad is 0"} : use(bad);
                       },
                       {.name = "value", .on_error = OnError::keep});
    store.set("flag", true);
    ASSERT_TRUE(value.stale());
    store.set("bad", 7);
    EXPECT_FALSE(value.stale());
    EXPECT_EQ(value.get(), 7);
}

TEST_F(Derive, a_node_that_is_read_for_the_first_time_is_brought_up_to_date_first) {
    // `late` stands above `reader` in height when it is first read, and changes in that commit.
    const auto on = tls.field(&Tls::on);
    auto late = port.map([](int value) { return value; });
    for (int i = 0; i != 5; ++i) {
        late = late.map([](int value) { return value + 1; });
    }
    int runs = 0;
    const auto reader = attune::derive(store, [&, on, late](Track& use) {
        ++runs;
        return use(on) ? use(late) : 0;
    });
    runs = 0;
    store.merge({{"tls", {{"on", true}}}, {"server", {{"port", 100}}}});
    EXPECT_EQ(reader.get(), 105);
    EXPECT_EQ(runs, 1);
    store.set("server.port", 200);
    EXPECT_EQ(reader.get(), 205);
}

TEST_F(Derive, a_function_that_throws_vetoes_the_commit) {
    const auto url = server.map(
        [](const Server& s) {
            return s.port == 1 ? throw std::runtime_error{"port 1 is taken"} : s.host;
        },
        {.name = "url"});
    const attune::Version before = store.version();
    EXPECT_EQ(refusal([&] { store.set("server.port", 1); }),
              "overrides: server: derived value \"url\" threw: port 1 is taken");
    EXPECT_EQ(store.version(), before);
    EXPECT_EQ(port.get(), 80);
}

TEST_F(Derive, every_function_that_throws_is_reported) {
    const auto fail = [](int value) -> int {
        return value == 1 ? throw std::runtime_error{"no"} : value;
    };
    const auto a = port.map(fail, {.name = "a"});
    const auto b = port.map(fail, {.name = "b"});
    const auto sum = attune::derive([](int x, int y) { return x + y; }, a, b);
    try {
        store.set("server.port", 1);
        FAIL() << "it was accepted";
    } catch (const Rejected& rejected) {
        EXPECT_EQ(rejected.problems().size(), 2U);
    }
}

TEST_F(Derive, a_first_run_that_throws_leaves_no_node_behind) {
    const auto before = store.graph().size();
    EXPECT_THROW((void)server.map([](const Server&) -> int { throw std::runtime_error{"no"}; },
                                  {.name = {}, .on_error = OnError::keep}),
                 Rejected);
    EXPECT_EQ(store.graph().size(), before);
}

TEST_F(Derive, a_function_may_keep_its_last_value_when_it_throws) {
    const auto value = port.map([](int p) { return p == 1 ? throw std::runtime_error{"one"} : p; },
                                {.name = "value", .on_error = OnError::keep});
    const attune::Commit commit = store.set("server.port", 1);
    EXPECT_EQ(port.get(), 1);
    EXPECT_EQ(value.get(), 80);
    ASSERT_TRUE(value.stale());
    EXPECT_EQ(value.stale()->error, "one");
    EXPECT_EQ(value.stale()->version, commit.version);
    const attune::StoreStatus status = store.status();
    EXPECT_EQ(status.state, attune::State::stale);
    ASSERT_EQ(status.stale.size(), 1U);
    EXPECT_EQ(status.stale[0].name, "value");
    EXPECT_THAT(to_string(status), HasSubstr("stale since version"));

    store.set("server.port", 2);
    EXPECT_FALSE(value.stale());
    EXPECT_EQ(value.get(), 2);
    EXPECT_EQ(store.status().state, attune::State::ready);
}

TEST_F(Derive, a_circle_is_refused_with_the_names_on_it_and_leaves_the_graph_as_it_was) {
    Config<int> b;
    const auto a =
        attune::derive(store, [&, port = port](Track& use) { return use(port) == 1 ? use(b) : 1; },
                       {.name = "a"});
    const auto between = a.map([](int value) { return value; }, {.name = "between"});
    b = between.map([](int value) { return value + 1; }, {.name = "b"});
    const std::string graph = store.graph_dot();

    EXPECT_THAT(refusal([&] { store.set("server.port", 1); }),
                HasSubstr("read each other in a circle: a -> b -> between -> a"));
    EXPECT_EQ(port.get(), 80);

    store.set("server.port", 2);
    EXPECT_EQ(b.get(), 2);
    EXPECT_THAT(store.graph_dot(), Not(HasSubstr("circle")));
}

TEST_F(Derive, a_value_that_reads_itself_is_refused) {
    Config<int> self;
    self = attune::derive(store,
                          [&, port = port](Track& use) { return use(port) == 1 ? use(self) : 1; },
                          {.name = "self", .on_error = OnError::keep});
    EXPECT_THAT(refusal([&] { store.set("server.port", 1); }), HasSubstr("self -> self"));
    EXPECT_EQ(self.get(), 1);
}

TEST_F(Derive, a_function_that_writes_to_its_store_is_refused) {
    const auto writer = port.map(
        [&](int value) {
            if (value != 80) {
                store.set("other", value);
            }
            return value;
        },
        {.name = "writer"});
    EXPECT_THAT(refusal([&] { store.set("server.port", 1); }),
                HasSubstr("must not call the store"));
    EXPECT_EQ(port.get(), 80);
}

TEST_F(Derive, an_observer_may_write_and_that_is_a_later_version) {
    std::vector<attune::Version> versions;
    const auto observer =
        port.on_change(attune::inline_executor, [&](const Change<std::uint16_t>& change) {
            versions.push_back(change.version);
            if (*change.after < 85) {
                store.set("server.port", *change.after + 1);
            }
        });
    store.set("server.port", 82);
    EXPECT_EQ(port.get(), 85);
    EXPECT_EQ(versions.size(), 4U);
    EXPECT_TRUE(std::is_sorted(versions.begin(), versions.end()));
}

TEST_F(Derive, a_rule_over_several_values_vetoes_with_its_text) {
    store.require([](const Server& s, const Tls& t) { return !t.on || s.port == 443; },
                  "with tls the port is 443", server, tls);
    EXPECT_EQ(refusal([&] { store.set("tls.on", true); }),
              "overrides: server: with tls the port is 443");
    EXPECT_FALSE(tls.get().on);
    store.merge({{"tls", {{"on", true}}}, {"server", {{"port", 443}}}});
    EXPECT_TRUE(tls.get().on);
}

TEST_F(Derive, a_rule_that_does_not_hold_now_is_not_taken_in) {
    const auto condition = [](const Server& s) { return s.port == 1; };
    EXPECT_THROW(store.require(condition, "the port is 1", server), Rejected);
    store.set("server.port", 2);
    EXPECT_EQ(port.get(), 2);
}

TEST_F(Derive, a_value_nobody_refers_to_leaves_the_graph_and_its_function_is_destroyed) {
    const auto held = std::make_shared<int>(1);
    auto value = port.map([held](int p) { return p + *held; });
    const auto above = value.map([held](int p) { return p; });
    EXPECT_EQ(held.use_count(), 3);
    const std::size_t size = store.graph().size();
    value = {};
    EXPECT_EQ(held.use_count(), 3) << "another value derives from it";
    {
        auto last = above;
        const_cast<Config<int>&>(above) = {};
        EXPECT_EQ(store.graph().size(), size);
    }
    EXPECT_EQ(held.use_count(), 1);
    EXPECT_EQ(store.graph().size(), size - 2);
}

TEST_F(Derive, an_observed_value_needs_no_handle) {
    int seen = 0;
    auto observer = port.map([](int p) { return p + 1; })
                        .on_change(attune::inline_executor,
                                   [&](const Change<int>& change) { seen = *change.after; });
    store.set("server.port", 5);
    EXPECT_EQ(seen, 6);
    const std::size_t size = store.graph().size();
    observer.cancel();
    store.set("server.port", 6);
    EXPECT_EQ(seen, 6);
    EXPECT_EQ(store.graph().size(), size - 1);
}

TEST_F(Derive, a_handle_in_a_reused_slot_is_not_taken_for_the_one_before) {
    auto first = port.map([](int) { return std::string{"text"}; });
    const attune::Snapshot then = store.snapshot();
    EXPECT_EQ(then[first], "text");
    first = {};
    store.set("server.port", 1);
    const auto second = port.map([](int p) { return p; });
    EXPECT_EQ(then[second], then[port]);
    EXPECT_EQ(store.snapshot()[second], 1);
}

TEST_F(Derive, handles_keep_the_last_value_when_the_store_is_gone) {
    auto own = std::make_optional<Store>();
    const auto source = own->bind<int>("x");
    const auto twice = source.map([](int x) { return 2 * x; });
    const auto again = twice.map([](int x) { return 2 * x; });
    own->set("x", 4);
    own.reset();
    EXPECT_EQ(twice.get(), 8);
    EXPECT_EQ(again.get(), 16);
    EXPECT_THROW((void)twice.map([](int x) { return x; }), std::logic_error);
    EXPECT_FALSE(twice.stale());
}

TEST_F(Derive, handles_of_two_stores_do_not_mix) {
    Store other;
    const auto foreign = other.bind<int>("x");
    EXPECT_THROW((void)attune::derive([](int a, int b) { return a + b; }, port, foreign),
                 std::invalid_argument);
    EXPECT_THAT(refusal([&] {
                    (void)attune::derive(store, [&](Track& use) { return use(foreign); });
                }),
                HasSubstr("belongs to another store"));
    EXPECT_THROW((void)attune::derive([](int a) { return a; }, Config<int>{}),
                 std::invalid_argument);
}

TEST_F(Derive, names_can_be_given_and_changed) {
    auto value = port.map([](int p) { return p; }, {.name = "first"});
    EXPECT_EQ(value.name(), "first");
    value.named("second");
    EXPECT_EQ(value.name(), "second");
    EXPECT_THAT(store.graph_dot(), HasSubstr("second"));
    EXPECT_EQ(server.name(), "server");
}

TEST_F(Derive, move_only_results_are_values_too) {
    const auto owned = port.map([](int p) { return std::make_unique<int>(p); });
    EXPECT_EQ(**owned.pin(), 80);
    store.set("server.port", 81);
    EXPECT_EQ(**owned.pin(), 81);
}

TEST_F(Derive, a_long_chain_is_computed_and_taken_down_without_recursion) {
#if defined(ATTUNE_CHAOS)
    constexpr int length = 5'000;  // each commit makes most values of the store anew
#else
    constexpr int length = 20'000;
#endif
    auto last = port.map([](int p) { return p; });
    for (int i = 0; i != length; ++i) {
        last = last.map([](int p) { return p; });
    }
    store.set("server.port", 7);
    EXPECT_EQ(last.get(), 7);
    last = {};
    EXPECT_EQ(store.graph().size(), 3U);
}

TEST(DeriveThreads, values_come_and_go_while_others_commit_and_read) {
    Store store;
    const auto source = store.bind<int>("x");
    std::atomic<bool> stop{false};
    std::vector<std::thread> threads;
    for (int t = 0; t != 3; ++t) {
        threads.emplace_back([&] {
            while (!stop.load()) {
                const auto a = source.map([](int x) { return x + 1; });
                const auto b = attune::derive(store, [=](Track& use) { return use(a) + 1; });
                const auto observer = b.on_change([](const Change<int>&) {});
                const auto view = store.view();
                EXPECT_EQ(view[source] + 2, view[b]);
            }
        });
    }
    for (int i = 0; i != 2000; ++i) {
        store.set("x", i);
    }
    stop = true;
    for (auto& thread : threads) {
        thread.join();
    }
    EXPECT_EQ(store.graph().size(), 1U);
}

}  // namespace
