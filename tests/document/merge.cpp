#include <attune/document/merge.hpp>

#include "support.hpp"

#include <string>

namespace {

using attune::Document;
using attune::make_merge_patch;
using attune::merge;
using attune::merge_patch;
using attune::to_text;
using nlohmann::json;

json model_merge(json lower, const json& upper) {
    if (!lower.is_object() || !upper.is_object()) {
        return upper;
    }
    for (const auto& [key, value] : upper.items()) {
        lower[key] = lower.contains(key) ? model_merge(lower[key], value) : value;
    }
    return lower;
}

TEST(Merge, objects_go_together_key_by_key) {
    const Document lower{{"a", 1}, {"b", {{"x", 1}, {"y", 2}}}};
    const Document upper{{"b", {{"y", 3}, {"z", 4}}}, {"c", 5}};
    EXPECT_EQ(merge(lower, upper),
              (Document{{"a", 1}, {"b", {{"x", 1}, {"y", 3}, {"z", 4}}}, {"c", 5}}));
}

TEST(Merge, anything_else_is_replaced_whole) {
    const Document lower{{"a", {1, 2, 3}}};
    EXPECT_EQ(merge(lower, {{"a", {4}}}), (Document{{"a", Document::array().with("-", 4)}}));
    EXPECT_EQ(merge(lower, {{"a", {{"x", 1}}}}), (Document{{"a", {{"x", 1}}}}));
    EXPECT_EQ(merge(lower, 1), Document(1));
    EXPECT_EQ(merge(1, lower), lower);
}

TEST(Merge, null_masks) {
    const Document lower{{"a", {{"x", 1}}}, {"b", 2}};
    EXPECT_EQ(merge(lower, {{"a", nullptr}}), (Document{{"a", nullptr}, {"b", 2}}));
    EXPECT_EQ(merge(lower, {{"new", {{"x", nullptr}}}}).at("new.x"), Document());
}

TEST(Merge, shares_what_it_does_not_touch) {
    const Document lower = attune_test::services(2000);
    const Document upper{{"service-7", {{"port", 1}}}, {"extra", {{"x", {1, 2}}}}};
    const Document merged = merge(lower, upper);
    EXPECT_TRUE(merged.at("service-8").same(lower.at("service-8")));
    EXPECT_TRUE(merged.at("extra").same(upper.at("extra")));
    EXPECT_LE(attune_test::new_bytes(lower, merged), 6000u);
    EXPECT_TRUE(merge(lower, {{"service-7", {{"port", 7}}}}).same(lower)) << "nothing new";
    EXPECT_TRUE(merge(lower, Document::object()).same(lower));
    EXPECT_TRUE(merge(Document::object(), lower).same(lower));
    EXPECT_TRUE(merge(Document(), lower).same(lower));
    EXPECT_TRUE(merge(lower, lower).same(lower));
}

TEST(MergePatch, follows_the_examples_of_rfc_7396_appendix_a) {
    const char* const cases[][3] = {
        {R"({"a":"b"})", R"({"a":"c"})", R"({"a":"c"})"},
        {R"({"a":"b"})", R"({"b":"c"})", R"({"a":"b","b":"c"})"},
        {R"({"a":"b"})", R"({"a":null})", R"({})"},
        {R"({"a":"b","b":"c"})", R"({"a":null})", R"({"b":"c"})"},
        {R"({"a":["b"]})", R"({"a":"c"})", R"({"a":"c"})"},
        {R"({"a":"c"})", R"({"a":["b"]})", R"({"a":["b"]})"},
        {R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})", R"({"a":{"b":"d"}})"},
        {R"({"a":[{"b":"c"}]})", R"({"a":[1]})", R"({"a":[1]})"},
        {R"(["a","b"])", R"(["c","d"])", R"(["c","d"])"},
        {R"({"a":"b"})", R"(["c"])", R"(["c"])"},
        {R"({"a":"foo"})", R"(null)", R"(null)"},
        {R"({"a":"foo"})", R"("bar")", R"("bar")"},
        {R"({"e":null})", R"({"a":1})", R"({"e":null,"a":1})"},
        {R"([1,2])", R"({"a":"b","c":null})", R"({"a":"b"})"},
        {R"({})", R"({"a":{"bb":{"ccc":null}}})", R"({"a":{"bb":{}}})"},
    };
    for (const auto& [target, patch, result] : cases) {
        EXPECT_EQ(merge_patch(json::parse(target), json::parse(patch)),
                  Document(json::parse(result)))
            << target << " + " << patch;
    }
}

