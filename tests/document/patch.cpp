#include <attune/document/patch.hpp>

#include "support.hpp"

#include <attune/document/parse.hpp>
#include <attune/document/text.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace {

using attune::apply_patch;
using attune::Document;
using attune::make_patch;
using attune::parse;
using attune::PatchError;
using attune::Path;
using nlohmann::json;

Document patched(std::string_view target, std::string_view patch) {
    return apply_patch(parse(target), parse(patch));
}

std::string refusal(std::string_view target, std::string_view patch) {
    try {
        (void)patched(target, patch);
    } catch (const PatchError& error) {
        return error.what();
    }
    return "applied";
}

/// The same document, sharing nothing with it.
Document again(const Document& document) {
    return parse(to_text(document), {.max_depth = SIZE_MAX});
}

/// An array of the numbers below `count`, each in an object of its own.
Document numbers(int count) {
    json all = json::array();
    for (int i = 0; i < count; ++i) {
        all.push_back({{"number", i}});
    }
    return all;
}

TEST(ApplyPatch, follows_the_examples_of_rfc_6902_appendix_a) {
    const char* const cases[][3] = {
        {R"({"foo":"bar"})", R"([{"op":"add","path":"/baz","value":"qux"}])",
         R"({"baz":"qux","foo":"bar"})"},
        {R"({"foo":["bar","baz"]})", R"([{"op":"add","path":"/foo/1","value":"qux"}])",
         R"({"foo":["bar","qux","baz"]})"},
        {R"({"baz":"qux","foo":"bar"})", R"([{"op":"remove","path":"/baz"}])", R"({"foo":"bar"})"},
        {R"({"foo":["bar","qux","baz"]})", R"([{"op":"remove","path":"/foo/1"}])",
         R"({"foo":["bar","baz"]})"},
        {R"({"baz":"qux","foo":"bar"})", R"([{"op":"replace","path":"/baz","value":"boo"}])",
         R"({"baz":"boo","foo":"bar"})"},
        {R"({"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}})",
         R"([{"op":"move","from":"/foo/waldo","path":"/qux/thud"}])",
         R"({"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}})"},
        {R"({"foo":["all","grass","cows","eat"]})",
         R"([{"op":"move","from":"/foo/1","path":"/foo/3"}])",
         R"({"foo":["all","cows","eat","grass"]})"},
        {R"({"baz":"qux","foo":["a",2,"c"]})",
         R"([{"op":"test","path":"/baz","value":"qux"},{"op":"test","path":"/foo/1","value":2}])",
         R"({"baz":"qux","foo":["a",2,"c"]})"},
        {R"({"foo":"bar"})", R"([{"op":"add","path":"/child","value":{"grandchild":{}}}])",
         R"({"foo":"bar","child":{"grandchild":{}}})"},
        {R"({"foo":"bar"})", R"([{"op":"add","path":"/baz","value":"qux","xyz":123}])",
         R"({"foo":"bar","baz":"qux"})"},
        {R"({"/":9,"~1":10})", R"([{"op":"test","path":"/~01","value":10}])", R"({"/":9,"~1":10})"},
        {R"({"foo":["bar"]})", R"([{"op":"add","path":"/foo/-","value":["abc","def"]}])",
         R"({"foo":["bar",["abc","def"]]})"},
    };
    for (const auto& [target, patch, result] : cases) {
        EXPECT_EQ(patched(target, patch), parse(result)) << target << " + " << patch;
    }
    EXPECT_EQ(refusal(R"({"baz":"qux"})", R"([{"op":"test","path":"/baz","value":"bar"}])"),
              "operation 0: test /baz: found a string that is not the one expected");
    EXPECT_EQ(refusal(R"({"foo":"bar"})", R"([{"op":"add","path":"/baz/bat","value":"qux"}])"),
              "operation 0: add /baz/bat: /baz: no such member");
    EXPECT_EQ(refusal(R"({"/":9,"~1":10})", R"([{"op":"test","path":"/~01","value":"10"}])"),
              "operation 0: test /~01: expected a string, found an integer");
}

