#include <attune/storage/crc32c.hpp>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>

namespace crc32c_test {
namespace {

using namespace attune::detail;

// RFC 3720, appendix B.4.
TEST(Crc32c, gives_what_the_rfc_has) {
    std::string rising(32, '\0');
    std::string falling(32, '\0');
    for (std::size_t i = 0; i != 32; ++i) {
        rising[i] = static_cast<char>(i);
        falling[i] = static_cast<char>(31 - i);
    }
    for (const auto crc : {&crc32c, &crc32c_by_table}) {
        EXPECT_EQ(crc(std::string(32, '\0')), 0x8A9136AAu);
        EXPECT_EQ(crc(std::string(32, '\xFF')), 0x62A8AB43u);
        EXPECT_EQ(crc(rising), 0x46DD794Eu);
        EXPECT_EQ(crc(falling), 0x113FDB5Cu);
        EXPECT_EQ(crc("123456789"), 0xE3069283u);
        EXPECT_EQ(crc(""), 0u);
    }
}

RC_GTEST_PROP(Crc32c, is_the_same_with_and_without_the_instruction, (const std::string& bytes)) {
    RC_ASSERT(crc32c(bytes) == crc32c_by_table(bytes));
}

}  // namespace
}  // namespace crc32c_test
