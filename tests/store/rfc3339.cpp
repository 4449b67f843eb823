#include <attune/store/detail/rfc3339.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace rfc3339_test {
namespace {

using namespace attune::detail;
using namespace std::chrono_literals;
using std::chrono::sys_days;
using std::chrono::year;

const std::chrono::system_clock::time_point day = sys_days{year{2026} / 1 / 31};

TEST(Rfc3339, writes_as_many_digits_as_it_takes) {
    EXPECT_EQ(rfc3339(day), "2026-01-31T00:00:00Z");
    EXPECT_EQ(rfc3339(day + 23h + 59min + 58s + 250ms), "2026-01-31T23:59:58.25Z");
    EXPECT_EQ(rfc3339(day - 1ns), "2026-01-30T23:59:59.999999999Z");
    EXPECT_EQ(rfc3339(sys_days{year{1969} / 12 / 31}), "1969-12-31T00:00:00Z");
}

TEST(Rfc3339, reads_what_it_writes) {
    for (const auto time : {day, day + 1ns, day + 250ms, day - 40'000h, day + 12h + 1s}) {
        EXPECT_EQ(parse_rfc3339(rfc3339(time)), time);
    }
    EXPECT_EQ(parse_rfc3339("2026-01-31T10:00:00.000Z"), day + 10h);
    EXPECT_EQ(parse_rfc3339("2261-12-31T23:59:59Z"), sys_days{year{2262} / 1 / 1} - 1s);
}

TEST(Rfc3339, reads_nothing_else) {
    for (const std::string text :
         {"", "Z", "2026-01-31", "2026-01-31T10:00:00", "2026-01-31T10:00:00+01:00",
          "2026-02-30T10:00:00Z", "9026-01-31T10:00:00Z", "0026-01-31T10:00:00Z",
          "2026-13-01T10:00:00Z", "2026-01-31T24:00:00Z", "2026-01-31T10:60:00Z",
          "2026-01-31 10:00:00Z", "2026-01-31T10:00:00.Z", "2026-01-31T10:00:00.0000000001Z",
          "2026-01-31T10:00:00.5xZ", "-026-01-31T10:00:00Z"}) {
        EXPECT_EQ(parse_rfc3339(text), std::nullopt) << text;
    }
}

}  // namespace
}  // namespace rfc3339_test
