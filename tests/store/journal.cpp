#include <attune/store/journal.hpp>

#include "journal_kit.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <sys/stat.h>

namespace journal_test {
namespace {

using namespace attune_test;
using attune::Journal;
using attune::JournalError;
using attune::JournalFault;
using attune::Path;
using testing::ElementsAre;
using testing::HasSubstr;

class JournalOnDisk : public testing::Test {
protected:
    std::vector<VersionRecord> reopened(std::size_t most = 1000) {
        return open_journal(disk)->restore(most).versions;
    }

    std::shared_ptr<FaultyDisk> disk = std::make_shared<FaultyDisk>();
    StoreModel model;
};

std::vector<attune::Version> numbers(const std::vector<VersionRecord>& records) {
    std::vector<attune::Version> all;
    for (const VersionRecord& record : records) {
        all.push_back(record.version);
    }
    return all;
}

TEST(Journal, is_made_of_a_directory_and_options_where_one_is_expected) {
    struct Options {
        std::size_t history = 64;
        Journal journal = {};
    };
    EXPECT_FALSE(Options{}.journal);
    EXPECT_EQ((Options{.journal = "dir"}).journal.directory(), "dir");
    EXPECT_EQ((Options{.journal = std::string("dir")}).journal.directory(), "dir");
    EXPECT_EQ((Options{.journal = std::filesystem::path("dir")}).journal.directory(), "dir");
    const Options both{.journal = {"dir", {.sync = false}}};
    EXPECT_TRUE(both.journal);
    EXPECT_FALSE(both.journal.options().sync);
}

TEST(Journal, keeps_files_that_only_their_owner_reads) {
    const RealFolder folder;
    const Journal journal(folder / "a/b");
    {
        const auto sink = journal.open();
        EXPECT_TRUE(sink->restore(10).versions.empty());
        StoreModel().set(*sink, "password", "swordfish");
    }
    const auto mode = [&](const std::string& name) {
        struct stat status;
        EXPECT_EQ(stat((folder / name).c_str(), &status), 0) << name;
        return status.st_mode & 0777;
    };
    EXPECT_EQ(mode("a/b"), 0700u);
    EXPECT_EQ(mode("a/b/0000000001.journal"), 0600u);
    EXPECT_EQ(mode("a/b/lock"), 0600u);
}

TEST(Journal, belongs_to_one_store_at_a_time) {
    const RealFolder folder;
    auto first = Journal(folder.path()).open();
    try {
        Journal(folder.path()).open();
        FAIL();
    } catch (const JournalError& error) {
        EXPECT_EQ(error.fault(), JournalFault::locked);
        EXPECT_EQ(error.file(), folder.path());
        EXPECT_THAT(error.what(), HasSubstr("another store has this journal"));
    }
    first.reset();
    EXPECT_NE(Journal(folder.path()).open(), nullptr);
}

TEST(Journal, says_that_a_directory_cannot_be_made) {
    const RealFolder folder;
    attune::detail::write_file_durably(*attune::detail::posix_disk(), folder / "file", "");
    try {
        Journal(folder / "file/below").open();
        FAIL();
    } catch (const JournalError& error) {
        EXPECT_EQ(error.fault(), JournalFault::disk);
        EXPECT_THAT(error.what(), HasSubstr(folder / "file/below"));
    }
}

TEST(Journal, refuses_what_is_no_key_without_repeating_it) {
    const RealFolder folder;
    try {
        Journal(folder.path(), {.signing_key = "swordfish"}).open();
        FAIL();
    } catch (const JournalError& error) {
        EXPECT_EQ(error.fault(), JournalFault::key);
        EXPECT_THAT(error.what(), testing::Not(HasSubstr("swordfish")));
    }
}

TEST_F(JournalOnDisk, gives_back_every_version_and_what_the_store_had_set) {
    std::vector<VersionRecord> written;
    {
        const auto sink = open_journal(disk);
        sink->restore(10);
        written.push_back(model.change(*sink, {{"a", 1}, {"b", {{"c", "x"}}}}, model.own, "start",
                                       ""));
        written.push_back(model.set(*sink, "b.c", "y"));
        written.push_back(model.set(*sink, "d", {1, 2, 3}));
        written.push_back(model.change(*sink, model.base.without("a"), model.own, "reload\n\0 \x01",
                                       "file \"q\""));
        written.push_back(model.change(*sink, model.base, Document::object(), "erase",
                                       "overrides"));
    }
    const auto restored = open_journal(disk)->restore(1000);
    EXPECT_EQ(restored.versions, written);
    EXPECT_EQ(restored.own, model.own);
    EXPECT_EQ(restored.cut, 0u);
}

TEST_F(JournalOnDisk, gives_back_the_newest_of_many) {
    {
        const auto sink = open_journal(disk);
        for (int i = 0; i < 10; ++i) {
            model.set(*sink, "n", i);
        }
        sink->keep(3, "before migration");
    }
    auto versions = reopened(2);
    EXPECT_THAT(numbers(versions), ElementsAre(3, 9, 10));
    EXPECT_TRUE(versions[0].kept);
    EXPECT_EQ(versions[0].note, "before migration");
    EXPECT_EQ(versions[0].document, Document({{"n", 2}}));
    open_journal(disk)->forget(3);
    EXPECT_THAT(numbers(reopened(2)), ElementsAre(9, 10));
}

TEST_F(JournalOnDisk, continues_where_it_ended) {
    {
        const auto sink = open_journal(disk);
        model.set(*sink, "n", 1);
    }
    {
        const auto sink = open_journal(disk);
        const auto restored = sink->restore(10);
        // Equal, but nothing of it is shared with what the journal has read.
        model.own = Document::object().with("n", 1);
        model.set(*sink, "m", 2);
    }
    EXPECT_THAT(numbers(reopened()), ElementsAre(1, 2));
    EXPECT_EQ(reopened().back().document, Document({{"n", 1}, {"m", 2}}));
    EXPECT_TRUE(attune::detail::verify_journal(*disk, journal_directory));
}

TEST_F(JournalOnDisk, keeps_its_own_account_of_the_version_before) {
    const auto sink = open_journal(disk);
    model.set(*sink, "n", 1);
    // A store that begins anew, as if it had restored nothing.
    StoreModel other;
    other.version = 1;
    const Path path("m");
    other.change(*sink, Document::object(), Document({{"m", 2}}), "set", "overrides", &path);
    EXPECT_EQ(attune::detail::read_versions(*disk, journal_directory).back().document,
              Document({{"m", 2}}));
}

TEST_F(JournalOnDisk, keeps_what_json_has_no_text_for) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    const Document odd = {{"text", Document::text("4")},
                          {"nan", std::nan("")},
                          {"list", {infinity, Document::text(""), {{"a~/b", -infinity}}}},
                          {"zero", -0.0},
                          {"big", std::numeric_limits<std::uint64_t>::max()}};
    {
        const auto sink = open_journal(disk);
        model.change(*sink, odd, model.own, "env", "env");
        model.set(*sink, "text", Document::text("on"));
        model.set(*sink, "deep", odd);
        model.set(*sink, "text", "on");
    }
    const auto versions = reopened();
    ASSERT_EQ(versions.size(), 4u);
    EXPECT_EQ(versions[0].document, odd);
    EXPECT_EQ(versions[1].document, odd.with("text", Document::text("on")));
    EXPECT_EQ(versions[2].document.at("deep"), odd);
    EXPECT_FALSE(versions[3].document.at("text").is_text());
}

TEST_F(JournalOnDisk, takes_documents_deeper_than_a_parser_would) {
    Document deep = 1;
    for (int i = 0; i < 1000; ++i) {
        deep = Document::object().with("a", deep);
    }
    {
        const auto sink = open_journal(disk);
        model.change(*sink, deep, model.own, "", "");
        model.change(*sink, Document::object(), model.own, "", "");
        model.change(*sink, deep, model.own, "", "");
    }
    EXPECT_EQ(reopened().back().document, deep);
}

TEST_F(JournalOnDisk, says_how_much_of_an_unfinished_record_it_cut_off) {
    {
        const auto sink = open_journal(disk);
        model.set(*sink, "n", 1);
        model.set(*sink, "n", 2);
    }
    const std::string path = attune::detail::segment_path(journal_directory, 1);
    const std::string whole = disk->contents().at(path);
    disk->put(path, whole.substr(0, whole.size() - 5));
    EXPECT_GT(attune::detail::verify_journal(*disk, journal_directory).unfinished, 0u);
    const auto sink = open_journal(disk);
    const auto restored = sink->restore(10);
    EXPECT_THAT(numbers(restored.versions), ElementsAre(1));
    EXPECT_GT(restored.cut, 100u);
    EXPECT_LT(disk->contents().at(path).size(), whole.size() - restored.cut);
}

class JournalCompaction : public JournalOnDisk {
protected:
    const JournalOptions small{.keep = 5, .segment_bytes = 4096};

