#include <attune/bind/spelling.hpp>

#include <attune/bind/schema.hpp>
#include <attune/bind/secret.hpp>
#include <attune/bind/type.hpp>
#include <attune/document/parse.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <cctype>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace {

using namespace std::chrono_literals;
using attune::Document;
using attune::Path;
using attune::detail::Bound;
using attune::detail::Option;
using attune::detail::Shape;
using attune::detail::Target;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

struct Pool {
    int size = 8;
    std::chrono::milliseconds timeout = 250ms;
};

struct Tls {
    std::string certificate;
    attune::Secret<std::string> private_key{"unlock"};
};

struct Server {
    std::string host = "0.0.0.0";
    int port = 8080;
    bool verbose = false;
    Pool pool;
    std::optional<Tls> tls;
    std::unique_ptr<Pool> spare;
    std::vector<std::string> tags;
    std::map<std::string, int> limits;
    std::variant<std::string, std::vector<std::string>> names;
};

struct Spellings {
    int snake_case = 0;
    int camelCase = 0;
    int lower = 0;
    int HTTPPort = 0;
    bool no_delay = false;
    bool cache = false;
};

struct Node {
    int value = 0;
    std::unique_ptr<Node> next;
    std::map<std::string, Node> children;
};

struct Inner {
    int size = 0;
};

struct Ambiguous {
    Inner pool;
    int pool_size = 0;
    std::map<std::string, int> pool_;
};

struct Routes {
    std::map<std::string, Server> routers;
    std::map<std::string, std::map<std::string, int>> weights;
    std::map<std::string, bool> flags;
};

template <class T>
Bound bound(const char* path = "") {
    return {Path(path), &attune::detail::type_of<T>()};
}

std::vector<std::string> paths(const std::vector<Target>& places) {
    std::vector<std::string> found;
    for (const Target& place : places) {
        found.push_back((place.negated ? "!" : "") + to_string(place.path) +
                        (place.by_key ? " by key" : ""));
    }
    return found;
}

template <class T>
std::vector<std::string> variable(const char* name, const char* root = "") {
    return paths(places_of_variable(name, bound<T>(root)));
}

template <class T>
std::vector<std::string> option(const char* name, const char* root = "") {
    return paths(places_of_option(name, bound<T>(root)));
}

TEST(SpellingOfVariables, finds_members_at_any_depth_without_doubled_underscores) {
    EXPECT_THAT(variable<Server>("PORT"), ElementsAre("port"));
    EXPECT_THAT(variable<Server>("POOL_SIZE"), ElementsAre("pool.size"));
    EXPECT_THAT(variable<Server>("SERVER_POOL_SIZE", "server"), ElementsAre("server.pool.size"));
    EXPECT_THAT(variable<Server>("A_B_C_PORT", "a_b.c"), ElementsAre("a_b.c.port"));
}

TEST(SpellingOfVariables, takes_doubled_and_outer_underscores_for_one) {
    EXPECT_THAT(variable<Server>("SERVER__POOL__SIZE", "server"), ElementsAre("server.pool.size"));
    EXPECT_THAT(variable<Server>("_PORT_"), ElementsAre("port"));
}

TEST(SpellingOfVariables, ignores_letter_case_and_the_style_of_members) {
    EXPECT_THAT(variable<Spellings>("SNAKE_CASE"), ElementsAre("snake_case"));
    EXPECT_THAT(variable<Spellings>("SNAKECASE"), ElementsAre("snake_case"));
    EXPECT_THAT(variable<Spellings>("CAMEL_CASE"), ElementsAre("camelCase"));
    EXPECT_THAT(variable<Spellings>("camelCase"), ElementsAre("camelCase"));
    EXPECT_THAT(variable<Spellings>("HTTP_PORT"), ElementsAre("HTTPPort"));
    EXPECT_THAT(variable<Spellings>("Lower"), ElementsAre("lower"));
}

TEST(SpellingOfVariables, sees_through_optional_pointer_and_secret) {
    EXPECT_THAT(variable<Server>("TLS_CERTIFICATE"), ElementsAre("tls.certificate"));
    EXPECT_THAT(variable<Server>("SPARE_SIZE"), ElementsAre("spare.size"));
    const std::vector<Target> places = places_of_variable("TLS_PRIVATE_KEY", bound<Server>());
    ASSERT_THAT(paths(places), ElementsAre("tls.private_key"));
    EXPECT_EQ(places[0].type->shape, Shape::string);
}

