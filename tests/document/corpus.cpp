#include <attune/document/parse.hpp>

#include "support.hpp"

#include <attune/document/difference.hpp>
#include <attune/document/text.hpp>

#include <set>
#include <string>

// Files that other people made: the JSON test suite (github.com/nst/JSONTestSuite) and the
// configuration files of real programs.

namespace {

using attune::Document;
using attune::Duplicates;
using attune::parse;
using attune::ParseError;
using attune::ParseOptions;

std::string name_of(const std::filesystem::path& file) { return file.filename().string(); }

TEST(JsonTestSuite, files_are_accepted_and_refused_as_named) {
    const auto files = attune_test::data_files("json-test-suite");
    if (files.empty()) {
        GTEST_SKIP() << "ATTUNE_TEST_DATA has no json-test-suite";
    }
    const std::set<std::string> duplicates{"y_object_duplicated_key.json",
                                           "y_object_duplicated_key_and_value.json"};
    std::size_t accepted = 0;
    std::size_t refused = 0;
    for (const auto& file : files) {
        SCOPED_TRACE(file);
        const std::string text = attune_test::contents(file);
        ParseOptions options{.name = name_of(file)};
        const char expected = options.name.front();
        try {
            if (duplicates.contains(options.name)) {
                EXPECT_THROW(parse(text, options), ParseError);
                options.duplicates = Duplicates::last;
            }
            const Document document = parse(text, options);
            EXPECT_NE(expected, 'n');
            EXPECT_EQ(parse(to_text(document)), document);
            accepted += expected == 'y';
        } catch (const ParseError& error) {
            EXPECT_NE(expected, 'y') << error.what();
            EXPECT_EQ(error.name(), options.name);
            EXPECT_GE(error.line(), 1u);
            EXPECT_GE(error.column(), 1u);
            EXPECT_LE(error.offset(), text.size());
            refused += expected == 'n';
        }
    }
    EXPECT_EQ(accepted, 95u);
    EXPECT_EQ(refused, 188u);
}

// None of these files needs comments or has duplicate keys: all are strict JSON.
TEST(RealConfigs, survive_the_way_to_text_and_back) {
    const auto files = attune_test::data_files("real-configs");
    if (files.empty()) {
        GTEST_SKIP() << "ATTUNE_TEST_DATA has no real-configs";
    }
    for (const auto& file : files) {
        SCOPED_TRACE(file);
        const std::string text = attune_test::contents(file);
        const Document document = parse(text, {.name = name_of(file)});
        EXPECT_EQ(parse(to_text(document)), document);
        EXPECT_EQ(parse(to_text(document, {.indent = 4})), document);
        const auto json = nlohmann::json::parse(text);
        EXPECT_EQ(Document(json), document);
        EXPECT_EQ(attune::to_json(document), json);
    }
}

TEST(RealConfigs, have_a_place_for_every_path) {
    const auto files = attune_test::data_files("real-configs");
    if (files.empty()) {
        GTEST_SKIP() << "ATTUNE_TEST_DATA has no real-configs";
    }
    for (const auto& file : files) {
        const std::string text = attune_test::contents(file);
        if (text.size() > 20'000) {
            continue;
        }
        SCOPED_TRACE(file);
        const Document document = parse(text);
        for (const attune::Path& path : attune::changed_paths(Document::object(), document)) {
            EXPECT_TRUE(attune::locate(text, path, attune::Part::value)) << to_string(path);
        }
    }
}

}  // namespace
