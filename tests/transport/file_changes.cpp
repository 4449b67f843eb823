#include <attune/transport/file.hpp>

#include "file_fixture.hpp"

#include <gtest/gtest.h>

#include <stop_token>
#include <thread>

#include <sys/stat.h>

namespace {

using namespace attune_test;

class FileChanges : public FileTransport {};
INSTANTIATE_TEST_SUITE_P(By, FileChanges, every_way(), way_name);

TEST_P(FileChanges, delivers_a_save_by_renaming) {
    folder.write("a.json", R"({"x":1})");
    Followed file{feed, open("a.json", options())};
    EXPECT_EQ(file.loaded, R"({"x":1})");
    folder.replace("a.json", R"({"x":2})");
    EXPECT_EQ(feed.next(), R"({"x":2})");
    folder.replace("a.json", R"({"x":3})");
    EXPECT_EQ(feed.next(), R"({"x":3})");
}

TEST_P(FileChanges, delivers_a_save_in_place) {
    folder.write("a.json", R"({"x":1})");
    Followed file{feed, open("a.json", options())};
    folder.write("a.json", R"({"x":2})");
    EXPECT_EQ(feed.next(), R"({"x":2})");
}

TEST_P(FileChanges, waits_for_the_rest_of_a_save_in_pieces) {
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

TEST_P(FileChanges, follows_the_swap_of_a_mounted_volume) {
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

TEST_P(FileChanges, follows_links_to_other_places) {
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

TEST_P(FileChanges, survives_links_in_a_circle) {
    folder.write("a.json", "1");
    Followed file{feed, open("a.json", options())};
    std::filesystem::create_symlink("b.json", folder / "a.json.new");
    std::filesystem::create_symlink("a.json", folder / "b.json");
    folder.rename("a.json.new", "a.json");
    EXPECT_EQ(feed.next(),
              "failed: " + (folder / "a.json").string() + ": too many levels of symbolic links");
    folder.replace("b.json", "2");
    EXPECT_EQ(feed.next(), "2");
}

TEST_P(FileChanges, keeps_the_last_good_document_of_a_deleted_file) {
    folder.write("a.json", "1");
    Followed file{feed, open("a.json", options())};
    folder.remove("a.json");
    EXPECT_EQ(feed.next(), "failed: " + (folder / "a.json").string() + ": file not found in \"" +
                               folder.path().string() + '"');
    folder.write("a.json", "1");
    EXPECT_EQ(feed.next(), "unchanged");
    folder.remove("a.json");
    EXPECT_EQ(feed.next().substr(0, 7), "failed:");
    folder.write("a.json", "2");
    EXPECT_EQ(feed.next(), "2");
}

TEST_P(FileChanges, tells_nothing_of_a_file_that_is_back_soon) {
    folder.write("a.json", "1");
    Followed file{feed, open("a.json", patient())};
    folder.remove("a.json");
    feed.pass(60ms);
    folder.write("a.json", "1");
    feed.pass(60ms);
    folder.write("a.json", "2");
    EXPECT_EQ(feed.next(), "2");
}

TEST_P(FileChanges, empties_with_an_optional_file) {
    Followed file{feed, open("a.json", optional())};
    EXPECT_EQ(file.loaded, "null");
    folder.write("a.json", "1");
    EXPECT_EQ(feed.next(), "1");
    folder.remove("a.json");
    EXPECT_EQ(feed.next(), "null");
    folder.write("a.json", "1");
    EXPECT_EQ(feed.next(), "1");
}

TEST_P(FileChanges, waits_for_directories_that_do_not_exist_yet) {
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

TEST_P(FileChanges, follows_a_directory_that_is_replaced) {
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

TEST_P(FileChanges, reports_a_directory_in_the_place_of_the_file) {
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

TEST_P(FileChanges, tells_nothing_of_a_save_without_a_change) {
    folder.write("a.json", "1");
    Followed file{feed, open("a.json", options())};
    std::filesystem::last_write_time(folder / "a.json",
                                     std::filesystem::file_time_type::clock::now());
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

TEST_P(FileChanges, brings_the_last_of_a_burst_of_saves) {
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

TEST_P(FileChanges, judges_an_endless_burst_after_a_while) {
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

TEST_P(FileChanges, understands_how_vim_saves) {
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

TEST_P(FileChanges, understands_how_sed_saves) {
    folder.write("a.json", "1");
    Followed file{feed, open("a.json", patient())};
    folder.write("sedqX3k1", "2");
    std::filesystem::permissions(folder / "sedqX3k1", std::filesystem::perms::owner_all);
    folder.rename("sedqX3k1", "a.json");
    EXPECT_EQ(feed.next(), "2");
    feed.pass(60ms);
    EXPECT_EQ(feed.waiting(), 0u);
}

TEST_P(FileChanges, notices_what_is_written_under_another_name) {
    folder.make("elsewhere");
    folder.write("elsewhere/b.json", "1");
    std::filesystem::create_hard_link(folder / "elsewhere/b.json", folder / "a.json");
    Followed file{feed, open("a.json", options())};
    folder.write("elsewhere/b.json", "2");
    EXPECT_EQ(feed.next(), "2");
}

TEST_P(FileChanges, reports_a_broken_edit_once) {
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

TEST_P(FileChanges, reports_permissions_that_were_lost) {
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

TEST_P(FileChanges, notices_changes_behind_an_unreadable_directory) {
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

}  // namespace
