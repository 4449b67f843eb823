#include <attune/bind/secret.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <sstream>
#include <string>
#include <type_traits>
#include <utility>

namespace {

using attune::Secret;

TEST(Secret, is_set_like_its_value) {
    Secret<std::string> secret = "hidden";
    EXPECT_EQ(secret.reveal(), "hidden");
    secret = std::string("other");
    EXPECT_EQ(secret.reveal(), "other");
    const Secret<int> number = 3;
    EXPECT_EQ(number.reveal(), 3);
    const Secret<std::unique_ptr<int>> moved = std::make_unique<int>(5);
    EXPECT_EQ(*moved.reveal(), 5);
}

TEST(Secret, does_not_turn_into_its_value) {
    static_assert(!std::is_convertible_v<Secret<std::string>, std::string>);
    static_assert(!std::is_constructible_v<std::string, Secret<std::string>>);
    static_assert(!std::is_convertible_v<Secret<int>, int>);
}

TEST(Secret, compares_by_value) {
    EXPECT_EQ(Secret<int>(3), Secret<int>(3));
    EXPECT_NE(Secret<int>(3), Secret<int>(4));
}

TEST(Secret, prints_nothing_of_its_value) {
    const Secret<std::string> secret = "hidden";
    EXPECT_EQ(to_string(secret), "***");
    std::ostringstream stream;
    stream << secret;
    EXPECT_EQ(stream.str(), "***");
}

}  // namespace
