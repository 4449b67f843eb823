// Node's own fetch, and the EventSource of an npm package, against ConfigServer.

#include "process/http_peers.hpp"

#include <attune/document/parse.hpp>
#include <attune/serve/config_server.hpp>
#include <attune/store/store.hpp>
#include <attune/transport/memory.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace attune_test::http_node {

using testing::HasSubstr;
using testing::StartsWith;

class Node : public testing::Test {
protected:
    void SetUp() override {
        if (find_program("node").empty()) {
            GTEST_SKIP() << "node is not installed";
        }
    }

    /// The arguments of one of the scripts beside these tests.
    std::vector<std::string> script(const std::string& name, const std::string& place,
                                    const std::string& more) const {
        return {ATTUNE_SOURCE_DIR "/tests/process/http_peers/" + name + ".mjs",
                "http://127.0.0.1:" + std::to_string(server.port()) + place, more, ATTUNE_NODE};
    }

    attune::Store store;
    attune::Layer layer = store.add(attune::memory({{"n", 1}}));
    attune::Config<std::int64_t> n = store.bind<std::int64_t>("n");
    attune::ConfigServer server{store, {}};
};

TEST_F(Node, follows_by_fetch) {
    Child follower{Installed{"node"}, script("follow", "/v1/config/n", "20")};
    ASSERT_EQ(follower.hear(), "1");
    for (std::int64_t next = 2; next <= 20; ++next) {
        store.set("n", next);
        ASSERT_EQ(follower.hear(), std::to_string(next));
    }
    EXPECT_EQ(follower.ended(), 0);
}

TEST_F(Node, loses_no_update_to_another_that_writes_at_the_same_time) {
    Child one{Installed{"node"}, script("increment", "/v1/config/n", "50")};
    Child other{Installed{"node"}, script("increment", "/v1/config/n", "50")};
    EXPECT_EQ(one.hear_all(), "");
    EXPECT_EQ(other.hear_all(), "");
    EXPECT_EQ(one.ended(), 0);
    EXPECT_EQ(other.ended(), 0);
    EXPECT_EQ(n.get(), 101);
}

TEST_F(Node, is_told_of_versions_by_an_event_source) {
    if (!std::filesystem::exists(ATTUNE_NODE "/node_modules/eventsource")) {
        GTEST_SKIP() << "there is no eventsource in " ATTUNE_NODE "; tools/test.sh installs it";
    }
    Child reader{Installed{"node"}, script("events", "/v1/events", "3")};
    ASSERT_EQ(reader.hear(), "open");
    for (std::int64_t next = 2; next <= 4; ++next) {
        const attune::Version version = store.set("n", next).version;
        const std::string line = reader.hear().value_or("");
        EXPECT_THAT(line, StartsWith(std::to_string(version) + ' '));
        EXPECT_THAT(line, HasSubstr(R"("/n")"));
    }
    EXPECT_EQ(reader.ended(), 0);
}

}  // namespace attune_test::http_node
