#include <attune/bind/bytes.hpp>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cstdint>
#include <optional>
#include <string>

namespace {

using namespace attune::literals;
using attune::Bytes;
using attune::parse_bytes;

TEST(Bytes, have_units_of_1000_and_of_1024) {
    EXPECT_EQ(parse_bytes("10kB"), Bytes{10'000});
    EXPECT_EQ(parse_bytes("10KiB"), Bytes{10'240});
    EXPECT_EQ(parse_bytes("64MiB"), Bytes{64u << 20});
    EXPECT_EQ(parse_bytes("3MB"), Bytes{3'000'000});
    EXPECT_EQ(parse_bytes("2GB"), Bytes{2'000'000'000});
    EXPECT_EQ(parse_bytes("2GiB"), Bytes{std::uint64_t{2} << 30});
    EXPECT_EQ(parse_bytes("1TB"), Bytes{1'000'000'000'000});
    EXPECT_EQ(parse_bytes("1TiB"), Bytes{std::uint64_t{1} << 40});
    EXPECT_EQ(parse_bytes("1PiB"), Bytes{std::uint64_t{1} << 50});
    EXPECT_EQ(parse_bytes("1EB"), Bytes{1'000'000'000'000'000'000});
    EXPECT_EQ(parse_bytes("512B"), Bytes{512});
    EXPECT_EQ(parse_bytes("512"), Bytes{512});
    EXPECT_EQ(parse_bytes("0"), Bytes{0});
}

TEST(Bytes, may_be_fractions_that_come_out_whole) {
    EXPECT_EQ(parse_bytes("1.5GiB"), Bytes{std::uint64_t{3} << 29});
    EXPECT_EQ(parse_bytes("0.001kB"), Bytes{1});
    EXPECT_EQ(parse_bytes("1.5B"), std::nullopt);
    EXPECT_EQ(parse_bytes("0.1KiB"), std::nullopt);
}

TEST(Bytes, refuse_what_they_do_not_know) {
    for (const char* const text : {"", "B", "-1", "-1B", "+1", "1 B", " 1B", "1B ", "1KB", "1kb",
                                   "1mib", "1K", "1M", "1x", "1.B", ".5B", "1e3", "1kB1B"}) {
        EXPECT_EQ(parse_bytes(text), std::nullopt) << '"' << text << '"';
    }
}

TEST(Bytes, stay_below_2_to_the_64) {
    EXPECT_EQ(parse_bytes("18446744073709551615"), Bytes{~std::uint64_t{0}});
    EXPECT_EQ(parse_bytes("18446744073709551616"), std::nullopt);
    EXPECT_EQ(parse_bytes("15EiB"), Bytes{std::uint64_t{15} << 60});
    EXPECT_EQ(parse_bytes("16EiB"), std::nullopt);
    EXPECT_EQ(parse_bytes(std::string(60, '9') + "EiB"), std::nullopt);
}

TEST(Bytes, are_written_in_the_largest_unit_that_is_exact) {
    EXPECT_EQ(to_string(Bytes{64u << 20}), "64MiB");
    EXPECT_EQ(to_string(Bytes{10'000}), "10kB");
    EXPECT_EQ(to_string(Bytes{1500}), "1500B");
    EXPECT_EQ(to_string(Bytes{}), "0B");
}

TEST(Bytes, have_literals_and_an_order) {
    EXPECT_EQ(64_MiB, Bytes{64u << 20});
    EXPECT_EQ(1_GB, 1000_MB);
    EXPECT_LT(1_kB, 1_KiB);
    EXPECT_LT(1_GB, 1_GiB);
}

RC_GTEST_PROP(BytesLaw, text_reads_back, (std::uint64_t count, std::uint8_t shift)) {
    const Bytes bytes{count << (shift % 64)};
    RC_ASSERT(parse_bytes(to_string(bytes)) == bytes);
}

RC_GTEST_PROP(BytesLaw, any_text_is_answered, (const std::string& text)) {
    (void)parse_bytes(text);
}

}  // namespace
