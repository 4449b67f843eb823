#include <attune/bind/schema.hpp>

#include "support.hpp"

#include <attune/bind/decode.hpp>
#include <attune/bind/encode.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace attune::literals;
using namespace std::chrono_literals;
using attune::Bytes;
using attune::decode;
using attune::encode;
using attune::parse;
using attune::Schema;
using attune::Secret;
using test::problems_of;
using Lines = std::vector<std::string>;

enum class Level { low, middle, high };

struct Ruled {
    int size = 8;
    std::int64_t wide = 1;
    double ratio = 0.5;
    std::chrono::milliseconds delay{250};
    Bytes buffer{1024};
    std::string name = "default";
    std::filesystem::path path;
    std::vector<int> list;
    std::map<std::string, int> map;
    std::optional<int> maybe;
    Secret<std::string> word;
    std::string colour = "red";
    int factor = 1;
    Level level = Level::low;
};

void describe(Schema<Ruled>& s) {
    s.field(&Ruled::size).between(1, 100u);
    s.field(&Ruled::wide).at_least(1);
    s.field(&Ruled::ratio).between(0, 1.0);
    s.field(&Ruled::delay).between(10ms, 1h);
    s.field(&Ruled::buffer).at_most(1_MiB);
    s.field(&Ruled::name).min_size(2).max_size(8).matches("[a-z]+");
    s.field(&Ruled::path).matches("/.*");
    s.field(&Ruled::list).min_size(1).max_size(2);
    s.field(&Ruled::map).max_size(1);
    s.field(&Ruled::maybe).at_most(9);
    s.field(&Ruled::word).min_size(4);
    s.field(&Ruled::colour).one_of({"red", "green", "blue"});
    s.field(&Ruled::factor).one_of({1, 2, 4});
    s.field(&Ruled::level).one_of({Level::low, Level::high});
}

TEST(Schema, accepts_what_is_inside_the_rules) {
    for (const char* const good : {"{}",
                                   R"({"size": 1})",
                                   R"({"size": 100})",
                                   R"({"wide": 9223372036854775807})",
                                   R"({"ratio": 0})",
                                   R"({"ratio": 1})",
                                   R"({"delay": "10ms"})",
                                   R"({"delay": "1h"})",
                                   R"({"buffer": "1MiB"})",
                                   R"({"buffer": 0})",
                                   R"({"name": "ab"})",
                                   R"({"path": "/"})",
                                   R"({"list": [1]})",
                                   R"({"list": [1, 2]})",
                                   R"({"map": {"a": 1}})",
                                   R"({"maybe": 9})",
                                   R"({"maybe": null})",
                                   R"({"word": "long enough"})",
                                   R"({"colour": "blue"})",
                                   R"({"factor": 4})",
                                   R"({"level": "high"})"}) {
        EXPECT_EQ(problems_of<Ruled>(good), Lines{}) << good;
    }
}

TEST(Schema, tells_what_the_rules_leave) {
    const std::pair<const char*, const char*> cases[] = {
        {R"({"size": 0})", "size: expected an integer in [1, 100], found 0"},
        {R"({"size": "x"})", "size: expected an integer in [1, 100], found \"x\""},
        {R"({"wide": 0})", "wide: expected an integer of at least 1, found 0"},
        {R"({"ratio": 1.5})", "ratio: expected a number in [0, 1], found 1.5"},
        {R"({"delay": "9ms"})", "delay: expected a duration in [10ms, 1h], found \"9ms\""},
        {R"({"buffer": "2MiB"})", "buffer: expected a size of at most 1MiB, found \"2MiB\""},
        {R"({"name": "a1b"})",
         "name: expected a string of 2 to 8 bytes matching \"[a-z]+\", found \"a1b\""},
        {R"({"name": "a"})",
         "name: expected a string of 2 to 8 bytes matching \"[a-z]+\", found 1 byte"},
        {R"({"path": "x"})", "path: expected a path matching \"/.*\", found \"x\""},
        {R"({"list": []})", "list: expected a list of 1 to 2 items, found 0 items"},
        {R"({"list": [1, 2, 3]})", "list: expected a list of 1 to 2 items, found 3 items"},
        {R"({"map": {"a": 1, "b": 2}})",
         "map: expected an object of at most 1 member, found 2 members"},
        {R"({"maybe": 10})", "maybe: expected an integer in [-2147483648, 9], found 10"},
        {R"({"word": "abc"})",
         "word: expected a string of at least 4 bytes, found a string (not shown)"},
        {R"({"colour": "gren"})",
         "colour: expected one of red, green, blue, found \"gren\"; did you mean \"green\"?"},
        {R"({"factor": 3})", "factor: expected one of 1, 2, 4, found 3"},
        {R"({"level": "middle"})", "level: expected one of low, high, found \"middle\""},
    };
    for (const auto& [json, expected] : cases) {
        EXPECT_EQ(problems_of<Ruled>(json), Lines{expected});
    }
}

