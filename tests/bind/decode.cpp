#include <attune/bind/decode.hpp>

#include "support.hpp"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace {

using attune::decode;
using attune::Document;
using attune::parse;
using attune::Path;
using attune::Rejected;
using attune::Secret;
using test::problems_of;
using Lines = std::vector<std::string>;

template <class T>
T from(std::string_view json) {
    return decode<T>(parse(json));
}

enum class Mode { primary, replica };

struct Pool {
    int size = 8;
    std::chrono::milliseconds timeout{250};
};

struct Server {
    std::string host = "0.0.0.0";
    std::uint16_t port = 8080;
    Mode mode = Mode::replica;
    Pool pool;
    std::optional<std::string> certificate;
    Secret<std::string> password;
    std::vector<std::string> tags{"default"};
    std::map<std::string, int> limits{{"default", 1}};
};

TEST(Decode, keeps_the_defaults_of_what_is_absent) {
    const auto server = from<Server>("{}");
    EXPECT_EQ(server.host, "0.0.0.0");
    EXPECT_EQ(server.port, 8080);
    EXPECT_EQ(server.mode, Mode::replica);
    EXPECT_EQ(server.pool.timeout, std::chrono::milliseconds(250));
    EXPECT_EQ(server.certificate, std::nullopt);
    EXPECT_EQ(server.tags, std::vector<std::string>{"default"});
    EXPECT_EQ(server.limits.at("default"), 1);
}

TEST(Decode, reads_what_is_there) {
    const auto server = from<Server>(R"({
        "host": "example.org", "port": 80, "mode": "primary", "pool": {"size": 3},
        "certificate": "x.pem", "password": "hush", "tags": ["a", "b"], "limits": {"x": 7}})");
    EXPECT_EQ(server.host, "example.org");
    EXPECT_EQ(server.port, 80);
    EXPECT_EQ(server.mode, Mode::primary);
    EXPECT_EQ(server.pool.size, 3);
    EXPECT_EQ(server.pool.timeout, std::chrono::milliseconds(250));
    EXPECT_EQ(server.certificate, "x.pem");
    EXPECT_EQ(server.password.reveal(), "hush");
    EXPECT_EQ(server.tags, (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(server.limits, (std::map<std::string, int>{{"x", 7}}));
}

TEST(Decode, takes_null_for_absent) {
    const auto server = from<Server>(R"({"host": null, "pool": null, "tags": null, "port": null})");
    EXPECT_EQ(server.host, "0.0.0.0");
    EXPECT_EQ(server.pool.size, 8);
    EXPECT_EQ(server.tags.size(), 1u);
    EXPECT_EQ(decode<int>(Document()), 0);
}

struct Holders {
    std::optional<int> number = 3;
    std::optional<Pool> pool = Pool{.size = 1, .timeout = std::chrono::milliseconds(2)};
    std::unique_ptr<Pool> owned = std::make_unique<Pool>();
    std::shared_ptr<Pool> shared = std::make_shared<Pool>();
    Secret<std::optional<int>> hidden{std::optional<int>(4)};
};

TEST(Decode, empties_optionals_and_pointers_by_null) {
    const auto empty =
        from<Holders>(R"({"number":null,"pool":null,"owned":null,"shared":null,"hidden":null})");
    EXPECT_FALSE(empty.number || empty.pool || empty.owned || empty.shared);
    EXPECT_FALSE(empty.hidden.reveal());

    const auto absent = from<Holders>("{}");
    EXPECT_TRUE(absent.number && absent.pool && absent.owned && absent.shared);
    EXPECT_TRUE(absent.hidden.reveal());
}

TEST(Decode, reads_into_the_default_of_an_optional) {
    const auto holders = from<Holders>(R"({"pool": {"size": 5}, "shared": {"size": 6}})");
    EXPECT_EQ(holders.pool->size, 5);
    EXPECT_EQ(holders.pool->timeout, std::chrono::milliseconds(2));
    EXPECT_EQ(holders.shared->size, 6);
}

TEST(Decode, replaces_lists_and_maps) {
    EXPECT_TRUE(from<Server>(R"({"tags": []})").tags.empty());
    EXPECT_TRUE(from<Server>(R"({"limits": {}})").limits.empty());
    using Lists = std::vector<std::vector<int>>;
    EXPECT_EQ(from<Lists>("[[1],[],[2,3]]"), (Lists{{1}, {}, {2, 3}}));
    EXPECT_EQ(from<std::vector<bool>>("[true,false]"), (std::vector<bool>{true, false}));
    EXPECT_EQ((from<std::array<int, 2>>("[4,5]")), (std::array<int, 2>{4, 5}));
    using Map = std::unordered_map<std::string, std::vector<int>>;
    EXPECT_EQ(from<Map>(R"({"a":[1],"b":[]})"), (Map{{"a", {1}}, {"b", {}}}));
}

TEST(Decode, takes_null_in_a_map_for_no_member) {
    using Map = std::map<std::string, int>;
    EXPECT_EQ(from<Map>(R"({"a": 1, "b": null})"), (Map{{"a", 1}}));
    using Optionals = std::map<std::string, std::optional<int>>;
    EXPECT_EQ(from<Optionals>(R"({"a": 1, "b": null})"), (Optionals{{"a", 1}, {"b", {}}}));
}

TEST(Decode, refuses_null_in_a_list_of_values) {
    EXPECT_EQ(problems_of<std::vector<int>>("[1, null]"),
              Lines{"1: expected an integer in [-2147483648, 2147483647], found null"});
    EXPECT_EQ(from<std::vector<std::optional<int>>>("[1, null]").size(), 2u);
}

TEST(Decode, leaves_a_raw_document_as_it_is) {
    struct Raw {
        Document any = "default";
    };
    EXPECT_EQ(from<Raw>("{}").any, Document("default"));
    EXPECT_EQ(from<Raw>(R"({"any": null})").any, Document());
    EXPECT_EQ(from<Raw>(R"({"any": {"a": [1]}})").any, parse(R"({"a": [1]})"));
}

struct Tree {
    std::string name;
    std::vector<Tree> children;
    std::unique_ptr<Tree> link;
    std::map<std::string, Tree> named;
};

TEST(Decode, knows_structs_that_contain_themselves) {
    const auto tree = from<Tree>(R"({"name": "a", "children": [{"name": "b"}, {"name": "c"}],
        "link": {"link": {"name": "d"}}, "named": {"x": {"name": "e"}}})");
    EXPECT_EQ(tree.children.at(1).name, "c");
    EXPECT_EQ(tree.link->link->name, "d");
    EXPECT_EQ(tree.named.at("x").name, "e");
    EXPECT_EQ(problems_of<Tree>(R"({"children": [{}, {"link": {"name": 3}}]})"),
              Lines{"children.1.link.name: expected a string, found 3"});
}

