#include <attune/store/placement.hpp>

#include <attune/bind/secret.hpp>
#include <attune/bind/type.hpp>
#include <attune/document/parse.hpp>
#include <attune/transport/args.hpp>
#include <attune/transport/env.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace {

using attune::Document;
using attune::Naming;
using attune::Part;
using attune::Path;
using attune::Problem;
using attune::Text;
using attune::detail::Bound;
using attune::detail::LayerContent;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Pool {
    int size = 8;
};

struct Server {
    std::string host;
    int port = 8080;
    bool verbose = false;
    bool colour = true;
    Pool pool;
    std::vector<std::string> tags;
    std::map<std::string, int> limits;
    attune::Secret<std::string> password;
};

struct Ambiguous {
    Pool pool;
    int pool_size = 0;
    std::map<std::string, int> pool_limits;
};

struct Keyed {
    std::map<std::string, int> pool;
    int pool_size = 0;
};

template <class T>
Bound bound(const char* path) {
    return {Path(path), &attune::detail::type_of<T>()};
}

class Placement : public testing::Test {
protected:
    /// A layer with these variables, bound to `roots_`.
    void environment(std::vector<const char*> variables) {
        variables.push_back(nullptr);
        load(*attune::env("SERVICE_", {.variables = variables.data()}));
    }

    void arguments(std::vector<const char*> argv) {
        argv.insert(argv.begin(), "program");
        load(*attune::args(static_cast<int>(argv.size()), argv.data()));
    }

    /// A layer with files of these names and contents.
    void files(const std::vector<std::pair<std::string, std::string>>& files) {
        layer_ = {};
        for (const auto& [name, value] : files) {
            layer_.content.texts.push_back({.naming = Naming::path,
                                            .name = name,
                                            .value = value,
                                            .origin = {.source = "/etc/" + name}});
        }
        place();
    }

    void load(attune::Transport& transport) {
        layer_ = {};
        layer_.content = transport.load();
        place();
    }

    void place() {
        problems_.clear();
        for (const Bound& root : roots_) {
            find_places(layer_, root);
        }
        place_texts(layer_, problems_);
    }

    static std::vector<std::string> texts(const std::vector<Problem>& problems) {
        std::vector<std::string> found;
        for (const Problem& problem : problems) {
            found.push_back(to_string(problem));
        }
        return found;
    }

    std::vector<std::string> problems() const { return texts(problems_); }

    std::vector<std::string> unplaced() const {
        std::vector<Problem> problems;
        report_unplaced(layer_, roots_, problems);
        return texts(problems);
    }

    const Document* at(const char* path) const { return layer_.document.find(Path(path)); }

    std::string origin(const char* path) const {
        return to_string(layer_.source->locate(Path(path), Part::value));
    }

    std::vector<Bound> roots_{bound<Server>("server")};
    LayerContent layer_;
    std::vector<Problem> problems_;
};

#define EXPECT_AT(path, expected)                           \
    do {                                                    \
        ASSERT_NE(at(path), nullptr) << "nothing at " path; \
        EXPECT_EQ(*at(path), Document(expected));           \
    } while (false)

TEST_F(Placement, puts_variables_where_the_bound_structs_have_a_place_for_them) {
    environment({"SERVICE_SERVER_POOL_SIZE=4", "SERVICE_SERVER_HOST=a", "SERVICE_X=1"});
    EXPECT_THAT(problems(), IsEmpty());
    EXPECT_AT("server.pool.size", Document::text("4"));
    EXPECT_AT("server.host", Document::text("a"));
    EXPECT_EQ(layer_.document.at("server").size(), 2U);
    EXPECT_EQ(layer_.document.size(), 1U);
}

TEST_F(Placement, leaves_a_layer_without_placed_texts_as_it_came) {
    environment({"SERVICE_X=1"});
    EXPECT_TRUE(layer_.document.is_null());
    EXPECT_EQ(layer_.source, nullptr);
    LayerContent plain;
    plain.content.document = Document({{"a", 1}});
    place_texts(plain, problems_);
    EXPECT_TRUE(plain.document.same(plain.content.document));
}

TEST_F(Placement, says_whether_a_root_has_places) {
    roots_.clear();
    environment({"SERVICE_SERVER_PORT=1"});
    EXPECT_FALSE(find_places(layer_, bound<Pool>("pool")));
    EXPECT_TRUE(find_places(layer_, bound<Server>("server")));
    EXPECT_FALSE(find_places(layer_, bound<int>("server.port"))) << "known already";
    place_texts(layer_, problems_);
    EXPECT_AT("server.port", Document::text("1"));
}

