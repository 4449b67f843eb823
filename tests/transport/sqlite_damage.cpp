#include "sqlite_fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <iterator>

#include <sys/resource.h>

namespace {

using namespace attune_test;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

class SqliteDamage : public SqliteTransport {
protected:
    void remove_database() const {
        for (const std::string end : {"", "-wal", "-shm"}) {
            std::filesystem::remove(file.string() + end);
        }
    }
    std::string opening() const {
        attune::SqliteOptions with = options();
        with.create = false;
        return load_error(*open(with));
    }
};

INSTANTIATE_TEST_SUITE_P(, SqliteDamage, every_way(), way_name);

TEST_P(SqliteDamage, says_where_a_database_was_looked_for) {
    EXPECT_EQ(opening(),
              file.string() + ": database not found in \"" + folder.path().string() + '"');
    EXPECT_FALSE(std::filesystem::exists(file));
    EXPECT_THROW((void)attune::sqlite_history(file), attune::Rejected);
    EXPECT_THAT(load_error(*attune::sqlite(folder / "no/config.db")),
                HasSubstr("the database cannot be created: there is no such directory"));
    folder.make("config.db");
    EXPECT_EQ(opening(), file.string() + ": expected a database, found a directory");
}

TEST_P(SqliteDamage, refuses_what_is_no_database_of_versions) {
    folder.write("config.db", "");
    EXPECT_THAT(opening(), HasSubstr("an empty file"));
    folder.write("config.db", R"({"port": 1})" + std::string(5000, ' '));
    EXPECT_THAT(opening(), HasSubstr("file is not a database"));
    EXPECT_THAT(load_error(*open()), HasSubstr("file is not a database"));
    folder.remove("config.db");
    {
        const OtherProgram shell{file};
        shell.run("CREATE TABLE users (name)");
    }
    EXPECT_THAT(load_error(*open()), HasSubstr("a database of some other program"));
    EXPECT_EQ(OtherProgram{file}.run("PRAGMA journal_mode"), "delete");  // and untouched
}

TEST_P(SqliteDamage, refuses_a_database_of_a_later_format) {
    write(1);
    OtherProgram{file}.run("PRAGMA user_version = 2");
    EXPECT_THAT(load_error(*open()), HasSubstr("a database in format 2; this program reads"));
}

TEST_P(SqliteDamage, makes_a_database_of_an_empty_file) {
    folder.write("config.db", "");
    EXPECT_EQ(write(1), "1");
}

TEST_P(SqliteDamage, names_the_version_that_cannot_be_parsed) {
    write({{"port", 1}});
    const Followed followed{feed, open()};
    const OtherProgram shell{file};
    shell.insert(2, R"({"port": )");
    const std::string damage =
        file.string() + ": version 2 of \"config\" is not the JSON it should be: line 1, column 10";
    EXPECT_THAT(feed.next(), StartsWith("failed: " + damage));
    EXPECT_THAT(load_error(*open()), StartsWith(damage));
    EXPECT_THROW((void)attune::sqlite_history(file), attune::Rejected);
    shell.run("DELETE FROM attune_versions WHERE version = 2");
    EXPECT_EQ(feed.next(), "unchanged");
    shell.insert(2, "[");
    EXPECT_THAT(feed.next(), StartsWith("failed: " + damage.substr(0, file.string().size() + 11)));
    shell.insert(3, "3");
    EXPECT_EQ(feed.next(), "3");
}

TEST_P(SqliteDamage, refuses_a_damaged_file_readably) {
    write({{"text", std::string(20'000, 'x')}});
    std::string bytes;
    {
        std::ifstream in{file, std::ios::binary};
        bytes.assign(std::istreambuf_iterator<char>{in}, {});
    }
    ASSERT_GT(bytes.size(), 20'000U);
    int refused = 0;
    for (std::size_t page = 0; page < bytes.size(); page += 4096) {
        remove_database();
        std::string damaged = bytes;
        for (std::size_t i = page; i != std::min(page + 4096, bytes.size()); ++i) {
            damaged[i] = static_cast<char>(0xA5);
        }
        folder.write("config.db", damaged);
        const std::string said = load_error(*open());
        EXPECT_THAT(said, testing::Not(HasSubstr("loaded"))) << "page at " << page;
        EXPECT_THAT(said, StartsWith(file.string() + ": "));
        refused += said.find("restore it from a backup") != std::string::npos ? 1 : 0;
    }
    EXPECT_GE(refused, 2);
}

TEST_P(SqliteDamage, keeps_what_it_has_when_the_database_is_deleted) {
    write({{"port", 1}});
    const Followed followed{feed, open()};
    remove_database();
    EXPECT_EQ(feed.next(), "failed: " + file.string() + ": database not found in \"" +
                               folder.path().string() + '"');
    EXPECT_THAT(save_error(*followed, {{"port", 2}}, "1"), HasSubstr("not found"));
    EXPECT_FALSE(std::filesystem::exists(file));

    write({{"port", 3}});
    EXPECT_GT(feed.until(R"({"port":3})"), 0U);
    EXPECT_EQ(save(followed, {{"port", 4}}, "1"), "2");
    EXPECT_EQ(attune::sqlite_history(file).size(), 2U);
}

TEST_P(SqliteDamage, writes_nothing_into_a_file_that_has_lost_its_name) {
    const auto transport = open();
    transport->save({{"port", 1}}, transport->load().revision);
    remove_database();
    EXPECT_THAT(save_error(*transport, {{"port", 2}}, "1"),
                HasSubstr("the database has been deleted or replaced"));
    EXPECT_EQ(load_error(*transport), "loaded null");  // a new one
    EXPECT_EQ(transport->save({{"port", 2}}, "0"), "1");
}

TEST_P(SqliteDamage, takes_over_a_database_put_in_place_of_another) {
    const std::filesystem::path other = folder / "other.db";
    {
        const auto transport = attune::sqlite(other);
        transport->save({{"port", 7}}, transport->load().revision);
    }
    write({{"port", 1}});
    const Followed followed{feed, open()};
    remove_database();
    std::filesystem::rename(other, file);
    EXPECT_GT(feed.until(R"({"port":7})"), 0U);
    EXPECT_EQ(save(followed, {{"port", 8}}, "1"), "2");
    EXPECT_EQ(attune::sqlite_history(file).back().document, (attune::Document{{"port", 8}}));
}

TEST_P(SqliteDamage, follows_a_symbolic_link_that_is_turned) {
    for (const int port : {1, 2}) {
        const auto transport = attune::sqlite(folder / ("d" + std::to_string(port) + ".db"));
        transport->save({{"port", port}}, transport->load().revision);
    }
    folder.relink("config.db", "d1.db");
    const Followed followed{feed, open()};
    EXPECT_EQ(followed.loaded, R"({"port":1})");
    folder.relink("config.db", "d2.db");
    EXPECT_GT(feed.until(R"({"port":2})"), 0U);
    EXPECT_EQ(attune::sqlite(folder / "d2.db")->save({{"port", 3}}, "1"), "2");
    EXPECT_GT(feed.until(R"({"port":3})"), 0U);
}

TEST_P(SqliteDamage, keeps_what_it_has_when_all_versions_are_gone) {
    write({{"port", 1}});
    write({{"port", 2}});
    const Followed followed{feed, open()};
    OtherProgram{file}.run("DELETE FROM attune_versions");
    EXPECT_THAT(feed.next(), HasSubstr("has no version of \"config\" any more"));
    EXPECT_EQ(save(followed, {{"port", 3}}, "2"), "3");  // numbers only grow
    EXPECT_EQ(feed.next(), "unchanged");
    EXPECT_EQ(attune::sqlite_history(file).size(), 1U);
}

TEST_P(SqliteDamage, full_disk_is_told_to_the_writer_and_passes) {
    const std::string result = without_privileges(folder, [&]() -> std::string {
        std::signal(SIGXFSZ, SIG_IGN);
        Recorder recorder;
        const Followed followed{recorder, open()};
        std::string revision = save(followed, {{"n", 1}}, "0");
        const ::rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY};
        ::rlimit limit = unlimited;
        limit.rlim_cur = std::filesystem::file_size(file.string() + "-wal") + 5000;
        if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) {
            return "skip";
        }
        const attune::Document large{{"n", 2}, {"text", std::string(100'000, 'x')}};
        const std::string refused = save_error(*followed, large, revision);
        if (refused.find("cannot write to the database, which is as it was: the disk") ==
            std::string::npos) {
            return "not refused: " + refused;
        }
        if (const auto again = followed->load(); again.revision != revision) {
            return "not as it was: " + again.revision;
        }
        limit.rlim_cur = RLIM_INFINITY;
        if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) {
            return "skip";
        }
        revision = save(followed, large, revision);
        const bool told = recorder.waiting() != 0;
        return told ? "told " + recorder.next() : OtherProgram{file}.run("PRAGMA integrity_check");
    });
    if (result == "skip") {
        GTEST_SKIP() << "no size limit to be had";
    }
    EXPECT_EQ(result, "ok");
    EXPECT_EQ(attune::sqlite_history(file).size(), 2U);
}

TEST_P(SqliteDamage, a_database_that_may_not_be_written_is_read) {
    const std::string result = without_privileges(folder, [&]() -> std::string {
        write({{"port", 1}});
        std::filesystem::permissions(file, std::filesystem::perms{0400});
        Recorder recorder;
        const Followed followed{recorder, open()};
        if (followed.loaded != R"({"port":1})") {
            return followed.loaded;
        }
        const std::string refused = save_error(*followed, {{"port", 2}}, "1");
        return refused.find("this process may not write there") != std::string::npos ? "ok"
                                                                                     : refused;
    });
    if (result == "skip") {
        GTEST_SKIP() << "no unprivileged process to be had";
    }
    EXPECT_EQ(result, "ok");
}

}  // namespace
