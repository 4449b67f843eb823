// nginx as what stands in front of a ConfigServer, and as the origin of a plain file.

#include "process/http_peers.hpp"

#include <attune/serve/config_server.hpp>
#include <attune/store/store.hpp>
#include <attune/transport/http.hpp>
#include <attune/transport/memory.hpp>

#include <chrono>
#include <cstdint>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace attune_test::http_nginx {

using attune::Store;
using namespace std::chrono_literals;

class NginxPeer : public testing::Test {
protected:
    void SetUp() override {
        if (nginx.empty()) {
            GTEST_SKIP() << "nginx is not installed";
        }
    }

    const std::string nginx = find_program("nginx");
};

bool becomes(const attune::Config<std::int64_t>& value, std::int64_t wanted) {
    return value.wait_until([&](std::int64_t now) { return now == wanted; }, 60s);
}

TEST_F(NginxPeer, passes_long_polls_and_writes_through_to_a_server_behind_it) {
    Store published;
    published.add(attune::memory({{"n", 1}}));
    const auto truth = published.bind<std::int64_t>("n");
    const attune::ConfigServer server{published, {}};
    Nginx proxy{nginx,
                "    location / { proxy_http_version 1.1; proxy_set_header Connection '';\n"
                "      proxy_pass http://127.0.0.1:" +
                    std::to_string(server.port()) + "; }"};

    Store store;
    attune::Layer layer =
        store.add(attune::http("http://127.0.0.1:" + std::to_string(proxy.port()) + "/v1/config"));
    const auto n = store.bind<std::int64_t>("n");
    EXPECT_EQ(n.get(), 1);
    for (std::int64_t next = 2; next < 30; ++next) {
        published.set("n", next);
        ASSERT_TRUE(becomes(n, next));
    }
    layer.set("n", 30);
    EXPECT_EQ(n.get(), 30);
    EXPECT_EQ(truth.get(), 30);

    proxy.restart(nginx);
    published.set("n", 31);
    EXPECT_TRUE(becomes(n, 31));
}

TEST_F(NginxPeer, with_a_plain_file_is_polled) {
    Nginx origin{nginx, ""};
    origin.folder().save("service.json", R"({"n": 1})");
    Store store;
    store.add(attune::http("http://127.0.0.1:" + std::to_string(origin.port()) + "/service.json",
                           {.interval = 20ms}));
    const auto n = store.bind<std::int64_t>("n");
    EXPECT_EQ(n.get(), 1);
    origin.folder().save("service.json", R"({"n": 22})");
    EXPECT_TRUE(becomes(n, 22));
    // Cut off in the middle of being written, as by an editor without a rename.
    origin.folder().save("service.json", R"({"n": )");
    const auto stale = [&] { return store.status().state == attune::State::stale; };
    while (!stale()) {
        std::this_thread::yield();
    }
    EXPECT_EQ(n.get(), 22);
    origin.folder().save("service.json", R"({"n": 333})");
    EXPECT_TRUE(becomes(n, 333));
}

}  // namespace attune_test::http_nginx
