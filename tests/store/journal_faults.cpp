// A disk that is full or fails: each operation in turn.

#include <attune/store/detail/journal_writer.hpp>

#include "journal_kit.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

namespace journal_faults_test {
namespace {

using namespace attune_test;
using attune::JournalError;
using attune::JournalFault;
using attune::detail::read_versions;
using attune::detail::segments_in;
using attune::detail::verify_journal;
using testing::HasSubstr;

const JournalOptions small{.keep = 4, .segment_bytes = 4096};

/// Changes and marks, enough for several segments. The versions that were acknowledged.
std::vector<VersionRecord> write_many(JournalSink& sink, bool until_failure) {
    StoreModel model;
    std::vector<VersionRecord> written;
    for (int i = 0; i != 60; ++i) {
        try {
            written.push_back(model.set(sink, "n" + std::to_string(i % 5),
                                        std::string(100, 'x') + std::to_string(i)));
            if (i == 10 || i == 30) {
                sink.keep(written[written.size() - 3].version, "");
            }
        } catch (const JournalError& error) {
            EXPECT_NE(error.fault(), JournalFault::damaged) << error.what();
            if (until_failure) {
                break;
            }
        }
    }
    return written;
}

std::size_t operations_of(const JournalOptions& options) {
    const auto disk = std::make_shared<FaultyDisk>();
    write_many(*open_journal(disk, options), true);
    return disk->operations();
}

void expect_newest(const std::vector<VersionRecord>& versions,
                   const std::vector<VersionRecord>& written) {
    ASSERT_FALSE(versions.empty());
    EXPECT_EQ(versions.back(), written.back());
    for (std::size_t back = 1; back <= small.keep; ++back) {
        EXPECT_EQ(versions.at(versions.size() - back).document,
                  written.at(written.size() - back).document);
    }
}

TEST(JournalFaults, at_any_operation_are_told_and_the_next_change_succeeds) {
    for (const bool sync : {true, false}) {
        JournalOptions options = small;
        options.sync = sync;
        const std::size_t count = operations_of(options);
        ASSERT_GT(count, 60u);
        for (const int error : {EIO, ENOSPC}) {
            for (std::size_t failing = 2; failing < count; ++failing) {
                SCOPED_TRACE("operation " + std::to_string(failing));
                const auto disk = std::make_shared<FaultyDisk>();
                auto sink = open_journal(disk, options);
                disk->fail(failing, failing + 1, error);
                const auto written = write_many(*sink, false);
                EXPECT_GE(written.size(), 59u);
                expect_newest(read_versions(*disk, journal_directory), written);
                sink.reset();
                EXPECT_TRUE(verify_journal(*disk, journal_directory));
                expect_newest(open_journal(disk)->restore(100).versions, written);
            }
        }
    }
}

TEST(JournalFaults, a_loss_of_power_at_any_operation_leaves_what_was_acknowledged) {
    const std::vector<FaultyDisk::Choose> extremes{
        [](std::size_t) { return std::size_t{0}; },   // nothing that was not flushed
        [](std::size_t below) { return below - 1; },  // everything
        [](std::size_t below) {
            return below == 2 ? 1u : 0u;
        }  // sizes and names, but not the bytes
    };
    const std::size_t count = operations_of(small);
    for (const auto& choose : extremes) {
        for (std::size_t stop = 2; stop < count; ++stop) {
            SCOPED_TRACE("operation " + std::to_string(stop));
            const auto disk = std::make_shared<FaultyDisk>();
            auto sink = open_journal(disk, small);
            disk->stop_at(stop);
            const auto written = write_many(*sink, true);
            disk->crash(choose);
            sink.reset();
            const auto versions = open_journal(disk, small)->restore(100).versions;
            const attune::Version last = versions.empty() ? 0 : versions.back().version;
            ASSERT_GE(last, written.size());
            ASSERT_LE(last, written.size() + 1);
            for (std::size_t i = versions.size();
                 i-- != 0 && versions[i].version + small.keep > written.size();) {
                if (versions[i].version <= written.size()) {
                    ASSERT_EQ(versions[i].document, written[versions[i].version - 1].document);
                }
            }
        }
    }
}

TEST(JournalFaults, a_full_disk_is_named_and_may_be_given_room) {
    const auto disk = std::make_shared<FaultyDisk>();
    const auto sink = open_journal(disk, small);
    StoreModel model;
    const VersionRecord first = model.set(*sink, "n", 1);
    const auto before = disk->contents();
    disk->set_room(0);
    const StoreModel was = model;
    try {
        for (int i = 0; i != 100; ++i) {
            model.set(*sink, "n", i);
        }
        FAIL();
    } catch (const JournalError& error) {
        EXPECT_EQ(error.fault(), JournalFault::full);
        EXPECT_THAT(error.what(), HasSubstr("make room"));
        EXPECT_THAT(error.what(), HasSubstr("0000000001.journal"));
    }
    EXPECT_FALSE(read_versions(*disk, journal_directory).empty());
    EXPECT_TRUE(verify_journal(*disk, journal_directory));
    disk->set_room(1'000'000);
    const VersionRecord next = model.set(*sink, "n", "there is room");
    EXPECT_EQ(read_versions(*disk, journal_directory).back(), next);
    EXPECT_EQ(read_versions(*disk, journal_directory).front(), first);
}

TEST(JournalFaults,
     after_a_failed_flush_everything_is_written_anew_before_anything_is_acknowledged) {
    const auto disk = std::make_shared<FaultyDisk>();
    auto sink = open_journal(disk);
    StoreModel model;
    std::vector<VersionRecord> written{model.set(*sink, "n", 1), model.set(*sink, "n", 2)};
    sink->keep(1, "one");
    written[0].kept = true;
    written[0].note = "one";

    disk->fail_flushes(true);
    StoreModel refused = model;
    EXPECT_THROW(refused.set(*sink, "n", 3), JournalError);
    refused = model;
    EXPECT_THROW(refused.set(*sink, "n", 4), JournalError);
    EXPECT_THROW(sink->keep(2, ""), JournalError);

    disk->fail_flushes(false);
    written.push_back(model.set(*sink, "n", 5));
    EXPECT_EQ(read_versions(*disk, journal_directory), written);
    const auto segments = segments_in(*disk, journal_directory);
    ASSERT_EQ(segments.size(), 1u);
    EXPECT_GT(segments[0].number, 1u);

    // Whatever the failed flushes have or have not written, nothing is missed.
    disk->crash([](std::size_t) { return std::size_t{0}; });
    sink.reset();
    EXPECT_EQ(open_journal(disk)->restore(100).versions, written);
}

TEST(JournalFaults, a_first_version_that_could_not_be_written_is_not_there) {
    for (std::size_t failing = 2; failing != 12; ++failing) {
        const auto disk = std::make_shared<FaultyDisk>();
        auto sink = open_journal(disk);
        disk->fail(failing, failing + 1, EIO);
        StoreModel model;
        try {
            StoreModel refused = model;
            refused.set(*sink, "refused", 1);
            continue;
        } catch (const JournalError&) {
        }
        const VersionRecord first = model.set(*sink, "n", 1);
        EXPECT_EQ(read_versions(*disk, journal_directory), std::vector{first});
        disk->crash([](std::size_t below) { return below - 1; });
        sink.reset();
        EXPECT_EQ(open_journal(disk)->restore(100).versions, std::vector{first}) << failing;
    }
}

}  // namespace
}  // namespace journal_faults_test
