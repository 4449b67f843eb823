#include <attune/bind/json_schema.hpp>

#include <attune/bind/bytes.hpp>
#include <attune/bind/schema.hpp>
#include <attune/bind/secret.hpp>
#include <attune/bind/type.hpp>
#include <attune/document/parse.hpp>
#include <attune/document/text.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

// What the keywords mean is judged by Ajv, in tests/json_schema.

namespace json_schema_test {

using attune::Document;
using attune::parse;
using attune::Path;
using attune::detail::Bound;
using attune::detail::json_schema;
using testing::HasSubstr;
using testing::Not;

template <class T>
Bound bound(const char* path) {
    return {Path(path), &attune::detail::type_of<T>()};
}

/// The schema of a member of a struct, without the alternatives that a default adds.
template <class T>
Document schema_of(const char* path = "") {
    return json_schema(std::vector{bound<T>(path)});
}

template <class T>
void expect_member(const char* name, std::string_view json) {
    EXPECT_EQ(to_text(schema_of<T>().at(Path("properties") / name)), to_text(parse(json))) << name;
}

enum class Mode : std::uint8_t { primary, replica };

struct Pool {
    int size = 8;
    bool on = false;
};

void describe(attune::Schema<Pool>& s) { s.doc("Connections"); }

struct Plain {
    std::uint16_t port = 80;
    double ratio = 0.5;
    std::string name = "n";
    Mode mode = Mode::replica;
    std::optional<bool> maybe;
    std::vector<int> list{1};
    std::array<bool, 2> pair{};
    std::map<std::string, bool> map;
    std::variant<bool, std::string> either = true;
    Pool pool;
    Document any;
    std::uint64_t large = 18446744073709551615u;
};

TEST(JsonSchema, of_a_member_says_what_it_takes_and_what_holds_without_it) {
    expect_member<Plain>("port", R"({"type": ["integer", "null"], "minimum": 0, "maximum": 65535,
                                    "default": 80})");
    expect_member<Plain>("ratio", R"({"type": ["number", "null"], "default": 0.5})");
    expect_member<Plain>("name", R"({"type": ["string", "null"], "default": "n"})");
    expect_member<Plain>("mode", R"({"type": ["string", "null"], "default": "replica",
                                    "enum": ["primary", "replica", null]})");
    expect_member<Plain>("maybe", R"({"type": ["boolean", "null"], "default": null})");
    expect_member<Plain>("pair", R"({"type": ["array", "null"], "items": {"type": "boolean"},
                                    "minItems": 2, "maxItems": 2, "default": [false, false]})");
    expect_member<Plain>("map", R"({"type": ["object", "null"], "default": {},
                                   "additionalProperties": {"type": ["boolean", "null"]}})");
    expect_member<Plain>("either", R"({"anyOf": [{"type": "boolean"}, {"type": "string"},
                                                 {"type": "null"}], "default": true})");
    expect_member<Plain>("any", R"({"default": null})");
    expect_member<Plain>("large", R"({"type": ["integer", "null"], "minimum": 0,
        "maximum": 18446744073709551615, "default": 18446744073709551615})");
}

TEST(JsonSchema, of_a_struct_is_closed_and_that_of_the_way_to_it_is_open) {
    const Document schema = schema_of<Pool>("a.b");
    EXPECT_EQ(schema.at("$schema"), Document("https://json-schema.org/draft/2020-12/schema"));
    EXPECT_EQ(schema.find("additionalProperties"), nullptr);
    EXPECT_EQ(schema.at("properties.a").find("additionalProperties"), nullptr);
    const Document& pool = schema.at("properties.a.properties.b");
    EXPECT_EQ(pool.at("additionalProperties"), Document(false));
    EXPECT_EQ(pool.at("description"), Document("Connections"));
    EXPECT_EQ(to_text(json_schema({})),
              R"({"$schema":"https://json-schema.org/draft/2020-12/schema",)"
              R"("properties":{},"type":["object","null"]})");
}

