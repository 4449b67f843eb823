#include <attune/net/http_message.hpp>

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace {

using attune::net::HttpFields;
using attune::net::same_token;

TEST(HttpMessage, compares_tokens_without_the_case_of_ASCII_letters) {
    EXPECT_TRUE(same_token("Content-Length", "content-LENGTH"));
    EXPECT_TRUE(same_token("", ""));
    EXPECT_FALSE(same_token("a", "ab"));
    EXPECT_FALSE(same_token("a", "b"));
    EXPECT_FALSE(same_token("[", "{"));        // apart by the bit that letters are apart by
    EXPECT_FALSE(same_token("\xc4", "\xe4"));  // so are these, elsewhere than in ASCII
}

TEST(HttpMessage, finds_the_first_field_of_a_name) {
    const HttpFields fields{{"Accept", "a"}, {"ACCEPT", "b"}, {"Empty", ""}};
    EXPECT_EQ(fields.find("accept"), "a");
    EXPECT_EQ(fields.find("empty"), "");
    EXPECT_EQ(fields.find("other"), std::nullopt);
}

TEST(HttpMessage, joins_all_fields_of_a_name_in_order) {
    const HttpFields fields{{"If-None-Match", "\"a\""}, {"Other", "x"}, {"if-none-match", "\"b\""}};
    EXPECT_EQ(fields.joined("If-None-Match"), "\"a\", \"b\"");
    EXPECT_EQ(fields.joined("other"), "x");
    EXPECT_EQ(fields.joined("none"), "");
}

TEST(HttpMessage, keeps_an_empty_element_when_it_joins) {
    const HttpFields fields{{"A", ""}, {"A", "x"}};
    EXPECT_EQ(fields.joined("a"), ", x");
}

TEST(HttpMessage, replaces_all_fields_of_a_name_and_adds_without_looking) {
    HttpFields fields{{"A", "1"}, {"B", "2"}, {"a", "3"}};
    fields.set("A", "4");
    EXPECT_EQ(fields.joined("a"), "4");
    fields.add("A", "5");
    EXPECT_EQ(fields.joined("a"), "4, 5");
    EXPECT_EQ(fields.find("b"), "2");
    fields.clear();
    EXPECT_TRUE(fields.empty());
}

}  // namespace