    std::size_t segments() const {
        return attune::detail::segments_in(*disk, journal_directory).size();
    }
};

TEST_F(JournalCompaction, leaves_the_newest_versions_and_those_that_are_marked) {
    std::vector<VersionRecord> written;
    {
        const auto sink = open_journal(disk, small);
        for (int i = 0; i < 400; ++i) {
            written.push_back(model.set(*sink, "n" + std::to_string(i % 7), i));
            if (i % 100 == 10) {
                sink->keep(model.version, "mark " + std::to_string(i));
                written.back().kept = true;
                written.back().note = "mark " + std::to_string(i);
            }
            if (i == 250) {
                sink->forget(111);
                sink->keep(240, "late");
                written[239].kept = true;
                written[239].note = "late";
                written[110].kept = false;
                written[110].note = "";
            }
        }
        EXPECT_EQ(segments(), 2u);
    }
    const auto versions = reopened();
    const auto kept = numbers({versions.begin(), versions.begin() + 3});
    EXPECT_THAT(kept, ElementsAre(11, 211, 240));
    EXPECT_EQ(versions.back(), written.back());
    EXPECT_GE(versions.size(), 3u + 5);
    EXPECT_LT(versions.size(), 100u);
    for (const VersionRecord& version : versions) {
        EXPECT_EQ(version, written[version.version - 1]);
    }
    for (std::size_t i = 4; i + 1 < versions.size() && versions[i].version > 311; ++i) {
        EXPECT_EQ(versions[i].version + 1, versions[i + 1].version);
    }
    EXPECT_TRUE(attune::detail::verify_journal(*disk, journal_directory));
}

TEST_F(JournalCompaction, waits_until_there_are_more_changes_than_document) {
    const auto sink = open_journal(disk, small);
    model.change(*sink, {{"large", std::string(50'000, 'x')}}, model.own, "", "");
    for (int i = 0; i < 100; ++i) {
        model.set(*sink, "n", i);
    }
    EXPECT_EQ(segments(), 1u);
}

TEST_F(JournalCompaction, can_be_asked_for) {
    {
        const auto sink = open_journal(disk);
        for (int i = 0; i < 20; ++i) {
            model.set(*sink, "n", i);
        }
        sink->keep(2, "two");
    }
    attune::detail::compact_journal(disk, journal_directory, 3);
    auto versions = reopened();
    EXPECT_THAT(numbers(versions), ElementsAre(2, 18, 19, 20));
    EXPECT_EQ(versions[0].note, "two");
    EXPECT_EQ(versions[0].document, Document({{"n", 1}}));
    EXPECT_EQ(segments(), 1u);
    {
        const auto sink = open_journal(disk);
        EXPECT_EQ(sink->restore(1).own, model.own);
        model.set(*sink, "n", 99);
    }
    EXPECT_THAT(numbers(reopened()), ElementsAre(2, 18, 19, 20, 21));
    EXPECT_TRUE(attune::detail::verify_journal(*disk, journal_directory));
}

}  // namespace
}  // namespace journal_test
