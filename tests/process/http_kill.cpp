// A server that dies again and again, and 200 stores that follow it.

#include "process/http_peers.hpp"

#include <attune/testing/faulty_proxy.hpp>

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace attune_test::http_kill {

constexpr int lives = 50;
constexpr int programs = 4;
constexpr int followers = 50;  // per program
constexpr int all = programs * followers;

std::string number(std::int64_t n) { return std::to_string(n); }

std::uint64_t asked(Child& server) {
    server.say("requests");
    return std::stoull(server.hear().value_or("0"));
}

TEST(HttpKill, two_hundred_stores_end_on_the_newest_version_of_a_server_killed_fifty_times) {
    std::optional<Child> server{std::in_place, "http_publisher",
                                std::vector<std::string>{"0", "1"}};
    const std::string port = server->hear().value_or("");
    ASSERT_NE(port, "");
    // Half of them through a proxy, which counts how often they connect.
    attune::testing::FaultyProxy proxy{static_cast<std::uint16_t>(std::stoi(port))};
    std::deque<Child> following;
    for (int i = 0; i < programs; ++i) {
        const std::string at = i % 2 == 0 ? port : std::to_string(proxy.port());
        following.emplace_back("http_followers",
                               std::vector<std::string>{"http://127.0.0.1:" + at + "/v1/config",
                                                        number(followers)});
    }
    for (Child& each : following) {
        ASSERT_EQ(each.hear(), "ready");
    }

    std::uint64_t requests = 0;
    std::int64_t n = 1;
    for (int life = 0; life < lives; ++life) {
        // Some have found the new server and hear of a change when it dies; others have not yet.
        for (Child& each : following) {
            each.say("await " + number(n) + " 10");
        }
        for (Child& each : following) {
            ASSERT_EQ(each.hear(), "there");
        }
        server->say("set " + number(++n));
        following[static_cast<std::size_t>(life % programs)].say("await " + number(n) + " 1");
        ASSERT_EQ(following[static_cast<std::size_t>(life % programs)].hear(), "there");
        requests += asked(*server);
        server->kill();
        server.emplace("http_publisher", std::vector<std::string>{port, number(++n)});
        ASSERT_EQ(server->hear(), port);
    }

    for (Child& each : following) {
        each.say("await " + number(n) + ' ' + number(followers));
    }
    for (Child& each : following) {
        ASSERT_EQ(each.hear(), "there");
        each.say("summary");
        EXPECT_EQ(each.hear(), number(n) + ' ' + number(n) + " 0");
    }
    requests += asked(*server);

    // In one life a store asks for the present version, waits, is told of the change, waits again,
    // and reports two versions. A life is shorter than the pauses between attempts soon are.
    EXPECT_LE(requests, std::uint64_t{(lives + 1) * all * 6});
    EXPECT_LE(proxy.counters().connections, std::uint64_t{(lives + 1) * all / 2 * 6});
}

}  // namespace attune_test::http_kill
