#include <attune/document/difference.hpp>

#include "support.hpp"

#include <attune/document/merge.hpp>
#include <attune/document/reconcile.hpp>

#include <stdexcept>
#include <string>
#include <vector>

namespace {

using attune::changed_paths;
using attune::Document;
using attune::Path;

std::vector<std::string> texts(const std::vector<Path>& paths) {
    std::vector<std::string> result;
    for (const Path& path : paths) {
        result.push_back(to_string(path));
    }
    return result;
}

using Texts = std::vector<std::string>;

TEST(Difference, is_reported_for_each_member_in_order) {
    const Document before{{"a", 1}, {"b", 2}, {"c", 3}};
    const Document after{{"b", 5}, {"c", 3}, {"d", 4}};
    std::vector<std::string> seen;
    attune::for_each_difference(
        before, after, [&](std::string_view key, const Document* old, const Document* fresh) {
            seen.push_back(std::string(key) + (old ? " " + std::to_string(old->as_int64()) : " -") +
                           (fresh ? " " + std::to_string(fresh->as_int64()) : " -"));
        });
    EXPECT_EQ(seen, (Texts{"a 1 -", "b 2 5", "d - 4"}));
}

TEST(Difference, takes_what_is_not_an_object_for_an_empty_one) {
    int count = 0;
    const auto counter = [&](std::string_view, const Document*, const Document*) { ++count; };
    attune::for_each_difference(Document{1, 2}, Document(), counter);
    EXPECT_EQ(count, 0);
    attune::for_each_difference(Document{1, 2}, Document{{"a", 1}}, counter);
    EXPECT_EQ(count, 1);
}

TEST(ChangedPaths, are_the_deepest_ones) {
    const Document before{{"a", {{"b", {{"c", 1}, {"d", 2}}}, {"e", 3}}},
                          {"f", {1, 2, {{"x", 1}}}}};
    EXPECT_EQ(changed_paths(before, before), std::vector<Path>{});
    EXPECT_EQ(texts(changed_paths(before, before.with("a.b.c", 9).with("a.e", 9))),
              (Texts{"a.b.c", "a.e"}));
    EXPECT_EQ(texts(changed_paths(before, before.with("f.2.x", 2).with("f.0", 2))),
              (Texts{"f.0", "f.2.x"}));
    EXPECT_EQ(texts(changed_paths(before, before.with("f.-", 2))), Texts{"f"});
    EXPECT_EQ(texts(changed_paths(before, before.without("a.b"))), Texts{"a.b"});
    EXPECT_EQ(texts(changed_paths(before, before.with("a.b", 1))), Texts{"a.b"});
    EXPECT_EQ(texts(changed_paths(before, before.with("g.h", 1))), Texts{"g"});
    EXPECT_EQ(texts(changed_paths(before, Document{1})), Texts{""});
    EXPECT_EQ(changed_paths(1, 2), std::vector<Path>{Path()});
    EXPECT_EQ(changed_paths("a string longer than a cell", "a string longer than a cell"),
              std::vector<Path>{});
}

TEST(ChangedPaths, leave_out_what_is_equal_without_being_shared) {
    const Document before = attune_test::services(300);
    EXPECT_TRUE(changed_paths(before, attune_test::services(300)).empty());
    const Document after = attune_test::services(300).with("service-5.host", "other");
    EXPECT_EQ(texts(changed_paths(before, after)), Texts{"service-5.host"});
}

TEST(ChangedPaths, take_any_depth) {
    constexpr std::size_t levels = 20'000;
    const auto paths = changed_paths(attune_test::nested_objects(levels, 1),
                                     attune_test::nested_objects(levels, 2));
    ASSERT_EQ(paths.size(), 1u);
    EXPECT_EQ(paths.front().size(), levels);
}

RC_GTEST_PROP(DifferenceLaw, applied_to_one_gives_the_other, ()) {
    const auto left = *attune_test::any_object(3);
    const auto right = *attune_test::any_object(3);
    const Document before = left;
    const Document after = attune::reconcile(before, right);
    Document result = before;
    attune::for_each_difference(
        before, after, [&](std::string_view key, const Document* old, const Document* fresh) {
            const Path path({std::string(key)});
            RC_ASSERT(old == before.find(key));
            RC_ASSERT(fresh == after.find(key));
            RC_ASSERT((!old || !fresh || !(*old == *fresh)));
            result = fresh ? result.with(path, *fresh) : result.without(path);
        });
    RC_ASSERT(result == after);
}

RC_GTEST_PROP(DifferenceLaw, finds_the_edits_of_a_large_object, ()) {
    static const Document base = attune_test::services(3000);
    const auto numbers = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 6000));
    Document edited = base;
    for (const int n : numbers) {
        const Path path({"service-" + std::to_string(n)});
        if (n % 3 == 0) {
            edited = edited.without(path);
        } else if (n < 3000) {
            edited = edited.with(path / "port", -1);
        } else {
            edited = edited.with(path, n);
        }
    }
    Document result = base;
    std::size_t count = 0;
    attune::for_each_difference(base, edited,
                                [&](std::string_view key, const Document*, const Document* fresh) {
                                    const Path path({std::string(key)});
                                    result =
                                        fresh ? result.with(path, *fresh) : result.without(path);
                                    ++count;
                                });
    RC_ASSERT(result == edited);
    RC_ASSERT(count <= numbers.size());
}

RC_GTEST_PROP(ChangedPathsLaw, applied_to_one_give_the_other, ()) {
    const Document before = *attune_test::any_object(3);
    const Document after = *attune_test::any_object(3);
    Document result = before;
    for (const Path& path : changed_paths(before, after)) {
        const Document* const fresh = after.find(path);
        const Document* const old = before.find(path);
        RC_ASSERT((old || fresh));
        RC_ASSERT((!old || !fresh || !(*old == *fresh)));
        result = fresh ? result.with(path, *fresh) : result.without(path);
    }
    RC_ASSERT(result == after);
}

RC_GTEST_PROP(ChangedPathsLaw, are_the_same_when_it_is_known_where_to_look, ()) {
    const Document before = *attune_test::any_object(3);
    const Path path{*attune_test::few(attune_test::any_key())};
    Document after = before.without(path);
    RC_ASSERT(changed_paths(before, after, path) == changed_paths(before, after));
    try {
        after = before.with(path, *attune_test::any_json(2));
    } catch (const std::out_of_range&) {
        RC_DISCARD("an array in the way");
    }
    RC_ASSERT(changed_paths(before, after, path) == changed_paths(before, after));
}

}  // namespace