TEST(SpellingOfVariables, may_mean_something_that_holds_other_values) {
    EXPECT_THAT(variable<Server>("SERVER", "server"), ElementsAre("server"));
    EXPECT_THAT(variable<Server>("POOL"), ElementsAre("pool"));
    EXPECT_THAT(variable<Server>("TAGS"), ElementsAre("tags"));
    EXPECT_THAT(variable<Server>("LIMITS"), ElementsAre("limits"));
    EXPECT_THAT(variable<Server>("NAMES"), ElementsAre("names"));
}

TEST(SpellingOfVariables, takes_what_is_left_for_the_key_of_a_map) {
    EXPECT_THAT(variable<Server>("LIMITS_OPEN_FILES"), ElementsAre("limits.open_files by key"));
    EXPECT_THAT(variable<Server>("LIMITS_a"), ElementsAre("limits.a by key"));
}

TEST(SpellingOfVariables, tries_every_end_of_a_key_when_the_values_have_members) {
    EXPECT_THAT(variable<Routes>("ROUTERS_WEB_PORT"), ElementsAre("routers.web.port by key"));
    EXPECT_THAT(variable<Routes>("ROUTERS_WEB_UI_POOL_SIZE"),
                ElementsAre("routers.web_ui.pool.size by key"));
    EXPECT_THAT(variable<Routes>("ROUTERS_WEB_UI"), ElementsAre("routers.web_ui by key"));
    EXPECT_THAT(variable<Routes>("ROUTERS_PORT_PORT_PORT"),
                ElementsAre("routers.port_port.port by key"));
    EXPECT_THAT(variable<Routes>("WEIGHTS_A"), ElementsAre("weights.a by key"));
    EXPECT_THAT(variable<Routes>("WEIGHTS_A_B"), ElementsAre("weights.a.b by key"));
    EXPECT_THAT(variable<Routes>("WEIGHTS_A_B_C"),
                ElementsAre("weights.a.b_c by key", "weights.a_b.c by key"));
}

TEST(SpellingOfVariables, finds_every_place_that_fits) {
    EXPECT_THAT(variable<Ambiguous>("POOL_SIZE"),
                UnorderedElementsAre("pool.size", "pool_size", "pool_.size by key"));
}

TEST(SpellingOfVariables, finds_nothing_where_nothing_is) {
    EXPECT_THAT(variable<Server>("PROT"), IsEmpty());
    EXPECT_THAT(variable<Server>("PORT_X"), IsEmpty());
    EXPECT_THAT(variable<Server>("TAGS_0"), IsEmpty());
    EXPECT_THAT(variable<Server>("NAMES_0"), IsEmpty());
    EXPECT_THAT(variable<Server>("SERVER", "server.a"), IsEmpty());
    EXPECT_THAT(variable<Server>("PORT", "server"), IsEmpty());
    EXPECT_THAT(variable<Server>("___"), IsEmpty());
    EXPECT_THAT(variable<Server>(""), IsEmpty());
}

TEST(SpellingOfVariables, ends_in_recursive_types) {
    EXPECT_THAT(variable<Node>("NEXT_NEXT_VALUE"), ElementsAre("next.next.value"));
    EXPECT_THAT(variable<Node>("CHILDREN_A_NEXT_VALUE"),
                ElementsAre("children.a.next.value by key", "children.a_next.value by key"));
    std::string name = "CHILDREN_A";
    for (int i = 0; i != 30; ++i) {
        name += "_CHILDREN_CHILDREN";
    }
    EXPECT_FALSE(places_of_variable(name, bound<Node>()).empty());
}

TEST(SpellingOfOptions, finds_members_by_their_path) {
    EXPECT_THAT(option<Server>("port"), ElementsAre("port"));
    EXPECT_THAT(option<Server>("server.pool.size", "server"), ElementsAre("server.pool.size"));
    EXPECT_THAT(option<Server>("/server/pool/size", "server"), ElementsAre("server.pool.size"));
    EXPECT_THAT(option<Server>("tls.private_key"), ElementsAre("tls.private_key"));
}

