#include <attune/bind/decode.hpp>

#include "support.hpp"

#include <attune/document/parse.hpp>

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace {

using attune::Origin;
using attune::parse;
using attune::Part;
using attune::Path;
using attune::Problem;
using attune::Severity;
using attune::UnknownKeys;
using test::problems_of;
using Lines = std::vector<std::string>;

struct Pool {
    int size = 8;
    std::string strategy;
};

struct Server {
    std::string host;
    Pool pool;
    std::map<std::string, Pool> pools;
};

struct Root {
    Server server;
    std::optional<Pool> spare;
    std::vector<Root> nested;
};

TEST(DecodeUnknown, is_an_error_with_the_nearest_name) {
    EXPECT_EQ(problems_of<Root>(R"({"server": {"hots": 1}})"),
              Lines{"server.hots: unknown key; did you mean \"host\"?"});
    EXPECT_EQ(problems_of<Root>(R"({"nested": [{}, {"severs": {}}]})"),
              Lines{"nested.1.severs: unknown key; did you mean \"server\"?"});
    EXPECT_EQ(problems_of<Root>(R"({"wombat": 1})"), Lines{"wombat: unknown key"});
}

TEST(DecodeUnknown, is_looked_for_below_and_elsewhere) {
    EXPECT_EQ(problems_of<Root>(R"({"server": {"strategy": "x"}})"),
              Lines{"server.strategy: unknown key; did you mean \"server.pool.strategy\"?"});
    EXPECT_EQ(problems_of<Root>(R"({"spare": {"host": "x"}})"),
              Lines{"spare.host: unknown key; did you mean \"server.host\"?"});
    EXPECT_EQ(problems_of<Root>(R"({"root": {"spare": {"host": "x"}}})", "root"),
              Lines{"root.spare.host: unknown key; did you mean \"root.server.host\"?"});
}

TEST(DecodeUnknown, is_nothing_in_a_map_but_something_below_it) {
    EXPECT_EQ(problems_of<Root>(R"({"server": {"pools": {"any": {}, "other": {"sise": 1}}}})"),
              Lines{"server.pools.other.sise: unknown key; did you mean \"size\"?"});
}

// Lines count members, and `remote` may hold what it likes.
class Places final : public attune::detail::Provenance {
public:
    explicit Places(UnknownKeys below_remote) : below_remote_(below_remote) {}

    Origin origin(const Path& path, Part part) const override {
        return {.source = part == Part::key ? "key" : "value",
                .line = static_cast<std::uint32_t>(path.size()),
                .column = 1};
    }
    UnknownKeys unknown_keys(const Path& path) const override {
        return path.starts_with("remote") ? below_remote_ : UnknownKeys::error;
    }

private:
    UnknownKeys below_remote_;
};

struct Layers {
    Pool local;
    Pool remote;
};

std::vector<Problem> problems_with(UnknownKeys below_remote, std::string_view json, bool accepted) {
    Layers layers;
    const attune::Document document = parse(json);
    std::vector<Problem> problems;
    EXPECT_EQ(attune::detail::decode(attune::detail::type_of<Layers>(), &layers, &document, {},
                                     Places(below_remote), problems),
              accepted);
    return problems;
}

TEST(DecodeUnknown, is_judged_where_it_came_from) {
    const char* const json = R"({"remote": {"sise": 3}})";
    EXPECT_TRUE(problems_with(UnknownKeys::ignore, json, true).empty());

    const std::vector<Problem> warnings = problems_with(UnknownKeys::warn, json, true);
    ASSERT_EQ(warnings.size(), 1u);
    EXPECT_EQ(warnings[0].severity, Severity::warning);
    EXPECT_EQ(to_string(warnings[0]), "key:2:1: remote.sise: unknown key; did you mean \"size\"?");

    const std::vector<Problem> errors = problems_with(UnknownKeys::error, json, false);
    ASSERT_EQ(errors.size(), 1u);
    EXPECT_EQ(errors[0].severity, Severity::error);
}

TEST(DecodeUnknown, does_not_hide_errors_behind_warnings) {
    const std::vector<Problem> problems =
        problems_with(UnknownKeys::warn,
                      R"({"remote": {"x": 3, "size": "x"}, "local": {"size": true}})", false);
    ASSERT_EQ(problems.size(), 3u);
    EXPECT_EQ(to_string(problems[0]).substr(0, 22), "value:2:1: local.size:");
    EXPECT_EQ(to_string(problems[1]).substr(0, 23), "value:2:1: remote.size:");
    EXPECT_EQ(problems[2].severity, Severity::warning);
}

}  // namespace
