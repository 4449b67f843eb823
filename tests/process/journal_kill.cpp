// A process that is killed while it writes a journal.

#include "journal_history.hpp"

#include <attune/store/journal.hpp>

#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <random>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace journal_kill_test {
namespace {

using attune::Version;

/// The writer program, and what it says.
class Writer {
public:
    Writer(const std::string& directory, bool sync) {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) != 0) {
            throw std::system_error(errno, std::generic_category(), "pipe");
        }
        out_ = ends[0];
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
        std::string program = ATTUNE_PROCESS_PROGRAMS "/journal_writer";
        std::string mode = sync ? "sync" : "async";
        std::string place = directory;
        char* arguments[] = {program.data(), place.data(), mode.data(), nullptr};
        const int error =
            posix_spawn(&process_, program.c_str(), &actions, nullptr, arguments, environ);
        posix_spawn_file_actions_destroy(&actions);
        close(ends[1]);
        if (error != 0) {
            throw std::system_error(error, std::generic_category(), program);
        }
    }
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;
    ~Writer() {
        kill();
        close(out_);
    }

    /// The next version it has acknowledged; zero when there is none any more.
    Version next() {
        Version version = 0;
        const ssize_t size = read(out_, &version, sizeof version);
        return size == sizeof version ? version : 0;
    }

    void kill() {
        if (process_ > 0) {
            ::kill(process_, SIGKILL);
            int status = 0;
            waitpid(process_, &status, 0);
            EXPECT_TRUE(WIFSIGNALED(status)) << "the writer gave up, with " << WEXITSTATUS(status);
            process_ = 0;
        }
    }

private:
    pid_t process_ = 0;
    int out_ = -1;
};

class JournalOfKilledProcess : public testing::TestWithParam<bool> {
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
    const int kills = GetParam() ? 100 : 200;
    std::mt19937 random(4711);
    Version last = 0;
    for (int i = 0; i != kills; ++i) {
        {
            Writer writer(directory, GetParam());
            const Version wanted = 1 + random() % (GetParam() ? 25 : 60);
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
        const auto sink =
            attune::Journal(directory, attune_test::history_options(GetParam())).open();
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

INSTANTIATE_TEST_SUITE_P(WithAndWithout, JournalOfKilledProcess, testing::Bool(),
                         [](const auto& mode) { return mode.param ? "sync" : "no_sync"; });

}  // namespace
}  // namespace journal_kill_test