TEST(SpellingOfOptions, ignores_letter_case_and_the_style_of_each_part) {
    for (const char* const name : {"snake_case", "snake-case", "snakeCase", "SNAKE-CASE"}) {
        EXPECT_THAT(option<Spellings>(name), ElementsAre("snake_case")) << name;
    }
    EXPECT_THAT(option<Spellings>("camel-case"), ElementsAre("camelCase"));
    EXPECT_THAT(option<Spellings>("http-port"), ElementsAre("HTTPPort"));
    EXPECT_THAT(option<Server>("my-server.port", "my_server"), ElementsAre("my_server.port"));
}

TEST(SpellingOfOptions, prefers_the_exact_name) {
    EXPECT_THAT(option<Ambiguous>("pool_size"), ElementsAre("pool_size"));
    EXPECT_THAT(option<Ambiguous>("pool.size"), ElementsAre("pool.size"));
    EXPECT_THAT(option<Ambiguous>("pool_.size"), ElementsAre("pool_.size by key"));
    EXPECT_THAT(option<Ambiguous>("POOL"), UnorderedElementsAre("pool", "pool_"));
}

TEST(SpellingOfOptions, negates_booleans) {
    EXPECT_THAT(option<Server>("no-server.verbose", "server"), ElementsAre("!server.verbose"));
    EXPECT_THAT(option<Server>("server.no-verbose", "server"), ElementsAre("!server.verbose"));
    EXPECT_THAT(option<Server>("no-verbose"), ElementsAre("!verbose"));
    EXPECT_THAT(option<Spellings>("no-no-delay"), ElementsAre("!no_delay"));
    EXPECT_THAT(option<Server>("no-port"), IsEmpty());
    EXPECT_THAT(option<Server>("no-tls.certificate"), IsEmpty());
}

TEST(SpellingOfOptions, negates_nothing_that_is_really_called_so) {
    EXPECT_THAT(option<Spellings>("no-delay"), ElementsAre("no_delay"));
    EXPECT_THAT(option<Routes>("flags.no-x"), ElementsAre("flags.no-x by key"));
    EXPECT_THAT(option<Routes>("no-flags.x"), ElementsAre("!flags.x by key"));
}

TEST(SpellingOfOptions, takes_the_keys_of_maps_as_written) {
    EXPECT_THAT(option<Server>("limits.Open-Files"), ElementsAre("limits.Open-Files by key"));
    EXPECT_THAT(option<Server>("/limits/a.b"), ElementsAre("/limits/a.b by key"));
    EXPECT_THAT(option<Routes>("routers.web.pool.size"),
                ElementsAre("routers.web.pool.size by key"));
}

TEST(SpellingOfOptions, finds_nothing_where_nothing_is) {
    EXPECT_THAT(option<Server>("prot"), IsEmpty());
    EXPECT_THAT(option<Server>("port.x"), IsEmpty());
    EXPECT_THAT(option<Server>("tags.0"), IsEmpty());
    EXPECT_THAT(option<Server>("port", "server"), IsEmpty());
    EXPECT_THAT(option<Server>(""), IsEmpty());
    EXPECT_THAT(option<Server>("."), IsEmpty());
    EXPECT_THAT(option<Server>("/bad~escape"), IsEmpty());
}

TEST(SpellingOfPaths, are_taken_exactly) {
    const Bound server = bound<Server>("server");
    ASSERT_THAT(places_of_path("server.pool.size", server), SizeIs(1));
    EXPECT_EQ(places_of_path("server.pool.size", server).at(0).type->shape, Shape::integer);
    EXPECT_EQ(places_of_path("server", server).at(0).type->shape, Shape::structure);
    EXPECT_EQ(places_of_path("server.tags.0", server).at(0).type->shape, Shape::string);
    EXPECT_EQ(places_of_path("server.limits.a", server).at(0).type->shape, Shape::integer);
    EXPECT_TRUE(places_of_path("server.limits.a", server).at(0).by_key);
    EXPECT_EQ(places_of_path("server.tls", server).at(0).type->shape, Shape::structure);
    EXPECT_EQ(places_of_path("extra.a.b", bound<Document>("extra")).at(0).type->shape,
              Shape::document);
    EXPECT_THAT(places_of_path("server.Port", server), IsEmpty());
    EXPECT_THAT(places_of_path("server.tags.x", server), IsEmpty());
    EXPECT_THAT(places_of_path("server.names.0", server), IsEmpty());
    EXPECT_THAT(places_of_path("server.port.x", server), IsEmpty());
    EXPECT_THAT(places_of_path("", server), IsEmpty());
    EXPECT_THAT(places_of_path("other.port", server), IsEmpty());
}