struct Ruled {
    std::string name;
    int level = 1;
    int step = 10;
    std::string word = "w";
    std::string four;
    std::chrono::seconds wait{5};
    attune::Bytes cache{1024};
    std::vector<int> list{1};
    std::map<std::string, std::optional<int>> map;
};

void describe(attune::Schema<Ruled>& s) {
    s.field(&Ruled::name).required().doc("as it is registered");
    s.field(&Ruled::level).between(0, 9).name("Level");
    s.field(&Ruled::step).one_of({10, 20});
    s.field(&Ruled::word).matches("[a-z]+");
    s.field(&Ruled::four).min_size(4).max_size(9).doc("a code");
    s.field(&Ruled::wait).between(std::chrono::seconds{1}, std::chrono::seconds{60});
    s.field(&Ruled::cache).at_most(attune::Bytes{4096});
    s.field(&Ruled::list).min_size(1).max_size(3);
    s.field(&Ruled::map).max_size(3);
    s.check([](const Ruled&) { return true; }, "level before step");
}

TEST(JsonSchema, has_the_rules) {
    expect_member<Ruled>("name", R"({"type": "string", "description": "as it is registered"})");
    expect_member<Ruled>("Level", R"({"type": ["integer", "null"], "minimum": 0, "maximum": 9,
                                     "default": 1})");
    EXPECT_EQ(schema_of<Ruled>().at("properties.step.enum"), parse("[10, 20, null]"));
    expect_member<Ruled>("word", R"({"type": ["string", "null"], "pattern": "^(?:[a-z]+)$",
                                    "maxLength": 2048, "default": "w"})");
    EXPECT_EQ(schema_of<Ruled>().at("properties.list.minItems"), Document(1));
    EXPECT_EQ(schema_of<Ruled>().at("properties.map.maxProperties"), Document(3));
    EXPECT_EQ(schema_of<Ruled>().at("required"), parse(R"(["name"])"));
}

TEST(JsonSchema, tells_people_what_it_cannot_say) {
    // The default, "", would be refused.
    expect_member<Ruled>("four", R"({"type": ["string", "null"], "minLength": 1, "maxLength": 9,
                                    "description": "a code; a string of 4 to 9 bytes"})");
    expect_member<Ruled>("wait", R"({"anyOf": [{"$ref": "#/$defs/duration-not-negative"},
                                               {"type": "null"}], "default": "5s",
                                    "description": "a duration in [1s, 1m]"})");
    expect_member<Ruled>("cache", R"({"anyOf": [{"$ref": "#/$defs/size"},
        {"type": "integer", "minimum": 0, "maximum": 4096}, {"type": "null"}], "default": "1KiB",
        "description": "a size of at most 4KiB"})");
    EXPECT_EQ(schema_of<Ruled>().at("description"), Document("level before step"));
}

struct Outer {
    Ruled ruled;
    std::optional<Ruled> spare;
};

