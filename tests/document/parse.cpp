#include <attune/document/parse.hpp>

#include "support.hpp"

#include <attune/document/text.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace {

using attune::Document;
using attune::Duplicates;
using attune::parse;
using attune::ParseError;
using attune::ParseOptions;
using namespace std::string_view_literals;

std::string refusal(std::string_view text, const ParseOptions& options = {}) {
    try {
        parse(text, options);
    } catch (const ParseError& error) {
        return error.what();
    }
    return "accepted";
}

const ParseOptions jsonc{.comments = true};

TEST(Parse, reads_every_kind_of_value) {
    const Document document = parse(R"( {"n": null, "t": true, "f": false, "i": -12, "r": 1.5e2,
        "s": "x", "a": [1, [], {}], "o": {"k": "v"}} )");
    EXPECT_EQ(document, (Document{{"n", nullptr},
                                  {"t", true},
                                  {"f", false},
                                  {"i", -12},
                                  {"r", 150.0},
                                  {"s", "x"},
                                  {"a", {1, Document::array(), Document::object()}},
                                  {"o", {{"k", "v"}}}}));
    EXPECT_EQ(parse("1"), Document(1));
    EXPECT_EQ(parse("\"x\""), Document("x"));
}

TEST(Parse, keeps_integers_exact) {
    EXPECT_EQ(parse("9223372036854775807"), Document(INT64_MAX));
    EXPECT_EQ(parse("-9223372036854775808"), Document(INT64_MIN));
    EXPECT_EQ(parse("9223372036854775808"), Document(std::uint64_t{1} << 63));
    EXPECT_EQ(parse("18446744073709551615"), Document(UINT64_MAX));
    EXPECT_EQ(refusal("18446744073709551616"), "1:1: an integer that needs more than 64 bits");
    EXPECT_EQ(refusal("-9223372036854775809"), "1:1: an integer that needs more than 64 bits");
    EXPECT_EQ(refusal("[0, 100000000000000000000000]"),
              "1:5: an integer that needs more than 64 bits");
}

TEST(Parse, rounds_reals_and_refuses_those_beyond_double) {
    EXPECT_EQ(parse("0.1"), Document(0.1));
    EXPECT_EQ(parse("1E2"), Document(100.0));
    EXPECT_EQ(parse("-0"), Document(-0.0));
    EXPECT_EQ(parse("-0.0"), Document(-0.0));
    EXPECT_EQ(parse("5e-324"), Document(5e-324));
    EXPECT_EQ(parse("1e-400"), Document(0.0));
    EXPECT_EQ(parse("-1e-99999999999999999999"), Document(-0.0));
    EXPECT_EQ(parse("0e99999999999999999999"), Document(0.0));
    EXPECT_EQ(parse("0.000" + std::string(400, '0') + "1"), Document(0.0));
    EXPECT_EQ(parse("0." + std::string(400, '0') + "1e401"), Document(1.0));
    EXPECT_EQ(parse("1" + std::string(400, '0') + "e-400"), Document(1.0));
    EXPECT_EQ(refusal("1e400"), "1:1: a number too large for a double");
    EXPECT_EQ(refusal("[-1e+99999999999999999999]"), "1:2: a number too large for a double");
    EXPECT_EQ(refusal("1" + std::string(400, '0') + ".0"), "1:1: a number too large for a double");
}

TEST(Parse, decodes_escapes) {
    EXPECT_EQ(parse(R"("\"\\\/\b\f\n\r\t")"), Document("\"\\/\b\f\n\r\t"));
    EXPECT_EQ(parse(R"("\u0041\u00e9\u20AC\ud83d\ude00 \u0000")"),
              Document("A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80 \0"sv));
    EXPECT_EQ(parse("\"gr\xC3\xBC\xC3\x9F\""), Document("gr\xC3\xBC\xC3\x9F"));
}

