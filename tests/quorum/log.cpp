#include <attune/quorum/log/log.hpp>

#include "log_kit.hpp"

#include <attune/quorum/log/detail/segment.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <system_error>
#include <vector>

namespace log_test {
namespace {

using namespace log_kit;
using testing::AllOf;
using testing::HasSubstr;
using Why = LogRefused::Why;

class LogTest : public testing::Test {
protected:
    /// As many small entries, one flush each.
    void append(Log& log, std::size_t count) {
        for (; count != 0; --count) {
            line.append(1, "entry " + std::to_string(line.last() + 1));
            ASSERT_FALSE(log.put(raft::WriteEntries{{line.entries.back()}}));
            ASSERT_FALSE(log.flush());
        }
    }
    void snapshot(Log& log, raft::Index index) {
        ASSERT_FALSE(log.put(raft::WriteSnapshot{line.snapshot(index), false}));
    }
    std::vector<std::string> files() const {
        std::vector<std::string> names;
        for (const auto& [path, content] : disk->contents()) {
            names.push_back(path.substr(log_directory.size() + 1));
        }
        return names;
    }
    std::string path_of(const std::string& name) const { return log_directory + '/' + name; }
    void change(const std::string& name, std::size_t at, char to) {
        std::string content = disk->contents().at(path_of(name));
        content.at(at) = to;
        disk->put(path_of(name), content);
    }

    std::shared_ptr<FaultyDisk> disk = std::make_shared<FaultyDisk>();
    Line line;
};

TEST_F(LogTest, begins_empty_and_comes_back_with_what_was_flushed) {
    OpenedLog opened = make_log(disk);
    EXPECT_TRUE(same(opened.recovered, {}));
    EXPECT_FALSE(opened.log->put(raft::WriteVote{{4, 2}}));
    append(*opened.log, 3);
    line.append(1, "never flushed");
    EXPECT_FALSE(opened.log->put(raft::WriteEntries{{line.entries.back()}}));
    opened.log.reset();

    opened = open_log(disk);
    line.cut(4);
    EXPECT_EQ(opened.recovered.vote, (raft::Vote{4, 2}));
    EXPECT_TRUE(line.is(opened.recovered));
}

TEST_F(LogTest, takes_entries_in_place_of_others) {
    OpenedLog opened = make_log(disk);
    append(*opened.log, 5);
    line.cut(3);
    append(*opened.log, 1);
    opened.log.reset();
    EXPECT_TRUE(line.is(open_log(disk).recovered));

    opened = open_log(disk);
    EXPECT_FALSE(opened.log->put(raft::TruncateLog{2}));
    EXPECT_FALSE(opened.log->flush());
    line.cut(2);
    opened.log.reset();
    EXPECT_TRUE(line.is(open_log(disk).recovered));
}

TEST_F(LogTest, is_not_made_of_nothing_unless_that_is_said) {
    const auto refused = refusal(disk);
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->why(), Why::missing);
    EXPECT_THAT(refused->what(), AllOf(HasSubstr("log: no log here"), HasSubstr("create")));
    EXPECT_THAT(disk->contents(), testing::IsEmpty());
}

TEST_F(LogTest, is_not_made_over_another_one) {
    make_log(disk);
    const auto refused = refusal(disk, log_options(true));
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->why(), Why::exists);
    EXPECT_THAT(refused->what(), HasSubstr("a log already"));
    EXPECT_FALSE(refusal(disk));
}

TEST_F(LogTest, of_another_member_or_cluster_is_refused) {
    make_log(disk);
    LogOptions other = log_options();
    other.node = 4;
    EXPECT_EQ(refusal(disk, other)->why(), Why::foreign);
    EXPECT_THAT(refusal(disk, other)->what(),
                HasSubstr("the log of member 3 of cluster 7, expected that of member 4"));
    other = log_options();
    other.cluster = 8;
    EXPECT_EQ(refusal(disk, other)->why(), Why::foreign);
}

