#include <attune/net/conditional.hpp>

#include <gtest/gtest.h>

#include <string>

namespace {

using attune::net::EntityTags;

TEST(EntityTags, name_one_or_several) {
    const auto one = EntityTags::parse(R"("a")");
    ASSERT_TRUE(one);
    EXPECT_FALSE(one->several());
    EXPECT_TRUE(one->match_strongly(R"("a")"));
    EXPECT_FALSE(one->match_strongly(R"("b")"));

    const auto more = EntityTags::parse(R"( , "a" ,W/"b",,"" )");
    ASSERT_TRUE(more);
    EXPECT_TRUE(more->several());
    EXPECT_TRUE(more->match_weakly(R"("a")"));
    EXPECT_TRUE(more->match_weakly(R"("b")"));
    EXPECT_TRUE(more->match_weakly(R"("")"));
    EXPECT_FALSE(more->match_weakly(R"("c")"));
}

TEST(EntityTags, may_contain_commas_and_stars) {
    const auto tags = EntityTags::parse(R"("a,*", "b")");
    ASSERT_TRUE(tags);
    EXPECT_FALSE(tags->any());
    EXPECT_TRUE(tags->match_strongly(R"("a,*")"));
}

TEST(EntityTags, that_are_weak_match_weakly_only) {
    const auto weak = EntityTags::parse(R"(W/"a")");
    ASSERT_TRUE(weak);
    EXPECT_TRUE(weak->match_weakly(R"("a")"));
    EXPECT_FALSE(weak->match_strongly(R"("a")"));
    EXPECT_FALSE(weak->match_strongly(R"(W/"a")"));

    const auto strong = EntityTags::parse(R"("a")");
    ASSERT_TRUE(strong);
    EXPECT_TRUE(strong->match_weakly(R"(W/"a")"));
    EXPECT_FALSE(strong->match_strongly(R"(W/"a")"));
}

TEST(EntityTags, a_star_stands_for_every_tag) {
    const auto star = EntityTags::parse(" * ");
    ASSERT_TRUE(star);
    EXPECT_TRUE(star->any());
    EXPECT_TRUE(star->match_strongly(R"("a")"));
    EXPECT_TRUE(star->match_weakly(R"(W/"a")"));
}

TEST(EntityTags, are_nothing_else) {
    for (const char* const field : {"", " ", ",", "a", "\"a", "a\"", "W/a", "w/\"a\"",
                                    "\"a\" \"b\"", "\"a\";", "*, \"a\"", "\"a\", *", "**"}) {
        EXPECT_FALSE(EntityTags::parse(field)) << field;
    }
}

}  // namespace
