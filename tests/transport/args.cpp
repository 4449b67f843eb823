#include <attune/transport/args.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace {

using attune::Content;
using attune::Naming;
using attune::Text;

Content load(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "program");
    std::vector<char*> pointers;
    pointers.reserve(arguments.size() + 1);
    for (std::string& argument : arguments) {
        pointers.push_back(argument.data());
    }
    pointers.push_back(nullptr);
    char** const argv = pointers.data();
    const auto transport = attune::args(static_cast<int>(arguments.size()), argv);
    arguments.clear();  // the arguments were copied
    return transport->load();
}

/// `name=value` for an option, `name` for one without a value, `"value"` for a positional text.
std::vector<std::string> shapes(const Content& content) {
    std::vector<std::string> found;
    for (const Text& text : content.texts) {
        if (text.naming == Naming::positional) {
            found.push_back(text.prefix + '"' + text.value + '"');
        } else {
            found.push_back(text.prefix + text.name + (text.has_value ? "=" + text.value : ""));
        }
    }
    return found;
}

TEST(Args, reads_options_with_and_without_values) {
    EXPECT_THAT(shapes(load({"--server.port=9090", "--verbose", "--no-colour"})),
                testing::ElementsAre("--server.port=9090", "--verbose", "--no-colour"));
}

TEST(Args, leaves_a_separate_value_to_whoever_knows_the_types) {
    EXPECT_THAT(shapes(load({"--server.port", "9090", "file"})),
                testing::ElementsAre("--server.port", "\"9090\"", "\"file\""));
}

TEST(Args, takes_one_dash_for_a_text) {
    EXPECT_THAT(shapes(load({"--offset", "-5", "-v", "-"})),
                testing::ElementsAre("--offset", "\"-5\"", "\"-v\"", "\"-\""));
}

TEST(Args, ends_the_options_at_two_dashes) {
    EXPECT_THAT(shapes(load({"--a=1", "--", "--b=2", "--", "c"})),
                testing::ElementsAre("--a=1", "-- \"--b=2\"", "-- \"--\"", "-- \"c\""));
}

TEST(Args, cuts_at_the_first_equals_sign) {
    EXPECT_THAT(shapes(load({"--a=b=c", "--d=", "--=e"})),
                testing::ElementsAre("--a=b=c", "--d=", "--=e"));
}

TEST(Args, names_an_option_but_never_its_value_in_the_origin) {
    const Content content = load({"--password=hunter2", "hunter3"});
    ASSERT_EQ(content.texts.size(), 2U);
    EXPECT_EQ(to_string(content.texts[0].origin), "argument --password");
    EXPECT_EQ(to_string(content.texts[1].origin), "argument 2");
}

TEST(Args, brings_nothing_but_says_that_it_reads_options) {
    for (const int count : {0, 1}) {
        const char* const argv[] = {"program", nullptr};
        const Content content = attune::args(count, argv)->load();
        EXPECT_THAT(content.texts, testing::IsEmpty());
        EXPECT_TRUE(content.reads_options);
        EXPECT_FALSE(content.variable_prefix.has_value());
    }
}

TEST(Args, is_local_and_read_only) {
    const auto transport = attune::args(0, nullptr);
    EXPECT_EQ(transport->name(), "arguments");
    EXPECT_FALSE(transport->remote());
    EXPECT_FALSE(transport->writable());
}

}  // namespace