TEST_F(Placement, parses_json_for_what_holds_other_values) {
    environment({"SERVICE_SERVER_TAGS=[\"a\", \"b\"]", "SERVICE_SERVER_LIMITS={\"x\": 1}"});
    EXPECT_THAT(problems(), IsEmpty());
    EXPECT_AT("server.tags", Document({"a", "b"}));
    EXPECT_AT("server.limits.x", 1);
}

TEST_F(Placement, reports_broken_json_with_its_place) {
    environment({"SERVICE_SERVER_TAGS=[1, 2"});
    ASSERT_EQ(problems_.size(), 1U);
    EXPECT_THAT(problems()[0],
                HasSubstr("environment variable SERVICE_SERVER_TAGS:1:6: server.tags: "));
    EXPECT_TRUE(layer_.document.is_null());
}

TEST_F(Placement, refuses_a_variable_that_fits_two_members) {
    roots_ = {bound<Ambiguous>("a")};
    environment({"SERVICE_A_POOL_SIZE=1"});
    EXPECT_THAT(problems(),
                ElementsAre("environment variable SERVICE_A_POOL_SIZE: fits two options: "
                            "a.pool.size and a.pool_size; use the argument --a.pool.size or "
                            "--a.pool_size, or rename a member"));
    EXPECT_THAT(unplaced(), IsEmpty()) << "reported already";
}

TEST_F(Placement, refuses_a_variable_that_fits_two_roots) {
    roots_ = {bound<int>("a.b"), bound<int>("a_b"), bound<int>("aB")};
    environment({"SERVICE_A_B=1"});
    ASSERT_EQ(problems_.size(), 1U);
    EXPECT_THAT(problems()[0], HasSubstr("fits 3 options: a.b, a_b and aB;"));
}

TEST_F(Placement, takes_roots_that_offer_the_same_place_for_one) {
    roots_ = {bound<Server>("server"), bound<int>("server.port"), bound<Pool>("server.pool")};
    environment({"SERVICE_SERVER_PORT=1", "SERVICE_SERVER_POOL_SIZE=2"});
    EXPECT_THAT(problems(), IsEmpty());
    EXPECT_AT("server.port", Document::text("1"));
    EXPECT_AT("server.pool.size", Document::text("2"));
}

TEST_F(Placement, prefers_a_member_to_the_key_of_a_map) {
    roots_ = {bound<Keyed>("a")};
    environment({"SERVICE_A_POOL_SIZE=1", "SERVICE_A_POOL_OTHER=2"});
    EXPECT_THAT(problems(), IsEmpty());
    EXPECT_AT("a.pool_size", Document::text("1"));
    EXPECT_AT("a.pool.other", Document::text("2"));
    EXPECT_EQ(at("a.pool.size"), nullptr);
}

TEST_F(Placement, lets_the_deeper_of_two_texts_win_whatever_their_order) {
    const std::vector<const char*> variables{
        "SERVICE_SERVER_POOL_SIZE=2", "SERVICE_SERVER={\"pool\": {\"size\": 1}, \"port\": 3}"};
    for (const auto& order : {variables, {variables.rbegin(), variables.rend()}}) {
        environment(order);
        EXPECT_THAT(problems(), IsEmpty());
        EXPECT_AT("server.pool.size", Document::text("2"));
        EXPECT_AT("server.port", 3);
    }
}

TEST_F(Placement, refuses_a_text_in_the_way_of_a_deeper_one) {
    environment({"SERVICE_SERVER_POOL=x", "SERVICE_SERVER_POOL_SIZE=2"});
    EXPECT_THAT(problems(),
                ElementsAre("environment variable SERVICE_SERVER_POOL_SIZE: server.pool.size: lies "
                            "inside the value of environment variable SERVICE_SERVER_POOL, which "
                            "is neither a list nor an object"));
}

TEST_F(Placement, refuses_two_variables_for_one_place) {
    environment({"SERVICE_SERVER_PORT=1", "SERVICE_SERVER_port=1"});
    EXPECT_THAT(problems(),
                ElementsAre("environment variable SERVICE_SERVER_port: server.port: set by "
                            "environment variable SERVICE_SERVER_PORT already"));
}

