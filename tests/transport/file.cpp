#include <attune/transport/file.hpp>

#include "recorder.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <future>
#include <stop_token>
#include <thread>

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>

namespace {

using namespace attune_test;

/// Every way of noticing a change has to show the same behaviour.
struct Way {
    const char* name;
    std::chrono::milliseconds poll;
};

class FileTransport : public testing::TestWithParam<Way> {
protected:
    /// Quick to judge, so that tests are quick.
    attune::FileOptions options() const {
        return {.poll = GetParam().poll, .quiet = 20ms, .longest = 100ms};
    }
    /// Never judges bad news while the test runs.
    attune::FileOptions patient() const {
        attune::FileOptions patient = options();
        patient.longest = patience;
        return patient;
    }
    attune::FileOptions optional() const {
        attune::FileOptions optional = options();
        optional.optional = true;
        return optional;
    }
    std::unique_ptr<attune::Transport> open(const std::string& name,
                                            attune::FileOptions with) const {
        return attune::file(folder / name, with);
    }

    Folder folder;
    Recorder feed;
};

INSTANTIATE_TEST_SUITE_P(By, FileTransport,
                         testing::Values(Way{"notification", 0ms}, Way{"polling", 5ms}),
                         [](const auto& way) { return way.param.name; });

TEST_P(FileTransport, delivers_a_save_by_renaming) {
    folder.write("a.json", R"({"x":1})");
    Followed file{feed, open("a.json", options())};
    EXPECT_EQ(file.loaded, R"({"x":1})");
    folder.replace("a.json", R"({"x":2})");
    EXPECT_EQ(feed.next(), R"({"x":2})");
    folder.replace("a.json", R"({"x":3})");
    EXPECT_EQ(feed.next(), R"({"x":3})");
}

TEST_P(FileTransport, delivers_a_save_in_place) {
    folder.write("a.json", R"({"x":1})");
    Followed file{feed, open("a.json", options())};
    folder.write("a.json", R"({"x":2})");
    EXPECT_EQ(feed.next(), R"({"x":2})");
}

TEST_P(FileTransport, waits_for_the_rest_of_a_save_in_pieces) {
    folder.write("a.json", R"({"x":1})");
    Followed file{feed, open("a.json", patient())};
    std::ofstream out{folder / "a.json", std::ios::trunc};
    feed.pass(60ms);  // empty
    out << R"({"x":)" << std::flush;
    feed.pass(60ms);  // half a text
    out << "2}" << std::flush;
    feed.pass(0ms);
    out.close();
    EXPECT_EQ(feed.next(), R"({"x":2})");
    feed.pass(60ms);
    EXPECT_EQ(feed.waiting(), 0u);
}

TEST_P(FileTransport, follows_the_swap_of_a_mounted_volume) {
    folder.make("..2024_1");
    folder.write("..2024_1/service.json", R"({"x":1})");
    std::filesystem::create_symlink("..2024_1", folder / "..data");
    std::filesystem::create_symlink("..data/service.json", folder / "service.json");
    Followed file{feed, open("service.json", options())};
    EXPECT_EQ(file.loaded, R"({"x":1})");
    for (int i = 2; i < 6; ++i) {
        const std::string version = "..2024_" + std::to_string(i);
        const std::string text = R"({"x":)" + std::to_string(i) + '}';
        folder.make(version);
        folder.write(version + "/service.json", text);
        folder.relink("..data", version);
        folder.remove("..2024_" + std::to_string(i - 1));
        EXPECT_EQ(feed.next(), text);
    }
    feed.pass(60ms);
    EXPECT_EQ(feed.waiting(), 0u);
}

TEST_P(FileTransport, follows_links_to_other_places) {
    folder.make("one/deep");
    folder.make("two");
    folder.write("one/deep/a.json", "1");
    folder.write("two/a.json", "2");
    std::filesystem::create_symlink("../one/deep/a.json", folder / "two" / "link");
    std::filesystem::create_symlink(folder / "two/link", folder / "a.json");
    Followed file{feed, open("a.json", options())};
    EXPECT_EQ(file.loaded, "1");
    folder.write("one/deep/a.json", "3");
    EXPECT_EQ(feed.next(), "3");
    folder.relink("two/link", "a.json");
    EXPECT_EQ(feed.next(), "2");
    folder.write("two/a.json", "4");
    EXPECT_EQ(feed.next(), "4");
}

TEST_P(FileTransport, survives_links_in_a_circle) {
    folder.write("a.json", "1");
    Followed file{feed, open("a.json", options())};
    std::filesystem::create_symlink("b.json", folder / "a.json.new");
    std::filesystem::create_symlink("a.json", folder / "b.json");
    folder.rename("a.json.new", "a.json");
    EXPECT_EQ(feed.next(), "failed: " + (folder / "a.json").string() +
                               ": too many levels of symbolic links");
    folder.replace("b.json", "2");
    EXPECT_EQ(feed.next(), "2");
}

TEST_P(FileTransport, keeps_the_last_good_document_of_a_deleted_file) {
    folder.write("a.json", "1");
    Followed file{feed, open("a.json", options())};
    folder.remove("a.json");
    EXPECT_EQ(feed.next(), "failed: " + (folder / "a.json").string() +
                               ": file not found in \"" + folder.path().string() + '"');
    folder.write("a.json", "1");
    EXPECT_EQ(feed.next(), "unchanged");
    folder.remove("a.json");
    EXPECT_EQ(feed.next().substr(0, 7), "failed:");
    folder.write("a.json", "2");
    EXPECT_EQ(feed.next(), "2");
}

TEST_P(FileTransport, tells_nothing_of_a_file_that_is_back_soon) {
    folder.write("a.json", "1");
    Followed file{feed, open("a.json", patient())};
    folder.remove("a.json");
    feed.pass(60ms);
    folder.write("a.json", "1");
    feed.pass(60ms);
    folder.write("a.json", "2");
    EXPECT_EQ(feed.next(), "2");
}

TEST_P(FileTransport, empties_with_an_optional_file) {
    Followed file{feed, open("a.json", optional())};
    EXPECT_EQ(file.loaded, "null");
    folder.write("a.json", "1");
    EXPECT_EQ(feed.next(), "1");
    folder.remove("a.json");
    EXPECT_EQ(feed.next(), "null");
    folder.write("a.json", "1");
    EXPECT_EQ(feed.next(), "1");
}

TEST_P(FileTransport, waits_for_directories_that_do_not_exist_yet) {
    Followed file{feed, open("a/b/c/d.json", optional())};
    folder.make("a");
    folder.make("a/b/c");
    folder.write("a/b/c/d.json", "1");
    EXPECT_EQ(feed.next(), "1");
    folder.remove("a");
    EXPECT_EQ(feed.next(), "null");
    folder.make("z/b/c");
    folder.write("z/b/c/d.json", "2");
    folder.rename("z", "a");
    EXPECT_EQ(feed.next(), "2");
}

TEST_P(FileTransport, follows_a_directory_that_is_replaced) {
    folder.make("conf");
    folder.make("next");
    folder.write("conf/a.json", "1");
    folder.write("next/a.json", "2");
    Followed file{feed, open("conf/a.json", options())};
    folder.rename("conf", "old");
    folder.rename("next", "conf");
    EXPECT_EQ(feed.until("2"), 1u);
    folder.write("old/a.json", "8");  // of no concern any more
    folder.write("conf/a.json", "3");
    EXPECT_EQ(feed.next(), "3");
}

TEST_P(FileTransport, reports_a_directory_in_the_place_of_the_file) {
    folder.write("a.json", "1");
    Followed file{feed, open("a.json", options())};
    folder.remove("a.json");
    folder.make("a.json");
    EXPECT_EQ(feed.next(), "failed: " + (folder / "a.json").string() +
                               ": expected a regular file, found a directory");
    folder.remove("a.json");
    folder.write("a.json", "2");
    EXPECT_EQ(feed.next(), "2");
}

TEST_P(FileTransport, tells_nothing_of_a_save_without_a_change) {
    folder.write("a.json", "1");
    Followed file{feed, open("a.json", options())};
    std::filesystem::last_write_time(folder / "a.json", std::filesystem::file_time_type::clock::now());
    feed.pass(60ms);
    folder.write("a.json", "1");
    feed.pass(60ms);
    folder.replace("a.json", "1");
    feed.pass(60ms);
    folder.write("other.json", "9");
    feed.pass(60ms);
    folder.write("a.json", "2");
    EXPECT_EQ(feed.next(), "2");
}

TEST_P(FileTransport, brings_the_last_of_a_burst_of_saves) {
    folder.write("a.json", "0");
    Followed file{feed, open("a.json", options())};
    constexpr int saves = 500;
    for (int i = 1; i <= saves; ++i) {
        i % 2 == 0 ? folder.write("a.json", std::to_string(i))
                   : folder.replace("a.json", std::to_string(i));
    }
    const std::size_t deliveries = feed.until(std::to_string(saves));
    EXPECT_GE(deliveries, 1u);
    EXPECT_LE(deliveries, saves / 5u);
}

TEST_P(FileTransport, judges_an_endless_burst_after_a_while) {
    folder.write("a.json", "0");
    Followed file{feed, open("a.json", options())};
    const std::jthread writer{[&](const std::stop_token& enough) {
        for (int i = 1; !enough.stop_requested(); ++i) {
            folder.replace("a.json", std::to_string(i));
        }
    }};
    EXPECT_NE(feed.next(), "nothing");
    EXPECT_NE(feed.next(), "nothing");
}

TEST_P(FileTransport, understands_how_vim_saves) {
    folder.write("a.json", "1");
    Followed file{feed, open("a.json", patient())};
    folder.rename("a.json", "a.json~");
    folder.write("a.json", "2");
    std::filesystem::permissions(folder / "a.json", std::filesystem::perms::owner_all);
    folder.remove("a.json~");
    EXPECT_EQ(feed.next(), "2");
    feed.pass(60ms);
    EXPECT_EQ(feed.waiting(), 0u);
}

TEST_P(FileTransport, understands_how_sed_saves) {
    folder.write("a.json", "1");
    Followed file{feed, open("a.json", patient())};
    folder.write("sedqX3k1", "2");
    std::filesystem::permissions(folder / "sedqX3k1", std::filesystem::perms::owner_all);
    folder.rename("sedqX3k1", "a.json");
    EXPECT_EQ(feed.next(), "2");
    feed.pass(60ms);
    EXPECT_EQ(feed.waiting(), 0u);
}

TEST_P(FileTransport, notices_what_is_written_under_another_name) {
    folder.make("elsewhere");
    folder.write("elsewhere/b.json", "1");
    std::filesystem::create_hard_link(folder / "elsewhere/b.json", folder / "a.json");
    Followed file{feed, open("a.json", options())};
    folder.write("elsewhere/b.json", "2");
    EXPECT_EQ(feed.next(), "2");
}

TEST_P(FileTransport, reports_a_broken_edit_once) {
    folder.write("a.json", "1");
    Followed file{feed, open("a.json", options())};
    const std::string place = (folder / "a.json").string();
    folder.write("a.json", "{\n  \"x\": nope\n}");
    const std::string failure = feed.next();
    EXPECT_EQ(failure.find("failed: " + place + ":2:8: "), 0u) << failure;
    folder.replace("a.json", "{\n  \"x\": nope\n}");
    feed.pass(150ms);
    EXPECT_EQ(feed.waiting(), 0u);
    folder.write("a.json", "{\n  \"x\": 1,\n  \"y\": nope\n}");
    EXPECT_EQ(feed.next().find("failed: " + place + ":3:8: "), 0u);
    folder.write("a.json", "1");
    EXPECT_EQ(feed.next(), "unchanged");
    folder.write("a.json", "");
    EXPECT_EQ(feed.next().find("failed: " + place), 0u);
    folder.write("a.json", "2");
    EXPECT_EQ(feed.next(), "2");
}

TEST_P(FileTransport, reports_permissions_that_were_lost) {
    const std::string result = without_privileges(folder, [&]() -> std::string {
        Recorder child;
        folder.write("a.json", "1");
        Followed file{child, open("a.json", options())};
        ::chmod((folder / "a.json").c_str(), 0);
        const std::string failure = child.next();
        if (failure != "failed: " + (folder / "a.json").string() + ": permission denied") {
            return failure;
        }
        ::chmod((folder / "a.json").c_str(), 0600);
        if (const std::string back = child.next(); back != "unchanged") {
            return back;
        }
        ::chmod(folder.path().c_str(), 0);
        if (const std::string again = child.next(); again != failure) {
            return again;
        }
        ::chmod(folder.path().c_str(), 0700);
        if (const std::string back = child.next(); back != "unchanged") {
            return back;
        }
        folder.write("a.json", "2");
        const std::string last = child.next();
        return last == "2" ? "ok" : last;
    });
    if (result == "skip") {
        GTEST_SKIP() << "permissions do not bind this process, and it cannot become another";
    }
    EXPECT_EQ(result, "ok");
}

TEST_P(FileTransport, notices_changes_behind_an_unreadable_directory) {
    const std::string result = without_privileges(folder, [&]() -> std::string {
        Recorder child;
        folder.make("hidden/conf");
        folder.write("hidden/conf/a.json", "1");
        ::chmod((folder / "hidden").c_str(), 0311);
        Followed file{child, open("hidden/conf/a.json", options())};
        folder.rename("hidden/conf", "hidden/old");
        folder.make("hidden/conf");
        folder.write("hidden/conf/a.json", "2");
        const std::string told = child.next();
        ::chmod((folder / "hidden").c_str(), 0700);
        return told == "2" ? "ok" : told;
    });
    if (result == "skip") {
        GTEST_SKIP() << "permissions do not bind this process, and it cannot become another";
    }
    EXPECT_EQ(result, "ok");
}

TEST_P(FileTransport, delivers_what_changed_before_it_was_started) {
    folder.write("a.json", "1");
    const auto file = open("a.json", options());
    EXPECT_EQ(text_of(file->load()), "1");
    folder.write("a.json", "2");
    file->start(feed);
    EXPECT_EQ(feed.next(), "2");
    file->stop();
}

TEST_P(FileTransport, tells_nothing_after_a_stop) {
    folder.write("a.json", "1");
    const auto file = open("a.json", options());
    (void)file->load();
    file->start(feed);
    folder.write("a.json", "2");
    EXPECT_EQ(feed.next(), "2");
    folder.write("a.json", "3");
    file->stop();
    const std::size_t before = feed.waiting();
    folder.write("a.json", "4");
    feed.pass(60ms);
    EXPECT_EQ(feed.waiting(), before);
    file->stop();
}

TEST_P(FileTransport, may_be_destroyed_from_inside_a_delivery) {
    folder.write("a.json", "1");
    auto file = open("a.json", options());
    (void)file->load();
    feed.on_tell = [&] {
        file->stop();
        file.reset();
    };
    file->start(feed);
    folder.write("a.json", "2");
    EXPECT_EQ(feed.next(), "2");
    folder.write("a.json", "3");
    feed.pass(60ms);
    EXPECT_EQ(feed.waiting(), 0u);
}

TEST_P(FileTransport, may_be_stopped_at_any_moment) {
    folder.write("a.json", "0");
    const std::jthread writer{[&](const std::stop_token& enough) {
        for (int i = 1; !enough.stop_requested(); ++i) {
            folder.replace("a.json", std::to_string(i));
        }
    }};
    auto eager = options();
    eager.quiet = 0ms;
    eager.longest = patience;
    for (int i = 0; i < 50; ++i) {
        std::atomic<bool> stopped = false;
        std::atomic<bool> late = false;
        feed.on_tell = [&] { late = late || stopped; };
        const auto file = open("a.json", eager);
        (void)file->load();
        file->start(feed);
        if (i % 3 == 0) {
            feed.pass(std::chrono::milliseconds(i % 7));
        }
        file->stop();
        stopped = true;
        EXPECT_FALSE(late);
        feed.pass(0ms);
        EXPECT_FALSE(late);
    }
}

TEST_P(FileTransport, ends_with_what_is_in_the_file_whoever_loads_meanwhile) {
    folder.write("a.json", "0");
    auto eager = options();
    eager.quiet = 1ms;
    // The store: whoever comes last wins.
    struct Last : Recorder {
        void content(attune::Content content) override { take(content); }
        void take(const attune::Content& content) {
            const std::scoped_lock lock{mutex};
            last = text_of(content);
            changed.notify_all();
        }
        std::mutex mutex;
        std::condition_variable changed;
        std::string last;
    } store;
    const auto file = open("a.json", eager);
    store.take(file->load());
    file->start(store);
    constexpr int saves = 300;
    std::jthread writer{[&] {
        for (int i = 1; i <= saves; ++i) {
            folder.replace("a.json", std::to_string(i));
            store.pass(std::chrono::milliseconds(i % 3));
        }
    }};
    for (int i = 0; i < saves; ++i) {
        store.take(file->load());
    }
    writer.join();
    {
        std::unique_lock lock{store.mutex};
        EXPECT_TRUE(store.changed.wait_for(lock, patience,
                                           [&] { return store.last == std::to_string(saves); }));
    }
    store.pass(30ms);
    EXPECT_EQ(store.last, std::to_string(saves));
    file->stop();
}

TEST_P(FileTransport, leaves_no_descriptor_open) {
    folder.write("a.json", "1");
    const std::size_t before = open_descriptors();
    {
        Recorder own;
        Followed a{own, open("a.json", options())};
        Followed b{own, open("a.json", options())};
        folder.write("a.json", "2");
        EXPECT_EQ(own.next(), "2");
        EXPECT_EQ(own.next(), "2");
    }
    EXPECT_EQ(open_descriptors(), before);
}

class FileLoad : public testing::Test {
protected:
    std::string error_of(const std::string& name, attune::FileOptions options = {}) const {
        return load_error(*attune::file(folder / name, options));
    }
    std::string place(const std::string& name) const { return (folder / name).string(); }

