#include <attune/bind/decode.hpp>

#include "support.hpp"

#include <attune/bind/schema.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace {

using attune::decode;
using attune::Document;
using attune::parse;
using test::problems_of;
using test::refusals;
using Lines = std::vector<std::string>;

template <class T>
T from(std::string_view json) {
    return decode<T>(parse(json));
}

using Scalars = std::variant<bool, int, double, std::string, std::vector<int>>;

TEST(DecodeVariant, takes_the_alternative_of_the_values_kind) {
    EXPECT_EQ(from<Scalars>("true"), Scalars(true));
    EXPECT_EQ(from<Scalars>("1"), Scalars(1));
    EXPECT_EQ(from<Scalars>("1.0"), Scalars(1.0));
    EXPECT_EQ(from<Scalars>("\"1\""), Scalars("1"));
    EXPECT_EQ(from<Scalars>("[1]"), Scalars(std::vector<int>{1}));
    EXPECT_EQ((from<std::variant<std::string, double>>("1")),
              (std::variant<std::string, double>(1.0)));
}

TEST(DecodeVariant, keeps_its_default_where_nothing_is_said) {
    struct Holder {
        std::variant<int, std::string> value = "default";
    };
    EXPECT_EQ(std::get<1>(from<Holder>("{}").value), "default");
    EXPECT_EQ(std::get<1>(from<Holder>(R"({"value": null})").value), "default");
}

TEST(DecodeVariant, reports_what_is_wrong_with_the_only_candidate) {
    EXPECT_EQ(problems_of<Scalars>("3000000000"),
              Lines{"expected an integer in [-2147483648, 2147483647], found 3000000000"});
    EXPECT_EQ((problems_of<std::variant<bool, std::vector<int>>>("[true]")),
              Lines{"0: expected an integer in [-2147483648, 2147483647], found true"});
    EXPECT_EQ((problems_of<std::variant<bool, std::string>>("1")),
              Lines{"expected true or false or a string, found 1"});
}

struct Static {
    std::string root;
    int cache = 0;
};

struct Proxy {
    std::string url;
    std::chrono::seconds timeout{30};
    friend void describe(attune::Schema<Proxy>& s) { s.field(&Proxy::url).required(); }
};

struct Both {
    std::string root;
    std::string url;
};

using Handler = std::variant<Static, Proxy, Both>;

TEST(DecodeVariant, tells_structs_apart_by_their_members) {
    EXPECT_EQ(std::get<Static>(from<Handler>(R"({"root": "/srv"})")).root, "/srv");
    EXPECT_EQ(std::get<Proxy>(from<Handler>(R"({"url": "http://x"})")).url, "http://x");
    EXPECT_EQ(std::get<Proxy>(from<Handler>(R"({"url": "u", "timeout": "1s"})")).timeout,
              std::chrono::seconds(1));
    EXPECT_EQ(std::get<Both>(from<Handler>(R"({"root": "r", "url": "u"})")).url, "u");
}

TEST(DecodeVariant, reports_the_struct_that_comes_nearest) {
    EXPECT_EQ(problems_of<Handler>(R"({"url": "u", "timeout": 3})"),
              Lines{"timeout: expected a duration such as \"250ms\", found 3"});
    EXPECT_EQ(problems_of<Handler>(R"({"root": "u", "cahce": 3})"),
              Lines{"cahce: unknown key; did you mean \"cache\"?"});
}

TEST(DecodeVariant, may_hold_itself_behind_a_list_or_pointer) {
    struct Node;
    using Value = std::variant<int, std::unique_ptr<Node>, std::vector<Node>>;
    struct Node {
        Value value;
    };
    const auto node = from<Node>(R"({"value": {"value": [{"value": 7}]}})");
    const auto& inner = std::get<1>(node.value);
    ASSERT_TRUE(inner);
    EXPECT_EQ(std::get<0>(std::get<2>(inner->value).at(0).value), 7);
}

TEST(DecodeVariant, reads_text_as_its_choosiest_alternative) {
    const auto text = [](const char* word) { return decode<Scalars>(Document::text(word)); };
    EXPECT_EQ(text("1"), Scalars(1));
    EXPECT_EQ(text("1.5"), Scalars(1.5));
    EXPECT_EQ(text("on"), Scalars(true));
    EXPECT_EQ(text("[1, 2]"), Scalars(std::vector<int>{1, 2}));
    EXPECT_EQ(text("[1, 2"), Scalars("[1, 2"));
    EXPECT_EQ(text("word"), Scalars("word"));
    EXPECT_EQ(std::get<Proxy>(decode<Handler>(Document::text(R"({"url": "u"})"))).url, "u");
    EXPECT_EQ((refusals<std::variant<bool, int>>(Document::text("word"))),
              Lines{"expected true or false or an integer in [-2147483648, 2147483647], found "
                    "\"word\""});
}

}  // namespace