TEST_F(LogTest, has_one_owner_at_a_time) {
    const OpenedLog opened = make_log(disk);
    EXPECT_EQ(refusal(disk)->why(), Why::in_use);
    EXPECT_THAT(refusal(disk)->what(), HasSubstr("log/lock"));
}

TEST_F(LogTest, whose_making_did_not_end_is_made_again) {
    disk->stop_at(6);
    EXPECT_THROW(make_log(disk), std::system_error);
    disk->fail(0, 0, 0);
    const auto refused = refusal(disk);
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->why(), Why::missing);
    EXPECT_THAT(refused->what(), HasSubstr("did not end"));
    EXPECT_TRUE(same(make_log(disk).recovered, {}));
}

TEST_F(LogTest, without_one_of_its_files_is_damaged) {
    {
        OpenedLog opened = make_log(disk);
        append(*opened.log, 60);
    }
    const auto names = files();
    ASSERT_THAT(names, testing::IsSupersetOf({"0000000001.log", "0000000002.log"}));
    for (const std::string& name : names) {
        if (name == "spare") {
            continue;
        }
        auto without = std::make_shared<FaultyDisk>();
        for (const auto& [path, content] : disk->contents()) {
            if (path != path_of(name)) {
                without->put(path, content);
            }
        }
        const auto refused = refusal(without);
        ASSERT_TRUE(refused) << name;
        EXPECT_EQ(refused->why(), Why::damaged) << name << refused->what();
    }
}

TEST_F(LogTest, drops_what_the_older_of_two_snapshots_stands_for) {
    OpenedLog opened = make_log(disk);
    append(*opened.log, 20);
    snapshot(*opened.log, 15);
    EXPECT_THAT(files(), testing::Contains("0000000001.log"));
    append(*opened.log, 20);
    snapshot(*opened.log, 35);
    append(*opened.log, 20);
    snapshot(*opened.log, 55);
    opened.log.reset();
    EXPECT_THAT(files(), testing::ElementsAre("0000000006.log", "0000000007.log", "0000000008.log",
                                              "0000000009.log", "meta.a", "meta.b",
                                              "snapshot-00000000000000000035",
                                              "snapshot-00000000000000000055", "spare"));
    opened = open_log(disk);
    EXPECT_EQ(opened.recovered.snapshot.index, 55U);
    EXPECT_TRUE(line.is(opened.recovered));
}

TEST_F(LogTest, with_a_damaged_snapshot_goes_on_from_the_older_one) {
    {
        OpenedLog opened = make_log(disk);
        append(*opened.log, 20);
        snapshot(*opened.log, 15);
        append(*opened.log, 20);
        snapshot(*opened.log, 35);
    }
    change("snapshot-00000000000000000035", 100, '\x01');
    const OpenedLog opened = open_log(disk);
    EXPECT_EQ(opened.recovered.snapshot.index, 15U);
    EXPECT_TRUE(line.is(opened.recovered));
}

TEST_F(LogTest, keeps_every_entry_that_the_older_snapshot_lacks) {
    for (raft::Index older = 1; older != 25; ++older) {
        SCOPED_TRACE(older);
        disk = std::make_shared<FaultyDisk>();
        line = {};
        OpenedLog opened = make_log(disk);
        append(*opened.log, older);
        snapshot(*opened.log, older);
        append(*opened.log, 20);
        snapshot(*opened.log, line.last());
        opened.log.reset();
        change("snapshot-000000000000000000" + std::to_string(line.last()), 40, '\x7f');
        const raft::Recovered found = open_log(disk).recovered;
        EXPECT_EQ(found.snapshot.index, older);
        EXPECT_TRUE(line.is(found));
    }
}

TEST_F(LogTest, is_gone_for_good_when_a_snapshot_has_replaced_it) {
    OpenedLog opened = make_log(disk);
    append(*opened.log, 9);
    snapshot(*opened.log, 5);
    line.append(2, "");
    ASSERT_FALSE(opened.log->put(raft::WriteSnapshot{line.snapshot(10), true}));
    opened.log.reset();
    disk->crash([](std::size_t) { return std::size_t{0}; });
    EXPECT_THAT(files(),
                testing::IsSupersetOf({"meta.a", "meta.b", "snapshot-00000000000000000010"}));
    EXPECT_THAT(files(), testing::Not(testing::Contains("snapshot-00000000000000000005")));
    EXPECT_THAT(files(), testing::Not(testing::Contains(testing::EndsWith(".log"))));
}

