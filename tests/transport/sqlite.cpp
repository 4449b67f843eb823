#include <attune/transport/sqlite.hpp>

#include "sqlite_fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <thread>
#include <vector>

#include <sys/inotify.h>

namespace {

using namespace attune_test;
using testing::HasSubstr;
using testing::StartsWith;

INSTANTIATE_TEST_SUITE_P(, SqliteTransport, every_way(), way_name);

TEST_P(SqliteTransport, begins_empty_and_can_be_written) {
    const auto transport = open();
    const attune::Content content = transport->load();
    EXPECT_TRUE(content.document.is_null());
    EXPECT_EQ(content.revision, "0");
    EXPECT_TRUE(transport->writable());
    EXPECT_EQ(transport->save({{"port", 1}}, content.revision), "1");
    EXPECT_EQ(transport->save({{"port", 2}}, "1"), "2");

    const auto later = open();
    const attune::Content again = later->load();
    EXPECT_EQ(again.document, (attune::Document{{"port", 2}}));
    EXPECT_EQ(again.revision, "2");
}

TEST_P(SqliteTransport, tells_what_others_write_and_not_what_it_writes_itself) {
    Recorder there;
    const Followed one{feed, open()};
    const Followed two{there, open()};
    EXPECT_EQ(save(one, {{"port", 1}}, "0"), "1");
    EXPECT_EQ(there.next(), R"({"port":1})");
    EXPECT_EQ(save(two, {{"port", 2}}, "1"), "2");
    EXPECT_EQ(feed.next(), R"({"port":2})");
    EXPECT_EQ(save(one, {{"port", 3}}, "2"), "3");
    EXPECT_EQ(there.next(), R"({"port":3})");
    EXPECT_EQ(feed.waiting(), 0U);
    EXPECT_EQ(there.waiting(), 0U);
}

TEST_P(SqliteTransport, misses_nothing_between_load_and_start) {
    const auto transport = open();
    EXPECT_TRUE(transport->load().document.is_null());
    write({{"port", 1}});
    transport->start(feed);
    EXPECT_EQ(feed.next(), R"({"port":1})");
    transport->stop();
    write({{"port", 2}});
    EXPECT_EQ(feed.waiting(), 0U);
    transport->start(feed);
    EXPECT_EQ(feed.next(), R"({"port":2})");
    transport->stop();
}

TEST_P(SqliteTransport, refuses_to_overwrite_what_it_has_not_read) {
    Recorder there;
    const Followed one{feed, open()};
    const Followed two{there, open()};
    EXPECT_EQ(save(one, {{"port", 1}}, "0"), "1");
    EXPECT_EQ(save_error(*two, {{"port", 2}}, "0"),
              file.string() +
                  ": another process wrote version 1 in between (this one has read version 0); "
                  "nothing was written: read that version first, then write again");
    EXPECT_EQ(there.next(), R"({"port":1})");
    EXPECT_EQ(save_error(*two, {{"port", 2}}, "seven"),
              file.string() + ": \"seven\" is no version of this database");
    EXPECT_EQ(save(two, {{"port", 2}}, "1"), "2");
}

TEST_P(SqliteTransport, tells_what_was_saved_when_the_store_does_not_come_to_serve_it) {
    const Followed followed{feed, open()};
    EXPECT_EQ(followed->save({{"port", 1}}, "0"), "1");
    EXPECT_EQ(feed.next(), R"({"port":1})");
    EXPECT_EQ(save(followed, {{"port", 2}}, "1"), "2");
    write({{"port", 3}});
    // Version 2 may be told before it: its save may have fallen into the telling of version 1.
    EXPECT_GT(feed.until(R"({"port":3})"), 0U);
}

TEST_P(SqliteTransport, is_told_again_what_it_turns_out_not_to_have) {
    const Followed followed{feed, open()};
    EXPECT_EQ(save(followed, {{"port", 1}}, "0"), "1");
    // The store could not publish what it had saved: it has still got version 0.
    EXPECT_THAT(save_error(*followed, {{"port", 2}}, "0"), HasSubstr("wrote version 1"));
    EXPECT_EQ(feed.next(), R"({"port":1})");
    EXPECT_EQ(save(followed, {{"port", 2}}, "1"), "2");
}

TEST_P(SqliteTransport, concurrent_writers_lose_no_write) {
    constexpr int threads = 4;
    constexpr int writes = 25;
    const auto count = [&] {
        const auto transport = open();
        for (int i = 0; i != writes;) {
            const attune::Content content = transport->load();
            const auto before = content.document.is_null() ? 0 : content.document.as_int64();
            try {
                transport->save(before + 1, content.revision);
                ++i;
            } catch (const attune::Rejected& rejected) {
                EXPECT_THAT(rejected.what(), HasSubstr("another process wrote"));
            }
        }
    };
    const Followed followed{feed, open()};
    std::vector<std::thread> writers;
    for (int i = 0; i != threads; ++i) {
        writers.emplace_back(count);
    }
    for (std::thread& writer : writers) {
        writer.join();
    }
    EXPECT_GT(feed.until(std::to_string(threads * writes)), 0U);
    EXPECT_EQ(feed.waiting(), 0U);
}

TEST_P(SqliteTransport, keeps_as_many_versions_as_it_is_told) {
    attune::SqliteOptions with = options();
    with.keep = 3;
    with.reason = "deploy 42";
    const auto transport = open(with);
    std::string revision = transport->load().revision;
    const auto before = std::chrono::system_clock::now() - 1ms;
    for (int i = 1; i <= 5; ++i) {
        revision = transport->save({{"port", i}}, revision);
    }
    const std::vector<attune::VersionRecord> history = attune::sqlite_history(file);
    ASSERT_EQ(history.size(), 3U);
    for (int i = 0; i != 3; ++i) {
        const attune::VersionRecord& record = history[static_cast<std::size_t>(i)];
        EXPECT_EQ(record.version, static_cast<attune::Version>(3 + i));
        EXPECT_EQ(record.document, (attune::Document{{"port", 3 + i}}));
        EXPECT_EQ(record.reason, "deploy 42");
        EXPECT_EQ(record.layer, "config");
        EXPECT_GE(record.time, before);
        EXPECT_LE(record.time, std::chrono::system_clock::now());
    }
    with.keep = 0;
    EXPECT_EQ(open(with)->save(1, revision), "6");
    EXPECT_EQ(attune::sqlite_history(file).size(), 1U);
}

TEST_P(SqliteTransport, makes_no_version_of_a_document_that_is_there_already) {
    const auto transport = open();
    std::string revision = transport->save({{"port", 1}}, transport->load().revision);
    EXPECT_EQ(transport->save({{"port", 1}}, revision), revision);
    EXPECT_EQ(attune::sqlite_history(file).size(), 1U);
    EXPECT_EQ(transport->save(nullptr, revision), "2");
    EXPECT_EQ(transport->save(nullptr, "2"), "2");
}

TEST_P(SqliteTransport, keeps_the_documents_of_one_database_apart) {
    attune::SqliteOptions with = options();
    with.document = "gateway";
    const Followed gateway{feed, open(with)};
    EXPECT_EQ(gateway->name(), "sqlite " + file.string() + " (gateway)");
    EXPECT_EQ(write({{"port", 1}}), "1");
    const auto other = open(with);
    EXPECT_EQ(other->save({{"port", 2}}, other->load().revision), "1");
    EXPECT_EQ(feed.next(), R"({"port":2})");
    EXPECT_EQ(attune::sqlite_history(file, with).back().document, (attune::Document{{"port", 2}}));
    EXPECT_EQ(attune::sqlite_history(file).back().document, (attune::Document{{"port", 1}}));
}

TEST_P(SqliteTransport, tells_what_is_changed_by_hand) {
    write({{"port", 1}});
    const Followed followed{feed, open()};
    const OtherProgram shell{file};
    shell.insert(7, R"({"port": 7})");
    EXPECT_EQ(feed.next(), R"({"port":7})");
    shell.run("DELETE FROM attune_versions WHERE version = 7");
    EXPECT_EQ(feed.next(), R"({"port":1})");
    // The same numbers again, and another version 7.
    shell.run(
        "BEGIN; DELETE FROM attune_versions WHERE version = 1;"
        "INSERT INTO attune_versions VALUES ('config', 1, '2027-01-31T10:00:00Z', '', '8');"
        "COMMIT");
    EXPECT_EQ(feed.next(), "8");
    EXPECT_EQ(save(followed, {{"port", 9}}, "1"), "2");
}

TEST_P(SqliteTransport, hears_of_a_version_that_took_long_to_commit) {
    write({{"port", 1}});
    const Followed followed{feed, open()};
    feed.pass(20ms);
    const OtherProgram shell{file};
    // Larger than SQLite's cache: the log is written long before the end of the transaction.
    shell.run("PRAGMA cache_size = 10; BEGIN IMMEDIATE");
    shell.insert(2, '"' + std::string(300'000, 'x') + '"');
    feed.pass(600ms);
    EXPECT_EQ(feed.waiting(), 0U);
    shell.run("COMMIT");
    EXPECT_EQ(feed.next().size(), 300'002U);
}

TEST_P(SqliteTransport, hears_of_a_version_that_can_be_seen_long_after_it_was_written) {
    write({{"port", 1}});
    const Followed followed{feed, open()};
    feed.pass(20ms);
    const SlowDisk disk{[&] {
        feed.pass(700ms);
        EXPECT_EQ(feed.waiting(), 0U);
    }};
    const OtherProgram shell{file, disk.name()};
    shell.insert(2, "2");
    EXPECT_EQ(feed.next(), "2");
}

TEST_P(SqliteTransport, does_not_wake_itself) {
    write({{"port", 1}});
    const Followed followed{feed, open()};
    write({{"port", 2}});
    EXPECT_EQ(feed.next(), R"({"port":2})");
    const int events = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (events < 0) {
        GTEST_SKIP() << "no inotify instance to be had";
    }
    for (const std::string end : {"", "-wal", "-shm"}) {
        EXPECT_GE(::inotify_add_watch(events, (file.string() + end).c_str(),
                                      IN_ALL_EVENTS & ~(IN_ACCESS | IN_OPEN)),
                  0);
    }
    feed.pass(800ms);  // all looks that the change has led to, and then some
    std::array<char, 4096> buffer;
    EXPECT_LT(::read(events, buffer.data(), buffer.size()), 0);
    ::close(events);
    EXPECT_EQ(feed.waiting(), 0U);
}

TEST_P(SqliteTransport, is_for_its_owner_only_whatever_the_umask) {
    for (const ::mode_t umask : {0U, 077U, 0777U}) {
        const std::filesystem::path path = folder / std::to_string(umask);
        const ::mode_t before = ::umask(umask);
        const auto transport = attune::sqlite(path);
        transport->save({{"password", "hunter2"}}, transport->load().revision);
        ::umask(before);
        EXPECT_EQ(mode_of(path), 0600U);
        EXPECT_EQ(mode_of(path.string() + "-wal"), 0600U);
        EXPECT_EQ(mode_of(path.string() + "-shm"), 0600U);
    }
    std::size_t files = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder.path())) {
        ++files;
    }
    EXPECT_EQ(files, 3U);  // nothing is left of the making
}

TEST_P(SqliteTransport, keeps_the_mode_of_a_file_that_is_there) {
    write(1);
    std::filesystem::permissions(file, std::filesystem::perms{0640});
    write(2);
    EXPECT_EQ(mode_of(file), 0640U);
}

TEST_P(SqliteTransport, writes_only_what_can_be_read_back) {
    const auto transport = open();
    transport->load();
    const std::string not_json = "what JSON cannot say";
    EXPECT_THAT(save_error(*transport, std::numeric_limits<double>::quiet_NaN(), "0"),
                HasSubstr(not_json));
    EXPECT_THAT(save_error(*transport, attune::Document::text("4"), "0"), HasSubstr(not_json));
    attune::Document deep;
    for (int i = 0; i != 200; ++i) {
        deep = attune::Document{deep, 1};
    }
    EXPECT_THAT(save_error(*transport, deep, "0"), HasSubstr("could not be read back"));
    EXPECT_EQ(transport->load().revision, "0");
}

TEST_P(SqliteTransport, says_who_holds_up_a_write) {
    attune::SqliteOptions with = options();
    with.busy_timeout = 10ms;
    const auto transport = open(with);
    transport->load();
    const OtherProgram shell{file};
    shell.run("BEGIN IMMEDIATE");
    EXPECT_THAT(save_error(*transport, 1, "0"),
                HasSubstr("another process has locked it for longer than busy_timeout"));
    EXPECT_EQ(transport->load().revision, "0");
    shell.run("ROLLBACK");
    EXPECT_EQ(transport->save(1, "0"), "1");
}

TEST_P(SqliteTransport, may_be_stopped_and_destroyed_at_any_time) {
    for (int i = 0; i != 20; ++i) {
        Recorder there;
        Followed followed{there, open()};
        write({{"n", i}});
        if (i % 2 == 0) {
            there.next();
        }
    }
}

TEST_P(SqliteTransport, may_be_stopped_by_what_it_tells) {
    const auto transport = open();
    transport->load();
    feed.on_tell = [&] { transport->stop(); };
    transport->start(feed);
    write({{"port", 1}});
    EXPECT_EQ(feed.next(), R"({"port":1})");
    write({{"port", 2}});
    feed.pass(20ms);
    EXPECT_EQ(feed.waiting(), 0U);
}

}  // namespace
