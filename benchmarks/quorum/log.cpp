// What the log of a member adds to what the disk itself takes, and how many entries share a flush.

#include "../support.hpp"

#include <attune/quorum/log/log.hpp>
#include <attune/quorum/raft/write.hpp>
#include <attune/storage/disk.hpp>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <unistd.h>

namespace {

using namespace bench;
namespace raft = attune::quorum::raft;
using attune::quorum::Log;

constexpr std::size_t entry_bytes = 128;
/// What becomes of such an entry, alone in its batch: docs/quorum.md.
constexpr std::size_t written_bytes = 512;

class Member {
public:
    Member() {
        raft::Recovered recovered;
        log_ = Log::open(attune::detail::posix_disk(), (folder_ / "log").string(),
                         {.cluster = 1, .node = 1, .create = true}, recovered);
    }

    void put() {
        entries_.entries[0].index = ++last_;
        check(log_->put(entries_));
    }
    void flush() { check(log_->flush()); }

private:
    static void check(const std::error_code& error) {
        if (error) {
            throw std::system_error(error, "the log");
        }
    }

    const Folder folder_;
    std::unique_ptr<Log> log_;
    raft::Index last_ = 0;
    raft::WriteEntries entries_{{{0, 1, raft::ClusterTime(0), raft::EntryKind::command,
                                  std::make_shared<const std::string>(entry_bytes, 'x')}}};
};

/// The same bytes, to a file that has its room.
class Bare {
public:
    Bare() : file_(::open((folder_ / "bare").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
        const std::string zeros(room, '\0');
        if (file_ < 0 || ::pwrite(file_, zeros.data(), room, 0) != static_cast<ssize_t>(room) ||
            ::fsync(file_) != 0) {
            throw std::runtime_error("cannot write to the temporary folder");
        }
    }
    Bare(const Bare&) = delete;
    Bare& operator=(const Bare&) = delete;
    ~Bare() { ::close(file_); }

    void append() {
        if (::pwrite(file_, bytes_.data(), bytes_.size(), at_) < 0 || ::fdatasync(file_) != 0) {
            throw std::runtime_error("cannot flush");
        }
        at_ = (at_ + static_cast<off_t>(written_bytes)) % static_cast<off_t>(room);
    }

private:
    static constexpr std::size_t room = std::size_t{16} << 20;

    const Folder folder_;
    const int file_;
    const std::string bytes_ = std::string(written_bytes, 'x');
    off_t at_ = 0;
};

// Both in turn, so that whatever else the disk does happens to both.
void durable_append(benchmark::State& state) {
    Member member;
    Bare bare;
    Durations durations;
    std::chrono::duration<double> ours{};
    std::chrono::duration<double> theirs{};
    for (auto _ : state) {
        const auto begin = Clock::now();
        member.put();
        member.flush();
        const auto between = Clock::now();
        bare.append();
        const auto end = Clock::now();
        durations.add(between - begin);
        ours += between - begin;
        theirs += end - between;
        state.SetIterationTime(std::chrono::duration<double>(between - begin).count());
    }
    durations.report(state);
    state.counters["bare_us"] = theirs.count() * 1e6 / static_cast<double>(state.iterations());
    state.counters["of_bare_rate"] = theirs / ours;
}

// One thread has so many entries on their way at any time; the other one writes what has come while
// it was flushing.
void group_commit(benchmark::State& state) {
    constexpr std::uint64_t outstanding = 64;
    Member member;
    std::mutex mutex;
    std::condition_variable changed;
    std::uint64_t proposed = 0;
    std::uint64_t durable = 0;
    bool over = false;
    std::thread producer([&] {
        std::unique_lock lock(mutex);
        while (!over) {
            proposed = durable + outstanding;
            changed.notify_all();
            changed.wait(lock, [&] { return over || proposed != durable + outstanding; });
        }
    });
    std::uint64_t flushes = 0;
    for (auto _ : state) {
        std::uint64_t until = 0;
        {
            std::unique_lock lock(mutex);
            changed.wait(lock, [&] { return proposed != durable; });
            until = proposed;
        }
        for (std::uint64_t entry = durable; entry != until; ++entry) {
            member.put();
        }
        member.flush();
        ++flushes;
        const std::lock_guard lock(mutex);
        durable = until;
        changed.notify_all();
    }
    {
        const std::lock_guard lock(mutex);
        over = true;
        changed.notify_all();
    }
    producer.join();
    state.counters["per_flush"] = static_cast<double>(durable) / static_cast<double>(flushes);
    state.counters["entries"] =
        benchmark::Counter(static_cast<double>(durable), benchmark::Counter::kIsRate);
}

BENCHMARK(durable_append)->Name("quorum/durable append")->UseManualTime();
BENCHMARK(group_commit)->Name("quorum/group commit")->UseRealTime();

}  // namespace