TEST(Schema, refuses_what_is_no_number_where_there_are_bounds) {
    const attune::Document nan =
        attune::Document::object().with("ratio", std::numeric_limits<double>::quiet_NaN());
    EXPECT_THROW(decode<Ruled>(nan), attune::Rejected);
}

struct Text {
    std::string text;
    friend void describe(Schema<Text>& s) { s.field(&Text::text).matches("(a|b)*"); }
};

TEST(Schema, bounds_the_length_of_what_a_pattern_reads) {
    const std::string fits(2048, 'a');
    const std::string too_long(1'000'000, 'a');
    EXPECT_EQ(problems_of<Text>(R"({"text": ")" + fits + "\"}"), Lines{});
    EXPECT_EQ(problems_of<Text>(R"({"text": ")" + too_long + "\"}"),
              Lines{"text: expected a text of at most 2048 bytes, found 1000000 bytes"});
}

struct Inner {
    std::string name;
    int weight = 1;
    friend void describe(Schema<Inner>& s) { s.field(&Inner::name).required(); }
};

struct Outer {
    std::string host;
    Inner inner;
    std::optional<Inner> maybe;
    std::vector<Inner> list;
    friend void describe(Schema<Outer>& s) { s.field(&Outer::host).required(); }
};

TEST(Schema, requires_fields_of_absent_structs_too) {
    const Lines missing{"host: missing; expected a string",
                        "inner.name: missing; expected a string"};
    EXPECT_EQ(problems_of<Outer>("{}"), missing);
    EXPECT_EQ(problems_of<Outer>("null"), missing);
    EXPECT_EQ(problems_of<Outer>(R"({"host": null, "inner": null})"), missing);
    EXPECT_EQ(problems_of<Outer>(R"({"host": "a", "inner": {"name": "b"}, "maybe": {},
                                     "list": [{"name": "c"}, {}]})"),
              (Lines{"maybe.name: missing; expected a string",
                     "list.1.name: missing; expected a string"}));
}

TEST(Schema, suggests_the_stranger_for_what_is_missing) {
    EXPECT_EQ(problems_of<Inner>(R"({"nmae": "x"})"),
              (Lines{"name: missing; expected a string; did you mean \"nmae\"?",
                     "nmae: unknown key; did you mean \"name\"?"}));
}

struct Renamed {
    int pool_size = 8;
    int default_ = 1;
    friend void describe(Schema<Renamed>& s) {
        s.field(&Renamed::pool_size).name("pool-size").doc("Number of connections");
        s.field(&Renamed::default_).name("default");
        s.doc("A struct with other names");
    }
};

TEST(Schema, renames_fields_in_both_directions) {
    const auto renamed = decode<Renamed>(parse(R"({"pool-size": 3, "default": 2})"));
    EXPECT_EQ(renamed.pool_size, 3);
    EXPECT_EQ(renamed.default_, 2);
    EXPECT_EQ(encode(renamed), parse(R"({"pool-size": 3, "default": 2})"));
    EXPECT_EQ(problems_of<Renamed>(R"({"pool_size": 3})"),
              Lines{"pool_size: unknown key; did you mean \"pool-size\"?"});
}

