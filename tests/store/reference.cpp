#include <attune/store/reference.hpp>

#include <attune/bind/decode.hpp>
#include <attune/bind/equal.hpp>
#include <attune/bind/schema.hpp>
#include <attune/bind/secret.hpp>
#include <attune/bind/type.hpp>
#include <attune/document/parse.hpp>
#include <attune/store/store.hpp>
#include <attune/transport/args.hpp>
#include <attune/transport/env.hpp>
#include <attune/transport/memory.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace reference_test {

using attune::Document;
using attune::Path;
using attune::detail::Bound;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

template <class T>
Bound bound(const Path& path) {
    return {path, &attune::detail::type_of<T>()};
}

std::string reference(const std::vector<Bound>& roots,
                      const attune::detail::Spellings& spelt = {}) {
    const std::string text = attune::detail::reference_text(roots, spelt);
    const std::string_view head =
        "// Every setting, with its default. What is commented out has "
        "none, or is an example.\n";
    EXPECT_THAT(text, StartsWith(std::string(head)));
    return text.substr(head.size());
}

Document read(const std::string& text) { return attune::parse(text, {.comments = true}); }

struct Pool {
    int size = 8;
    std::chrono::milliseconds timeout{250};
};

void describe(attune::Schema<Pool>& s) {
    s.doc("Connections to the store behind");
    s.field(&Pool::size).doc("How many at most").between(1, 64);
}

struct Server {
    std::string host;
    bool verbose = false;
    attune::Secret<std::string> password{"hunter2"};
    std::optional<std::string> certificate;
    Pool pool{16};
    std::optional<Pool> spare;
};

void describe(attune::Schema<Server>& s) {
    s.doc("The HTTP listener");
    s.field(&Server::host).required().doc("as others know it");
}

TEST(Reference, has_every_member_with_its_default_and_comments_out_what_has_none) {
    const std::string text = reference({bound<Server>("server"), bound<int>("log.level")});
    EXPECT_EQ(text, R"({
    // The HTTP listener
    "server": {
        // as others know it
        // a string; required
        // "host": "...",

        // true or false
        "verbose": false,

        // a string; secret
        // "password": "...",

        // a string; not set by default
        // "certificate": "...",

        // Connections to the store behind
        "pool": {
            // How many at most
            // an integer in [1, 64]
            "size": 16,

            // a duration such as "250ms"
            "timeout": "250ms",
        },

        // Connections to the store behind
        // not set by default
        // "spare": {
        //     // How many at most
        //     // an integer in [1, 64]
        //     "size": 8,
        //
        //     // a duration such as "250ms"
        //     "timeout": "250ms",
        // },
    },

    "log": {
        // an integer in [-2147483648, 2147483647]
        "level": 0,
    },
}
)");
    EXPECT_EQ(read(text), attune::parse(R"({"server": {"verbose": false,
        "pool": {"size": 16, "timeout": "250ms"}}, "log": {"level": 0}})"));
}

struct Rule {
    std::string name;
    std::optional<int> limit;
};

void describe(attune::Schema<Rule>& s) { s.field(&Rule::name).required(); }

struct Tree {
    std::vector<Tree> below;
    std::unique_ptr<Tree> next;
};

struct Collections {
    std::vector<Rule> rules;
    std::vector<int> numbers{1, 2};
    std::map<std::string, bool> flags;
    std::variant<int, std::string, Pool> either = "text";
    std::optional<std::variant<bool, Rule>> other;
    Tree tree;
};

