#include <attune/bind/fallback.hpp>

#include <attune/bind/schema.hpp>
#include <attune/bind/secret.hpp>
#include <attune/document/path.hpp>

#include "support.hpp"

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

namespace fallback_sample {

struct Leaf {
    int size = 8;
};
struct Tree {
    int number = 1;
    Leaf leaf{9};
    std::optional<Leaf> none;
    std::optional<int> some = 3;
    std::vector<Leaf> list{Leaf{1}, Leaf{2}};
    std::array<int, 2> pair{4, 5};
    std::map<std::string, Leaf> map{{"a", Leaf{7}}};
    std::variant<int, Leaf> either = Leaf{6};
    attune::Secret<Leaf> secret;
    std::string hidden = "h";
    std::unique_ptr<Tree> below;
};
inline void describe(attune::Schema<Tree>& s) { s.field(&Tree::hidden).secret(); }

}  // namespace fallback_sample

namespace {

using attune::Document;
using attune::Path;
using attune::detail::fallback_at;

std::optional<Document> fallback(const char* path) {
    return fallback_at(attune::detail::type_of<fallback_sample::Tree>(), nullptr,
                       Path{path}.tokens());
}

TEST(Fallback, is_what_the_defaults_have_at_a_path) {
    EXPECT_EQ(fallback("number"), Document(1));
    EXPECT_EQ(fallback("leaf"), (Document{{"size", 9}}));
    EXPECT_EQ(fallback("leaf.size"), Document(9));
    EXPECT_EQ(fallback("some"), Document(3));
    EXPECT_EQ(fallback("none"), Document(nullptr));
    EXPECT_EQ(fallback("/list/1/size"), Document(2));
    EXPECT_EQ(fallback("/pair/1"), Document(5));
    EXPECT_EQ(fallback("map.a.size"), Document(7));
    EXPECT_EQ(fallback("either.size"), Document(6));
}

TEST(Fallback, inside_of_what_is_not_there_is_what_a_struct_begins_with) {
    EXPECT_EQ(fallback("none.size"), Document(8));
    EXPECT_EQ(fallback("/list/7/size"), Document(8));
    EXPECT_EQ(fallback("map.b.size"), Document(8));
    EXPECT_EQ(fallback("below.below.leaf.size"), Document(9));
}

TEST(Fallback, is_nothing_where_the_type_has_no_place) {
    EXPECT_EQ(fallback("numer"), std::nullopt);
    EXPECT_EQ(fallback("number.x"), std::nullopt);
    EXPECT_EQ(fallback("/list/x"), std::nullopt);
    EXPECT_EQ(fallback("/pair/7"), std::nullopt);
    EXPECT_EQ(fallback_at(attune::detail::type_of<int>(), nullptr, {}), std::nullopt);
    const int seven = 7;
    EXPECT_EQ(fallback_at(attune::detail::type_of<int>(), &seven, {}), Document(7));
}

TEST(Fallback, masks_secrets) {
    EXPECT_EQ(fallback("secret"), Document("***"));
    EXPECT_EQ(fallback("secret.size"), Document("***"));
    EXPECT_EQ(fallback("hidden"), Document("***"));
    EXPECT_EQ(fallback("")->at("hidden"), Document("***"));
}

}  // namespace