TEST_F(LogTest, with_a_segment_of_another_history_is_refused) {
    append(*make_log(disk).log, 12);
    const std::string segment = disk->contents().at(path_of("0000000002.log"));
    disk = std::make_shared<FaultyDisk>();
    line = {};
    line.append(1, "entry 2");
    OpenedLog opened = make_log(disk);
    ASSERT_FALSE(opened.log->put(raft::WriteEntries{line.entries}));
    ASSERT_FALSE(opened.log->flush());
    append(*opened.log, 11);
    opened.log.reset();
    ASSERT_NE(disk->contents().at(path_of("0000000002.log")), segment);
    disk->put(path_of("0000000002.log"), segment);
    const auto refused = refusal(disk);
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->why(), Why::damaged);
}

TEST_F(LogTest, keeps_the_vote_before_beside_the_new_one) {
    OpenedLog opened = make_log(disk);
    const auto write = [&](raft::Term term) {
        const auto before = disk->contents();
        EXPECT_FALSE(opened.log->put(raft::WriteVote{{term, 1}}));
        EXPECT_FALSE(opened.log->flush());
        std::vector<std::string> changed;
        for (const auto& [path, content] : disk->contents()) {
            if (content != before.at(path)) {
                changed.push_back(path);
            }
        }
        return changed;
    };
    const auto first = write(1);
    const auto second = write(2);
    EXPECT_THAT(first, testing::SizeIs(1));
    EXPECT_THAT(second, testing::SizeIs(1));
    EXPECT_NE(first, second);
    EXPECT_EQ(write(3), first);
}

TEST_F(LogTest, with_a_damaged_snapshot_that_replaced_it_is_refused) {
    {
        OpenedLog opened = make_log(disk);
        append(*opened.log, 20);
        snapshot(*opened.log, 15);
        ASSERT_FALSE(opened.log->put(raft::WriteSnapshot{line.snapshot(18), true}));
    }
    EXPECT_THAT(files(),
                testing::ElementsAre("meta.a", "meta.b", "snapshot-00000000000000000018", "spare"));
    EXPECT_EQ(open_log(disk).recovered.snapshot.index, 18U);
    change("snapshot-00000000000000000018", 100, '\x01');
    EXPECT_EQ(refusal(disk)->why(), Why::damaged);
}

TEST_F(LogTest, replaced_by_a_snapshot_goes_on_after_it) {
    OpenedLog opened = make_log(disk);
    append(*opened.log, 20);
    ASSERT_FALSE(opened.log->put(raft::WriteSnapshot{line.snapshot(10), true}));
    line.cut(11);
    append(*opened.log, 5);
    opened.log.reset();
    opened = open_log(disk);
    EXPECT_EQ(opened.recovered.snapshot.index, 10U);
    EXPECT_TRUE(line.is(opened.recovered));
}

TEST_F(LogTest, cuts_off_a_last_batch_whose_write_did_not_end) {
    {
        OpenedLog opened = make_log(disk);
        append(*opened.log, 3);
        line.append(1, std::string(1500, '\0'));
        ASSERT_FALSE(opened.log->put(raft::WriteEntries{{line.entries.back()}}));
        disk->fail_flushes(true);
        EXPECT_TRUE(opened.log->flush());
        disk->fail_flushes(false);
    }
    // The third sector of the batch, of four, has not come to the disk.
    std::string content = disk->contents().at(path_of("0000000001.log"));
    content.replace(512 * 6, 512, 512, '\0');
    disk->put(path_of("0000000001.log"), content);
    line.cut(4);
    OpenedLog opened = open_log(disk);
    EXPECT_TRUE(line.is(opened.recovered));
    append(*opened.log, 2);
    opened.log.reset();
    EXPECT_TRUE(line.is(open_log(disk).recovered));
}