TEST(ApplyPatch, treats_the_root_as_any_other_place) {
    EXPECT_EQ(patched("1", R"([{"op":"add","path":"","value":[2]}])"), parse("[2]"));
    EXPECT_EQ(patched("1", R"([{"op":"replace","path":"","value":{}}])"), parse("{}"));
    EXPECT_EQ(patched(R"({"a":{"b":1}})", R"([{"op":"move","from":"/a","path":""}])"),
              parse(R"({"b":1})"));
    EXPECT_EQ(patched(R"({"a":1})", R"([{"op":"copy","from":"","path":"/a"}])"),
              parse(R"({"a":{"a":1}})"));
    EXPECT_EQ(patched(R"({"a":1})", R"([{"op":"remove","path":""}])"), Document());
    EXPECT_EQ(patched("[1]", "[]"), parse("[1]"));
}

TEST(ApplyPatch, takes_null_and_the_empty_name_for_what_they_are) {
    EXPECT_EQ(patched("{}", R"([{"op":"add","path":"/","value":null}])"), parse(R"({"":null})"));
    EXPECT_EQ(patched(R"({"a":null})", R"([{"op":"replace","path":"/a","value":1}])"),
              parse(R"({"a":1})"));
    EXPECT_EQ(patched(R"({"a":null})", R"([{"op":"test","path":"/a","value":null}])"),
              parse(R"({"a":null})"));
}

TEST(ApplyPatch, moves_a_value_onto_itself_and_copies_it_beside_itself) {
    EXPECT_EQ(patched("[1,2]", R"([{"op":"move","from":"/1","path":"/1"}])"), parse("[1,2]"));
    EXPECT_EQ(patched("[1,2]", R"([{"op":"copy","from":"/1","path":"/1"}])"), parse("[1,2,2]"));
    EXPECT_EQ(patched("[1,2]", R"([{"op":"copy","from":"/0","path":"/-"}])"), parse("[1,2,1]"));
}

TEST(ApplyPatch, compares_in_a_test_as_json_does) {
    const auto passes = [](const Document& found, const Document& expected) {
        const Document operation{{"op", "test"}, {"path", ""}, {"value", expected}};
        try {
            (void)apply_patch(found, Document::array().with("-", operation));
            return true;
        } catch (const PatchError&) {
            return false;
        }
    };
    EXPECT_TRUE(passes(1, 1.0));
    EXPECT_TRUE(passes(-0.0, 0));
    EXPECT_TRUE(passes(std::uint64_t{1} << 63, 0x1p63));
    EXPECT_TRUE(passes({{"a", {1.0, Document::text("x")}}}, {{"a", {1, "x"}}}));
    EXPECT_FALSE(passes((std::int64_t{1} << 53) + 1, 0x1p53));
    EXPECT_FALSE(passes(INT64_MAX, 0x1p63));
    EXPECT_FALSE(passes(UINT64_MAX, 0x1p64));
    EXPECT_FALSE(passes(UINT64_MAX, -1));
    EXPECT_FALSE(passes(1, 1.5));
    EXPECT_FALSE(passes(1, std::numeric_limits<double>::quiet_NaN()));
    EXPECT_FALSE(passes("1", 1));
    EXPECT_FALSE(passes(Document::array(), Document::object()));
    EXPECT_FALSE(passes({1, 2}, {1, 2, 3}));
    EXPECT_FALSE(passes({{"a", 1}}, {{"b", 1}}));
    EXPECT_FALSE(passes({{"a", {1, {{"b", 2}}}}}, {{"a", {1, {{"b", 3}}}}}));
}

