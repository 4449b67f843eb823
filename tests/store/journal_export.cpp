// The ways of a history out of a journal, and back.

#include <attune/store/journal.hpp>

#include "journal_kit.hpp"

#include <attune/document/parse.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace journal_export_test {
namespace {

using namespace attune_test;
using attune::JournalError;
using testing::ElementsAre;
using testing::HasSubstr;

std::chrono::system_clock::time_point at(std::int64_t seconds, std::int64_t nanoseconds = 0) {
    return std::chrono::system_clock::time_point(
        std::chrono::duration_cast<std::chrono::system_clock::duration>(
            std::chrono::seconds(seconds) + std::chrono::nanoseconds(nanoseconds)));
}

std::vector<VersionRecord> history() {
    return {
        {1,
         at(1'700'000'000),
         "start",
         "service.json",
         false,
         {},
         {{"server", {{"port", 1}, {"host", "a"}}}}},
        {2,
         at(1'700'000'001, 500'000'000),
         "a reason\nin two lines",
         "over\nrides",
         true,
         "before \"migration\"",
         {{"server", {{"port", 2}, {"host", "a"}}}}},
        {12,
         at(1'700'003'600, 1),
         "",
         "",
         false,
         {},
         {{"server", {{"port", 2}}}, {"new", {1, 2, nullptr}}}},
    };
}

std::string contents(const std::string& file) {
    return read_file(*attune::detail::posix_disk(), file);
}

/// What a command prints; the test fails where it does.
std::string output_of(const std::string& command) {
    FILE* const pipe = popen((command + " 2>&1").c_str(), "r");
    std::string text;
    char buffer[4096];
    while (const std::size_t size = fread(buffer, 1, sizeof buffer, pipe)) {
        text.append(buffer, size);
    }
    EXPECT_EQ(pclose(pipe), 0) << command << '\n' << text;
    return text;
}

TEST(JournalExport, makes_one_file_per_version_that_git_can_compare) {
    const RealFolder folder;
    attune::journal::export_folder(history(), folder / "out");
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder / "out")) {
        names.push_back(entry.path().filename());
    }
    EXPECT_THAT(names, testing::UnorderedElementsAre("000000000001.json", "000000000002.json",
                                                     "000000000012.json"));
    EXPECT_EQ(contents(folder / "out/000000000002.json"), R"({
  "document": {
    "server": {
      "host": "a",
      "port": 2
    }
  },
  "kept": true,
  "layer": "over\nrides",
  "note": "before \"migration\"",
  "reason": "a reason\nin two lines",
  "time": "2023-11-14T22:13:21.5Z",
  "version": 2
}
)");
}

TEST(JournalExport, comes_back_as_a_journal) {
    const RealFolder folder;
    attune::journal::export_folder(history(), folder / "out");
    std::ofstream(folder / "out/README.json") << "not a version";
    attune::journal::import_folder(folder / "out", folder / "journal");
    EXPECT_EQ(attune::journal::read(folder / "journal"), history());
    EXPECT_TRUE(attune::journal::verify(folder / "journal"));
    EXPECT_THROW(attune::journal::import_folder(folder / "out", folder / "journal"), JournalError);

    const auto sink = attune::Journal(folder / "journal").open();
    const auto restored = sink->restore(1);
    EXPECT_EQ(restored.versions.size(), 2u);
    EXPECT_EQ(restored.versions.back(), history().back());
    EXPECT_TRUE(restored.own.is_null());
}

TEST(JournalExport, refuses_a_file_that_is_no_version) {
    const auto refused = [](const std::string& name, const std::string& text) -> std::string {
        const RealFolder folder;
        std::filesystem::create_directory(folder / "out");
        std::ofstream(folder / ("out/" + name)) << text;
        try {
            attune::journal::import_folder(folder / "out", folder / "journal");
        } catch (const JournalError& error) {
            EXPECT_THAT(error.what(), HasSubstr(name));
            return error.what();
        }
        return "nothing";
    };
    const std::string file = "000000000001.json";
    EXPECT_THAT(refused(file, R"({"time": "2023-11-14T22:13:20Z", "document": 1})"),
                HasSubstr("a positive \"version\""));
    EXPECT_THAT(refused(file, R"({"version": 0, "time": "2023-11-14T22:13:20Z", "document": 1})"),
                HasSubstr("a positive \"version\""));
    EXPECT_THAT(refused(file, R"({"version": 1, "document": 1})"), HasSubstr("a \"time\" in UTC"));
    EXPECT_THAT(refused(file,
                        R"({"version": 1, "time": "2023-11-14T22:13:20+01:00", "document": 1})"),
                HasSubstr("a \"time\" in UTC"));
    EXPECT_THAT(refused(file, R"({"version": 1, "time": "2023-13-14T22:13:20Z", "document": 1})"),
                HasSubstr("a \"time\" in UTC"));
    EXPECT_THAT(refused(file, R"({"version": 1, "time": "2023-11-14T22:13:20Z"})"),
                HasSubstr("a \"document\""));
    EXPECT_THAT(refused(file, R"({"version": 2, "time": "2023-11-14T22:13:20Z", "document": 1})"),
                HasSubstr("another version's name"));
}

TEST(JournalExport, becomes_a_history_in_git) {
    const RealFolder folder;
    {
        std::ofstream stream(folder / "stream", std::ios::binary);
        attune::journal::export_git(history(), stream);
        ASSERT_TRUE(stream.flush());
    }
    const std::string git = "git -C " + folder.path() + " ";
    output_of("git init -q " + folder.path());
    output_of(git + "fast-import --quiet < " + (folder / "stream"));
    EXPECT_EQ(output_of(git + "log --reverse --format='%s|%an|%ae|%cd' --date=iso-strict main"),
              "start|attune|attune@localhost|2023-11-14T22:13:20+00:00\n"
              "a reason in two lines|attune|attune@localhost|2023-11-14T22:13:21+00:00\n"
              "Version 12|attune|attune@localhost|2023-11-14T23:13:20+00:00\n");
    EXPECT_EQ(output_of(git +
                        "log --reverse --format='%(trailers:only,unfold,separator=%x2C)' main"),
              "Version: 1,Layer: service.json\n"
              "Version: 2,Layer: over rides,Kept: before \"migration\"\n"
              "Version: 12\n");
    const std::string history_with_changes = output_of(git + "log -p main");
    EXPECT_THAT(history_with_changes, HasSubstr("-    \"port\": 1\n+    \"port\": 2\n"));
    for (const VersionRecord& record : history()) {
        const int back = record.version == 12 ? 0 : record.version == 2 ? 1 : 2;
        EXPECT_EQ(
            attune::parse(output_of(git + "show main~" + std::to_string(back) + ":config.json")),
            record.document);
    }
    output_of(git + "fsck --strict");
}

}  // namespace
}  // namespace journal_export_test
