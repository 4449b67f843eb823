#include <attune/bind/decode.hpp>

#include "support.hpp"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

// Values without a type, as the environment and the command line have them. Scalars are in
// decode_scalar.cpp.

namespace {

using attune::decode;
using attune::Document;
using attune::Secret;
using test::refusals;
using Lines = std::vector<std::string>;

struct Pool {
    int size = 8;
    std::string name;
};

template <class T>
T from(std::string_view text) {
    return decode<T>(Document::text(text));
}

TEST(DecodeText, stands_for_lists_maps_and_structs_as_json) {
    EXPECT_EQ(from<std::vector<int>>("[1, 2]"), (std::vector<int>{1, 2}));
    EXPECT_EQ(from<std::vector<bool>>("[true]"), std::vector<bool>{true});
    EXPECT_EQ((from<std::array<int, 2>>("[1,2]")), (std::array<int, 2>{1, 2}));
    EXPECT_EQ((from<std::map<std::string, int>>(R"({"a": 1})")),
              (std::map<std::string, int>{{"a", 1}}));
    EXPECT_EQ(from<Pool>(R"({"size": 3})").size, 3);
}

TEST(DecodeText, in_that_json_has_types_again) {
    EXPECT_EQ(refusals<std::vector<int>>(Document::text(R"(["1"])")),
              Lines{"0: expected an integer in [-2147483648, 2147483647], found \"1\""});
}

TEST(DecodeText, is_refused_when_it_is_no_such_json) {
    EXPECT_EQ(refusals<std::vector<int>>(Document::text("1,2")),
              Lines{"expected a list written as JSON, found \"1,2\""});
    EXPECT_EQ(refusals<std::vector<int>>(Document::text("{}")),
              Lines{"expected a list, found an object"});
    EXPECT_EQ(refusals<Pool>(Document::text("")),
              Lines{"expected an object written as JSON, found \"\""});
    EXPECT_EQ(refusals<Pool>(Document::text("null")), Lines{"expected an object, found null"});
}

TEST(DecodeText, goes_into_optionals_pointers_and_secrets) {
    EXPECT_EQ(from<std::optional<int>>("4"), 4);
    EXPECT_EQ(from<std::optional<std::string>>(""), "");
    EXPECT_EQ(from<Secret<int>>("4").reveal(), 4);
    EXPECT_EQ(from<std::unique_ptr<Pool>>(R"({"size": 3})")->size, 3);
    EXPECT_EQ(refusals<std::optional<int>>(Document::text("")),
              Lines{"expected an integer in [-2147483648, 2147483647], found \"\""});
}

TEST(DecodeText, is_judged_where_it_stands_in_a_document) {
    const Document document =
        Document::object().with("size", Document::text("12")).with("name", Document::text("12"));
    EXPECT_EQ(decode<Pool>(document).size, 12);
    EXPECT_EQ(decode<Pool>(document).name, "12");
}

TEST(DecodeText, stays_text_in_a_raw_document) { EXPECT_TRUE(from<Document>("12").is_text()); }

}  // namespace
