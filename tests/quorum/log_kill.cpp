// A process that is killed while it writes a log, on the file system of this machine.

#include <attune/quorum/log/log.hpp>

#include "log_kit.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <random>
#include <string>
#include <system_error>
#include <vector>

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

namespace log_kill_test {
namespace {

using namespace log_kit;

/// What a log has after so many steps. Each step, a vote and one write, follows from its number.
struct History {
    std::uint64_t steps = 0;
    raft::Vote vote{};
    Line line{};
    raft::Index snapshot = 0;

    /// Gives what is to be written.
    std::vector<raft::Write> step() {
        std::mt19937 random(static_cast<std::uint32_t>(++steps));
        const auto below = [&](std::uint64_t limit) { return random() % limit; };
        vote = {steps, 1 + below(3)};
        std::vector<raft::Write> writes{raft::WriteVote{vote}};
        const raft::Index loose = line.last() - snapshot;
        switch (loose == 0 ? 0 : below(12)) {
        case 0:
        case 1:
        case 2:
        case 3:
        case 4: append(below(4) == 0 ? 3000 + below(3000) : below(600), writes); break;
        case 5:
        case 6:
            line.cut(line.last() - below(std::min<raft::Index>(loose, 4)));
            append(below(600), writes);
            break;
        case 7:
        case 8:
            line.cut(line.last() - below(std::min<raft::Index>(loose, 4)));
            writes.emplace_back(raft::TruncateLog{line.last() + 1});
            break;
        case 9:
        case 10:
            snapshot += 1 + below(loose);
            writes.emplace_back(raft::WriteSnapshot{line.snapshot(snapshot), false});
            break;
        default: {
            Line other;
            for (snapshot += 1 + below(loose + 2); other.last() != snapshot;) {
                other.append(steps, std::string(below(9), 'o'));
            }
            line = other;
            writes.emplace_back(raft::WriteSnapshot{line.snapshot(snapshot), true});
        }
        }
        return writes;
    }

private:
    void append(std::size_t size, std::vector<raft::Write>& writes) {
        line.append(steps, std::string(size, static_cast<char>('a' + steps % 26)));
        writes.emplace_back(raft::WriteEntries{{line.entries.back()}});
    }
};

LogOptions options(bool create = false) {
    return {.cluster = 7, .node = 3, .create = create, .segment_size = 8192};
}

/// Goes on after that history, and tells of every step that is durable.
[[noreturn]] void write_for_ever(const std::string& directory, History history, int told) {
    try {
        raft::Recovered recovered;
        const auto log = Log::open(attune::detail::posix_disk(), directory, options(), recovered);
        for (;;) {
            for (const raft::Write& write : history.step()) {
                if (log->put(write)) {
                    _exit(2);
                }
            }
            if (log->flush() || ::write(told, "+", 1) != 1) {
                _exit(3);
            }
        }
    } catch (const std::exception&) {
        _exit(4);
    }
}

class LogOfKilledProcess : public testing::Test {
protected:
    LogOfKilledProcess() {
        auto name = (std::filesystem::temp_directory_path() / "attune-log-XXXXXX").string();
        EXPECT_NE(mkdtemp(name.data()), nullptr);
        directory = name + "/log";
    }
    ~LogOfKilledProcess() override {
        std::error_code ignored;
        std::filesystem::remove_all(std::filesystem::path(directory).parent_path(), ignored);
    }

    /// How many steps a process has acknowledged before it was killed.
    std::uint64_t acknowledged(const History& history, std::uint64_t wanted,
                               std::chrono::microseconds more) {
        int told[2];
        EXPECT_EQ(pipe(told), 0);
        const pid_t child = fork();
        if (child == 0) {
            write_for_ever(directory, history, told[1]);
        }
        ::close(told[1]);
        std::uint64_t count = 0;
        char byte = 0;
        while (count != wanted && ::read(told[0], &byte, 1) == 1) {
            ++count;
        }
        // Anywhere in the next step, or while the log is opened.
        const auto until = std::chrono::steady_clock::now() + more;
        while (std::chrono::steady_clock::now() < until) {
        }
        EXPECT_EQ(::kill(child, SIGKILL), 0);
        while (::read(told[0], &byte, 1) == 1) {
            ++count;
        }
        ::close(told[0]);
        int status = 0;
        EXPECT_EQ(waitpid(child, &status, 0), child);
        EXPECT_TRUE(WIFSIGNALED(status)) << "the writer gave up, with " << WEXITSTATUS(status);
        return count;
    }

    std::string directory;
};

TEST_F(LogOfKilledProcess, has_everything_that_was_acknowledged_and_at_most_one_step_more) {
    raft::Recovered made;
    Log::open(attune::detail::posix_disk(), directory, options(true), made).reset();
    std::mt19937 random(4711);
    History history;
    for (int kill = 0; kill != 60; ++kill) {
        const std::uint64_t count =
            acknowledged(history, random() % 8, std::chrono::microseconds(random() % 1000));
        for (std::uint64_t i = 0; i != count; ++i) {
            history.step();
        }
        raft::Recovered found;
        Log::open(attune::detail::posix_disk(), directory, options(), found).reset();
        History next = history;
        next.step();
        const bool has_next = found.vote == next.vote;
        ASSERT_TRUE(has_next || found.vote == history.vote) << "after kill " << kill;
        // What was begun may be there, its vote first.
        if (has_next && next.line.is(found)) {
            history.line = next.line;
        }
        ASSERT_TRUE(history.line.is(found)) << "after kill " << kill;
        ASSERT_TRUE(found.snapshot.index == history.snapshot ||
                    (has_next && found.snapshot.index == next.snapshot))
            << "after kill " << kill;
        history.steps = has_next ? next.steps : history.steps;
        history.vote = found.vote;
        history.snapshot = found.snapshot.index;
    }
    EXPECT_GT(history.steps, 60U);
}

}  // namespace
}  // namespace log_kill_test
