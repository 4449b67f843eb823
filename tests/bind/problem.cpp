#include <attune/bind/problem.hpp>

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace {

using attune::Problem;
using attune::Rejected;
using attune::Rejection;

const attune::Origin origin{.source = "service.json", .line = 7, .column = 17};

TEST(Problem, tells_expected_and_found) {
    const Problem problem{.path = "server.port",
                          .origin = origin,
                          .expected = "an integer in [1, 65535]",
                          .found = "80800"};
    EXPECT_EQ(to_string(problem),
              "service.json:7:17: server.port: expected an integer in [1, 65535], found 80800");
}

TEST(Problem, tells_its_message_and_suggestion) {
    const Problem problem{
        .path = "server.hots", .origin = origin, .message = "unknown key", .suggestion = "host"};
    EXPECT_EQ(to_string(problem),
              "service.json:7:17: server.hots: unknown key; did you mean \"host\"?");
}

TEST(Problem, tells_what_is_missing) {
    const Problem problem{.path = "a.b", .message = "missing", .expected = "a string"};
    EXPECT_EQ(to_string(problem), "a.b: missing; expected a string");
}

TEST(Problem, leaves_out_what_is_not_known) {
    EXPECT_EQ(to_string(Problem{}), "");
    EXPECT_EQ(to_string(Problem{.message = "wrong"}), "wrong");
    EXPECT_EQ(to_string(Problem{.expected = "an object", .found = "3"}),
              "expected an object, found 3");
    EXPECT_EQ(to_string(Problem{.path = "a", .found = "3"}), "a: found 3");
    EXPECT_EQ(to_string(Problem{.message = "wrong", .found = "3"}), "wrong, found 3");
}

TEST(Rejection, has_one_line_per_problem) {
    Rejection rejection;
    rejection.problems.push_back({.path = "a", .message = "first"});
    rejection.problems.push_back({.path = "b", .message = "second"});
    EXPECT_EQ(to_string(rejection), "a: first\nb: second");
}

TEST(Rejection, without_problems_is_its_reason) {
    EXPECT_EQ(to_string(Rejection{.reason = "file x.json"}), "file x.json");
}

TEST(Rejected, is_a_runtime_error_with_the_text_of_its_rejection) {
    Rejection rejection;
    rejection.problems.push_back({.path = "a", .message = "wrong"});
    rejection.version = 3;
    try {
        throw Rejected(std::move(rejection));
    } catch (const std::runtime_error& error) {
        EXPECT_STREQ(error.what(), "a: wrong");
        const auto& rejected = dynamic_cast<const Rejected&>(error);
        EXPECT_EQ(rejected.rejection().version, 3u);
        EXPECT_EQ(rejected.problems().size(), 1u);
    }
}

}  // namespace