TEST(Parse, passes_a_byte_order_mark_and_any_line_end) {
    EXPECT_EQ(parse("\xEF\xBB\xBF{\r\n\"a\":1\r}"), (Document{{"a", 1}}));
    EXPECT_EQ(refusal("\xEF\xBB\xBFx"), "1:1: expected a value, found \"x\"");
    EXPECT_EQ(refusal("[1,\r\n2,\r3,\n x]"), "4:2: expected a value, found \"x\"");
    EXPECT_EQ(refusal("[\"\xC3\xBC\xF0\x9F\x98\x80\", x]"), "1:8: expected a value, found \"x\"");
}

TEST(Parse, recognises_other_encodings) {
    EXPECT_EQ(refusal("\xFF\xFE{\0}\0"sv), "1:1: expected UTF-8, found what looks like UTF-16");
    EXPECT_EQ(refusal("\xFE\xFF\0{\0}"sv), "1:1: expected UTF-8, found what looks like UTF-16");
    EXPECT_EQ(refusal("{\0}\0"sv), "1:1: expected UTF-8, found what looks like UTF-16");
    EXPECT_EQ(refusal("\0{\0}"sv), "1:1: expected UTF-8, found what looks like UTF-16");
    EXPECT_EQ(refusal("\xFF\xFE\0\0{\0\0\0"sv),
              "1:1: expected UTF-8, found what looks like UTF-32");
    EXPECT_EQ(refusal("\0\0\0{"sv), "1:1: expected UTF-8, found what looks like UTF-32");
}

TEST(Parse, says_what_it_expected) {
    EXPECT_EQ(refusal(""), "1:1: expected a value, found an empty document");
    EXPECT_EQ(refusal(" \n "), "2:2: expected a value, found an empty document");
    EXPECT_EQ(refusal("[1] 2"), "1:5: expected the end of the document, found \"2\"");
    EXPECT_EQ(refusal("[1 2]"), "1:4: expected ',' or ']' after an element, found \"2\"");
    EXPECT_EQ(refusal("{\"a\": 1]"), "1:8: expected ',' or '}' after a member, found \"]\"");
    EXPECT_EQ(refusal("{\"a\" 1}"), "1:6: expected ':' after a name, found \"1\"");
    EXPECT_EQ(refusal("{a: 1}"), "1:2: expected a name in double quotes or '}', found \"a\"");
    EXPECT_EQ(refusal("{\"a\":1, b:2}"), "1:9: expected a name in double quotes, found \"b\"");
    EXPECT_EQ(refusal("['a']"), "1:2: expected a value, found \"'\"");
    EXPECT_EQ(refusal("[nul]"), "1:2: expected a value, found \"n\"");
    EXPECT_EQ(refusal("[NaN]"), "1:2: expected a value, found \"N\"");
    EXPECT_EQ(refusal("[\xE2\x82\xAC]"), "1:2: expected a value, found \"\xE2\x82\xAC\"");
    EXPECT_EQ(refusal("[\x01]"), "1:2: expected a value, found a control character, U+0001");
    EXPECT_EQ(refusal("[\xFF]"), "1:2: expected a value, found a byte that is not UTF-8");
    EXPECT_EQ(refusal("[1\"\"]"), "1:3: expected ',' or ']' after an element, found '\"'");
}

TEST(Parse, says_where_the_unfinished_thing_began) {
    EXPECT_EQ(refusal("{\n\n\"a\": {\n\"b\": 1"),
              "4:7: document ends inside an object that began at line 3");
    EXPECT_EQ(refusal("[\n1,\n"), "3:1: document ends inside an array that began at line 1");
    EXPECT_EQ(refusal("{\"a\":\n"), "2:1: document ends inside an object that began at line 1");
    EXPECT_EQ(refusal("{\"a\": \"secret"), "1:7: unterminated string");
    EXPECT_EQ(refusal("{\"a\": \"secret\n\"}"),
              "1:7: unterminated string; a line break inside is written \"\\n\"");
}