    Folder folder;
};

TEST_F(FileLoad, is_named_as_it_was_written) {
    EXPECT_EQ(attune::file("conf/service.json")->name(), "file conf/service.json");
    EXPECT_FALSE(attune::file("x")->remote());
    EXPECT_FALSE(attune::file("x")->writable());
}

TEST_F(FileLoad, takes_options_as_they_are_written_in_programs) {
    EXPECT_EQ(text_of(attune::file(folder / "none.json", {.optional = true})->load()), "null");
    folder.write("a.json", "1");
    EXPECT_EQ(text_of(attune::file(folder / "a.json", {.poll = 1s})->load()), "1");
}

TEST_F(FileLoad, says_where_it_looked_for_a_missing_file) {
    folder.write("service.json", "1");
    EXPECT_EQ(error_of("servcie.json"), place("servcie.json") + ": file not found in \"" +
                                            folder.path().string() +
                                            "\"; did you mean \"service.json\"?");
    EXPECT_EQ(error_of("no/where/x.json"), place("no/where/x.json") +
                                               ": file not found; there is no directory \"" +
                                               place("no/where") + '"');
}

TEST_F(FileLoad, takes_a_relative_path_from_the_directory_of_the_call) {
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

TEST_F(FileLoad, refuses_what_is_not_a_regular_file) {
    ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
    folder.make("folder");
    EXPECT_EQ(error_of("pipe"), place("pipe") + ": expected a regular file, found a pipe");
    EXPECT_EQ(error_of("folder"), place("folder") + ": expected a regular file, found a directory");
    EXPECT_EQ(error_of("/dev/null"), "/dev/null: expected a regular file, found a device");
    EXPECT_EQ(error_of("pipe", {.optional = true}),
              place("pipe") + ": expected a regular file, found a pipe");
}

TEST_F(FileLoad, refuses_a_file_that_is_too_large) {
    folder.write("a.json", std::string(20, ' ') + "1");
    EXPECT_EQ(error_of("a.json", {.max_bytes = 20}),
              place("a.json") + ": larger than the limit of 20 bytes");
    EXPECT_EQ(error_of("a.json", {.max_bytes = 21}), "loaded 1");
}

TEST_F(FileLoad, reads_files_that_do_not_know_their_size) {
    if (!std::filesystem::exists("/proc/sys/kernel/pid_max")) {
        GTEST_SKIP() << "needs /proc";
    }
    const std::string loaded = load_error(*attune::file("/proc/sys/kernel/pid_max"));
    EXPECT_EQ(loaded.find("loaded "), 0u) << loaded;
}

TEST_F(FileLoad, allows_comments_by_extension_or_by_option) {
    const std::string text = "// what for\n1";
    folder.write("a.json", text);
    folder.write("a.jsonc", text);
    EXPECT_EQ(error_of("a.json").find(place("a.json") + ":1:1: "), 0u);
    EXPECT_EQ(error_of("a.jsonc"), "loaded 1");
    EXPECT_EQ(error_of("a.json", {.comments = true}), "loaded 1");
    EXPECT_EQ(error_of("a.jsonc", {.comments = false}).find(place("a.jsonc") + ":1:1: "), 0u);
}

TEST_F(FileLoad, passes_the_limits_of_parsing_on) {
    folder.write("twice.json", R"({"a":1,"a":2})");
    folder.write("deep.json", "[[[1]]]");
    EXPECT_EQ(error_of("twice.json").find(place("twice.json") + ":1:8: "), 0u);
    EXPECT_EQ(error_of("twice.json", {.duplicates = attune::Duplicates::last}),
              R"(loaded {"a":2})");
    EXPECT_EQ(error_of("deep.json", {.max_depth = 2}).find(place("deep.json") + ":1:"), 0u);
    EXPECT_EQ(error_of("deep.json", {.max_depth = 3}), "loaded [[[1]]]");
}

TEST_F(FileLoad, tells_where_a_value_stands) {
    folder.write("a.json", "{\n  \"x\": 1\n}");
    const attune::Content content = attune::file(folder / "a.json")->load();
    ASSERT_NE(content.source, nullptr);
    EXPECT_EQ(to_string(content.source->locate("x", attune::Part::value)), place("a.json") + ":2:8");
}

TEST_F(FileLoad, waits_for_a_save_in_progress) {
    std::ofstream out{folder / "a.json"};
    out << R"({"x":)" << std::flush;
    const auto file = attune::file(folder / "a.json", {.quiet = 2s, .longest = patience});
    auto loaded = std::async(std::launch::async, [&] { return text_of(file->load()); });
    out << "1}" << std::flush;
    EXPECT_EQ(loaded.get(), R"({"x":1})");
}

TEST_F(FileLoad, does_not_wait_for_a_text_that_has_been_wrong_for_long) {
    folder.write("a.json", "{");
    std::filesystem::last_write_time(folder / "a.json",
                                     std::filesystem::file_time_type::clock::now() - 1h);
    EXPECT_EQ(error_of("a.json", {.quiet = 1min, .longest = 10min}).find(place("a.json")), 0u);
}

TEST_F(FileLoad, does_not_watch_when_told_so) {
    folder.write("a.json", "1");
    Recorder feed;
    Followed file{feed, attune::file(folder / "a.json", {.quiet = 0ms, .watch = false})};
    folder.write("a.json", "2");
    feed.pass(50ms);
    EXPECT_EQ(feed.waiting(), 0u);
    EXPECT_EQ(text_of(file->load()), "2");
}

TEST_F(FileLoad, takes_any_time_of_modification) {
    folder.write("a.json", "{");
    for (const std::int64_t seconds : {std::int64_t{-5'000'000'000}, std::int64_t{20'000'000'000}}) {
        const timespec times[2] = {{seconds, 0}, {seconds, 0}};
        ASSERT_EQ(::utimensat(AT_FDCWD, place("a.json").c_str(), times, 0), 0);
        EXPECT_EQ(error_of("a.json", {.quiet = 1min, .longest = 10min}).find(place("a.json")), 0u);
    }
}

#if !defined(ATTUNE_NO_INOTIFY)

TEST(FileNotification, needs_one_instance_for_all_files_of_a_store) {
    Folder folder;
    Recorder feed;
    const std::size_t before = open_descriptors("anon_inode:inotify");
    std::vector<std::unique_ptr<Followed>> files;
    for (int i = 0; i < 5; ++i) {
        const std::string name = std::to_string(i) + ".json";
        folder.write(name, "0");
        files.push_back(
            std::make_unique<Followed>(feed, attune::file(folder / name, {.quiet = 20ms})));
    }
    for (int i = 0; i < 5; ++i) {
        folder.write(std::to_string(i) + ".json", std::to_string(10 + i));
        EXPECT_EQ(feed.next(), std::to_string(10 + i));
        if (i == 2) {
            files.erase(files.begin());  // the others keep the watch they share
        }
    }
    EXPECT_EQ(open_descriptors("anon_inode:inotify"), before + 1);
}

TEST(FileNotification, gives_way_to_polling_when_no_instance_is_to_be_had) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "would take the instances of other programs of this user";
    }
    Folder folder;
    const std::string result = without_privileges(folder, [&]() -> std::string {
        while (::inotify_init1(IN_CLOEXEC) >= 0) {
        }
        if (open_descriptors("anon_inode:inotify") == 0 || ::dup(0) < 0) {
            return "skip";  // not the limit of instances was met, but that of descriptors
        }
        folder.write("a.json", "1");
        Recorder child;
        Followed file{child, attune::file(folder / "a.json", {.quiet = 20ms})};
        folder.write("a.json", "2");
        const std::string told = child.next();
        return told == "2" ? "ok" : told;
    });
    if (result == "skip") {
        GTEST_SKIP() << "no unprivileged process to be had, or too many instances to use up";
    }
    EXPECT_EQ(result, "ok");
}

TEST(FileNotification, reads_again_when_events_were_lost) {
    Folder folder;
    folder.write("a.json", "1");
    Recorder feed;
    Followed file{feed, attune::file(folder / "a.json", {.quiet = 20ms})};
    folder.write("a.json", "2");
    EXPECT_EQ(feed.next(), "2");
    std::size_t limit = 0;
    std::ifstream{"/proc/sys/fs/inotify/max_queued_events"} >> limit;
    if (limit == 0 || limit > 100'000) {
        GTEST_SKIP() << "the queue of events is too long to fill";
    }
    std::promise<void> filled;
    feed.poller().post([&] { filled.get_future().wait(); });
    for (std::size_t i = 0; i < limit; ++i) {
        // Different names, since equal events in a row are one.
        const std::string other = (folder / std::to_string(i % 2)).string();
        ::close(::open(other.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
        ::unlink(other.c_str());
    }
    folder.replace("a.json", "3");
    filled.set_value();
    EXPECT_EQ(feed.next(), "3");
    folder.write("a.json", "4");
    EXPECT_EQ(feed.next(), "4");
}

#endif

}  // namespace