TEST(Merge, takes_any_depth) {
    constexpr std::size_t levels = 100'000;
    const Document lower = attune_test::nested_objects(levels, {{"x", 1}});
    const Document upper = attune_test::nested_objects(levels, {{"y", 2}});
    EXPECT_EQ(merge(lower, upper), attune_test::nested_objects(levels, {{"x", 1}, {"y", 2}}));
    EXPECT_EQ(merge_patch(lower, upper), merge(lower, upper));
}

RC_GTEST_PROP(MergeLaw, is_that_of_the_model, ()) {
    const auto lower = *attune_test::any_object(3);
    const auto upper = *attune_test::any_object(3);
    RC_ASSERT(merge(lower, upper) == Document(model_merge(lower, upper)));
}

RC_GTEST_PROP(MergeLaw, done_twice_changes_nothing, ()) {
    const Document lower = *attune_test::any_object(3);
    const Document upper = *attune_test::any_object(3);
    const Document once = merge(lower, upper);
    RC_ASSERT(merge(lower, once) == once);
    RC_ASSERT(merge(once, upper) == once);
    RC_ASSERT(merge(once, upper).same(once));
}

TEST(MakeMergePatch, says_what_is_set_and_removes_by_null) {
    const auto made = [](const char* before, const char* after) {
        return to_text(make_merge_patch(json::parse(before), json::parse(after)));
    };
    EXPECT_EQ(made(R"({"a":1,"b":{"c":1,"d":2}})", R"({"a":2,"b":{"c":1}})"),
              R"({"a":2,"b":{"d":null}})");
    EXPECT_EQ(made(R"({"a":[1,2]})", R"({"a":[1,3]})"), R"({"a":[1,3]})");
    EXPECT_EQ(made(R"({"a":{"b":1}})", R"({"a":{"b":1}})"), "{}");
    EXPECT_EQ(made(R"({"a":1})", R"({"a":{}})"), R"({"a":{}})");
    EXPECT_EQ(made(R"({"a":{"b":1}})", R"({"a":{}})"), R"({"a":{"b":null}})");
    EXPECT_EQ(made(R"({"a":1})", "5"), "5");
    EXPECT_EQ(made("5", R"({"a":1})"), R"({"a":1})");
}

TEST(MakeMergePatch, takes_any_depth) {
    constexpr std::size_t levels = 100'000;
    const Document before = attune_test::nested_objects(levels, {{"x", 1}});
    const Document after = attune_test::nested_objects(levels, {{"y", 2}});
    EXPECT_EQ(merge_patch(before, make_merge_patch(before, after)), after);
}

/// A merge patch cannot put a null into an object.
json without_null_members(const json& value) {
    if (!value.is_object()) {
        return value;
    }
    json result = json::object();
    for (const auto& [key, member] : value.items()) {
        if (!member.is_null()) {
            result[key] = without_null_members(member);
        }
    }
    return result;
}

RC_GTEST_PROP(MergePatchLaw, the_patch_between_two_documents_leads_from_one_to_the_other, ()) {
    const auto before = *attune_test::any_json(3);
    const auto after = without_null_members(*attune_test::any_json(3));
    const Document patch = make_merge_patch(before, after);
    RC_ASSERT(merge_patch(before, patch) == Document(after));
    json theirs = before;
    theirs.merge_patch(attune::to_json(patch));
    RC_ASSERT(theirs == after);
}

RC_GTEST_PROP(MergePatchLaw, is_that_of_nlohmann, ()) {
    const auto target = *attune_test::any_json(3);
    const auto patch = *attune_test::any_json(3);
    json expected = target;
    expected.merge_patch(patch);
    RC_ASSERT(merge_patch(target, patch) == Document(expected));
}

}  // namespace