TEST(Reference, shows_an_entry_for_what_is_empty_and_every_alternative) {
    EXPECT_EQ(reference({bound<Collections>("")}), R"({
    // a list
    "rules": [
        // {
        //     // a string; required
        //     "name": "...",
        //
        //     // an integer in [-2147483648, 2147483647]; not set by default
        //     // "limit": 0,
        // },
    ],

    // a list
    "numbers": [1,2],

    // an object
    "flags": {
        // "<key>": false,
    },

    // an integer in [-2147483648, 2147483647] or a string or an object
    "either": "text",

    // "either": 0,

    // "either": {
    //     // How many at most
    //     // an integer in [1, 64]
    //     "size": 8,
    //
    //     // a duration such as "250ms"
    //     "timeout": "250ms",
    // },

    // true or false or an object; not set by default
    // "other": false,

    // "other": {
    //     // a string; required
    //     "name": "...",
    //
    //     // an integer in [-2147483648, 2147483647]; not set by default
    //     // "limit": 0,
    // },

    "tree": {
        // a list
        "below": [
            // {},
        ],

        // an object; not set by default
        // "next": {},
    },
}
)");
}

TEST(Reference, tells_how_else_a_place_can_be_set) {
    attune::Store store;
    store.add(attune::memory({{"server", {{"host", "localhost"}}}}));
    const char* const variables[] = {nullptr};
    store.add(attune::env("SERVICE_", {.variables = variables}));
    const char* const arguments[] = {"program"};
    store.add(attune::args(1, arguments));
    const auto server = store.bind<Server>("server");
    const auto rules = store.bind<std::vector<Rule>>("rules");
    const std::string text = store.reference();
    EXPECT_THAT(text, HasSubstr("            // --server.pool.size, SERVICE_SERVER_POOL_SIZE\n"
                                "            \"size\": 16,\n"));
    EXPECT_THAT(text, HasSubstr("// --server.spare.size, SERVICE_SERVER_SPARE_SIZE\n"));
    EXPECT_THAT(text, Not(HasSubstr("rules.name")));
}

struct Wrong {
    std::string word = "NO";
    double none = std::numeric_limits<double>::quiet_NaN();
    std::vector<int> list;
    int good = 1;
};

void describe(attune::Schema<Wrong>& s) {
    s.field(&Wrong::word).matches("[a-z]+");
    s.field(&Wrong::list).min_size(2);
}

TEST(Reference, comments_out_defaults_that_would_be_refused) {
    const std::string text = reference({bound<Wrong>("")});
    EXPECT_EQ(read(text), attune::parse(R"({"good": 1})"));
    EXPECT_THAT(text,
                HasSubstr("    // a string matching \"[a-z]+\"; the default cannot be written\n"
                          "    // \"word\": \"...\",\n"));
    EXPECT_THAT(text, HasSubstr("    // \"list\": [\n    //     0,\n    //     0,\n    // ],\n"));
}

TEST(Reference, never_tells_a_secret) {
    EXPECT_THAT(reference({bound<Server>("a"), bound<std::vector<Server>>("b")}),
                Not(HasSubstr("hunter2")));
}

TEST(Reference, says_things_once_where_roots_overlap) {
    EXPECT_EQ(reference({bound<int>("server.pool.size"), bound<Server>("server")}),
              reference({bound<Server>("server")}));
    const std::string text = reference({bound<Pool>("any.pool"), bound<Document>("any")});
    EXPECT_EQ(read(text), Document::object());
    EXPECT_THAT(text, HasSubstr("    // \"any\": {\n"));
    EXPECT_THAT(text, HasSubstr("    //     \"pool\": {\n"));
}

TEST(Reference, is_a_document_whatever_is_bound) {
    EXPECT_EQ(reference({}), "{}\n");
    EXPECT_EQ(read(reference({bound<int>("")})), Document(0));
    EXPECT_EQ(read(reference({bound<std::optional<Pool>>("")})), Document());
    EXPECT_EQ(read(reference({bound<std::variant<int, Pool>>("")})), Document());
    EXPECT_EQ(read(reference({bound<std::vector<Pool>>("")})), Document::array());
}

enum class Mode : std::uint8_t { primary, replica };

