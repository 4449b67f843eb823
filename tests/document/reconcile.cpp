#include <attune/document/reconcile.hpp>

#include "support.hpp"

#include <attune/document/parse.hpp>
#include <attune/document/text.hpp>

#include <string>
#include <vector>

namespace {

using attune::Document;
using attune::reconcile;

// The same document, sharing nothing with it.
Document again(const Document& document) {
    return attune::parse(to_text(document), {.max_depth = SIZE_MAX});
}

TEST(Reconcile, of_an_equal_document_is_the_old_one) {
    const Document old = attune_test::services(500);
    EXPECT_TRUE(reconcile(old, again(old)).same(old));
    EXPECT_TRUE(reconcile("a string longer than a cell", 1).same(1));
    const Document text = "a string longer than a cell";
    EXPECT_TRUE(reconcile(text, again(text)).same(text));
    EXPECT_TRUE(reconcile(Document::array(), Document::object()).is_object());
}

TEST(Reconcile, shares_everything_but_the_path_to_a_change) {
    const Document old = attune_test::services(10'000);
    for (const Document& fresh :
         {again(old.with("service-4711.port", 0)), again(old.with("service-4711.extra", 0)),
          again(old.with("service-x", 0)), again(old.without("service-4711"))}) {
        const Document result = reconcile(old, fresh);
        EXPECT_EQ(result, fresh);
        EXPECT_LE(attune_test::new_bytes(old, result), 4096u);
    }
}

TEST(Reconcile, shares_the_children_of_an_object_that_is_mostly_new) {
    const Document old = attune_test::services(100);
    Document edited = old;
    for (int i = 0; i < 60; ++i) {
        edited = edited.with("service-" + std::to_string(i) + ".port", -1);
    }
    const Document result = reconcile(old, again(edited));
    EXPECT_EQ(result, edited);
    EXPECT_TRUE(result.at("service-75").same(old.at("service-75")));
}

TEST(Reconcile, matches_elements_from_both_ends) {
    Document old = Document::array();
    for (int i = 0; i < 1000; ++i) {
        old = old.with("-", {{"name", std::to_string(i)}});
    }

    const auto expect_shared = [&](const Document& fresh) {
        const Document result = reconcile(old, again(fresh));
        EXPECT_EQ(result, fresh);
        EXPECT_LE(attune_test::new_bytes(old, result), 8000u);
    };
    expect_shared(old.without("500"));
    expect_shared(old.without("0"));
    expect_shared(old.without("999"));
    expect_shared(old.with("-", 1));
    expect_shared(old.with("500.name", "x"));
    expect_shared(old.without("500").without("505").with("510.name", "x"));

    std::vector<Document> longer{Document("first")};
    for (const Document& element : old.elements()) {
        longer.push_back(element);
    }
    Document inserted = Document::array();
    for (const Document& element : longer) {
        inserted = inserted.with("-", element);
    }
    expect_shared(inserted);
}

TEST(Reconcile, takes_any_depth) {
    constexpr std::size_t levels = 100'000;
    const Document old = attune_test::nested_objects(levels, {{"x", 1}});
    const Document fresh = attune_test::nested_objects(levels, {{"x", 2}});
    EXPECT_EQ(reconcile(old, fresh), fresh);
    EXPECT_TRUE(reconcile(old, attune_test::nested_objects(levels, {{"x", 1}})).same(old));
}

RC_GTEST_PROP(ReconcileLaw, equals_the_fresh_document, ()) {
    const Document old = *attune_test::any_json(3);
    const Document fresh = *attune_test::any_json(3);
    RC_ASSERT(reconcile(old, fresh) == fresh);
    RC_ASSERT(reconcile(old, again(old)).same(old));
}

RC_GTEST_PROP(ReconcileLaw, equals_the_fresh_array, ()) {
    const auto elements = [] {
        const auto count = *rc::gen::inRange<std::size_t>(0, 200);
        return *rc::gen::container<std::vector<int>>(count, rc::gen::inRange(0, 3));
    };
    std::vector<int> values = elements();
    const Document old = nlohmann::json(values);
    const auto from = *rc::gen::inRange<std::size_t>(0, values.size() + 1);
    const auto to = *rc::gen::inRange<std::size_t>(from, values.size() + 1);
    const auto place = values.begin();
    values.erase(place + static_cast<std::ptrdiff_t>(from),
                 place + static_cast<std::ptrdiff_t>(to));
    const auto fresh_values = elements();
    if (fresh_values.size() < 8) {
        values.insert(values.begin() + static_cast<std::ptrdiff_t>(from), fresh_values.begin(),
                      fresh_values.end());
    }
    const Document fresh = nlohmann::json(values);
    const Document result = reconcile(old, fresh);
    RC_ASSERT(result == fresh);
    attune_test::check_tree(result);
}

}  // namespace