TEST(SpellingOfPaths, as_variables_parts_words_where_their_case_changes) {
    EXPECT_EQ(attune::detail::variable_name("server.pool.size"), "SERVER_POOL_SIZE");
    EXPECT_EQ(attune::detail::variable_name("server.pool_size"), "SERVER_POOL_SIZE");
    EXPECT_EQ(attune::detail::variable_name("server.pool-size"), "SERVER_POOL_SIZE");
    EXPECT_EQ(attune::detail::variable_name("server.poolSize"), "SERVER_POOL_SIZE");
    EXPECT_EQ(attune::detail::variable_name("HTTPServer"), "HTTP_SERVER");
    EXPECT_EQ(attune::detail::variable_name("utf8Name"), "UTF8_NAME");
    EXPECT_EQ(attune::detail::variable_name("a__b_"), "A_B");
    EXPECT_EQ(attune::detail::variable_name("/a.b/c"), "A_B_C");
    EXPECT_EQ(attune::detail::variable_name(""), "");
}

struct Listed {
    std::string host = "localhost";
    Pool pool;
    std::optional<int> limit;
    attune::Secret<std::string> password{"hunter2"};
    std::vector<int> ports{1, 2};
    Node node;
};

void describe(attune::Schema<Pool>& s) {
    s.doc("Connections");
    s.field(&Pool::size).doc("How many").between(1, 64);
}

void describe(attune::Schema<Listed>& s) { s.field(&Listed::host).required(); }

Option find(const std::vector<Option>& options, const char* path) {
    for (const Option& option : options) {
        if (option.path == Path(path)) {
            return option;
        }
    }
    ADD_FAILURE() << "no option " << path;
    return {};
}

TEST(Options, are_what_can_be_set_in_the_order_of_the_members) {
    std::vector<std::string> names;
    for (const Option& option : options_of(bound<Listed>("a"))) {
        names.push_back(to_string(option.path));
    }
    EXPECT_THAT(names,
                ElementsAre("a.host", "a.pool.size", "a.pool.timeout", "a.limit", "a.password",
                            "a.ports", "a.node.value", "a.node.next", "a.node.children"));
}

TEST(Options, know_docs_rules_and_defaults) {
    const std::vector<Option> options = options_of(bound<Listed>());
    const Option size = find(options, "pool.size");
    EXPECT_EQ(size.doc, "How many");
    EXPECT_EQ(size.expected, "an integer in [1, 64]");
    EXPECT_EQ(size.fallback, Document(8));
    EXPECT_EQ(size.heading, "Connections");
    EXPECT_EQ(size.section, Path("pool"));
    EXPECT_FALSE(size.required);
    EXPECT_TRUE(find(options, "host").required);
    EXPECT_EQ(find(options, "host").heading, "");
    EXPECT_TRUE(find(options, "limit").fallback.is_null());
    EXPECT_EQ(find(options, "ports").fallback, Document({1, 2}));
}

TEST(Options, of_an_absent_struct_have_the_defaults_it_would_have) {
    const std::vector<Option> options = options_of(bound<Server>());
    EXPECT_EQ(find(options, "spare.size").fallback, Document(8));
}

TEST(Options, never_tell_the_default_of_a_secret) {
    const std::vector<Option> options = options_of(bound<Listed>());
    EXPECT_TRUE(find(options, "password").secret);
    EXPECT_TRUE(find(options, "password").fallback.is_null());
    EXPECT_TRUE(find(options_of(bound<Server>()), "tls.private_key").secret);
}

TEST(Options, of_a_scalar_are_the_scalar) {
    const std::vector<Option> options = options_of(bound<int>("level"));
    ASSERT_EQ(options.size(), 1U);
    EXPECT_EQ(options[0].path, Path("level"));
    EXPECT_TRUE(options[0].fallback.is_null());
}

template <class T>
Document from_text(const char* text) {
    return attune::detail::document_from_text(text, attune::detail::type_of<T>());
}