struct Scalars {
    std::uint64_t large = std::numeric_limits<std::uint64_t>::max();
    std::int64_t small = std::numeric_limits<std::int64_t>::min();
    float single = 0.1f;
    double twofold = -0.0;
    std::string text = "\"// */ \n\\";
    Mode mode = Mode::replica;
    Mode unnamed = static_cast<Mode>(9);
    std::chrono::nanoseconds time{-1};
    attune::Bytes bytes{1536};
    std::vector<bool> flags{true, false};
    std::array<std::optional<int>, 2> holes{1, {}};
    std::variant<bool, std::string, Pool> either = Pool{3};
    std::map<std::string, std::vector<std::string>> map{{"\n", {"a"}}, {"\"", {}}};
    std::vector<attune::Secret<int>> secrets{1};
    std::optional<Pool> engaged = Pool{4};
    Document raw = {{"a", {1, nullptr}}};
    std::string long_text = std::string(300, 'x');
    std::vector<int> long_list = std::vector<int>(100, 7);
};

void describe(attune::Schema<Scalars>& s) {
    s.doc("Two lines\nof text \r and */ more");
    s.field(&Scalars::large).doc("// \r\n { \"a\": 1 }");
    s.field(&Scalars::engaged).secret();
}

struct Nested {
    Scalars scalars{.single = 2};
    Collections collections;
    std::optional<Tree> tree = Tree{};
    attune::Secret<Pool> pool = Pool{5};
};

struct Kind {
    const attune::detail::Type* type;
    bool (*reads_default)(const Document& document, const Path& path);
};

template <class T>
Kind kind() {
    return {&attune::detail::type_of<T>(), [](const Document& document, const Path& path) {
                const T value = attune::decode<T>(document, path);
                const T fresh{};
                return attune::detail::equal(attune::detail::type_of<T>(), &value, &fresh);
            }};
}

RC_GTEST_PROP(ReferenceLaw, reads_back_as_the_defaults, ()) {
    const std::vector<Kind> kinds{kind<Scalars>(),
                                  kind<Nested>(),
                                  kind<Collections>(),
                                  kind<Tree>(),
                                  kind<Pool>(),
                                  kind<Wrong>(),
                                  kind<int>(),
                                  kind<std::string>(),
                                  kind<Mode>(),
                                  kind<std::optional<Pool>>(),
                                  kind<std::vector<Rule>>(),
                                  kind<Document>(),
                                  kind<std::variant<std::string, Pool>>(),
                                  kind<std::map<std::string, Rule>>(),
                                  kind<attune::Secret<std::string>>()};
    const auto tokens = rc::gen::nonEmpty(
        rc::gen::container<std::string>(rc::gen::elementOf(std::string("ab.~/\"\\\n\r*- {}:,01"))));
    const auto count = *rc::gen::inRange<std::size_t>(0, 5);
    std::vector<Bound> roots;
    std::vector<Kind> chosen;
    for (std::size_t i = 0; i != count; ++i) {
        // Beside each other, and some of them deep.
        const std::string first = std::to_string(i) + *tokens;
        const auto below =
            *rc::gen::resize(3, rc::gen::container<std::vector<std::string>>(tokens));
        chosen.push_back(*rc::gen::elementOf(kinds));
        roots.push_back({Path(std::vector{first}) / Path(below), chosen.back().type});
    }
    attune::detail::Spellings spelt;
    spelt.options = *rc::gen::arbitrary<bool>();
    spelt.variable_prefixes =
        *rc::gen::element(std::vector<std::string>{}, std::vector<std::string>{"A_", "B_"});
    const Document document = read(attune::detail::reference_text(roots, spelt));
    RC_ASSERT(document.size() <= count);
    for (std::size_t i = 0; i != count; ++i) {
        RC_ASSERT(chosen[i].reads_default(document, roots[i].path));
    }
}

TEST(ReferenceOfAnyRoot, reads_back_as_the_defaults) {
    for (const Kind& one : {kind<Scalars>(), kind<Nested>(), kind<Wrong>(), kind<Mode>()}) {
        const std::vector<Bound> roots{{Path(), one.type}};
        EXPECT_TRUE(one.reads_default(read(attune::detail::reference_text(roots, {})), {}));
    }
}

}  // namespace reference_test
