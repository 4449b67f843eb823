#include <attune/document/origin.hpp>

#include <gtest/gtest.h>

namespace {

using attune::Origin;

TEST(Origin, is_text_with_whatever_is_known) {
    EXPECT_EQ(to_string(Origin{}), "");
    EXPECT_EQ(to_string(Origin{.layer = "base", .source = "service.json", .line = 7, .column = 17}),
              "service.json:7:17");
    EXPECT_EQ(to_string(Origin{.layer = "env", .source = "environment variable X"}),
              "environment variable X");
    EXPECT_EQ(to_string(Origin{.layer = "memory"}), "memory");
    EXPECT_EQ(to_string(Origin{.line = 1, .column = 2}), "1:2");
}

}  // namespace
