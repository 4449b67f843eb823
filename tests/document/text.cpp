#include <attune/document/text.hpp>

#include "support.hpp"

#include <attune/document/impl/text.hpp>
#include <attune/document/parse.hpp>

#include <cmath>
#include <cstddef>
#include <limits>
#include <string>

namespace {

using attune::Document;
using attune::to_text;

TEST(Text, is_compact_by_default) {
    const Document document{{"a", {1, 2.5, nullptr, true}},
                            {"b", Document::object()},
                            {"c", Document::array()},
                            {"d", {{"x", "y"}}}};
    EXPECT_EQ(to_text(document), R"({"a":[1,2.5,null,true],"b":{},"c":[],"d":{"x":"y"}})");
}

TEST(Text, puts_each_item_on_its_own_line_when_indented) {
    const Document document{{"a", {1, 2}}, {"b", Document::object()}, {"c", {{"x", "y"}}}};
    EXPECT_EQ(to_text(document, {.indent = 2}), R"({
  "a": [
    1,
    2
  ],
  "b": {},
  "c": {
    "x": "y"
  }
})");
    EXPECT_EQ(to_text(Document{1}, {.indent = 0}), "[\n1\n]");
}

TEST(Text, shows_a_real_as_a_real) {
    EXPECT_EQ(to_text(1.0), "1.0");
    EXPECT_EQ(to_text(-0.0), "-0.0");
    EXPECT_EQ(to_text(0.1), "0.1");
    EXPECT_EQ(to_text(1e300), "1e+300");
    EXPECT_EQ(to_text(123456789.0), "123456789.0");
    EXPECT_EQ(to_text(std::numeric_limits<double>::denorm_min()), "5e-324");
    EXPECT_EQ(to_text(std::numeric_limits<double>::max()), "1.7976931348623157e+308");
}

TEST(Text, shows_integers_over_the_whole_range) {
    EXPECT_EQ(to_text(INT64_MIN), "-9223372036854775808");
    EXPECT_EQ(to_text(UINT64_MAX), "18446744073709551615");
}

TEST(Text, replaces_what_json_cannot_say) {
    EXPECT_EQ(to_text(std::nan("")), "null");
    EXPECT_EQ(to_text(-std::numeric_limits<double>::infinity()), "null");
    EXPECT_EQ(to_text("a\xFFz"), "\"a\xEF\xBF\xBDz\"");
    EXPECT_EQ(to_text("\xC3"), "\"\xEF\xBF\xBD\"");
    EXPECT_EQ(to_text("\xED\xA0\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

TEST(Text, escapes_what_must_be_escaped_and_no_more) {
    EXPECT_EQ(to_text("\"\\/\b\f\n\r\t\x01\x7F"), R"("\"\\/\b\f\n\r\t\u0001)"
                                                  "\x7F\"");
    EXPECT_EQ(to_text("gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80"),
              "\"gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80\"");
    EXPECT_EQ(to_text(std::string("a\0b", 3)), R"("a\u0000b")");
}

TEST(Text, takes_any_depth) {
    constexpr std::size_t levels = 100'000;
    const std::string text = to_text(attune_test::nested_arrays(levels, 1));
    EXPECT_EQ(text, std::string(levels, '[') + "1" + std::string(levels, ']'));
}

RC_GTEST_PROP(TextLaw, reads_back_as_the_document, ()) {
    const Document document = *attune_test::any_json(4);
    const int indent = *rc::gen::inRange(-1, 4);
    RC_ASSERT(attune::parse(to_text(document, {.indent = indent})) == document);
}

RC_GTEST_PROP(TextLaw, is_as_long_as_was_counted, ()) {
    const Document document = *attune_test::any_json(4);
    const std::size_t size = to_text(document).size();
    RC_ASSERT(attune::detail::text_size(document, size) == size);
    RC_ASSERT(attune::detail::text_size(document, size - 1) > size - 1);
}

RC_GTEST_PROP(TextLaw, is_the_text_of_the_model_where_there_are_no_reals, ()) {
    const auto json = *attune_test::any_json(3);
    const std::string expected = json.dump();
    RC_PRE(expected.find_first_of(".eE") == std::string::npos);
    RC_ASSERT(to_text(attune::from_json(json)) == expected);
}

}  // namespace
