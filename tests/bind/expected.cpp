#include <attune/bind/expected.hpp>

#include <attune/bind/bytes.hpp>
#include <attune/bind/secret.hpp>
#include <attune/document/document.hpp>

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace {

using attune::detail::Quantity;
using attune::detail::Rules;
using attune::detail::type_of;

enum class Mode { primary, replica };
struct First {
    int a = 0;
};
struct Second {
    int b = 0;
};

template <class T>
std::string expected(const Rules* rules = nullptr) {
    return attune::detail::expected(type_of<T>(), rules);
}

TEST(Expected, names_every_shape) {
    EXPECT_EQ(expected<bool>(), "true or false");
    EXPECT_EQ(expected<std::int8_t>(), "an integer in [-128, 127]");
    EXPECT_EQ(expected<std::uint32_t>(), "an integer in [0, 4294967295]");
    EXPECT_EQ(expected<std::int64_t>(), "an integer");
    EXPECT_EQ(expected<std::uint64_t>(), "an integer of at least 0");
    EXPECT_EQ(expected<double>(), "a number");
    EXPECT_EQ(expected<std::string>(), "a string");
    EXPECT_EQ(expected<std::filesystem::path>(), "a path");
    EXPECT_EQ(expected<Mode>(), "one of primary, replica");
    EXPECT_EQ(expected<std::chrono::seconds>(), "a duration such as \"250ms\"");
    EXPECT_EQ(expected<attune::Bytes>(), "a size such as \"64MiB\"");
    EXPECT_EQ(expected<std::optional<bool>>(), "true or false");
    EXPECT_EQ(expected<std::unique_ptr<First>>(), "an object");
    EXPECT_EQ(expected<attune::Secret<bool>>(), "true or false");
    EXPECT_EQ(expected<std::vector<bool>>(), "a list");
    EXPECT_EQ(expected<std::vector<int>>(), "a list");
    EXPECT_EQ((expected<std::array<int, 1>>()), "a list of 1 item");
    EXPECT_EQ((expected<std::array<int, 3>>()), "a list of 3 items");
    EXPECT_EQ((expected<std::map<std::string, int>>()), "an object");
    EXPECT_EQ((expected<std::variant<bool, First, Second, std::string>>()),
              "true or false or an object or a string");
    EXPECT_EQ(expected<attune::Document>(), "a value");
}

TEST(Expected, is_narrowed_by_rules) {
    Rules rules;
    rules.least = Quantity(1);
    EXPECT_EQ(expected<std::uint16_t>(&rules), "an integer in [1, 65535]");
    EXPECT_EQ(expected<std::int64_t>(&rules), "an integer of at least 1");
    EXPECT_EQ(expected<std::uint64_t>(&rules), "an integer of at least 1");
    EXPECT_EQ(expected<std::chrono::minutes>(&rules), "a duration of at least 1m");
    EXPECT_EQ(expected<attune::Bytes>(&rules), "a size of at least 1B");
    rules.most = Quantity(60);
    EXPECT_EQ(expected<std::int64_t>(&rules), "an integer in [1, 60]");
    EXPECT_EQ(expected<std::optional<std::int64_t>>(&rules), "an integer in [1, 60]");
    EXPECT_EQ(expected<std::chrono::minutes>(&rules), "a duration in [1m, 1h]");
    rules.least.reset();
    EXPECT_EQ(expected<std::int64_t>(&rules), "an integer of at most 60");
    EXPECT_EQ(expected<double>(&rules), "a number of at most 60");
}

TEST(Expected, tells_sizes_and_choices) {
    Rules rules;
    rules.least_size = 1;
    EXPECT_EQ(expected<std::string>(&rules), "a string of at least 1 byte");
    EXPECT_EQ(expected<std::vector<int>>(&rules), "a list of at least 1 item");
    rules.most_size = 2;
    EXPECT_EQ(expected<std::vector<int>>(&rules), "a list of 1 to 2 items");
    rules.least_size.reset();
    EXPECT_EQ((expected<std::map<std::string, int>>(&rules)), "an object of at most 2 members");
    rules.strings = {"a", "b"};
    EXPECT_EQ(expected<std::string>(&rules), "one of a, b");
    Rules numbers;
    numbers.numbers = {Quantity(1), Quantity(60)};
    EXPECT_EQ(expected<int>(&numbers), "one of 1, 60");
    EXPECT_EQ(expected<std::chrono::seconds>(&numbers), "one of 1s, 1m");
    EXPECT_EQ(expected<Mode>(&numbers), "one of replica, 60");
}

}  // namespace
