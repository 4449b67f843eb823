#include <attune/transport/directory.hpp>

#include "recorder.hpp"
#include "way.hpp"

#include <gtest/gtest.h>

#include <stop_token>
#include <thread>

#include <sys/stat.h>

namespace {

using namespace attune_test;

class DirectoryTransport : public testing::TestWithParam<Way> {
protected:
    attune::DirectoryOptions options() const {
        return {.poll = GetParam().poll, .quiet = 20ms, .longest = 100ms};
    }
    attune::DirectoryOptions optional() const {
        attune::DirectoryOptions optional = options();
        optional.optional = true;
        return optional;
    }
    std::unique_ptr<attune::Transport> open(const std::string& name,
                                            attune::DirectoryOptions with) const {
        return attune::directory(folder / name, with);
    }

    Folder folder;
    Recorder feed;
};

INSTANTIATE_TEST_SUITE_P(By, DirectoryTransport, every_way(), way_name);

TEST_P(DirectoryTransport, delivers_each_change_once) {
    folder.make("d/server");
    folder.write("d/server/port", "80\n");
    Followed directory{feed, open("d", options())};
    EXPECT_EQ(directory.loaded, "server.port=80");
    folder.write("d/server/port", "81\n");
    EXPECT_EQ(feed.next(), "server.port=81");
    folder.write("d/server.host", "h");
    EXPECT_EQ(feed.next(), "server.host=h server.port=81");
    folder.remove("d/server");
    EXPECT_EQ(feed.next(), "server.host=h");
    folder.write("d/server.host", "h\n");  // the same value, other bytes
    EXPECT_EQ(feed.next(), "server.host=h");
}

TEST_P(DirectoryTransport, takes_folders_that_are_made_later) {
    folder.make("d");
    Followed directory{feed, open("d", options())};
    EXPECT_EQ(directory.loaded, "null");
    folder.make("d/a/b/c");
    folder.write("d/a/b/c/x", "1");
    EXPECT_EQ(feed.until("a.b.c.x=1"), 1u);
    folder.write("d/a/b/y", "2");
    EXPECT_EQ(feed.next(), "a.b.c.x=1 a.b.y=2");
    folder.make("e/c");
    folder.write("e/c/z", "3");
    folder.rename("e", "d/e");
    EXPECT_EQ(feed.next(), "a.b.c.x=1 a.b.y=2 e.c.z=3");
}

TEST_P(DirectoryTransport, swaps_a_mounted_volume_as_one) {
    constexpr int keys = 20;
    const auto publish = [&](int version) {
        const std::string data = "..2024_" + std::to_string(version);
        folder.make("d/" + data);
        for (int key = 0; key < keys; ++key) {
            folder.write("d/" + data + "/k" + std::to_string(10 + key), std::to_string(version));
        }
        folder.relink("d/..data", data);
        if (version > 1) {
            folder.remove("d/..2024_" + std::to_string(version - 1));
        }
    };
    const auto expected = [](int version) {
        std::string text;
        for (int key = 0; key < keys; ++key) {
            text += key == 0 ? "k" : " k";
            text += std::to_string(10 + key) + '=' + std::to_string(version);
        }
        return text;
    };
    folder.make("d");
    publish(1);
    for (int key = 0; key < keys; ++key) {
        const std::string name = "k" + std::to_string(10 + key);
        std::filesystem::create_symlink("..data/" + name, folder / "d" / name);
    }
    Followed directory{feed, open("d", options())};
    EXPECT_EQ(directory.loaded, expected(1));
    for (int version = 2; version < 6; ++version) {
        publish(version);
        EXPECT_EQ(feed.next(), expected(version));
    }
    feed.pass(60ms);
    EXPECT_EQ(feed.waiting(), 0u);
    folder.write("d/..2024_5/k10", "9");
    EXPECT_EQ(feed.next(), "k10=9" + expected(5).substr(5));
}

TEST_P(DirectoryTransport, never_mixes_two_states_of_a_volume) {
    folder.make("d/..0");
    folder.write("d/..0/a", "0");
    folder.write("d/..0/b", "0");
    std::filesystem::create_symlink("..0", folder / "d/..data");
    std::filesystem::create_symlink("..data/a", folder / "d/a");
    std::filesystem::create_symlink("..data/b", folder / "d/b");
    const std::jthread writer{[&](const std::stop_token& enough) {
        for (int i = 1; !enough.stop_requested(); ++i) {
            const std::string version = ".." + std::to_string(i);
            folder.make("d/" + version);
            folder.write("d/" + version + "/a", std::to_string(i));
            folder.write("d/" + version + "/b", std::to_string(i));
            folder.relink("d/..data", version);
            folder.remove("d/.." + std::to_string(i - 1));
            feed.pass(2ms);
        }
    }};
    auto eager = options();
    eager.quiet = 0ms;
    eager.longest = patience;
    const auto whole = [](const std::string& told) {
        const std::string a = told.substr(0, told.find(' '));
        return told == "a=" + a.substr(2) + " b=" + a.substr(2);
    };
    Followed directory{feed, open("d", eager)};
    EXPECT_TRUE(whole(directory.loaded)) << directory.loaded;
    for (int i = 0; i < 20; ++i) {
        const std::string told = feed.next();
        EXPECT_TRUE(whole(told)) << told;
    }
}

TEST_P(DirectoryTransport, tells_nothing_of_files_without_a_meaning) {
    folder.make("d");
    folder.write("d/a", "1");
    Followed directory{feed, open("d", options())};
    folder.write("d/.hidden", "2");
    folder.make("d/.git");
    folder.write("d/.git/b", "2");
    ASSERT_EQ(::mkfifo((folder / "d/pipe").c_str(), 0600), 0);
    feed.pass(60ms);
    folder.write("d/a", "1");
    feed.pass(60ms);
    folder.write("d/a", "3");
    EXPECT_EQ(feed.next(), "a=3");
}

TEST_P(DirectoryTransport, keeps_the_last_good_values_of_a_deleted_directory) {
    folder.make("d");
    folder.write("d/a", "1");
    Followed directory{feed, open("d", options())};
    folder.remove("d");
    EXPECT_EQ(feed.next(), "failed: " + (folder / "d").string() + ": directory not found in \"" +
                               folder.path().string() + '"');
    folder.make("e");
    folder.write("e/a", "1");
    folder.rename("e", "d");
    EXPECT_EQ(feed.next(), "unchanged");
    folder.remove("d");
    folder.write("d", "1");
    EXPECT_EQ(feed.next(),
              "failed: " + (folder / "d").string() + ": expected a directory, found a file");
}

TEST_P(DirectoryTransport, empties_with_an_optional_directory) {
    Followed directory{feed, open("x/d", optional())};
    EXPECT_EQ(directory.loaded, "null");
    folder.make("x/d");
    folder.write("x/d/a", "1");
    EXPECT_EQ(feed.until("a=1"), 1u);
    folder.remove("x");
    EXPECT_EQ(feed.until("null"), 1u);
}

TEST_P(DirectoryTransport, reports_a_bad_file_once_and_recovers) {
    folder.make("d");
    folder.write("d/a", "1");
    Followed directory{feed, open("d", options())};
    folder.write("d/b", "\xFF\xFE");
    const std::string failure =
        "failed: " + (folder / "d/b").string() + ": b: expected UTF-8 text, found binary data";
    EXPECT_EQ(feed.next(), failure);
    folder.write("d/b", "\xFF\xFE\xFF");
    feed.pass(150ms);
    EXPECT_EQ(feed.waiting(), 0u);
    folder.remove("d/b");
    EXPECT_EQ(feed.next(), "unchanged");
}

TEST_P(DirectoryTransport, leaves_no_descriptor_open) {
    folder.make("d/e/f");
    folder.write("d/e/f/a", "1");
    const std::size_t before = open_descriptors();
    {
        Recorder own;
        Followed directory{own, open("d", options())};
        folder.write("d/e/f/a", "2");
        EXPECT_EQ(own.next(), "e.f.a=2");
    }
    EXPECT_EQ(open_descriptors(), before);
}

class DirectoryLoad : public testing::Test {
protected:
    std::string load(attune::DirectoryOptions options = {}) const {
        return load_error(*attune::directory(folder.path(), options));
    }
    std::string place(const std::string& name) const { return (folder / name).string(); }