TEST(Schema, keeps_what_was_written_for_people) {
    const attune::detail::Structure& structure =
        attune::detail::structure_of(attune::detail::type_of<Renamed>());
    EXPECT_EQ(structure.doc, "A struct with other names");
    ASSERT_EQ(structure.fields.size(), 2u);
    EXPECT_EQ(structure.fields[0].name, "pool-size");
    EXPECT_EQ(structure.fields[0].doc, "Number of connections");
    EXPECT_EQ(static_cast<const Renamed*>(structure.defaults.get())->pool_size, 8);
}

struct Checked {
    int low = 0;
    int high = 10;
    std::string password;
    friend void describe(Schema<Checked>& s) {
        s.field(&Checked::password).secret();
        s.check([](const Checked& v) { return v.low <= v.high; }, "low must not exceed high");
        s.check(
            [](const Checked& v) {
                if (v.high > 100) {
                    throw std::runtime_error("too high");
                }
                return true;
            },
            "high must be sane");
        s.check(
            [](const Checked& v) -> bool {
                if (v.low == 1) {
                    throw v.low;
                }
                return true;
            },
            "low must not be one");
    }
};

TEST(Schema, checks_structs_whose_fields_are_right) {
    EXPECT_EQ(problems_of<Checked>("{}"), Lines{});
    EXPECT_EQ(problems_of<Checked>(R"({"low": 20})"), Lines{"low must not exceed high"});
    EXPECT_EQ(problems_of<Checked>(R"({"low": 20, "high": "x"})"),
              Lines{"high: expected an integer in [-2147483648, 2147483647], found \"x\""});
    EXPECT_EQ(problems_of<Checked>(R"({"low": 200, "high": 101})"),
              (Lines{"low must not exceed high",
                     "high must be sane (the check failed: too high)"}));
    EXPECT_EQ(problems_of<Checked>(R"({"low": 1})"),
              Lines{"low must not be one (the check failed)"});
}

TEST(Schema, hides_fields_that_are_marked_secret) {
    EXPECT_EQ(problems_of<Checked>(R"({"password": 12345})"),
              Lines{"password: expected a string, found a number (not shown)"});
    EXPECT_EQ(attune::masked(Checked{.low = 1, .high = 2, .password = "hush"}),
              parse(R"({"low": 1, "high": 2, "password": "***"})"));
}

struct TwoNames {
    int a = 0;
    int b = 0;
    friend void describe(Schema<TwoNames>& s) { s.field(&TwoNames::a).name("b"); }
};

struct NoValue {
    int a = 0;
    friend void describe(Schema<NoValue>& s) { s.field(&NoValue::a).between(2, 1); }
};

struct Outside {
    std::uint8_t a = 0;
    friend void describe(Schema<Outside>& s) { s.field(&Outside::a).at_most(256); }
};

struct Twice {
    int a = 0;
    friend void describe(Schema<Twice>& s) { s.field(&Twice::a).at_least(1).between(2, 3); }
};

struct BadPattern {
    std::string a;
    friend void describe(Schema<BadPattern>& s) { s.field(&BadPattern::a).matches("[a"); }
};

template <class T>
std::string misuse() {
    // Each use tries again and fails again: nothing is left half made.
    EXPECT_THROW(decode<T>(parse("{}")), std::logic_error);
    try {
        decode<T>(parse("{}"));
    } catch (const std::logic_error& error) {
        return error.what();
    }
    return "accepted";
}

TEST(Schema, throws_at_first_use_when_it_contradicts_itself) {
    EXPECT_EQ(misuse<TwoNames>(), "describe: two fields are named \"b\"");
    EXPECT_EQ(misuse<NoValue>(), "describe: the bounds of \"a\" leave no value between them");
    EXPECT_EQ(misuse<Outside>(), "describe: a bound of \"a\" is outside what its type can hold");
    EXPECT_EQ(misuse<Twice>(), "describe: \"a\" has the same bound twice");
    EXPECT_NE(misuse<BadPattern>().find("matches(\"[a\")"), std::string::npos);
}

}  // namespace
