#include <attune/bind/decode.hpp>

#include "support.hpp"

#include <attune/bind/bytes.hpp>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace {

using attune::Bytes;
using attune::decode;
using attune::Document;
using attune::parse;
using test::problems_of;
using Lines = std::vector<std::string>;

__extension__ typedef __int128 int128;

enum class Mode { primary, replica };

template <class T>
std::optional<T> accepted(const Document& document) {
    try {
        return decode<T>(document);
    } catch (const attune::Rejected&) {
        return std::nullopt;
    }
}

template <class T>
std::optional<T> json(std::string_view text) {
    return accepted<T>(parse(text));
}

template <class T>
std::optional<T> text(std::string_view text) {
    return accepted<T>(Document::text(text));
}

TEST(DecodeScalar, boolean) {
    EXPECT_EQ(json<bool>("true"), true);
    EXPECT_EQ(json<bool>("false"), false);
    for (const char* const no : {"0", "1", "1.0", "\"true\"", "\"on\"", "[]", "{}", "\"\""}) {
        EXPECT_EQ(json<bool>(no), std::nullopt) << no;
    }
    for (const char* const yes : {"true", "TRUE", "True", "yes", "Yes", "on", "ON", "1"}) {
        EXPECT_EQ(text<bool>(yes), true) << yes;
    }
    for (const char* const no : {"false", "False", "no", "NO", "off", "oFF", "0"}) {
        EXPECT_EQ(text<bool>(no), false) << no;
    }
    for (const char* const neither : {"", "2", "t", "y", "tru", "truee", " true", "null"}) {
        EXPECT_EQ(text<bool>(neither), std::nullopt) << neither;
    }
}

TEST(DecodeScalar, integer) {
    EXPECT_EQ(json<int>("-7"), -7);
    EXPECT_EQ(json<std::uint8_t>("255"), 255);
    for (const char* const no : {"1.0", "1e3", "\"1\"", "true", "[1]", "{}", "2147483648",
                                 "-2147483649", "18446744073709551615"}) {
        EXPECT_EQ(json<int>(no), std::nullopt) << no;
    }
    EXPECT_EQ(text<int>("42"), 42);
    EXPECT_EQ(text<int>("-42"), -42);
    EXPECT_EQ(text<std::uint64_t>("18446744073709551615"), ~std::uint64_t{0});
    for (const char* const no : {"", " 1", "1 ", "+1", "1.0", "0x10", "1e3", "one", "--1",
                                 "2147483648", "99999999999999999999999"}) {
        EXPECT_EQ(text<int>(no), std::nullopt) << no;
    }
}

TEST(DecodeScalar, integer_problems_tell_the_range) {
    EXPECT_EQ(problems_of<std::uint16_t>("70000"),
              Lines{"expected an integer in [0, 65535], found 70000"});
    EXPECT_EQ(problems_of<std::int8_t>("-129"),
              Lines{"expected an integer in [-128, 127], found -129"});
    EXPECT_EQ(problems_of<std::int64_t>("\"1\""), Lines{"expected an integer, found \"1\""});
    EXPECT_EQ(problems_of<std::uint64_t>("-1"),
              Lines{"expected an integer of at least 0, found -1"});
}

template <class T>
class IntegerRange : public testing::Test {};

using Integers = testing::Types<signed char, unsigned char, short, unsigned short, int, unsigned,
                                long, unsigned long, long long, unsigned long long>;
TYPED_TEST_SUITE(IntegerRange, Integers);

// Every integer that JSON can say is either refused or decodes to itself.
TYPED_TEST(IntegerRange, is_that_of_the_type) {
    using Limits = std::numeric_limits<TypeParam>;
    const auto judge = [](int128 wide, const Document& document) {
        const bool fits = wide >= Limits::min() && wide <= Limits::max();
        const std::optional<TypeParam> value = accepted<TypeParam>(document);
        return fits ? value == static_cast<TypeParam>(wide) : !value.has_value();
    };
    const auto judge_signed = [&judge](std::int64_t n) {
        return judge(n, n) && judge(n, Document::text(std::to_string(n)));
    };
    const auto judge_unsigned = [&judge](std::uint64_t n) {
        return judge(n, n) && judge(n, Document::text(std::to_string(n)));
    };
    for (const int shift : {0, 7, 8, 15, 16, 31, 32, 62}) {
        const std::int64_t power = std::int64_t{1} << shift;
        for (const std::int64_t n : {-power - 1, -power, -power + 1, power - 1, power, power + 1}) {
            EXPECT_TRUE(judge_signed(n)) << n;
        }
    }
    for (const std::uint64_t n : {std::uint64_t{1} << 63, ~std::uint64_t{0},
                                  (std::uint64_t{1} << 63) - 1, ~std::uint64_t{0} - 1}) {
        EXPECT_TRUE(judge_unsigned(n)) << n;
    }
    EXPECT_TRUE(judge_signed(std::numeric_limits<std::int64_t>::min()));
    rc::check([&](std::int64_t n) { RC_ASSERT(judge_signed(n)); });
    rc::check([&](std::uint64_t n) { RC_ASSERT(judge_unsigned(n)); });
}

