#include <attune/document/document.hpp>

#include "support.hpp"

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <tuple>
#include <vector>

namespace {

using attune::Document;

std::string key_of(int number) {
    return (number % 2 == 0 ? "k" : "some-longer-name-") + std::to_string(number);
}

void expect_members(const Document& document, const std::map<std::string, int>& model) {
    RC_ASSERT(document.is_object());
    RC_ASSERT(document.size() == model.size());
    auto expected = model.begin();
    for (const auto& [key, value] : document.members()) {
        RC_ASSERT(expected != model.end());
        RC_ASSERT(key == expected->first);
        RC_ASSERT(value.as_int64() == expected->second);
        RC_ASSERT(document.find(key) == &value);
        ++expected;
    }
    RC_ASSERT(expected == model.end());
}

void expect_elements(const Document& document, const std::vector<int>& model) {
    RC_ASSERT(document.is_array());
    RC_ASSERT(document.size() == model.size());
    std::size_t index = 0;
    for (const Document& value : document.elements()) {
        RC_ASSERT(value.as_int64() == model[index]);
        RC_ASSERT(document.find(index) == &value);
        ++index;
    }
    RC_ASSERT(index == model.size());
}

// Numbers below `limit`, several hundred of them, so that trees grow several levels and shrink again.
std::vector<int> many(int limit) {
    const auto count = *rc::gen::resize(1000, rc::gen::inRange<std::size_t>(0, 1000));
    return *rc::gen::container<std::vector<int>>(count, rc::gen::inRange(0, limit));
}

RC_GTEST_PROP(DocumentLaw, an_object_is_a_sorted_map, ()) {
    std::map<std::string, int> model;
    Document document = Document::object();
    const int keys = *rc::gen::inRange(1, 800);
    for (const int number : many(keys)) {
        const std::string key = key_of(number);
        model[key] = number;
        document = document.with(attune::Path({key}), number);
    }
    expect_members(document, model);
    attune_test::check_tree(document);

    const Document before = document;
    const auto kept = model;
    for (const int number : many(keys)) {
        const std::string key = key_of(number);
        model.erase(key);
        document = document.without(attune::Path({key}));
        RC_ASSERT(document.find(key) == nullptr);
    }
    expect_members(document, model);
    attune_test::check_tree(document);
    expect_members(before, kept);
}

RC_GTEST_PROP(DocumentLaw, an_array_is_a_vector, ()) {
    std::vector<int> model;
    Document document = Document::array();
    for (const int value : many(1000)) {
        model.push_back(value);
        document = document.with("-", value);
    }
    expect_elements(document, model);
    attune_test::check_tree(document);

    const Document before = document;
    const auto kept = model;
    for (const int number : many(1000)) {
        if (model.empty()) {
            break;
        }
        const std::size_t index = static_cast<std::size_t>(number) % model.size();
        const std::string token = std::to_string(index);
        if (number % 3 == 0) {
            model[index] = -number;
            document = document.with(token, -number);
        } else {
            model.erase(model.begin() + static_cast<std::ptrdiff_t>(index));
            document = document.without(token);
        }
    }
    expect_elements(document, model);
    attune_test::check_tree(document);
    expect_elements(before, kept);
}

RC_GTEST_PROP(DocumentLaw, trees_of_different_shape_are_equal, ()) {
    std::vector<int> numbers = many(2000);
    Document forward = Document::object();
    Document backward = Document::object();
    for (const int n : numbers) {
        forward = forward.with(attune::Path({key_of(n)}), n);
    }
    std::reverse(numbers.begin(), numbers.end());
    for (const int n : numbers) {
        backward = backward.with(attune::Path({key_of(n)}), n);
    }
    RC_ASSERT(forward == backward);
    RC_ASSERT(attune::from_json(attune::to_json(forward)) == forward);

    if (numbers.empty()) {
        return;
    }
    const attune::Path path({key_of(numbers.front())});
    RC_ASSERT(!(forward.with(path, -1) == backward));
    RC_ASSERT(!(forward.without(path) == backward));
    RC_ASSERT(forward.without(path) == backward.without(path));
}

RC_GTEST_PROP(DocumentLaw, equality_is_that_of_the_model, ()) {
    const auto a = *attune_test::any_json(3);
    const auto b = *rc::gen::oneOf(attune_test::any_json(3), rc::gen::just(a));
    // The model takes 1 and 1.0 for equal; their texts differ.
    RC_ASSERT((attune::from_json(a) == attune::from_json(b)) == (a.dump() == b.dump()));
}

RC_GTEST_PROP(DocumentLaw, with_then_find_gives_the_value_and_nothing_else_changes, ()) {
    const auto json = *attune_test::any_object(3);
    const auto tokens = *attune_test::few(attune_test::any_key());
    const auto value = *attune_test::any_json(2);
    const attune::Path path(tokens);
    const Document before = attune::from_json(json);
    const Document copy = attune::from_json(json);
    Document after;
    try {
        after = before.with(path, value);
    } catch (const std::out_of_range&) {
        RC_DISCARD("an array in the way");
    }
    RC_ASSERT(*after.find(path) == Document(value));
    RC_ASSERT(before == copy);
    if (!before.find(path) && !path.empty() && before.find(path.parent()) &&
        before.at(path.parent()).is_object()) {
        RC_ASSERT(after.without(path) == before);
    }
}

}  // namespace