TEST(JsonSchema, requires_what_something_required_is_in) {
    const Document schema = schema_of<Outer>("a.b");
    EXPECT_EQ(schema.at("required"), parse(R"(["a"])"));
    EXPECT_EQ(schema.at("properties.a.required"), parse(R"(["b"])"));
    EXPECT_EQ(schema.at("properties.a.type"), Document("object"));
    const Document& outer = schema.at("properties.a.properties.b");
    EXPECT_EQ(outer.at("required"), parse(R"(["ruled"])"));
    EXPECT_EQ(outer.at("properties.ruled"), parse(R"({"$ref": "#/$defs/ruled"})"));
}

struct Tree {
    int value = 0;
    std::vector<Tree> below;
    std::unique_ptr<Tree> next;
};

struct Twice {
    Pool first;
    Pool second;
    Pool larger{16};
    Tree first_tree;
};

TEST(JsonSchema, defines_a_struct_once_that_is_needed_more_often) {
    const Document schema = schema_of<Twice>();
    const Document reference = parse(R"({"anyOf": [{"$ref": "#/$defs/first"}, {"type": "null"}]})");
    EXPECT_EQ(schema.at("properties.first"), reference);
    EXPECT_EQ(schema.at("properties.second"), reference);
    EXPECT_EQ(schema.at("$defs.first.properties.size.default"), Document(8));
    EXPECT_EQ(schema.at("$defs.first.description"), Document("Connections"));
    EXPECT_EQ(schema.at("$defs").size(), 2U);
}

TEST(JsonSchema, has_the_defaults_of_the_place) {
    EXPECT_EQ(schema_of<Twice>().at("properties.larger.properties.size.default"), Document(16));
}

TEST(JsonSchema, of_a_recursive_struct_refers_to_itself) {
    const Document schema = schema_of<Tree>();
    EXPECT_EQ(schema.at("anyOf.0"), parse(R"({"$ref": "#/$defs/root"})"));
    EXPECT_EQ(schema.at("$defs.root.properties.below.items"), parse(R"({"$ref": "#/$defs/root"})"));
}

namespace other {

struct Pool {
    std::vector<Pool> below;
};

}  // namespace other

TEST(JsonSchema, has_names_of_its_own_for_different_structs) {
    const std::vector<Bound> roots{bound<Tree>("a.tree/1"), bound<other::Pool>("b.tree/1")};
    EXPECT_NE(json_schema(roots).find(Path("$defs.tree_1")), nullptr);
    EXPECT_NE(json_schema(roots).find(Path("$defs.tree_1_2")), nullptr);
}

struct Login {
    std::string user;
    int port = 80;
};

struct Hidden {
    attune::Secret<std::string> password = "hunter1";
    std::string pin = "hunter2";
    std::optional<attune::Secret<std::string>> maybe = "hunter3";
    std::vector<attune::Secret<std::string>> list{"hunter4"};
    std::map<std::string, attune::Secret<std::string>> empty;
    attune::Secret<Login> login{Login{"hunter5", 81}};
    Pool shown;
    attune::Secret<Pool> pool;
    std::string kept = "shown";
};

void describe(attune::Schema<Hidden>& s) { s.field(&Hidden::pin).secret().doc("four digits"); }

TEST(JsonSchema, marks_secrets_and_never_tells_their_defaults) {
    expect_member<Hidden>("password", R"({"type": ["string", "null"], "writeOnly": true})");
    expect_member<Hidden>("pin", R"({"type": ["string", "null"], "writeOnly": true,
                                    "description": "four digits"})");
    EXPECT_EQ(schema_of<Hidden>().at("properties.list.items.writeOnly"), Document(true));
    EXPECT_EQ(schema_of<Hidden>().at("properties.empty.default"), Document::object());
    EXPECT_EQ(schema_of<Hidden>().at("properties.kept.default"), Document("shown"));
    const std::string text = to_text(schema_of<Hidden>());
    EXPECT_THAT(text, Not(HasSubstr("hunter")));
    EXPECT_THAT(text, Not(HasSubstr("***")));
    EXPECT_THAT(to_text(schema_of<Hidden>().at("properties.login")), Not(HasSubstr("default\"")));
    EXPECT_EQ(schema_of<Hidden>().at("properties.pool.anyOf.0.$ref"), Document("#/$defs/pool"));
    EXPECT_EQ(schema_of<Hidden>().at("$defs.pool.properties.size").find("default"), nullptr);
}

TEST(JsonSchema, of_bindings_at_one_place_asks_for_all_of_them) {
    const std::vector<Bound> roots{bound<bool>("pool.on"), bound<Pool>("pool"), bound<int>("x")};
    const Document schema = json_schema(roots);
    ASSERT_EQ(schema.at("properties.pool.allOf").size(), 2U);
    EXPECT_EQ(schema.at("properties.pool.allOf.0.additionalProperties"), Document(false));
    EXPECT_EQ(schema.at("properties.pool.allOf.1.properties.on.type"),
              parse(R"(["boolean", "null"])"));
}

}  // namespace json_schema_test