TEST_F(LogTest, refuses_any_other_damage_with_its_place_and_a_way_out) {
    {
        OpenedLog opened = make_log(disk);
        append(*opened.log, 3);
    }
    change("0000000001.log", 1024 + 100, 'X');
    const auto before = disk->contents();
    const auto refused = refusal(disk);
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->why(), Why::damaged);
    EXPECT_THAT(refused->what(),
                AllOf(HasSubstr("log/0000000001.log, byte 1024: damaged: found a batch that has "
                                "changed, expected batch 2"),
                      HasSubstr("leave it out")));
    EXPECT_EQ(disk->contents(), before);
}

TEST_F(LogTest, reads_no_segment_that_ends_within_a_sector) {
    make_log(disk).log.reset();
    for (const std::size_t size : {513U, 612U, 1023U, 1025U}) {
        std::uint32_t checksum = 0;
        std::string segment = quorum::detail::encode_segment_header(
            {.cluster = 7, .node = 3, .number = 1, .size = size, .first_batch = 1}, checksum);
        segment.resize(size);
        disk->put(path_of("0000000001.log"), segment);
        const auto refused = refusal(disk);
        ASSERT_TRUE(refused) << size;
        EXPECT_EQ(refused->why(), Why::damaged);
    }
}

TEST_F(LogTest, misses_a_batch_that_was_known_to_be_flushed) {
    {
        OpenedLog opened = make_log(disk);
        append(*opened.log, 2);
        opened.log.reset();
        open_log(disk);
    }
    std::string content = disk->contents().at(path_of("0000000001.log"));
    content.replace(1024, 512, 512, '\0');
    disk->put(path_of("0000000001.log"), content);
    EXPECT_EQ(refusal(disk)->why(), Why::damaged);
}

TEST_F(LogTest, is_silent_after_a_flush_that_failed) {
    OpenedLog opened = make_log(disk);
    append(*opened.log, 2);
    disk->forget_what_fails(true);
    disk->fail_flushes(true);
    ASSERT_FALSE(opened.log->put(raft::WriteVote{{9, 1}}));
    const std::error_code error = opened.log->flush();
    EXPECT_EQ(error.value(), EIO);
    disk->fail_flushes(false);
    const std::size_t operations = disk->operations();
    EXPECT_EQ(opened.log->flush(), error);
    EXPECT_EQ(opened.log->put(raft::WriteVote{{9, 1}}), error);
    EXPECT_EQ(opened.log->put(raft::TruncateLog{1}), error);
    EXPECT_EQ(disk->operations(), operations);
}

TEST_F(LogTest, trusts_no_size_of_a_spare_segment_that_a_failed_flush_has_left) {
    OpenedLog opened = make_log(disk);
    // A spare segment that is longer than usual, and durable, stays one: it does not get its name.
    disk->fail(disk->operations() + 3, disk->operations() + 4, EIO);
    line.append(1, std::string(6000, 'x'));
    ASSERT_TRUE(opened.log->put(raft::WriteEntries{{line.entries.back()}}));
    line.cut(1);
    ASSERT_GT(disk->contents().at(path_of("spare")).size(), 8192U);
    opened.log.reset();

    // It is cut, and that is lost with the flush that fails.
    opened = open_log(disk);
    append(*opened.log, 7);
    disk->forget_what_fails(true);
    disk->fail_flushes(true);
    ASSERT_TRUE(opened.log->put(raft::WriteEntries{{{8, 1}}}));
    disk->fail_flushes(false);
    ASSERT_EQ(disk->contents().at(path_of("spare")).size(), 4096U);
    opened.log.reset();

    opened = open_log(disk);
    append(*opened.log, 8);
    opened.log.reset();
    disk->crash([](std::size_t) { return std::size_t{0}; });
    EXPECT_TRUE(line.is(open_log(disk).recovered));
}