TEST(ApplyPatch, says_which_operation_fails_and_what_is_near) {
    const char* const server = R"({"server":{"host":"h","port":1,"pool":{"size":4}},"tags":[1,2]})";
    const auto refused = [&](const std::string& operation) {
        return refusal(server, R"([{"op":"test","path":"/tags","value":[1,2]},)" + operation + "]");
    };
    EXPECT_EQ(refused(R"({"op":"replace","path":"/server/prot","value":1})"),
              "operation 1: replace /server/prot: no such member; did you mean \"port\"?");
    EXPECT_EQ(refused(R"({"op":"remove","path":"/server/certificate"})"),
              "operation 1: remove /server/certificate: no such member");
    EXPECT_EQ(refused(R"({"op":"add","path":"/server/pol/size","value":1})"),
              "operation 1: add /server/pol/size: /server/pol: no such member; "
              "did you mean \"pool\"?");
    EXPECT_EQ(refused(R"({"op":"add","path":"/server/host/name","value":1})"),
              "operation 1: add /server/host/name: expected an object or an array at "
              "/server/host, found a string");
    EXPECT_EQ(refused(R"({"op":"copy","from":"/sever/port","path":"/port"})"),
              "operation 1: copy from /sever/port: /sever: no such member; did you mean "
              "\"server\"?");
    EXPECT_EQ(refused(R"({"op":"move","from":"/server","path":"/server/pool/a"})"),
              "operation 1: move from /server: a value cannot be moved into itself");
    EXPECT_EQ(refused(R"({"op":"move","from":"","path":"/a"})"),
              "operation 1: move from the document: a value cannot be moved into itself");
    EXPECT_EQ(refused(R"({"op":"test","path":"/tags","value":{}})"),
              "operation 1: test /tags: expected an object, found an array");
    EXPECT_EQ(refusal("1", R"([{"op":"remove","path":"/a"}])"),
              "operation 0: remove /a: expected an object or an array at the root, found an "
              "integer");
}

TEST(ApplyPatch, takes_only_indexes_that_name_an_element_or_the_place_of_a_new_one) {
    const auto refused = [](const std::string& op, const std::string& token) {
        return refusal("[[1,2,3]]",
                       R"([{"op":")" + op + R"(","path":"/0/)" + token + R"(","value":9}])");
    };
    EXPECT_EQ(refused("add", "3"), "applied");
    EXPECT_EQ(refused("add", "-"), "applied");
    EXPECT_EQ(refused("add", "4"), "operation 0: add /0/4: beyond the end; the array has 3");
    for (const std::string token : {"01", "+1", "1e0", "", "x", "--", "99999999999999999999"}) {
        EXPECT_EQ(
            refused("add", token),
            "operation 0: add /0/" + token +
                ": not an index: expected a number without leading zeros, or \"-\" to append");
        EXPECT_EQ(refused("replace", token),
                  "operation 0: replace /0/" + token +
                      ": not an index: expected a number without leading zeros");
    }
    EXPECT_EQ(refused("replace", "3"),
              "operation 0: replace /0/3: no such element; the array has 3");
    EXPECT_EQ(refused("remove", "-"),
              "operation 0: remove /0/-: \"-\" is the place after the last element, where nothing "
              "is yet");
}