TEST(TextValues, are_json_where_the_type_holds_other_values) {
    EXPECT_EQ(from_text<std::vector<int>>("[1, 2]"), Document({1, 2}));
    EXPECT_EQ(from_text<std::vector<bool>>("[true]"), attune::parse("[true]"));
    EXPECT_EQ((from_text<std::array<int, 1>>("[1]")), attune::parse("[1]"));
    EXPECT_EQ(from_text<Pool>(" {\"size\": 1}"), attune::parse("{\"size\": 1}"));
    EXPECT_EQ((from_text<std::map<std::string, int>>("{}")), Document::object());
    EXPECT_EQ(from_text<std::optional<std::vector<int>>>("[]"), Document::array());
    EXPECT_EQ(from_text<Document>("{}"), Document::object());
    EXPECT_EQ((from_text<std::variant<std::string, std::vector<std::string>>>("[\"a\"]")),
              attune::parse("[\"a\"]"));
}

TEST(TextValues, stay_text_everywhere_else) {
    EXPECT_EQ(from_text<std::string>("[1]"), Document::text("[1]"));
    EXPECT_EQ(from_text<int>("{}"), Document::text("{}"));
    EXPECT_EQ(from_text<std::vector<int>>("1,2"), Document::text("1,2"));
    EXPECT_EQ(from_text<std::vector<int>>(""), Document::text(""));
    EXPECT_EQ((from_text<std::variant<std::string, std::vector<std::string>>>("[::1]:80")),
              Document::text("[::1]:80"));
}

TEST(TextValues, that_should_be_json_and_are_not_are_refused) {
    EXPECT_THROW(from_text<std::vector<int>>("[1, 2"), attune::ParseError);
    EXPECT_THROW(from_text<Pool>("{size: 1}"), attune::ParseError);
}

/// A name as a person might choose for a member.
rc::Gen<std::string> member_name() {
    const auto letter = rc::gen::elementOf(std::string("abcXYZ019_-"));
    return rc::gen::suchThat(rc::gen::container<std::string>(letter), [](const std::string& name) {
        return std::any_of(name.begin(), name.end(),
                           [](unsigned char c) { return std::isalnum(c) != 0; });
    });
}

RC_GTEST_PROP(SpellingLaws, the_variable_of_a_path_finds_it, ()) {
    const auto tokens =
        *rc::gen::nonEmpty(rc::gen::container<std::vector<std::string>>(member_name()));
    const Path path(tokens);
    const Bound root{path, &attune::detail::type_of<int>()};
    const std::vector<Target> places =
        places_of_variable(attune::detail::variable_name(path), root);
    RC_ASSERT(places.size() == 1U);
    RC_ASSERT(places[0].path == path);
    // So it does when somebody doubles the underscores.
    std::string doubled;
    for (const std::string& token : tokens) {
        doubled += attune::detail::variable_name(Path(std::vector<std::string>{token})) + "__";
    }
    RC_ASSERT(places_of_variable(doubled, root).size() == 1U);
}

RC_GTEST_PROP(SpellingLaws, the_option_of_a_path_finds_it_in_any_style, ()) {
    const auto tokens =
        *rc::gen::nonEmpty(rc::gen::container<std::vector<std::string>>(member_name()));
    const Path path(tokens);
    const Bound root{path, &attune::detail::type_of<int>()};
    std::string shouted = to_string(path);
    for (char& c : shouted) {
        c = c == '_' ? '-' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
    for (const std::string& name : {to_string(path), path.pointer(), shouted}) {
        const std::vector<Target> places = places_of_option(name, root);
        RC_ASSERT(places.size() == 1U);
        RC_ASSERT(places[0].path == path);
    }
}

RC_GTEST_PROP(SpellingLaws, every_option_is_found_by_both_of_its_names, ()) {
    const Bound root = bound<Listed>("some.place");
    const std::vector<Option> options = options_of(root);
    const Option option = *rc::gen::elementOf(options);
    const std::vector<Target> by_option = places_of_option(to_string(option.path), root);
    const std::vector<Target> by_variable =
        places_of_variable(attune::detail::variable_name(option.path), root);
    RC_ASSERT(by_option == (std::vector<Target>{{.path = option.path, .type = option.type}}));
    RC_ASSERT(by_variable == by_option);
}

RC_GTEST_PROP(SpellingLaws, no_name_is_too_strange, (const std::string& name)) {
    for (const Bound& root : {bound<Server>("server"), bound<Node>(), bound<Routes>()}) {
        for (const Target& place : places_of_variable(name, root)) {
            RC_ASSERT(place.path.starts_with(root.path));
        }
        for (const Target& place : places_of_option(name, root)) {
            RC_ASSERT(place.path.starts_with(root.path));
        }
    }
}

}  // namespace
