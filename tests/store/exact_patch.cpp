#include <attune/store/detail/exact_patch.hpp>

#include "document/support.hpp"

#include <attune/document/parse.hpp>
#include <attune/document/patch.hpp>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace exact_patch_test {
namespace {

using attune::Document;
using attune::Path;
using attune::detail::apply_exact;
using attune::detail::ExactPatch;

std::string written(const Document& before, const Document& after, const Path* within = nullptr) {
    std::string text;
    ExactPatch().write(before, after, within, text);
    return text;
}

TEST(ExactPatch, of_one_change_is_one_operation) {
    const Document before = {{"a", 1}, {"b", {{"c~/d", "x"}, {"e", {1, 2}}}}};
    EXPECT_EQ(written(before, before), "[]");
    EXPECT_EQ(written(before, before.with("a", 2)), R"([{"op":"replace","path":"/a","value":2}])");
    EXPECT_EQ(written(before, before.with(Path() / "b" / "c~/d", "y")),
              R"([{"op":"replace","path":"/b/c~0~1d","value":"y"}])");
    EXPECT_EQ(written(before, before.without("b")), R"([{"op":"remove","path":"/b"}])");
    EXPECT_EQ(written(before, before.with("b.new", {{"x", 1}})),
              R"([{"op":"add","path":"/b/new","value":{"x":1}}])");
    EXPECT_EQ(written(before, before.with("b.e.0", 7)),
              R"([{"op":"replace","path":"/b/e/0","value":7}])");
    EXPECT_EQ(written(Document(), 5), R"([{"op":"replace","path":"","value":5}])");
}

TEST(ExactPatch, says_what_json_cannot) {
    const Document text = {{"a", Document::text("4")}, {"b", {std::nan("")}}};
    EXPECT_EQ(written(Document(), text),
              R"([{"as":{"/a":"text","/b/0":"nan"},"op":"replace","path":"",)"
              R"("value":{"a":"4","b":[null]}}])");
    EXPECT_EQ(apply_exact({}, attune::parse(written(Document(), text))), text);
}

TEST(ExactPatch, goes_straight_to_where_the_difference_is_known_to_be) {
    const Document before = {{"a", {{"b", 1}}}, {"z", 1}};
    const Document after = before.with("a.b", 2);
    const Path within("a.b");
    const Path below("a.b.c");
    const Path above("a");
    for (const Path* path : {&within, &below, &above}) {
        EXPECT_EQ(written(before, after, path), written(before, after));
    }
    const Path fresh("x.y");
    EXPECT_EQ(written(before, before.with("x.y", 1), &fresh),
              R"([{"op":"add","path":"/x","value":{"y":1}}])");
}

// Strings without a type, and numbers that no JSON has, here and there.
Document peculiar(const Document& document, const std::vector<int>& choices) {
    Document odd = document;
    std::size_t next = 0;
    constexpr double infinity = std::numeric_limits<double>::infinity();
    const std::vector<Document> values{
        Document::text("on"), std::nan(""), infinity, -infinity, -0.0, nullptr, Document::text("")};
    for (const auto& [key, value] : document.members()) {
        if (next < choices.size() && choices[next] >= 0) {
            odd = odd.with(Path() / key,
                           values[static_cast<std::size_t>(choices[next]) % values.size()]);
            odd = odd.with(Path() / key / "below",
                           values[static_cast<std::size_t>(choices[next] + 1) % values.size()]);
        }
        ++next;
    }
    return odd;
}

RC_GTEST_PROP(ExactPatchLaw, gives_back_the_document_it_was_made_from, ()) {
    const auto any = [] {
        return peculiar(attune::from_json(*attune_test::any_json(3)),
                        *rc::gen::container<std::vector<int>>(rc::gen::inRange(-3, 7)));
    };
    const Document before = any();
    const Document after = any();
    const std::string text = written(before, after);
    RC_ASSERT(apply_exact(before, attune::parse(text)) == after);
    // Neighbours, which share what is equal.
    const Path path = Path() / *attune_test::any_key() / *attune_test::any_key();
    const Document* const above = before.find(path.parent());
    const bool takes_names = before.is_object() && (above == nullptr || !above->is_array());
    const Document near = *rc::gen::arbitrary<bool>() && takes_names ? before.with(path, after)
                                                                     : before.without(path);
    RC_ASSERT(apply_exact(before, attune::parse(written(before, near))) == near);
    RC_ASSERT(apply_exact(before, attune::parse(written(before, near, &path))) == near);
    RC_ASSERT(apply_exact(near, attune::parse(written(near, before, &path))) == before);
}

}  // namespace
}  // namespace exact_patch_test