TEST(ApplyPatch, refuses_what_is_no_patch) {
    const auto refused = [](std::string_view patch) { return refusal(R"({"a":1})", patch); };
    EXPECT_EQ(refused("{}"), "patch: expected an array of operations, found an object");
    EXPECT_EQ(refused("[[]]"), "operation 0: expected an object, found an array");
    EXPECT_EQ(refused(R"([{"path":"/a"}])"), "operation 0: \"op\" is missing");
    EXPECT_EQ(refused(R"([{"op":1,"path":"/a"}])"),
              "operation 0: \"op\": expected a string, found an integer");
    EXPECT_EQ(refused(R"([{"op":"delete","path":"/a"}])"),
              "operation 0: unknown \"op\"; expected add, remove, replace, move, copy or test");
    EXPECT_EQ(refused(R"([{"op":"Replace","path":"/a"}])"),
              "operation 0: unknown \"op\"; did you mean \"replace\"?");
    EXPECT_EQ(refused(R"([{"op":"remove"}])"), "operation 0: remove: \"path\" is missing");
    EXPECT_EQ(refused(R"([{"op":"remove","path":["a"]}])"),
              "operation 0: remove: \"path\": expected a string, found an array");
    EXPECT_EQ(
        refused(R"([{"op":"remove","path":"a.b"}])"),
        "operation 0: remove: \"path\" is no JSON Pointer: expected a \"/\" before each name; "
        "did you mean \"/a/b\"?");
    EXPECT_EQ(refused(R"([{"op":"remove","path":"/~2"}])"),
              "operation 0: remove: \"path\": expected \"~0\" or \"~1\" in a JSON Pointer, found "
              "another \"~\"");
    EXPECT_EQ(refused(R"([{"op":"move","path":"/b"}])"), "operation 0: move: \"from\" is missing");
    EXPECT_EQ(refused(R"([{"op":"copy","path":"/b","from":null}])"),
              "operation 0: copy: \"from\": expected a string, found null");
    for (const std::string op : {"add", "replace", "test"}) {
        EXPECT_EQ(refused(R"([{"op":")" + op + R"(","path":"/a"}])"),
                  "operation 0: " + op + " /a: \"value\" is missing");
    }
}

TEST(PatchError, holds_what_it_says) {
    try {
        (void)patched(R"({"a":{"port":1}})", R"([{"op":"test","path":"/a/port","value":1},
                                               {"op":"copy","from":"/a/prot","path":"/d"}])");
        FAIL();
    } catch (const PatchError& error) {
        EXPECT_EQ(error.operation(), 1u);
        EXPECT_EQ(error.path(), Path("/a/prot"));
        EXPECT_EQ(error.message(), "no such member; did you mean \"port\"?");
    }
}

TEST(PatchError, never_shows_a_value) {
    const std::string target = R"({"password":"hunter2","list":["hunter2"],"n":{"hunter2":1}})";
    const char* const patches[] = {
        R"([{"op":"test","path":"/password","value":"hunter2!"}])",
        R"([{"op":"test","path":"/password","value":["hunter2!"]}])",
        R"([{"op":"test","path":"/list","value":["hunter2!"]}])",
        R"([{"op":"test","path":"","value":{"password":"hunter2!"}}])",
        R"([{"op":"remove","path":"/password/x"}])",
        R"([{"op":"add","path":"/password/x","value":"hunter2!"}])",
        R"([{"op":"hunter2!","path":"/password"}])",
        R"(["hunter2!"])",
        R"("hunter2!")",
    };
    for (const char* const patch : patches) {
        const std::string text = refusal(target, patch);
        EXPECT_NE(text, "applied");
        EXPECT_EQ(text.find("hunter2"), std::string::npos) << text;
    }
}

TEST(ApplyPatch, shares_all_but_the_path_to_a_change) {
    const Document before = attune_test::services(2000);
    const Document after =
        apply_patch(before, parse(R"([{"op":"replace","path":"/service-7/port","value":-1},
                          {"op":"move","from":"/service-8/host","path":"/service-8/address"}])"));
    EXPECT_EQ(after.at("service-7.port"), Document(-1));
    EXPECT_TRUE(after.at("service-9").same(before.at("service-9")));
    EXPECT_LE(attune_test::new_bytes(before, after), 8192u);

    const Document value = parse(R"({"a":[1,2,3]})");
    const Document operation{{"op", "add"}, {"path", "/x"}, {"value", value}};
    EXPECT_TRUE(apply_patch(before, Document::array().with("-", operation)).at("x").same(value));
}

