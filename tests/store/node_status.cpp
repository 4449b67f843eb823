#include <attune/store/node_status.hpp>

#include <attune/store/derive.hpp>
#include <attune/store/store.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace {

using attune::NodeStatus;
using testing::HasSubstr;

TEST(NodeStatus, tells_of_every_value_and_rule) {
    attune::Store store;
    const auto x = store.bind<int>("x");
    const auto sign = x.map([](int value) { return value > 0; }, {.name = "sign"});
    const auto text = sign.map([](bool value) { return std::string{value ? "+" : "-"}; });
    store.require([](int value) { return value < 100; }, "x is below 100", x);
    const auto observer = text.on_change([](const auto&) {});
    store.set("x", 1);
    store.set("x", 2);

    const std::vector<NodeStatus> graph = store.graph();
    ASSERT_EQ(graph.size(), 4U);
    EXPECT_EQ(graph[0].type, NodeStatus::Type::bound);
    EXPECT_EQ(graph[0].name, "x");
    EXPECT_EQ(graph[0].version, 2U);
    EXPECT_EQ(graph[1].type, NodeStatus::Type::derived);
    EXPECT_EQ(graph[1].name, "sign");
    EXPECT_EQ(graph[1].inputs, std::vector<std::size_t>{0});
    EXPECT_EQ(graph[1].version, 1U);
    EXPECT_EQ(graph[1].runs, 3U);
    EXPECT_EQ(graph[1].cut_offs, 1U);
    EXPECT_EQ(graph[2].height, 2U);
    EXPECT_EQ(graph[2].observers, 1U);
    EXPECT_EQ(graph[3].type, NodeStatus::Type::rule);
    EXPECT_EQ(graph[3].name, "x is below 100");
}

TEST(NodeStatus, is_drawn_for_graphviz_with_what_is_wrong_in_red) {
    attune::Store store;
    const auto x = store.bind<int>("a \"quoted\" key");
    const auto kept =
        x.map([](int value) { return value == 1 ? throw std::runtime_error{"is 1"} : value; },
              {.name = "kept", .on_error = attune::OnError::keep});
    store.set("a \"quoted\" key", 1);
    const std::string dot = store.graph_dot();
    EXPECT_THAT(dot, testing::StartsWith("digraph attune {\n"));
    EXPECT_THAT(dot, HasSubstr(R"(a \"quoted\" key)"));
    EXPECT_THAT(dot, HasSubstr(R"(stale: is 1", color=red)"));
    EXPECT_THAT(dot, HasSubstr("n0 -> n1;"));
}

}  // namespace