TEST(DecodeScalar, real) {
    EXPECT_EQ(json<double>("1.5"), 1.5);
    EXPECT_EQ(json<double>("3"), 3.0);
    EXPECT_EQ(json<float>("0.1"), 0.1f);
    EXPECT_EQ(json<long double>("0.5"), 0.5L);
    EXPECT_EQ(json<double>("18446744073709551615"), 18446744073709551615.0);
    EXPECT_EQ(json<double>("\"1.5\""), std::nullopt);
    EXPECT_EQ(json<double>("true"), std::nullopt);
    EXPECT_EQ(json<float>("1e39"), std::nullopt);
    EXPECT_EQ(json<float>("3.4028234663852886e38"), std::numeric_limits<float>::max());
    EXPECT_EQ(text<double>("1.5"), 1.5);
    EXPECT_EQ(text<double>("1e3"), 1000.0);
    EXPECT_EQ(text<double>("-2"), -2.0);
    for (const char* const no : {"", "inf", "nan", "1.5 ", "1,5", "0x1p3", "1e999", "+1"}) {
        EXPECT_EQ(text<double>(no), std::nullopt) << no;
    }
    EXPECT_EQ(problems_of<double>("\"x\""), Lines{"expected a number, found \"x\""});
}

TEST(DecodeScalar, string_and_path) {
    EXPECT_EQ(json<std::string>("\"a\""), "a");
    EXPECT_EQ(json<std::string>("3"), std::nullopt);
    EXPECT_EQ(text<std::string>("3"), "3");
    EXPECT_EQ(text<std::string>(""), "");
    EXPECT_EQ(json<std::filesystem::path>("\"/etc/x\""), std::filesystem::path("/etc/x"));
    EXPECT_EQ(text<std::filesystem::path>("x/y"), std::filesystem::path("x/y"));
    EXPECT_EQ(problems_of<std::filesystem::path>("[]"), Lines{"expected a path, found a list"});
}

TEST(DecodeScalar, enumeration) {
    EXPECT_EQ(json<Mode>("\"replica\""), Mode::replica);
    EXPECT_EQ(text<Mode>("primary"), Mode::primary);
    EXPECT_EQ(json<Mode>("1"), std::nullopt);
    EXPECT_EQ(json<Mode>("\"Replica\""), std::nullopt);
    EXPECT_EQ(text<Mode>(""), std::nullopt);
    EXPECT_EQ(problems_of<Mode>("\"replcia\""),
              Lines{"expected one of primary, replica, found \"replcia\"; did you mean "
                    "\"replica\"?"});
    EXPECT_EQ(problems_of<Mode>("1"), Lines{"expected one of primary, replica, found 1"});
}

TEST(DecodeScalar, duration) {
    using std::chrono::milliseconds;
    using std::chrono::seconds;
    EXPECT_EQ(json<milliseconds>("\"1h30m\""), std::chrono::minutes(90));
    EXPECT_EQ(json<milliseconds>("0"), milliseconds(0));
    EXPECT_EQ(text<milliseconds>("5s"), seconds(5));
    EXPECT_EQ(json<std::chrono::duration<float>>("\"1.5s\""), std::chrono::duration<float>(1.5f));
    EXPECT_EQ(problems_of<milliseconds>("250"),
              Lines{"expected a duration such as \"250ms\", found 250"});
    EXPECT_EQ(problems_of<milliseconds>("0.0"),
              Lines{"expected a duration such as \"250ms\", found 0.0"});
    EXPECT_EQ(problems_of<milliseconds>("\"5q\""),
              Lines{"expected a duration such as \"250ms\" with units of d, h, m, s, ms, us, ns, "
                    "found \"5q\""});
    EXPECT_EQ(problems_of<seconds>("\"1500ms\""),
              Lines{"expected a multiple of 1s, found \"1500ms\""});
    EXPECT_EQ(problems_of<std::chrono::nanoseconds>("\"300000d\""),
              Lines{"expected a duration in [-106751d23h47m16s854ms775us808ns, "
                    "106751d23h47m16s854ms775us807ns], found \"300000d\""});
    EXPECT_EQ((problems_of<std::chrono::duration<std::uint8_t>>("\"1h\"")),
              Lines{"expected a duration in [0s, 4m15s], found \"1h\""});
}

TEST(DecodeScalar, bytes) {
    EXPECT_EQ(json<Bytes>("\"64MiB\""), Bytes{64u << 20});
    EXPECT_EQ(json<Bytes>("1024"), Bytes{1024});
    EXPECT_EQ(json<Bytes>("18446744073709551615"), Bytes{~std::uint64_t{0}});
    EXPECT_EQ(text<Bytes>("10kB"), Bytes{10'000});
    EXPECT_EQ(text<Bytes>("10"), Bytes{10});
    EXPECT_EQ(problems_of<Bytes>("-1"), Lines{"expected a size such as \"64MiB\", found -1"});
    EXPECT_EQ(problems_of<Bytes>("1.5"), Lines{"expected a size such as \"64MiB\", found 1.5"});
    EXPECT_EQ(problems_of<Bytes>("\"1.5B\""),
              Lines{"expected a whole number of bytes, found \"1.5B\""});
    EXPECT_EQ(problems_of<Bytes>("\"16EiB\""),
              Lines{"expected a size below 16EiB, found \"16EiB\""});
    EXPECT_EQ(problems_of<Bytes>("\"1KB\""),
              Lines{"expected a size such as \"64MiB\" with a unit of B, kB, MB, GB, TB, PB, EB, "
                    "KiB, MiB, GiB, TiB, PiB, EiB, found \"1KB\""});
}

}  // namespace
