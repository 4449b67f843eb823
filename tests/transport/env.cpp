#include <attune/transport/env.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

namespace {

using attune::Content;
using attune::Naming;
using attune::Text;

Content load(const std::vector<const char*>& variables, const char* prefix = "SERVICE_",
             bool empty_is_unset = true) {
    std::vector<const char*> list = variables;
    list.push_back(nullptr);
    return attune::env(prefix, {.empty_is_unset = empty_is_unset, .variables = list.data()})
        ->load();
}

std::vector<std::string> assignments(const Content& content) {
    std::vector<std::string> found;
    for (const Text& text : content.texts) {
        found.push_back(text.name + "=" + text.value);
    }
    return found;
}

TEST(Env, brings_the_variables_that_begin_with_the_prefix) {
    const Content content = load({"HOME=/", "SERVICE_PORT=1", "SERVICES_PORT=2", "service_port=3",
                                  "SERVICE_SERVER_POOL_SIZE=4"});
    EXPECT_THAT(assignments(content), testing::ElementsAre("PORT=1", "SERVER_POOL_SIZE=4"));
    EXPECT_TRUE(content.document.is_null());
    EXPECT_EQ(content.variable_prefix, "SERVICE_");
    EXPECT_FALSE(content.reads_options);
}

TEST(Env, says_which_variable_a_value_came_from) {
    const Content content = load({"SERVICE_PORT=1"});
    ASSERT_EQ(content.texts.size(), 1U);
    EXPECT_EQ(content.texts[0].naming, Naming::variable);
    EXPECT_EQ(content.texts[0].prefix, "SERVICE_");
    EXPECT_EQ(to_string(content.texts[0].origin), "environment variable SERVICE_PORT");
}

TEST(Env, takes_an_empty_value_for_none_unless_told_otherwise) {
    EXPECT_THAT(assignments(load({"SERVICE_A=", "SERVICE_B=1"})), testing::ElementsAre("B=1"));
    EXPECT_THAT(assignments(load({"SERVICE_A=", "SERVICE_B=1"}, "SERVICE_", false)),
                testing::ElementsAre("A=", "B=1"));
}

TEST(Env, keeps_values_as_they_are) {
    EXPECT_THAT(assignments(load({"SERVICE_A= a=b = c\n"})), testing::ElementsAre("A= a=b = c\n"));
}

TEST(Env, passes_over_what_is_no_variable) {
    EXPECT_THAT(assignments(load({"SERVICE_A", "SERVICE_", "SERVICE_=1", "=1"})),
                testing::IsEmpty());
}

TEST(Env, takes_the_first_of_two_entries_with_one_name_like_getenv) {
    EXPECT_THAT(assignments(load({"SERVICE_A=1", "SERVICE_A=2"})), testing::ElementsAre("A=1"));
}

TEST(Env, brings_everything_for_an_empty_prefix) {
    EXPECT_THAT(assignments(load({"A=1", "B=2"}, "")), testing::ElementsAre("A=1", "B=2"));
}

TEST(Env, reads_the_environment_each_time_it_loads) {
    const auto transport = attune::env("ATTUNE_TEST_ENV_");
    ASSERT_EQ(setenv("ATTUNE_TEST_ENV_PORT", "1", 1), 0);
    EXPECT_THAT(assignments(transport->load()), testing::ElementsAre("PORT=1"));
    ASSERT_EQ(setenv("ATTUNE_TEST_ENV_PORT", "2", 1), 0);
    EXPECT_THAT(assignments(transport->load()), testing::ElementsAre("PORT=2"));
    ASSERT_EQ(unsetenv("ATTUNE_TEST_ENV_PORT"), 0);
    EXPECT_THAT(assignments(transport->load()), testing::IsEmpty());
}

TEST(Env, is_local_read_only_and_named_after_its_prefix) {
    const auto transport = attune::env("SERVICE_");
    EXPECT_EQ(transport->name(), "environment SERVICE_*");
    EXPECT_FALSE(transport->remote());
    EXPECT_FALSE(transport->writable());
}

}  // namespace