TEST_F(Placement, knows_the_origin_of_each_value) {
    environment({"SERVICE_SERVER_PORT=1", "SERVICE_SERVER_TAGS=[\"a\", 5]"});
    EXPECT_EQ(origin("server.port"), "environment variable SERVICE_SERVER_PORT");
    EXPECT_EQ(origin("server.port.x"), "environment variable SERVICE_SERVER_PORT");
    EXPECT_EQ(origin("server.tags"), "environment variable SERVICE_SERVER_TAGS");
    EXPECT_EQ(origin("server.tags.1"), "environment variable SERVICE_SERVER_TAGS:1:7");
    EXPECT_EQ(origin("server"), "");
}

TEST_F(Placement, keeps_the_document_and_the_source_of_a_layer_beneath_the_texts) {
    layer_.content.document = attune::parse(R"({"server": {"port": 1, "host": "a"}})");
    layer_.content.source = std::make_shared<attune::TextSource>(
        std::make_shared<const std::string>(R"({"server": {"port": 1, "host": "a"}})"),
        attune::ParseOptions{.name = "x.json"});
    layer_.content.texts.push_back({.naming = Naming::variable,
                                    .name = "SERVER_PORT",
                                    .value = "2",
                                    .origin = {.source = "environment variable SERVER_PORT"}});
    place();
    EXPECT_AT("server.port", Document::text("2"));
    EXPECT_AT("server.host", "a");
    EXPECT_EQ(origin("server.port"), "environment variable SERVER_PORT");
    EXPECT_EQ(origin("server.host"), "x.json:1:32");
}

TEST_F(Placement, starts_anew_each_time) {
    environment({"SERVICE_SERVER_PORT=1"});
    const Document before = layer_.document;
    place_texts(layer_, problems_);
    EXPECT_THAT(problems(), IsEmpty());
    EXPECT_EQ(layer_.document, before);
}

using PlacementOfOptions = Placement;

TEST_F(PlacementOfOptions, take_their_value_after_an_equals_sign_or_from_the_next_argument) {
    arguments({"--server.port=1", "--server.host", "a", "--server.pool.size", "-5"});
    EXPECT_THAT(problems(), IsEmpty());
    EXPECT_AT("server.port", Document::text("1"));
    EXPECT_AT("server.host", Document::text("a"));
    EXPECT_AT("server.pool.size", Document::text("-5"));
    EXPECT_THAT(unplaced(), IsEmpty());
}

TEST_F(PlacementOfOptions, need_no_value_for_a_boolean) {
    arguments({"--server.verbose", "--no-server.colour"});
    EXPECT_THAT(problems(), IsEmpty());
    EXPECT_AT("server.verbose", true);
    EXPECT_AT("server.colour", false);
    EXPECT_EQ(origin("server.verbose"), "argument --server.verbose");
    arguments({"--server.verbose=off", "--server.no-colour"});
    EXPECT_AT("server.verbose", Document::text("off"));
    EXPECT_AT("server.colour", false);
}

TEST_F(PlacementOfOptions, leave_the_argument_after_a_boolean_alone) {
    arguments({"--server.verbose", "off"});
    EXPECT_AT("server.verbose", true);
    EXPECT_THAT(unplaced(), ElementsAre("argument \"off\": not an option; the value of "
                                        "--server.verbose needs a \"=\""));
}

TEST_F(PlacementOfOptions, report_a_missing_value) {
    arguments({"--server.host", "--server.port"});
    ASSERT_EQ(problems_.size(), 2U);
    EXPECT_EQ(problems()[0],
              "argument --server.host: server.host: the value is missing; expected a string");
    EXPECT_THAT(problems()[1],
                HasSubstr("argument --server.port: server.port: the value is missing"));
    arguments({"--server.host", "--", "a"});
    EXPECT_EQ(problems_.size(), 1U);
    EXPECT_THAT(unplaced(), ElementsAre("argument \"a\": not an option"));
}

TEST_F(PlacementOfOptions, may_be_empty) {
    arguments({"--server.host="});
    EXPECT_THAT(problems(), IsEmpty());
    EXPECT_AT("server.host", Document::text(""));
}

TEST_F(PlacementOfOptions, take_no_value_when_negated) {
    arguments({"--no-server.colour=yes"});
    EXPECT_THAT(problems(),
                ElementsAre("argument --no-server.colour: server.colour: takes no value"));
}

TEST_F(PlacementOfOptions, win_over_earlier_ones_for_the_same_place) {
    arguments({"--server.port=1", "--server.PORT=2", "--no-server.colour", "--server.colour"});
    EXPECT_THAT(problems(), IsEmpty());
    EXPECT_AT("server.port", Document::text("2"));
    EXPECT_AT("server.colour", true);
    EXPECT_EQ(origin("server.port"), "argument --server.PORT");
}

