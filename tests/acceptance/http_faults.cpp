// A client and a server, and between them a network that fails in every way there is.

#include <attune/bind/problem.hpp>
#include <attune/bind/schema.hpp>
#include <attune/serve/config_server.hpp>
#include <attune/store/store.hpp>
#include <attune/testing/faulty_proxy.hpp>
#include <attune/transport/http.hpp>
#include <attune/transport/memory.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace attune_test::http_faults {

using attune::Document;
using attune::Store;
using attune::testing::fault_schedule;
using attune::testing::FaultyProxy;
using namespace std::chrono_literals;

struct Pair {
    std::int64_t n = 0;
    std::int64_t twice = 0;
};

void describe(attune::Schema<Pair>& s) {
    s.check([](const Pair& p) { return p.n >= 0; }, "n must not be negative");
}

Document pair_of(std::int64_t n) { return {{"n", n}, {"twice", 2 * n}}; }

/// Tries again soon: the faults last for two seconds only.
attune::HttpOptions impatient() {
    attune::HttpOptions options;
    options.back_off = {.first = 5ms, .longest = 50ms};
    return options;
}

class HttpFaults : public testing::TestWithParam<std::uint64_t> {
protected:
    std::string url() const {
        return "http://127.0.0.1:" + std::to_string(proxy.port()) + "/v1/config";
    }
    bool follower_has(std::int64_t n, std::chrono::milliseconds patience) const {
        return pair.wait_until([&](const Pair& p) { return p.n == n; }, patience);
    }

    /// Publishes one version after another, as soon as the follower has the last one or 5 ms have
    /// gone. Every fifth is one that the follower refuses; after every fifth it writes itself.
    void publish_until(const std::atomic<bool>& over) {
        while (!over.load()) {
            published.set("pair", pair_of(++last));
            follower_has(last, 5ms);
            if (last % 5 == 0) {
                published.set("pair", pair_of(-last));
            } else if (last % 5 == 2) {
                write(last);
            }
        }
    }

    /// By way of the follower. What is acknowledged must be there.
    void write(std::int64_t value) {
        try {
            layer.set("written", value);
        } catch (const attune::Rejected&) {
            return;  // the network was in the way; it may be there, or come later
        }
        EXPECT_EQ(written.get(), value);
        ++acknowledged;
    }

    Store published;
    attune::Layer truth = published.add(attune::memory({{"pair", pair_of(0)}, {"written", 0}}));
    attune::Config<std::int64_t> written = published.bind<std::int64_t>("written");
    attune::ConfigServer server{published, {}};
    FaultyProxy proxy{server.port()};

    Store followed;
    attune::Layer layer = followed.add(attune::http(url(), impatient()));
    attune::Config<Pair> pair = followed.bind<Pair>("pair");
    std::int64_t last = 0;
    std::int64_t acknowledged = 0;
};

TEST_P(HttpFaults, over_both_sides_agree_and_nothing_bad_or_old_was_ever_served) {
    std::int64_t seen = 0;  // by the observer alone, until it has ended
    std::size_t wrong = 0;
    std::vector<std::int64_t> told;
    auto watching =
        pair.on_change(attune::inline_executor, [&](const attune::Change<Pair>& change) {
            wrong += change.after->n <= seen || change.after->twice != 2 * change.after->n ? 1 : 0;
            seen = change.after->n;
            told.push_back(seen);
        });
    std::atomic<bool> over{false};
    std::thread publishing{[&] { publish_until(over); }};
    proxy.play(fault_schedule(GetParam(), {.total = 2s}));
    over.store(true);
    publishing.join();

    published.set("pair", pair_of(++last));
    ASSERT_TRUE(follower_has(last, 60s)) << to_string(followed.status());
    EXPECT_EQ(layer.status().state, attune::State::ready) << to_string(followed.status());
    layer.set("written", std::int64_t{-1});
    EXPECT_EQ(written.get(), -1);

    // The last good one stays, and the publisher hears why.
    published.set("pair", pair_of(-last));
    const auto refused = [&] {
        const auto clients = server.clients();
        return std::any_of(clients.begin(), clients.end(), [](const attune::ClientReport& client) {
            return client.state == attune::ClientState::refused && !client.problems.empty();
        });
    };
    while (!refused()) {
        std::this_thread::yield();
    }
    EXPECT_EQ(pair.get().n, last);
    EXPECT_EQ(layer.status().state, attune::State::stale);
    published.set("pair", pair_of(++last));
    ASSERT_TRUE(follower_has(last, 60s)) << to_string(followed.status());

    watching.cancel();
    EXPECT_EQ(wrong, 0u);
    EXPECT_GT(told.size(), 2u);
    EXPECT_GT(acknowledged, 0);
    EXPECT_GT(proxy.counters().cut, 0u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, HttpFaults, testing::Values(1u, 2u, 3u, 4u),
                         [](const auto& seed) { return std::to_string(seed.param); });

}  // namespace attune_test::http_faults
