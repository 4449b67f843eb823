#include <attune/bind/duration.hpp>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <ratio>
#include <string>

namespace {

using namespace std::chrono_literals;
using attune::parse_duration;
using attune::to_text;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

TEST(Duration, is_numbers_with_units) {
    EXPECT_EQ(parse_duration<milliseconds>("250ms"), 250ms);
    EXPECT_EQ(parse_duration<milliseconds>("1h30m"), 90min);
    EXPECT_EQ(parse_duration<milliseconds>("1.5s"), 1500ms);
    EXPECT_EQ(parse_duration<milliseconds>("0.5h"), 30min);
    EXPECT_EQ(parse_duration<milliseconds>("1d2h3m4s5ms"), 26h + 3min + 4s + 5ms);
    EXPECT_EQ(parse_duration<milliseconds>("7000us"), 7ms);
    EXPECT_EQ(parse_duration<milliseconds>("2000000ns"), 2ms);
    EXPECT_EQ(parse_duration<milliseconds>("-5s"), -5s);
    EXPECT_EQ(parse_duration<milliseconds>("-1m30s"), -90s);
    EXPECT_EQ(parse_duration<milliseconds>("1.50000000000000000000s"), 1500ms);
}

TEST(Duration, needs_a_unit_unless_it_is_zero) {
    EXPECT_EQ(parse_duration<milliseconds>("0"), 0ms);
    EXPECT_EQ(parse_duration<milliseconds>("0s"), 0ms);
    EXPECT_EQ(parse_duration<milliseconds>("-0s"), 0ms);
    EXPECT_EQ(parse_duration<milliseconds>("250"), std::nullopt);
    EXPECT_EQ(parse_duration<milliseconds>("1h30"), std::nullopt);
}

TEST(Duration, refuses_what_it_does_not_know) {
    for (const char* const text :
         {"",     " ",      "s",     "-",     "5q",   "5S",   "5min",  "1 s",    "1s ",
          " 1s",  "+1s",    "--1s",  "1..5s", ".5s",  "1.s",  "1e3s",  "0x1s",   "1s-1s",
          "1s,5ms", "inf",  "nans",  "1h30m1h", "1m1h", "1s1s"}) {
        EXPECT_EQ(parse_duration<milliseconds>(text), std::nullopt) << '"' << text << '"';
        EXPECT_EQ(parse_duration<std::chrono::duration<double>>(text), std::nullopt)
            << '"' << text << '"';
    }
}

TEST(Duration, refuses_what_its_type_cannot_hold) {
    EXPECT_EQ(parse_duration<std::chrono::seconds>("1.5s"), std::nullopt);
    EXPECT_EQ(parse_duration<std::chrono::seconds>("1500ms"), std::nullopt);
    EXPECT_EQ(parse_duration<std::chrono::seconds>("1s999ms1000us"), 2s);
    EXPECT_EQ(parse_duration<nanoseconds>("0.1ns"), std::nullopt);
    EXPECT_EQ(parse_duration<nanoseconds>("0.0000000000000000001d"), std::nullopt);
    EXPECT_EQ(parse_duration<nanoseconds>("106752d"), std::nullopt);
    EXPECT_EQ(parse_duration<nanoseconds>("9223372036854775807ns"), nanoseconds::max());
    EXPECT_EQ(parse_duration<nanoseconds>("-9223372036854775808ns"), nanoseconds::min());
    EXPECT_EQ(parse_duration<nanoseconds>("-9223372036854775809ns"), std::nullopt);
    EXPECT_EQ(parse_duration<nanoseconds>(std::string(60, '9') + "d"), std::nullopt);
    EXPECT_EQ((parse_duration<std::chrono::duration<std::uint8_t>>("255s")->count()), 255);
    EXPECT_EQ((parse_duration<std::chrono::duration<std::uint8_t>>("256s")), std::nullopt);
    EXPECT_EQ((parse_duration<std::chrono::duration<std::uint8_t>>("-1s")), std::nullopt);
}

TEST(Duration, may_count_in_fractions) {
    using Seconds = std::chrono::duration<double>;
    EXPECT_EQ(parse_duration<Seconds>("1.5s"), Seconds(1.5));
    EXPECT_EQ(parse_duration<Seconds>("0.1s"), Seconds(0.1));
    EXPECT_EQ(parse_duration<Seconds>("1m0.5s"), Seconds(60.5));
    EXPECT_EQ(parse_duration<Seconds>("-250ms"), Seconds(-0.25));
    EXPECT_EQ(parse_duration<Seconds>(std::string(400, '9') + "s"), std::nullopt);
}

TEST(Duration, is_written_from_large_units_to_small_ones) {
    EXPECT_EQ(to_text(250ms), "250ms");
    EXPECT_EQ(to_text(90min), "1h30m");
    EXPECT_EQ(to_text(48h), "2d");
    EXPECT_EQ(to_text(0ns), "0s");
    EXPECT_EQ(to_text(-1500ms), "-1s500ms");
    EXPECT_EQ(to_text(nanoseconds::min()), "-106751d23h47m16s854ms775us808ns");
    EXPECT_EQ(to_text(std::chrono::duration<double>(0.1)), "0.1s");
    EXPECT_EQ(to_text(std::chrono::duration<double, std::milli>(-1e-5)), "-0.00001ms");
}

template <class D>
void reads_back() {
    const D duration{*rc::gen::arbitrary<typename D::rep>()};
    RC_ASSERT(parse_duration<D>(to_text(duration)) == duration);
}

RC_GTEST_PROP(DurationLaw, integral_counts_read_back, ()) {
    reads_back<nanoseconds>();
    reads_back<milliseconds>();
    reads_back<std::chrono::seconds>();
    reads_back<std::chrono::hours>();
    reads_back<std::chrono::days>();
    reads_back<std::chrono::years>();
    reads_back<std::chrono::duration<std::uint64_t>>();
    reads_back<std::chrono::duration<std::uint64_t, std::ratio<86400 * 1000>>>();
    reads_back<std::chrono::duration<std::int8_t, std::ratio<7, 1000>>>();
}

RC_GTEST_PROP(DurationLaw, real_counts_in_a_named_unit_read_back, ()) {
    reads_back<std::chrono::duration<double>>();
    reads_back<std::chrono::duration<float, std::milli>>();
    reads_back<std::chrono::duration<double, std::nano>>();
    reads_back<std::chrono::duration<double, std::ratio<86400>>>();
}

RC_GTEST_PROP(DurationLaw, terms_add_up, (std::uint16_t h, std::uint16_t m, std::uint16_t s)) {
    const std::string text =
        std::to_string(h) + 'h' + std::to_string(m) + 'm' + std::to_string(s) + 's';
    RC_ASSERT(parse_duration<std::chrono::seconds>(text) ==
              std::chrono::hours(h) + std::chrono::minutes(m) + std::chrono::seconds(s));
}

RC_GTEST_PROP(DurationLaw, any_text_is_answered, (const std::string& text)) {
    (void)parse_duration<milliseconds>(text);
    (void)parse_duration<std::chrono::duration<double>>(text);
}

}  // namespace