TEST_F(PlacementOfOptions, take_the_keys_of_maps_as_written) {
    arguments({"--server.limits.Open-Files=1", "--/server/limits/a.b=2"});
    EXPECT_AT("server.limits.Open-Files", Document::text("1"));
    EXPECT_AT("/server/limits/a.b", Document::text("2"));
}

TEST_F(PlacementOfOptions, are_told_apart_by_their_exact_names) {
    roots_ = {bound<Ambiguous>("a")};
    arguments({"--a.pool.size=1", "--a.pool_size=2"});
    EXPECT_THAT(problems(), IsEmpty());
    EXPECT_AT("a.pool.size", Document::text("1"));
    EXPECT_AT("a.pool_size", Document::text("2"));
}

using PlacementOfPaths = Placement;

TEST_F(PlacementOfPaths, needs_no_binding) {
    files({{"server.port", "1"}, {"other/x", "2"}, {"/a.b/c", "3"}});
    EXPECT_THAT(problems(), IsEmpty());
    EXPECT_AT("server.port", Document::text("1"));
    EXPECT_AT("/other~1x", Document::text("2"));
    EXPECT_AT("/a.b/c", Document::text("3"));
    EXPECT_THAT(unplaced(), IsEmpty());
}

TEST_F(PlacementOfPaths, parses_json_where_a_bound_type_says_so) {
    files({{"server.tags", "[\"a\"]"}, {"server.host", "[a]"}, {"other.tags", "[\"a\"]"}});
    EXPECT_AT("server.tags", attune::parse("[\"a\"]"));
    EXPECT_AT("server.host", Document::text("[a]"));
    EXPECT_AT("other.tags", Document::text("[\"a\"]"));
}

TEST_F(PlacementOfPaths, refuses_what_cannot_be_placed) {
    files({{"/bad~escape", "1"}});
    ASSERT_EQ(problems_.size(), 1U);
    EXPECT_THAT(problems()[0], HasSubstr("/etc//bad~escape: "));
    files({{"server.tags", "[\"a\"]"}, {"server.tags.5", "b"}});
    ASSERT_EQ(problems_.size(), 1U);
    EXPECT_THAT(problems()[0], HasSubstr("/etc/server.tags.5: server.tags.5: "));
}

using Unplaced = Placement;

TEST_F(Unplaced, variables_are_reported_with_the_nearest_name) {
    environment({"SERVICE_SERVER_PROT=1", "SERVICE_ZZZ=2", "SERVICE_SERVER_PORT=3"});
    EXPECT_THAT(unplaced(),
                ElementsAre("environment variable SERVICE_SERVER_PROT: matches nothing that is "
                            "bound; did you mean \"SERVICE_SERVER_PORT\"?",
                            "environment variable SERVICE_ZZZ: matches nothing that is bound"));
}

TEST_F(Unplaced, options_are_reported_with_the_nearest_name) {
    arguments({"--server.prot=1", "--no-server.color", "--zzz"});
    EXPECT_THAT(unplaced(),
                ElementsAre("argument --server.prot: matches nothing that is bound; did you mean "
                            "\"--server.port\"?",
                            "argument --no-server.color: matches nothing that is bound; did you "
                            "mean \"--no-server.colour\"?",
                            "argument --zzz: matches nothing that is bound"));
}

TEST_F(Unplaced, what_may_be_the_value_of_an_option_is_never_shown) {
    arguments({"--server.pasword", "hunter2", "--server.pasword=hunter3", "--zzz", "hunter4"});
    const std::vector<std::string> reports = unplaced();
    ASSERT_EQ(reports.size(), 3U);
    for (const std::string& report : reports) {
        EXPECT_THAT(report, testing::Not(HasSubstr("hunter")));
    }
    EXPECT_THAT(reports[0], HasSubstr("\"--server.password\""));
}

TEST_F(Unplaced, positional_arguments_are_shown_cut) {
    const std::string umlauts =
        "x\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4"
        "\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4";
    arguments({"foo", "0123456789012345678901234567890123456789x", umlauts.c_str(), "-v"});
    EXPECT_THAT(
        unplaced(),
        ElementsAre("argument \"foo\": not an option",
                    "argument \"0123456789012345678901234567890123456789...\": not an option",
                    "argument \"" + umlauts.substr(0, 39) + "...\": not an option",
                    "argument \"-v\": not an option"));
}

}  // namespace
