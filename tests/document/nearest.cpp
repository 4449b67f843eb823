#include <attune/document/nearest.hpp>

#include <array>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace {

std::string among(std::string_view word) {
    constexpr std::array<std::string_view, 5> names{"host", "port", "pool_size", "timeout", "mode"};
    return attune::nearest(word, names);
}

TEST(Nearest, finds_one_slip_in_a_short_word) {
    EXPECT_EQ(among("hots"), "host");   // swapped
    EXPECT_EQ(among("prt"), "port");    // missing
    EXPECT_EQ(among("mmode"), "mode");  // doubled
    EXPECT_EQ(among("pork"), "port");   // replaced
}

TEST(Nearest, ignores_case) {
    EXPECT_EQ(among("PORT"), "port");
    EXPECT_EQ(among("Pool_Size"), "pool_size");
}

TEST(Nearest, allows_more_slips_in_a_longer_word) {
    EXPECT_EQ(among("pol_siez"), "pool_size");
    EXPECT_EQ(among("poolsize"), "pool_size");
}

TEST(Nearest, gives_nothing_when_nothing_is_alike) {
    EXPECT_EQ(among("certificate"), "");
    EXPECT_EQ(among(""), "");
    EXPECT_EQ(among("x"), "");
    constexpr std::array<std::string_view, 2> letters{"a", "b"};
    EXPECT_EQ(attune::nearest("x", letters), "");
    EXPECT_EQ(attune::nearest("port", {}), "");
}

TEST(Nearest, prefers_the_nearest_and_then_the_first) {
    constexpr std::array<std::string_view, 3> names{"paths", "path", "bath"};
    EXPECT_EQ(attune::nearest("path", names), "path");
    EXPECT_EQ(attune::nearest("math", names), "path");
}

}  // namespace
