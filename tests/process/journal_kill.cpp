// A process that is killed while it writes a journal.

#include "child.hpp"
#include "journal_history.hpp"

#include <attune/store/journal.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <random>
#include <string>
#include <system_error>
#include <tuple>

#include <stdlib.h>
#include <sys/wait.h>

namespace journal_kill_test {
namespace {

using attune::Version;

/// The writer program, and the versions that it has acknowledged.
class Writer {
public:
    Writer(const std::string& directory, bool sync, bool store)
        : child_("journal_writer", {directory, sync ? "sync" : "async", store ? "store" : "sink"}) {
    }

    /// The next one; zero when there is none any more.
    Version next() {
        const auto line = child_.hear();
        return line ? std::stoull(*line) : 0;
    }
    void kill() {
        const int status = child_.kill();
        EXPECT_TRUE(WIFSIGNALED(status)) << "the writer gave up, with " << WEXITSTATUS(status);
    }

private:
    attune_test::Child child_;
};

class JournalOfKilledProcess : public testing::TestWithParam<std::tuple<bool, bool>> {
protected:
    JournalOfKilledProcess() {
        auto name = (std::filesystem::temp_directory_path() / "attune-kill-XXXXXX").string();
        EXPECT_NE(mkdtemp(name.data()), nullptr);
        directory = name;
    }
    ~JournalOfKilledProcess() override {
        std::error_code ignored;
        std::filesystem::remove_all(directory, ignored);
    }

    std::string directory;
};

TEST_P(JournalOfKilledProcess, has_every_version_that_was_acknowledged) {
    // With flushes, what takes time is the disk.
    const auto [sync, store] = GetParam();
    const int kills = sync ? 60 : 120;
    std::mt19937 random(4711);
    Version last = 0;
    for (int i = 0; i != kills; ++i) {
        {
            Writer writer(directory, sync, store);
            const Version wanted = 1 + random() % (sync ? 25 : 60);
            for (Version count = 0; count != wanted; ++count) {
                const Version version = writer.next();
                ASSERT_EQ(version, last + 1);
                last = version;
            }
            // Anywhere in the next append, or in what comes after it.
            const auto until =
                std::chrono::steady_clock::now() + std::chrono::microseconds(random() % 300);
            while (std::chrono::steady_clock::now() < until) {
            }
            writer.kill();
            while (const Version version = writer.next()) {
                ASSERT_EQ(version, last + 1);
                last = version;
            }
        }
        const attune::journal::Report report = attune::journal::verify(directory);
        ASSERT_FALSE(report.damage) << report.damage->what << " after kill " << i;
        const auto sink = attune::Journal(directory, attune_test::history_options(sync)).open();
        const auto restored = sink->restore(100);
        ASSERT_FALSE(restored.versions.empty());
        const Version found = restored.versions.back().version;
        ASSERT_GE(found, last);
        ASSERT_LE(found, last + 1);
        last = found;
        ASSERT_GE(restored.versions.size(), std::min<Version>(found, 10));
        Version expected = restored.versions.front().version;
        for (const attune::VersionRecord& record : restored.versions) {
            ASSERT_EQ(record.version, expected++);
            ASSERT_EQ(record.document, attune_test::document_of(record.version));
        }
        ASSERT_EQ(restored.own, restored.versions.back().document);
    }
}

INSTANTIATE_TEST_SUITE_P(WithAndWithout, JournalOfKilledProcess,
                         testing::Combine(testing::Bool(), testing::Bool()), [](const auto& mode) {
                             return std::string(std::get<0>(mode.param) ? "sync" : "no_sync") +
                                    (std::get<1>(mode.param) ? "_store" : "_journal_alone");
                         });

}  // namespace
}  // namespace journal_kill_test
