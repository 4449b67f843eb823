#include <attune/bind/json_pattern.hpp>

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace {

using attune::detail::json_pattern;

TEST(JsonPattern, is_about_the_whole_text) {
    EXPECT_EQ(json_pattern("a|b"), "^(?:a|b)$");
    EXPECT_EQ(json_pattern(""), "^(?:)$");
}

TEST(JsonPattern, keeps_what_both_understand) {
    for (const std::string pattern :
         {R"((?:a+|b*?)(c)\1)", R"([^a-z\d_]{2,3}\.\w)", R"(\x41\u0042\cJ\0\b)", "(?!x)(?=y).",
          R"([a\-z\b\]])", "caf\xc3\xa9"}) {
        EXPECT_EQ(json_pattern(pattern), "^(?:" + pattern + ")$");
    }
}

TEST(JsonPattern, spells_posix_classes_out) {
    EXPECT_EQ(json_pattern("[[:alpha:]_][^[:digit:][:space:]]"), R"(^(?:[A-Za-z_][^0-9 \t-\r])$)");
}

TEST(JsonPattern, drops_escapes_that_are_not_needed) {
    EXPECT_EQ(json_pattern(R"(a\-\_\:\"[\_\"])"), R"(^(?:a-_:"[_"])$)");
}

TEST(JsonPattern, escapes_what_stands_for_itself) {
    EXPECT_EQ(json_pattern("]a}[[b-]"), R"(^(?:\]a\}[\[b\-])$)");
    EXPECT_EQ(json_pattern("[-a][[:d:]-]"), R"(^(?:[\-a][0-9\-])$)");
}

TEST(JsonPattern, is_none_where_bytes_and_characters_would_differ) {
    for (const char* const pattern :
         {"\xc3\xa9+", "[\xc3\xa9]", R"(\xe9)", R"(\u00e9)", "[[.a.]]", "[[=a=]]", R"(\01)"}) {
        EXPECT_EQ(json_pattern(pattern), std::nullopt) << pattern;
    }
}

}  // namespace
