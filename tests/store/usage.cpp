#include <attune/store/usage.hpp>

#include <attune/bind/schema.hpp>
#include <attune/bind/secret.hpp>
#include <attune/bind/type.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

namespace {

using attune::Path;
using attune::detail::Bound;
using testing::HasSubstr;
using testing::Not;

struct Pool {
    int size = 8;
    std::chrono::milliseconds timeout{250};
};

struct Server {
    std::string host;
    Pool pool;
    bool verbose = false;
    attune::Secret<std::string> password{"hunter2"};
    std::optional<std::string> certificate;
    std::map<std::string, int> limits;
};

void describe(attune::Schema<Pool>& s) {
    s.doc("Connections to the store behind");
    s.field(&Pool::size).doc("How many at most").between(1, 64);
}

void describe(attune::Schema<Server>& s) {
    s.doc("The HTTP listener");
    s.field(&Server::host).required();
}

struct Wordy {
    int number_of_connections_that_may_be_open_at_once = 0;
    int b = 0;
};

void describe(attune::Schema<Wordy>& s) {
    s.field(&Wordy::b).doc(
        "A text that is far too long for one line, and that somebody wrote in the belief that it "
        "would be broken\nbetween words");
}

std::string usage(const std::vector<Bound>& roots, const std::vector<std::string>& prefixes = {},
                  bool options = false) {
    return attune::detail::usage_text(roots, {prefixes, options});
}

template <class T>
Bound bound(const char* path) {
    return {Path(path), &attune::detail::type_of<T>()};
}

TEST(Usage, lists_everything_that_can_be_set) {
    EXPECT_EQ(usage({bound<Server>("server"), bound<int>("level")}),
              R"(  level  an integer in [-2147483648, 2147483647]

server: The HTTP listener
  server.host         a string; required
  server.verbose      true or false; default false
  server.password     a string; default ***
  server.certificate  a string; not set by default
  server.limits       an object; default {}

server.pool: Connections to the store behind
  server.pool.size     an integer in [1, 64]; default 8
                       How many at most
  server.pool.timeout  a duration such as "250ms"; default "250ms"
)");
}

TEST(Usage, spells_variables_and_options_where_they_are_read) {
    const std::string text = usage({bound<Server>("server")}, {"SERVICE_", "S_"}, true);
    EXPECT_THAT(text, HasSubstr("\n                      --server.host, SERVICE_SERVER_HOST, "
                                "S_SERVER_HOST\n"));
    EXPECT_THAT(text, HasSubstr("--server.verbose, --no-server.verbose, SERVICE_"));
    EXPECT_THAT(text, HasSubstr(" --server.limits, --server.limits.<key>, SERVICE_SERVER_LIMITS,\n"
                                "                      SERVICE_SERVER_LIMITS_<KEY>, S_"));
    EXPECT_THAT(usage({bound<Server>("server")}, {"SERVICE_"}), Not(HasSubstr("--")));
    EXPECT_THAT(usage({bound<Server>("server")}, {}, true), Not(HasSubstr("SERVER")));
}

TEST(Usage, lists_a_place_once) {
    EXPECT_EQ(usage({bound<Pool>("pool"), bound<int>("pool.size")}), usage({bound<Pool>("pool")}));
}

TEST(Usage, keeps_to_a_hundred_columns) {
    const std::string text = usage({bound<Wordy>("wordy")}, {"SERVICE_"}, true);
    EXPECT_EQ(text, R"(  wordy.number_of_connections_that_may_be_open_at_once
           an integer in [-2147483648, 2147483647]; default 0
           --wordy.number_of_connections_that_may_be_open_at_once,
           SERVICE_WORDY_NUMBER_OF_CONNECTIONS_THAT_MAY_BE_OPEN_AT_ONCE
  wordy.b  an integer in [-2147483648, 2147483647]; default 0
           A text that is far too long for one line, and that somebody wrote in the belief that it
           would be broken between words
           --wordy.b, SERVICE_WORDY_B
)");
}

struct Defaults {
    std::string empty;
    std::vector<int> numbers = std::vector<int>(50, 7);
    std::optional<int> three = 3;
    std::optional<attune::Secret<std::string>> token;
};

TEST(Usage, shows_defaults_that_are_short) {
    EXPECT_EQ(usage({bound<Defaults>("")}), R"(  empty    a string; default ""
  numbers  a list; has a default
  three    an integer in [-2147483648, 2147483647]; default 3
  token    a string; default ***
)");
}

TEST(Usage, is_empty_where_nothing_is_bound) { EXPECT_EQ(usage({}), ""); }

}  // namespace