TEST(Decode, refuses_nesting_that_would_exhaust_the_stack) {
    Document document = Document::object();
    for (int i = 0; i < 100'000; ++i) {
        document = Document::object().with("link", document);
    }
    try {
        decode<Tree>(document);
        FAIL();
    } catch (const Rejected& rejected) {
        ASSERT_EQ(rejected.problems().size(), 1u);
        EXPECT_EQ(rejected.problems()[0].message, "nested too deeply");
    }
}

TEST(Decode, reads_the_part_at_a_path) {
    const Document document = parse(R"({"servers": [{"port": 1}, {"port": "x"}]})");
    EXPECT_EQ(decode<Server>(document, "servers.0").port, 1);
    EXPECT_EQ(decode<Server>(document, "absent").port, 8080);
    try {
        decode<Server>(document, "servers.1");
        FAIL();
    } catch (const Rejected& rejected) {
        EXPECT_STREQ(rejected.what(),
                     "servers.1.port: expected an integer in [0, 65535], found \"x\"");
    }
}

TEST(Decode, finds_all_problems_in_one_pass) {
    EXPECT_EQ(problems_of<Server>(R"({"server": {
        "hots": "a", "port": 80800, "mode": "replicas", "pool": {"size": "3", "timeout": "5q"},
        "certificate": 4, "tags": ["a", 3], "limits": {"a": 1.0}}})",
                                  "server"),
              (Lines{
                  "server.port: expected an integer in [0, 65535], found 80800",
                  "server.mode: expected one of primary, replica, found \"replicas\"; did you mean "
                  "\"replica\"?",
                  "server.pool.size: expected an integer in [-2147483648, 2147483647], found "
                  "\"3\"",
                  "server.pool.timeout: expected a duration such as \"250ms\" with units of d, h, "
                  "m, s, ms, us, ns, found \"5q\"",
                  "server.certificate: expected a string, found 4",
                  "server.tags.1: expected a string, found 3",
                  "server.limits.a: expected an integer in [-2147483648, 2147483647], found 1.0",
                  "server.hots: unknown key; did you mean \"host\"?",
              }));
}

TEST(Decode, tells_shapes_apart) {
    EXPECT_EQ(problems_of<Server>("3"), Lines{"expected an object, found 3"});
    EXPECT_EQ(problems_of<Server>("[]"), Lines{"expected an object, found a list"});
    EXPECT_EQ(problems_of<std::vector<int>>("{}"), Lines{"expected a list, found an object"});
    EXPECT_EQ((problems_of<std::map<std::string, int>>("[]")),
              Lines{"expected an object, found a list"});
    EXPECT_EQ((problems_of<std::array<int, 3>>("[1,2]")),
              Lines{"expected a list of 3 items, found a list of 2"});
}

TEST(Decode, shortens_long_strings) {
    EXPECT_EQ(problems_of<int>('"' + std::string(50, 'x') + '"'),
              Lines{"expected an integer in [-2147483648, 2147483647], found \"" +
                    std::string(40, 'x') + "...\""});
    EXPECT_EQ(problems_of<bool>(R"("ä\n")"), Lines{R"(expected true or false, found "ä\n")"});
}

TEST(Decode, never_shows_secrets) {
    struct Inside {
        int number = 0;
        Mode mode{};
    };
    struct Hidden {
        Secret<int> pin;
        Secret<Mode> mode;
        Secret<std::string> word;
        Secret<Inside> inside;
        Secret<std::vector<int>> list;
        Secret<bool> flag;
    };
    EXPECT_EQ(problems_of<Hidden>(R"({"pin": "hush", "mode": "replicas", "word": 12345,
                                      "inside": {"number": "hush", "mode": "hush"},
                                      "list": [1, "hush"], "flag": "hush"})"),
              (Lines{
                  "pin: expected an integer in [-2147483648, 2147483647], found a string (not "
                  "shown)",
                  "mode: expected one of primary, replica, found a string (not shown)",
                  "word: expected a string, found a number (not shown)",
                  "inside.number: expected an integer in [-2147483648, 2147483647], found a string "
                  "(not shown)",
                  "inside.mode: expected one of primary, replica, found a string (not shown)",
                  "list.1: expected an integer in [-2147483648, 2147483647], found a string (not "
                  "shown)",
                  "flag: expected true or false, found a string (not shown)",
              }));
}

}  // namespace