TEST(ApplyPatch, shares_the_elements_that_move_up_and_down) {
    const Document before = numbers(10'000);
    const Document after = apply_patch(before, parse(R"([{"op":"add","path":"/0","value":"first"},
                                                         {"op":"remove","path":"/5000"}])"));
    EXPECT_EQ(after.size(), before.size());
    EXPECT_EQ(after.at("1.number"), Document(0));
    EXPECT_EQ(after.at("5000.number"), Document(5000));
    EXPECT_LE(attune_test::new_bytes(before, after), 4096u);
    attune_test::check_tree(after);
}

TEST(MakePatch, says_what_was_added_removed_and_replaced) {
    const Document before = parse(R"({"a":1,"b":{"c":2,"d":[1,{"e":3}]},"f/g":4,"h":5})");
    const Document after = parse(R"({"a":1.0,"b":{"d":[1,{"e":6}],"i":[]},"f/g":null,"h":{}})");
    EXPECT_EQ(make_patch(before, after), parse(R"([{"op":"replace","path":"/a","value":1.0},
                                                   {"op":"remove","path":"/b/c"},
                                                   {"op":"replace","path":"/b/d/1/e","value":6},
                                                   {"op":"add","path":"/b/i","value":[]},
                                                   {"op":"replace","path":"/f~1g","value":null},
                                                   {"op":"replace","path":"/h","value":{}}])"));
    EXPECT_EQ(make_patch(1, "x"), parse(R"([{"op":"replace","path":"","value":"x"}])"));
}

TEST(MakePatch, of_equal_documents_is_empty) {
    const Document document = attune_test::services(300).with("list", numbers(20));
    EXPECT_EQ(make_patch(document, document), Document::array());
    EXPECT_EQ(make_patch(document, again(document)), Document::array());
    EXPECT_EQ(make_patch("a string longer than a cell", again("a string longer than a cell")),
              Document::array());
}

TEST(MakePatch, keeps_what_arrays_have_in_common_at_both_ends) {
    const auto patch = [](std::string_view before, std::string_view after) {
        return to_text(make_patch(parse(before), parse(after)));
    };
    EXPECT_EQ(patch("[1,2,3]", "[1,2,3,4]"), R"([{"op":"add","path":"/3","value":4}])");
    EXPECT_EQ(patch("[1,2,3]", "[0,1,2,3]"), R"([{"op":"add","path":"/0","value":0}])");
    EXPECT_EQ(patch("[1,1]", "[1,1,1]"), R"([{"op":"add","path":"/2","value":1}])");
    EXPECT_EQ(patch("[1,2,3,4,5]", "[1,5]"),
              R"([{"op":"remove","path":"/3"},{"op":"remove","path":"/2"},)"
              R"({"op":"remove","path":"/1"}])");
    EXPECT_EQ(patch("[1,2,3,4]", "[1,9,4]"),
              R"([{"op":"replace","path":"/1","value":9},{"op":"remove","path":"/2"}])");
    EXPECT_EQ(patch("[1,{\"a\":2},4]", "[1,{\"a\":3},5,4]"),
              R"([{"op":"replace","path":"/1/a","value":3},{"op":"add","path":"/2","value":5}])");
    EXPECT_EQ(patch("[]", "[1,2]"),
              R"([{"op":"add","path":"/0","value":1},{"op":"add","path":"/1","value":2}])");
}

TEST(MakePatch, of_a_long_array_names_one_element) {
    const Document before = numbers(10'000);
    for (const Document& after : {before.without("4711"), before.without("0"),
                                  before.with("4711.number", "x"), before.with("-", "last")}) {
        for (const Document& other : {after, again(after)}) {
            EXPECT_EQ(make_patch(before, other).size(), 1u);
            EXPECT_EQ(make_patch(other, before).size(), 1u);
            EXPECT_EQ(apply_patch(before, make_patch(before, other)), after);
        }
    }
}

TEST(ApplyPatch, takes_any_depth) {
    constexpr std::size_t levels = 20'000;
    for (const auto nested : {attune_test::nested_arrays, attune_test::nested_objects}) {
        const Document before = nested(levels, {{"x", 1}});
        const Document after = nested(levels, {{"x", 2}});
        const Document patch = make_patch(before, after);
        ASSERT_EQ(patch.size(), 1u);
        EXPECT_EQ(apply_patch(before, patch), after);
        const Document test{{"op", "test"}, {"path", ""}, {"value", again(before)}};
        EXPECT_TRUE(apply_patch(before, Document::array().with("-", test)).same(before));
    }
}

/// One operation done by nlohmann/json; nothing when it refuses. It does not look whether what a
/// path goes through can have anything below.
std::optional<json> model_step(const json& target, const json& operation) {
    try {
        const json::json_pointer path(operation.at("path").get<std::string>());
        if (!path.empty() && target.at(path.parent_pointer()).is_primitive()) {
            return std::nullopt;
        }
        return target.patch(json::array({operation}));
    } catch (const json::exception&) {
        return std::nullopt;
    }
}

std::optional<json> model_patch(json target, const json& operations) {
    for (const json& operation : operations) {
        std::vector<json> steps{operation};
        const std::string op = operation.at("op");
        if (op == "move" || op == "copy") {
            const std::string from = operation.at("from");
            const std::string path = operation.at("path");
            const bool onto_itself = from == path;
            if (op == "move" && !onto_itself && path.starts_with(from + '/')) {
                return std::nullopt;
            }
            try {
                const json value = target.at(json::json_pointer(from));
                steps = {{{"op", "add"}, {"path", path}, {"value", value}}};
            } catch (const json::exception&) {
                return std::nullopt;
            }
            if (op == "move" && onto_itself) {
                continue;
            }
            if (op == "move") {
                steps.insert(steps.begin(), json{{"op", "remove"}, {"path", from}});
            }
        }
        for (const json& step : steps) {
            std::optional<json> next = model_step(target, step);
            if (!next) {
                return std::nullopt;
            }
            target = *std::move(next);
        }
    }
    return target;
}

/// Pointers to all values of a document, and to places beside them where there may be none.
void places(const json& value, const std::string& pointer, std::vector<std::string>& found) {
    found.push_back(pointer);
    if (value.is_object()) {
        for (const auto& [key, below] : value.items()) {
            places(below, pointer + '/' + key, found);
        }
        found.push_back(pointer + "/k1");
    } else if (value.is_array()) {
        for (std::size_t i = 0; i < value.size(); ++i) {
            places(value[i], pointer + '/' + std::to_string(i), found);
        }
        found.push_back(pointer + "/-");
        found.push_back(pointer + '/' + std::to_string(value.size()));
        found.push_back(pointer + "/00");
    }
}

/// An operation on a document, which it may or may not accept. The root is not removed: nlohmann
/// refuses that.
json any_operation(const json& target) {
    std::vector<std::string> all;
    places(target, "", all);
    all.emplace_back("/missing/place");
    const auto pointer = [&](std::size_t first) {
        return *rc::gen::map(rc::gen::inRange<std::size_t>(first, all.size()),
                             [&](std::size_t i) { return all[i]; });
    };
    const auto op =
        *rc::gen::element<std::string>("add", "remove", "replace", "move", "copy", "test");
    json operation = {{"op", op}, {"path", pointer(op == "remove" ? 1 : 0)}};
    if (op == "move" || op == "copy") {
        operation["from"] = pointer(op == "move" ? 1 : 0);
    } else if (op == "test") {
        // Mostly what is there: a test that fails ends the patch.
        const json::json_pointer path(pointer(0));
        operation["path"] = path.to_string();
        operation["value"] = "something else";
        try {
            operation["value"] = target.at(path);
        } catch (const json::exception&) {
        }
    } else if (op != "remove") {
        operation["value"] = *attune_test::any_json(1);
    }
    return operation;
}

TEST(ApplyPatch, copies_no_more_text_than_allowed) {
    const Document target = parse(R"({"a":["\"\n",1.5,{}],"b":[]})");
    const Document patch = parse(R"([{"op":"copy","from":"/a","path":"/b/-"},
                                     {"op":"move","from":"/b","path":"/c"},
                                     {"op":"copy","from":"/c","path":"/d"}])");
    const std::size_t copied =
        to_text(target.at("/a")).size() + to_text(Document::array().with("-", target.at("/a"))).size();
    EXPECT_EQ(apply_patch(target, patch, {.max_copied = copied}), apply_patch(target, patch));
    try {
        apply_patch(target, patch, {.max_copied = copied - 1});
        FAIL() << "applied";
    } catch (const attune::PatchTooLarge& error) {
        EXPECT_EQ(error.operation(), 2U);
        EXPECT_EQ(error.path(), Path{"/d"});
    }
}