TEST_F(LogTest, removes_nothing_before_the_name_is_durable_that_makes_it_superfluous) {
    Line other;
    while (other.last() != 9) {
        other.append(2, "of the leader");
    }
    for (unsigned seed = 0; seed != 100; ++seed) {
        disk = std::make_shared<FaultyDisk>();
        disk->mix_names(true);
        line = {};
        OpenedLog opened = make_log(disk);
        append(*opened.log, 3);
        // Killed when the snapshot has its name, and the directory is not flushed yet.
        disk->stop_at(disk->operations() + 4);
        EXPECT_TRUE(opened.log->put(raft::WriteSnapshot{other.snapshot(9), true}));
        disk->fail(0, 0, 0);
        opened.log.reset();
        ASSERT_THAT(files(),
                    testing::IsSupersetOf({"snapshot-00000000000000000009", "0000000001.log"}));

        disk->stop_at(disk->operations() + 2 + seed % 5);
        EXPECT_THROW(open_log(disk), std::system_error);
        std::mt19937 random(seed);
        disk->crash([&](std::size_t limit) { return random() % limit; });
        const raft::Recovered found = open_log(disk).recovered;
        EXPECT_TRUE(line.is(found) || other.is(found)) << seed;
    }
}

TEST_F(LogTest, takes_votes_on_a_full_disk_and_says_when_entries_must_stop) {
    OpenedLog opened = make_log(disk);
    disk->set_room(0);
    std::vector<LogRoom> rooms;
    while (opened.log->room() != LogRoom::none) {
        if (rooms.empty() || rooms.back() != opened.log->room()) {
            rooms.push_back(opened.log->room());
        }
        append(*opened.log, 1);
    }
    EXPECT_THAT(rooms, testing::ElementsAre(LogRoom::plenty, LogRoom::scarce));
    EXPECT_FALSE(opened.log->make_room());
    EXPECT_EQ(opened.log->room(), LogRoom::none);
    for (raft::Term term = 2; term != 20; ++term) {
        EXPECT_FALSE(opened.log->put(raft::WriteVote{{term, 3}}));
        EXPECT_FALSE(opened.log->flush());
    }
    // No room for a snapshot: then the entries are what there is.
    snapshot(*opened.log, line.last());

    disk->set_room(static_cast<std::size_t>(-1));
    EXPECT_FALSE(opened.log->make_room());
    EXPECT_EQ(opened.log->room(), LogRoom::plenty);
    append(*opened.log, 30);
    opened.log.reset();
    opened = open_log(disk);
    EXPECT_TRUE(line.is(opened.recovered));
    EXPECT_EQ(opened.recovered.vote, (raft::Vote{19, 3}));
}

TEST_F(LogTest, has_a_segment_of_room_whatever_happened) {
    LogOptions options = log_options(true);
    options.segment_size = std::size_t{1} << 20;
    OpenedLog opened = open_log(disk, options);
    EXPECT_EQ(opened.log->room(), LogRoom::plenty);
    append(*opened.log, 4);
    disk->fail_flushes(true);
    line.append(1, std::string(2000, 'x'));
    ASSERT_FALSE(opened.log->put(raft::WriteEntries{{line.entries.back()}}));
    EXPECT_TRUE(opened.log->flush());
    opened.log.reset();
    // Of the last batch only the second of five sectors has come to the disk.
    disk->crash([](std::size_t) { return std::size_t{0}; });
    line.cut(5);
    std::string content = disk->contents().at(path_of("0000000001.log"));
    content[7 * 512 - 1] = '\x5A';
    disk->put(path_of("0000000001.log"), content);
    options.create = false;
    opened = open_log(disk, options);
    EXPECT_EQ(opened.log->room(), LogRoom::plenty);

    line.append(1, "");
    line.append(1, "");
    ASSERT_FALSE(opened.log->put(raft::WriteSnapshot{line.snapshot(6), true}));
    EXPECT_EQ(opened.log->room(), LogRoom::plenty);
    append(*opened.log, 1);
    EXPECT_EQ(opened.log->room(), LogRoom::plenty);
}

