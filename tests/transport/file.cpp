#include <attune/transport/file.hpp>

#include "recorder.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <future>

#include <fcntl.h>
#include <sys/stat.h>

namespace {

using namespace attune_test;

class File : public testing::Test {
protected:
    std::string error_of(const std::string& name, attune::FileOptions options = {}) const {
        return load_error(*attune::file(folder / name, options));
    }
    std::string place(const std::string& name) const { return (folder / name).string(); }

    Folder folder;
};

TEST_F(File, is_named_as_it_was_written) {
    EXPECT_EQ(attune::file("conf/service.json")->name(), "file conf/service.json");
    EXPECT_FALSE(attune::file("x")->remote());
    EXPECT_FALSE(attune::file("x")->writable());
}

TEST_F(File, takes_options_as_they_are_written_in_programs) {
    EXPECT_EQ(text_of(attune::file(folder / "none.json", {.optional = true})->load()), "null");
    folder.write("a.json", "1");
    EXPECT_EQ(text_of(attune::file(folder / "a.json", {.poll = 1s})->load()), "1");
}

TEST_F(File, says_where_it_looked_for_a_missing_file) {
    folder.write("service.json", "1");
    EXPECT_EQ(error_of("servcie.json"), place("servcie.json") + ": file not found in \"" +
                                            folder.path().string() +
                                            "\"; did you mean \"service.json\"?");
    EXPECT_EQ(error_of("no/where/x.json"), place("no/where/x.json") + ": file not found in \"" +
                                               place("no/where") +
                                               "\": there is no such directory");
}

TEST_F(File, takes_a_relative_path_from_the_directory_of_the_call) {
    folder.make("one");
    folder.write("one/a.json", "1");
    const auto before = std::filesystem::current_path();
    std::filesystem::current_path(folder / "one");
    const auto file = attune::file("a.json");
    const auto missing = attune::file("b.json");
    std::filesystem::current_path(before);
    EXPECT_EQ(text_of(file->load()), "1");
    EXPECT_EQ(load_error(*missing).find("b.json: file not found in \"" + place("one") + '"'), 0u);
}

TEST_F(File, refuses_what_is_not_a_regular_file) {
    ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
    folder.make("folder");
    EXPECT_EQ(error_of("pipe"), place("pipe") + ": expected a regular file, found a pipe");
    EXPECT_EQ(error_of("folder"), place("folder") + ": expected a regular file, found a directory");
    EXPECT_EQ(error_of("/dev/null"), "/dev/null: expected a regular file, found a device");
    EXPECT_EQ(error_of("pipe", {.optional = true}),
              place("pipe") + ": expected a regular file, found a pipe");
}

TEST_F(File, refuses_a_file_that_is_too_large) {
    folder.write("a.json", std::string(20, ' ') + "1");
    EXPECT_EQ(error_of("a.json", {.max_bytes = 20}),
              place("a.json") + ": larger than the limit of 20 bytes");
    EXPECT_EQ(error_of("a.json", {.max_bytes = 21}), "loaded 1");
}

TEST_F(File, reads_files_that_do_not_know_their_size) {
    if (!std::filesystem::exists("/proc/sys/kernel/pid_max")) {
        GTEST_SKIP() << "needs /proc";
    }
    const std::string loaded = load_error(*attune::file("/proc/sys/kernel/pid_max"));
    EXPECT_EQ(loaded.find("loaded "), 0u) << loaded;
}

TEST_F(File, allows_comments_by_extension_or_by_option) {
    const std::string text = "// what for\n1";
    folder.write("a.json", text);
    folder.write("a.jsonc", text);
    EXPECT_EQ(error_of("a.json").find(place("a.json") + ":1:1: "), 0u);
    EXPECT_EQ(error_of("a.jsonc"), "loaded 1");
    EXPECT_EQ(error_of("a.json", {.comments = true}), "loaded 1");
    EXPECT_EQ(error_of("a.jsonc", {.comments = false}).find(place("a.jsonc") + ":1:1: "), 0u);
}

TEST_F(File, passes_the_limits_of_parsing_on) {
    folder.write("twice.json", R"({"a":1,"a":2})");
    folder.write("deep.json", "[[[1]]]");
    EXPECT_EQ(error_of("twice.json").find(place("twice.json") + ":1:8: "), 0u);
    EXPECT_EQ(error_of("twice.json", {.duplicates = attune::Duplicates::last}),
              R"(loaded {"a":2})");
    EXPECT_EQ(error_of("deep.json", {.max_depth = 2}).find(place("deep.json") + ":1:"), 0u);
    EXPECT_EQ(error_of("deep.json", {.max_depth = 3}), "loaded [[[1]]]");
}

TEST_F(File, tells_where_a_value_stands) {
    folder.write("a.json", "{\n  \"x\": 1\n}");
    const attune::Content content = attune::file(folder / "a.json")->load();
    ASSERT_NE(content.source, nullptr);
    EXPECT_EQ(to_string(content.source->locate("x", attune::Part::value)),
              place("a.json") + ":2:8");
}

TEST_F(File, waits_for_a_save_in_progress) {
    std::ofstream out{folder / "a.json"};
    out << R"({"x":)" << std::flush;
    const auto file = attune::file(folder / "a.json", {.quiet = 2s, .longest = patience});
    auto loaded = std::async(std::launch::async, [&] { return text_of(file->load()); });
    out << "1}" << std::flush;
    EXPECT_EQ(loaded.get(), R"({"x":1})");
}

TEST_F(File, does_not_wait_for_a_text_that_has_been_wrong_for_long) {
    folder.write("a.json", "{");
    std::filesystem::last_write_time(folder / "a.json",
                                     std::filesystem::file_time_type::clock::now() - 1h);
    EXPECT_EQ(error_of("a.json", {.quiet = 1min, .longest = 10min}).find(place("a.json")), 0u);
}

TEST_F(File, does_not_watch_when_told_so) {
    folder.write("a.json", "1");
    Recorder feed;
    Followed file{feed, attune::file(folder / "a.json", {.quiet = 0ms, .watch = false})};
    folder.write("a.json", "2");
    feed.pass(50ms);
    EXPECT_EQ(feed.waiting(), 0u);
    EXPECT_EQ(text_of(file->load()), "2");
}

TEST_F(File, takes_any_time_of_modification) {
    folder.write("a.json", "{");
    for (const std::int64_t seconds :
         {std::int64_t{-5'000'000'000}, std::int64_t{20'000'000'000}}) {
        const timespec times[2] = {{seconds, 0}, {seconds, 0}};
        ASSERT_EQ(::utimensat(AT_FDCWD, place("a.json").c_str(), times, 0), 0);
        EXPECT_EQ(error_of("a.json", {.quiet = 1min, .longest = 10min}).find(place("a.json")), 0u);
    }
}

}  // namespace