TEST(Parse, refuses_malformed_numbers) {
    EXPECT_EQ(refusal("01"), "1:1: a number must not begin with a zero");
    EXPECT_EQ(refusal("-01"), "1:1: a number must not begin with a zero");
    EXPECT_EQ(refusal("-"), "1:2: expected a digit after \"-\", found the end of the document");
    EXPECT_EQ(refusal("-x"), "1:2: expected a digit after \"-\", found \"x\"");
    EXPECT_EQ(refusal("1."),
              "1:3: expected a digit after the decimal point, found the end of the document");
    EXPECT_EQ(refusal("[1e+]"), "1:5: expected a digit after the exponent's \"e\", found \"]\"");
    EXPECT_EQ(refusal("+1"), "1:1: expected a value, found \"+\"");
    EXPECT_EQ(refusal(".5"), "1:1: expected a value, found \".\"");
}

TEST(Parse, refuses_malformed_strings) {
    EXPECT_EQ(refusal(R"("\x")"), "1:2: unknown escape in a string");
    EXPECT_EQ(refusal(R"("\u12g4")"), "1:2: expected four hexadecimal digits after \"\\u\"");
    EXPECT_EQ(refusal(R"("\u+123")"), "1:2: expected four hexadecimal digits after \"\\u\"");
    EXPECT_EQ(refusal(R"("\u12)"), "1:2: expected four hexadecimal digits after \"\\u\"");
    EXPECT_EQ(refusal(R"("a\ud83d")"), "1:3: half of a surrogate pair in a string");
    EXPECT_EQ(refusal(R"("\ude00")"), "1:2: half of a surrogate pair in a string");
    EXPECT_EQ(refusal(R"("\ud83d\u0041")"), "1:2: half of a surrogate pair in a string");
    EXPECT_EQ(refusal("\"\t\""),
              "1:2: expected an escape such as \"\\u0009\" inside a string, "
              "found a control character, U+0009");
    EXPECT_EQ(refusal("\"\xED\xA0\x80\""), "1:2: a byte that is not UTF-8 inside a string");
    EXPECT_EQ(refusal("\"\xC0\xAF\""), "1:2: a byte that is not UTF-8 inside a string");
    EXPECT_EQ(refusal("\"\xF4\x90\x80\x80\""), "1:2: a byte that is not UTF-8 inside a string");
    EXPECT_EQ(refusal("\"\xC3"), "1:2: a byte that is not UTF-8 inside a string");
}

TEST(Parse, refuses_duplicate_keys_with_both_places) {
    const std::string_view text = "{\"a\": 1,\n \"b\": 2,\n \"a\": 3, \"b\": 4}";
    EXPECT_EQ(refusal(text), "3:2: a name that this object already has, at line 1");
    EXPECT_EQ(parse(text, {.duplicates = Duplicates::last}), (Document{{"a", 3}, {"b", 4}}));
    EXPECT_EQ(refusal(R"({"a": {"x": 1}, "b": {"x": 1}})"), "accepted");
    EXPECT_EQ(refusal(R"({"a": 1, "\u0061": 2})"),
              "1:10: a name that this object already has, at line 1");
}

TEST(Parse, reads_comments_when_asked) {
    const std::string_view text =
        "// first\n{\"a\": /* in between */ 1, // line\n\"b\": [2, /**/],}\n/* end */";
    EXPECT_EQ(parse(text, jsonc), (Document{{"a", 1}, {"b", Document::array().with("-", 2)}}));
    EXPECT_EQ(parse("1//", jsonc), Document(1));
    EXPECT_EQ(refusal("1//x\r2", jsonc), "2:1: expected the end of the document, found \"2\"");
    EXPECT_EQ(refusal(text), "1:1: comments are not allowed here");
    EXPECT_EQ(refusal("[1] /* x", jsonc), "1:5: unterminated comment");
    EXPECT_EQ(refusal("[1] /*/", jsonc), "1:5: unterminated comment");
    EXPECT_EQ(refusal("[/]", jsonc), "1:2: unexpected \"/\"");
    EXPECT_EQ(refusal("// \xFF\n1", jsonc), "1:4: a byte that is not UTF-8");
}

