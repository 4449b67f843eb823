#include <attune/quorum/log/memory_log.hpp>

#include "log_kit.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

namespace memory_log_test {
namespace {

using namespace log_kit;
using quorum::memory_log;
using testing::HasSubstr;
using Why = LogRefused::Why;

LogRefused refused_again(const std::shared_ptr<FaultyDisk>& disk) {
    try {
        memory_log(disk, log_directory, log_options());
    } catch (const LogRefused& refused) {
        return refused;
    }
    return {Why::damaged, "not refused"};
}

TEST(MemoryLog, takes_everything_and_writes_nothing) {
    const auto disk = std::make_shared<FaultyDisk>();
    const auto log = memory_log(disk, log_directory, log_options());
    const std::size_t operations = disk->operations();
    EXPECT_FALSE(log->put(raft::WriteVote{{1, 2}}));
    EXPECT_FALSE(log->put(raft::WriteEntries{{{1, 1, {}, raft::EntryKind::barrier, nullptr}}}));
    EXPECT_FALSE(log->flush());
    EXPECT_EQ(log->room(), LogRoom::plenty);
    EXPECT_EQ(disk->operations(), operations);
}

TEST(MemoryLog, never_comes_back) {
    const auto disk = std::make_shared<FaultyDisk>();
    memory_log(disk, log_directory, log_options());
    disk->crash([](std::size_t) { return std::size_t{0}; });
    const LogRefused refused = refused_again(disk);
    EXPECT_EQ(refused.why(), Why::exists);
    EXPECT_THAT(refused.what(),
                testing::AllOf(HasSubstr("log/volatile"), HasSubstr("kept its log in memory"),
                               HasSubstr("a new cluster id")));
    // Nor as a durable one.
    EXPECT_EQ(refusal(disk)->why(), Why::missing);
    EXPECT_EQ(refusal(disk, log_options(true))->why(), Why::exists);
}

TEST(MemoryLog, takes_no_directory_of_a_durable_one_nor_of_one_that_runs) {
    auto disk = std::make_shared<FaultyDisk>();
    make_log(disk);
    EXPECT_EQ(refused_again(disk).why(), Why::exists);

    disk = std::make_shared<FaultyDisk>();
    const auto log = memory_log(disk, log_directory, log_options());
    EXPECT_EQ(refused_again(disk).why(), Why::in_use);
}

}  // namespace
}  // namespace memory_log_test
