#include <attune/testing/event_trace.hpp>

#include <attune/bind/secret.hpp>
#include <attune/store/store.hpp>
#include <attune/testing/flaky_transport.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using attune::testing::EventTrace;
using attune::testing::FlakyTransport;

struct Pool {
    int size = 8;
    attune::Secret<std::string> password;
};

TEST(EventTrace, keeps_events_in_order_and_writes_them_one_per_line) {
    const EventTrace trace;
    EXPECT_EQ(to_string(trace), "");
    trace.add({.name = "begin"});
    trace.add({.name = "pool", .version = 2, .before = "8", .after = "16"});
    trace.add({.name = "mode", .version = 3, .after = "replica"});
    EXPECT_EQ(to_string(trace), "begin v0\npool v2: 8 -> 16\nmode v3: replica");
    EXPECT_EQ(trace.size(), 3u);
    EXPECT_EQ(trace.events()[0], (EventTrace::Event{.name = "begin"}));
    trace.clear();
    EXPECT_EQ(trace.size(), 0u);
}

TEST(EventTrace, records_changes_as_the_test_writes_them) {
    attune::Store store;
    const auto pool = store.bind<Pool>("pool");
    const EventTrace trace;
    const auto watch =
        pool.on_change(attune::inline_executor, trace.on_change("pool", [](const Pool& p) {
            return std::to_string(p.size);
        }));
    store.set("pool.size", 16);
    store.set("pool.size", 4);
    EXPECT_EQ(to_string(trace), "pool v1: 8 -> 16\npool v2: 16 -> 4");
}

TEST(EventTrace, writes_json_without_secrets_by_default) {
    attune::Store store;
    const auto size = store.bind<int>("pool.size");
    const auto pool = store.bind<Pool>("pool");
    const EventTrace trace;
    const auto one = size.on_change(attune::inline_executor, trace.on_change("size"));
    const auto two = pool.on_change(attune::inline_executor, trace.on_change("pool"));
    store.merge({{"pool", {{"size", 2}, {"password", "hunter2"}}}});
    const std::string text = to_string(trace);
    EXPECT_NE(text.find("size v1: 0 -> 2"), std::string::npos) << text;
    EXPECT_NE(text.find("pool v1: {\"password\":\"***\",\"size\":8}"), std::string::npos) << text;
    EXPECT_EQ(text.find("hunter2"), std::string::npos) << text;
}

TEST(EventTrace, records_rejections_between_changes) {
    const FlakyTransport source;
    attune::Store store;
    store.add(source.transport());
    const auto a = store.bind<int>("a");
    const EventTrace trace;
    const auto changes = a.on_change(attune::inline_executor, trace.on_change("a"));
    const auto rejections = store.on_rejected(attune::inline_executor, trace.on_rejected());
    source.push({{"a", 1}});
    source.push({{"a", "x"}});
    source.push({{"a", 2}});
    const auto events = trace.events();
    ASSERT_EQ(events.size(), 3u);
    EXPECT_EQ(events[0], (EventTrace::Event{"a", 1, "0", "1"}));
    EXPECT_EQ(events[1].name, "rejected");
    EXPECT_NE(events[1].after.find("expected an integer"), std::string::npos);
    EXPECT_EQ(events[2], (EventTrace::Event{"a", 2, "1", "2"}));
}

TEST(EventTraceThreads, waits_for_events_of_other_threads) {
    const EventTrace trace;
    EXPECT_FALSE(trace.wait_for(1, 0s));
    std::vector<std::thread> threads;
    for (const char* name : {"a", "b"}) {
        threads.emplace_back([trace, name] {
            for (attune::Version version = 0; version != 100; ++version) {
                trace.add({.name = name, .version = version});
            }
        });
    }
    EXPECT_TRUE(trace.wait_for(200, 20s));
    for (auto& thread : threads) {
        thread.join();
    }
    attune::Version next[2] = {0, 0};
    for (const auto& event : trace.events()) {
        EXPECT_EQ(event.version, next[event.name == "b"]++);
    }
}

}  // namespace