TEST(Parse, takes_one_comma_after_the_last_item_only_with_comments) {
    EXPECT_EQ(refusal("{\"a\": 1, }"), "1:8: a comma after the last member");
    EXPECT_EQ(refusal("[1,]"), "1:3: a comma after the last element");
    EXPECT_EQ(parse("[1, ]", jsonc).size(), 1u);
    EXPECT_EQ(parse("{\"a\": [1, ], }", jsonc).size(), 1u);
    EXPECT_EQ(refusal("[,]", jsonc), "1:2: expected a value, found \",\"");
    EXPECT_EQ(refusal("[1,,]", jsonc), "1:4: expected a value, found \",\"");
    EXPECT_EQ(refusal("{,}", jsonc), "1:2: expected a name in double quotes or '}', found \",\"");
}

TEST(Parse, limits_depth_and_size) {
    const auto nested = [](std::size_t levels) {
        return std::string(levels, '[') + std::string(levels, ']');
    };
    EXPECT_EQ(refusal(nested(128)), "accepted");
    EXPECT_EQ(refusal(nested(129)), "1:129: expected at most 128 levels of objects and arrays");
    EXPECT_EQ(refusal(nested(2), {.max_depth = 1}),
              "1:2: expected at most 1 levels of objects and arrays");
    EXPECT_EQ(refusal("1", {.max_depth = 0}), "accepted");
    EXPECT_EQ(refusal("[1, 2]", {.max_bytes = 5}), "1:1: expected at most 5 bytes, found 6");
    EXPECT_EQ(refusal(std::string(100'000, '[')),
              "1:129: expected at most 128 levels of objects and arrays");
    EXPECT_EQ(to_text(parse(nested(100'000), {.max_depth = 200'000})), nested(100'000));
}

TEST(ParseError, carries_its_parts) {
    try {
        parse("{\n \"a\": x}", {.name = "service.json"});
        FAIL() << "accepted";
    } catch (const ParseError& error) {
        EXPECT_EQ(error.name(), "service.json");
        EXPECT_EQ(error.line(), 2u);
        EXPECT_EQ(error.column(), 7u);
        EXPECT_EQ(error.offset(), 8u);
        EXPECT_EQ(error.message(), "expected a value, found \"x\"");
        EXPECT_STREQ(error.what(), "service.json:2:7: expected a value, found \"x\"");
    }
}

TEST(Parse, never_repeats_what_a_string_holds) {
    const std::string text =
        R"({"user": "secret-one", "secret-two": ["secret-three", {"a": "secret-four"}]})";
    for (std::size_t cut = 0; cut < text.size(); ++cut) {
        for (const char wrong : {'\0', '\n', '}', ']', ',', ':', '"', '\\', '\xFF', 'q'}) {
            std::string bad = text.substr(0, cut);
            EXPECT_EQ(refusal(bad).find("secret"), std::string::npos) << cut;
            bad += wrong;
            bad += text.substr(cut + 1);
            EXPECT_EQ(refusal(bad).find("secret"), std::string::npos) << cut << wrong;
        }
    }
}

RC_GTEST_PROP(ParseLaw, agrees_with_nlohmann, ()) {
    const auto json = *attune_test::any_json(4);
    const auto indent = *rc::gen::inRange(-1, 4);
    const bool ascii = *rc::gen::arbitrary<bool>();
    RC_ASSERT(parse(json.dump(indent, ' ', ascii)) == Document(nlohmann::json::parse(json.dump())));
}

RC_GTEST_PROP(ParseLaw, accepts_a_damaged_text_only_when_nlohmann_does, ()) {
    std::string text = (*attune_test::any_object(2)).dump();
    const auto place = *rc::gen::inRange<std::size_t>(0, text.size());
    text[place] = *rc::gen::elementOf(std::string("{}[]:,\"\\ 0-+.eEtfn/\n\x80\xC3"));
    const bool accepted = refusal(text, {.duplicates = Duplicates::last}) == "accepted";
    const bool expected = nlohmann::json::accept(text);
    // Integers that nlohmann turns into reals are refused here.
    const bool large = refusal(text).find("64 bits") != std::string::npos;
    RC_ASSERT(accepted == (expected && !large));
}

}  // namespace