    Folder folder;
};

TEST_F(DirectoryLoad, is_named_as_it_was_written) {
    EXPECT_EQ(attune::directory("conf.d/")->name(), "directory conf.d/");
    EXPECT_FALSE(attune::directory("x")->remote());
    EXPECT_FALSE(attune::directory("x")->writable());
}

TEST_F(DirectoryLoad, reads_names_as_paths) {
    folder.make("server/tls.v1");
    folder.write("server/port", "1");
    folder.write("server/pool.size", "2");
    folder.write("server/tls.v1/key", "3");
    folder.write("log.level", "4");
    EXPECT_EQ(load(), "loaded log.level=4 server.pool.size=2 server.port=1 /server/tls.v1/key=3");
}

TEST_F(DirectoryLoad, takes_one_newline_off_the_end) {
    folder.write("a", "x\n");
    folder.write("b", "x\r\n");
    folder.write("c", "x\n\n");
    folder.write("d", "x\r");
    folder.write("e", "");
    folder.write("f", "\n");
    EXPECT_EQ(load(), "loaded a=x b=x c=x\n d=x\r e= f=");
}

TEST_F(DirectoryLoad, tells_where_a_value_comes_from) {
    folder.make("server");
    folder.write("server/port", "1");
    const attune::Content content = attune::directory(folder.path())->load();
    ASSERT_EQ(content.texts.size(), 1u);
    EXPECT_EQ(content.texts[0].naming, attune::Naming::path);
    EXPECT_EQ(to_string(content.texts[0].origin), place("server/port"));
    EXPECT_TRUE(content.document.is_null());
}

TEST_F(DirectoryLoad, refuses_two_files_for_one_value) {
    folder.make("server");
    folder.write("server/port", "1");
    folder.write("server.port", "2");
    const std::string error = load();
    EXPECT_TRUE(error == place("server/port") + ": server.port: also given by \"" +
                             place("server.port") + '"' ||
                error == place("server.port") + ": server.port: also given by \"" +
                             place("server/port") + '"')
        << error;
}

TEST_F(DirectoryLoad, refuses_a_name_that_is_a_value_and_a_folder) {
    folder.write("server", "1");
    folder.write("server.a.b", "2");
    folder.write("server-x", "3");
    EXPECT_EQ(load(), place("server.a.b") + ": server.a.b: is below the value given by \"" +
                          place("server") + '"');
}

TEST_F(DirectoryLoad, reports_everything_that_is_wrong) {
    folder.write("a..b", "1");
    folder.write("c.", "1");
    folder.write("d", std::string("x\0y", 3));
    folder.write("e", "\xC0\x80");
    EXPECT_EQ(load(), place("a..b") + ": the name has nothing between two dots\n" + place("c.") +
                          ": the name has nothing between two dots\n" + place("d") +
                          ": d: expected UTF-8 text, found binary data\n" + place("e") +
                          ": e: expected UTF-8 text, found binary data");
}

TEST_F(DirectoryLoad, reads_any_language) {
    folder.write("grüße", "Привет, 世界 🌍\n");
    EXPECT_EQ(load(), "loaded grüße=Привет, 世界 🌍");
}

TEST_F(DirectoryLoad, keeps_to_its_limits) {
    folder.make("x");
    for (const char* name : {"a", "b", "x/c", "x/d", "y", "z"}) {
        folder.write(name, "12345");
    }
    EXPECT_EQ(load({.max_files = 6}).substr(0, 6), "loaded");
    EXPECT_EQ(load({.max_files = 3}), folder.path().string() + ": more files than the limit of 3");
    folder.write("b", "123456");
    EXPECT_EQ(load({.max_bytes = 5}), place("b") + ": larger than the limit of 5 bytes");
}

TEST_F(DirectoryLoad, refuses_links_that_lead_nowhere_or_round) {
    folder.make("a/b");
    folder.write("a/b/x", "1");
    std::filesystem::create_symlink("none", folder / "lost");
    std::filesystem::create_symlink("..", folder / "a/b/up");
    EXPECT_EQ(load(), place("a/b/up") + ": a symbolic link to a folder it lies in\n" +
                          place("lost") + ": a symbolic link that leads nowhere");
}

TEST_F(DirectoryLoad, follows_links_to_folders) {
    folder.make(".real/b");
    folder.write(".real/b/x", "1");
    std::filesystem::create_symlink(".real", folder / "a");
    std::filesystem::create_symlink(".real", folder / "c");
    EXPECT_EQ(load(), "loaded a.b.x=1 c.b.x=1");
}

TEST_F(DirectoryLoad, suggests_the_name_of_a_missing_directory) {
    folder.make("service.d");
    EXPECT_EQ(load_error(*attune::directory(folder / "servcie.d")),
              place("servcie.d") + ": directory not found in \"" + folder.path().string() +
                  "\"; did you mean \"service.d\"?");
    EXPECT_EQ(load_error(*attune::directory(folder / "servcie.d", {.optional = true})),
              "loaded null");
}

}  // namespace