TEST_F(LogTest, refuses_entries_that_have_no_place) {
    OpenedLog opened = make_log(disk);
    append(*opened.log, 2);
    line.append(1, "third");
    line.append(1, "fourth");
    EXPECT_EQ(opened.log->put(raft::WriteEntries{{line.entries.back()}}),
              std::errc::invalid_argument);
    opened.log.reset();
    line.cut(3);
    EXPECT_TRUE(line.is(open_log(disk).recovered));
}

TEST_F(LogTest, takes_an_entry_larger_than_a_segment) {
    OpenedLog opened = make_log(disk);
    append(*opened.log, 1);
    line.append(1, std::string(100'000, 'x'));
    ASSERT_FALSE(opened.log->put(raft::WriteEntries{{line.entries.back()}}));
    ASSERT_FALSE(opened.log->flush());
    append(*opened.log, 1);
    opened.log.reset();
    EXPECT_TRUE(line.is(open_log(disk).recovered));
}

TEST_F(LogTest, of_a_restored_cluster_begins_with_the_snapshot) {
    for (int i = 0; i != 5; ++i) {
        line.append(3, "old");
    }
    Log::restore(disk, log_directory, log_options(), line.snapshot(5));
    OpenedLog opened = open_log(disk);
    EXPECT_EQ(opened.recovered.snapshot.index, 5U);
    EXPECT_EQ(opened.recovered.vote, (raft::Vote{3, 0}));
    append(*opened.log, 2);
    opened.log.reset();
    EXPECT_TRUE(line.is(open_log(disk).recovered));
    EXPECT_THROW(Log::restore(disk, log_directory, log_options(), line.snapshot(5)), LogRefused);
}

TEST_F(LogTest, works_on_the_file_system_of_this_machine) {
    auto name = (std::filesystem::temp_directory_path() / "attune-log-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    const std::string directory = name + "/cluster/member";
    const auto kernel = attune::detail::posix_disk();
    raft::Recovered recovered;
    {
        const auto log = Log::open(kernel, directory, log_options(true), recovered);
        append(*log, 40);
        snapshot(*log, 20);
        ASSERT_FALSE(log->put(raft::WriteVote{{5, 3}}));
        ASSERT_FALSE(log->flush());
        EXPECT_THROW(Log::open(kernel, directory, log_options(), recovered), LogRefused);
    }
    Log::open(kernel, directory, log_options(), recovered);
    EXPECT_TRUE(line.is(recovered));
    EXPECT_EQ(recovered.vote, (raft::Vote{5, 3}));
    std::filesystem::remove_all(name);
}

// A bit of every byte, and every bit of the marks of sectors.
TEST_F(LogTest, finds_every_flipped_bit_that_matters) {
    {
        OpenedLog opened = make_log(disk);
        append(*opened.log, 10);
        snapshot(*opened.log, 4);
        append(*opened.log, 3);
        snapshot(*opened.log, 11);
        EXPECT_FALSE(opened.log->put(raft::WriteVote{{4, 2}}));
        EXPECT_FALSE(opened.log->flush());
    }
    const auto good = disk->contents();
    std::size_t found = 0;
    for (const auto& [path, content] : good) {
        for (std::size_t bit = 0; bit != content.size() * 8; ++bit) {
            const std::size_t at = bit / 8;
            if (at % 512 != 511 && bit % 8 != at % 8) {
                continue;
            }
            auto copy = std::make_shared<FaultyDisk>();
            for (const auto& [other, bytes] : good) {
                copy->put(other, bytes);
            }
            std::string changed = content;
            changed[at] = static_cast<char>(changed[at] ^ (1 << (bit % 8)));
            copy->put(path, changed);
            try {
                const OpenedLog opened = open_log(copy);
                ASSERT_TRUE(line.is(opened.recovered)) << path << ' ' << at;
                ASSERT_EQ(opened.recovered.vote, (raft::Vote{4, 2})) << path << ' ' << at;
            } catch (const LogRefused& refused) {
                ASSERT_EQ(refused.why(), Why::damaged) << refused.what();
                ++found;
            }
        }
    }
    // Both headers and all 13 batches, of a sector each.
    EXPECT_GE(found, 15U * 512);
}

}  // namespace
}  // namespace log_test