// What counts a hundred doublings one by one does not come to an end.
TEST(ApplyPatch, refuses_copies_that_double_without_looking_at_them) {
    Document patch = Document::array();
    for (int i = 0; i != 100; ++i) {
        patch = patch.with("-", {{"op", "copy"}, {"from", "/a"}, {"path", "/a/-"}});
    }
    EXPECT_THROW(apply_patch(parse(R"({"a":[1,2,3]})"), patch, {.max_copied = 1'000'000}),
                 attune::PatchTooLarge);
}

RC_GTEST_PROP(ApplyPatchLaw, does_what_nlohmann_does, ()) {
    const json target = *attune_test::any_json(3);
    json operations = json::array();
    std::optional<json> expected = target;
    const int count = *rc::gen::inRange(1, 6);
    for (int i = 0; i < count && expected; ++i) {
        const json operation = any_operation(*expected);
        operations.push_back(operation);
        expected = model_patch(*expected, json::array({operation}));
    }

    const Document before = target;
    try {
        const Document after = apply_patch(before, operations);
        RC_ASSERT(expected.has_value());
        RC_ASSERT(after == Document(*expected));
    } catch (const PatchError& error) {
        RC_ASSERT(!expected.has_value());
        RC_ASSERT(error.operation() == operations.size() - 1);
    }
    RC_ASSERT(before == Document(target));
}

RC_GTEST_PROP(MakePatchLaw, applied_to_one_gives_the_other, ()) {
    const json left = *attune_test::any_json(3);
    const json right = *attune_test::any_json(3);
    const Document before = left;
    const Document after = right;
    const Document patch = make_patch(before, after);
    RC_ASSERT(apply_patch(before, patch) == after);
    RC_ASSERT(left.patch(attune::to_json(patch)) == right);
    RC_ASSERT(attune::to_json(apply_patch(before, json::diff(left, right))) == right);
    RC_ASSERT((patch.size() == 0) == (before == after));
}

RC_GTEST_PROP(MakePatchLaw, holds_between_neighbours, ()) {
    const json target = *attune_test::any_object(3);
    const Document before = target;
    Document after = before;
    const int count = *rc::gen::inRange(1, 6);
    for (int i = 0; i < count; ++i) {
        try {
            after = apply_patch(after, json::array({any_operation(attune::to_json(after))}));
        } catch (const PatchError&) {
        }
    }
    const Document patch = make_patch(before, after);
    RC_ASSERT(apply_patch(before, patch) == after);
    RC_ASSERT(make_patch(before, again(after)) == patch);
}

RC_GTEST_PROP(MakePatchLaw, holds_between_long_arrays, ()) {
    static const Document base = numbers(300);
    Document after = base;
    const auto edits = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 900));
    for (const int edit : edits) {
        const std::string index = '/' + std::to_string(static_cast<std::size_t>(edit) / 3 %
                                                       std::max<std::size_t>(after.size(), 1));
        const char* const op = edit % 3 == 0 ? "add" : edit % 3 == 1 ? "remove" : "replace";
        const Document operation{{"op", op}, {"path", index}, {"value", {{"number", edit}}}};
        if (after.size() != 0) {
            after = apply_patch(after, Document::array().with("-", operation));
        }
    }
    RC_ASSERT(apply_patch(base, make_patch(base, after)) == after);
    RC_ASSERT(apply_patch(after, make_patch(after, base)) == base);
    RC_ASSERT(apply_patch(again(base), make_patch(again(base), after)) == after);
}

}  // namespace
