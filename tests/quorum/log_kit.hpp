#pragma once

#include "storage/faulty_disk.hpp"

#include <attune/quorum/log/log.hpp>
#include <attune/quorum/raft/write.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace log_kit {

namespace quorum = attune::quorum;
namespace raft = attune::quorum::raft;
using attune_test::FaultyDisk;
using quorum::Log;
using quorum::LogOptions;
using quorum::LogRefused;
using quorum::LogRoom;

inline const std::string log_directory = "log";

inline raft::Bytes bytes(std::string text) {
    return text.empty() ? nullptr : std::make_shared<const std::string>(std::move(text));
}

inline std::string text_of(const raft::Bytes& data) { return data != nullptr ? *data : ""; }

inline bool same(const raft::Entry& a, const raft::Entry& b) {
    return a.index == b.index && a.term == b.term && a.time == b.time && a.kind == b.kind &&
           text_of(a.data) == text_of(b.data);
}

/// All entries from the first one on, those that are in a snapshot as well. The state after them is
/// the list of their texts' lengths and terms: enough to tell two logs apart.
struct Line {
    std::vector<raft::Entry> entries{};

    raft::Index last() const { return entries.size(); }
    void append(raft::Term term, std::string data) {
        entries.push_back({last() + 1, term, raft::ClusterTime(last() * 10),
                           data.empty() ? raft::EntryKind::barrier : raft::EntryKind::command,
                           bytes(std::move(data))});
    }
    void cut(raft::Index from) { entries.resize(static_cast<std::size_t>(from - 1)); }
    std::vector<raft::Entry> after(raft::Index index) const {
        return {entries.begin() + static_cast<std::ptrdiff_t>(index), entries.end()};
    }
    raft::Snapshot snapshot(raft::Index index) const {
        std::string state;
        for (std::size_t i = 0; i != index; ++i) {
            state += std::to_string(entries[i].term) + ':' +
                     std::to_string(text_of(entries[i].data).size()) + ' ';
        }
        const raft::Entry& at = entries[static_cast<std::size_t>(index - 1)];
        return {index, at.term, at.time, bytes(std::move(state))};
    }

    /// Is this what was recovered, with whatever snapshot?
    bool is(const raft::Recovered& recovered) const {
        const raft::Snapshot& snapshot = recovered.snapshot;
        if (snapshot.index > last()) {
            return false;
        }
        if (snapshot.index != 0) {
            const raft::Snapshot expected = this->snapshot(snapshot.index);
            if (snapshot.term != expected.term || snapshot.time != expected.time ||
                text_of(snapshot.data) != text_of(expected.data)) {
                return false;
            }
        }
        const std::vector<raft::Entry> rest = after(snapshot.index);
        return std::equal(rest.begin(), rest.end(), recovered.entries.begin(),
                          recovered.entries.end(), same);
    }
};

inline bool same(const raft::Recovered& a, const raft::Recovered& b) {
    return a.vote == b.vote && a.snapshot.index == b.snapshot.index &&
           a.snapshot.term == b.snapshot.term && a.snapshot.time == b.snapshot.time &&
           text_of(a.snapshot.data) == text_of(b.snapshot.data) &&
           std::equal(a.entries.begin(), a.entries.end(), b.entries.begin(), b.entries.end(),
                      [](const auto& x, const auto& y) { return same(x, y); });
}

struct OpenedLog {
    raft::Recovered recovered{};
    std::unique_ptr<Log> log{};
};

inline LogOptions log_options(bool create = false) {
    return {.cluster = 7, .node = 3, .create = create, .segment_size = 4096};
}

inline OpenedLog open_log(const std::shared_ptr<FaultyDisk>& disk, const LogOptions& options) {
    OpenedLog opened;
    opened.log = Log::open(disk, log_directory, options, opened.recovered);
    return opened;
}

inline OpenedLog make_log(const std::shared_ptr<FaultyDisk>& disk) {
    return open_log(disk, log_options(true));
}

inline OpenedLog open_log(const std::shared_ptr<FaultyDisk>& disk) {
    return open_log(disk, log_options());
}

/// Why a log is refused; nothing when it is not.
inline std::optional<LogRefused> refusal(const std::shared_ptr<FaultyDisk>& disk,
                                         const LogOptions& options = log_options()) {
    try {
        open_log(disk, options);
    } catch (const LogRefused& refused) {
        return refused;
    }
    return std::nullopt;
}

/// A log and what must be in it: does random things to it, and notes what they may leave.
class LogDriver {
public:
    explicit LogDriver(std::uint32_t seed,
                       std::shared_ptr<FaultyDisk> on = std::make_shared<FaultyDisk>())
        : disk(std::move(on)), random_(seed) {
        disk->mix_names(true);
    }

    std::size_t below(std::size_t limit) { return random_() % limit; }
    FaultyDisk::Choose chance() {
        return [this](std::size_t limit) { return below(limit); };
    }

    void make() { begin(make_log(disk)); }

    /// What is wrong with what comes back, if anything.
    std::string reopen() {
        log.reset();
        OpenedLog opened = open_log(disk);
        const std::string problem = judge(opened.recovered);
        begin(std::move(opened));
        return problem;
    }

    /// Does something; its error.
    std::error_code act() {
        const std::size_t what = below(12);
        if (what < 2) {
            return put_vote();
        }
        if (what < 6 || line_.last() == snapshot_) {
            return put_entries(line_.last() + 1);
        }
        if (what == 6) {
            return put_entries(snapshot_ + 1 + below(line_.last() - snapshot_));
        }
        if (what == 7) {
            return truncate(snapshot_ + 1 + below(line_.last() - snapshot_));
        }
        if (what == 8) {
            return put_snapshot(snapshot_ + 1 + below(line_.last() - snapshot_));
        }
        if (what == 9 && below(4) == 0) {
            return replace();
        }
        return flush();
    }

    std::error_code put_vote() {
        vote_.term += below(2);
        vote_.candidate = below(4);
        possible_.push_back({vote_, line_});
        return log->put(raft::WriteVote{vote_});
    }
    std::error_code put_entries(raft::Index from) {
        line_.cut(from);
        raft::WriteEntries write;
        for (std::size_t count = 1 + below(4); count != 0; --count) {
            line_.append(vote_.term, random_data());
            write.entries.push_back(line_.entries.back());
            possible_.push_back({vote_, line_});
        }
        return log->put(write);
    }
    std::error_code put_small_entry() {
        line_.append(vote_.term, std::string(1 + below(100), 'x'));
        possible_.push_back({vote_, line_});
        return log->put(raft::WriteEntries{{line_.entries.back()}});
    }
    std::error_code truncate(raft::Index from) {
        line_.cut(from);
        possible_.push_back({vote_, line_});
        return log->put(raft::TruncateLog{from});
    }
    std::error_code put_snapshot(raft::Index index) {
        const std::error_code error = log->put(raft::WriteSnapshot{line_.snapshot(index), false});
        if (!error) {
            snapshot_ = index;
            is_flushed();
        }
        return error;
    }
    std::error_code replace() {
        Line other;
        const raft::Index last = snapshot_ + 1 + below(6);
        while (other.last() != last) {
            other.append(vote_.term, "of another " + std::to_string(below(1000)));
        }
        line_ = other;
        possible_.push_back({vote_, line_});
        const std::error_code error = log->put(raft::WriteSnapshot{line_.snapshot(last), true});
        if (!error) {
            snapshot_ = last;
            is_flushed();
        }
        return error;
    }
    std::error_code flush() {
        const std::error_code error = log->flush();
        if (!error) {
            is_flushed();
        }
        return error;
    }

    const Line& line() const { return line_; }
    raft::Index snapshot() const { return snapshot_; }

    std::shared_ptr<FaultyDisk> disk;
    std::unique_ptr<Log> log;

private:
    struct State {
        raft::Vote vote;
        Line line;
    };

    std::string random_data() {
        static constexpr std::size_t sizes[] = {0, 1, 20, 128, 400, 1000};
        const std::size_t size = below(30) == 0 ? 3000 + below(6000) : sizes[below(6)];
        // Zeros are what the disk has where nothing was written.
        return std::string(size, below(2) == 0 ? '\0' : static_cast<char>('a' + below(26)));
    }

    void is_flushed() { possible_ = {{vote_, line_}}; }

    // Later states of the log go with votes that are as late, or later.
    std::string judge(const raft::Recovered& recovered) const {
        for (std::size_t at = possible_.size(); at-- != 0;) {
            if (!possible_[at].line.is(recovered)) {
                continue;
            }
            for (std::size_t vote = at; vote != possible_.size(); ++vote) {
                if (possible_[vote].vote == recovered.vote) {
                    return "";
                }
            }
        }
        std::string text = "recovered vote " + std::to_string(recovered.vote.term) + '/' +
                           std::to_string(recovered.vote.candidate) + ", snapshot " +
                           std::to_string(recovered.snapshot.index) + " and " +
                           std::to_string(recovered.entries.size()) + " entries; possible:";
        for (const State& state : possible_) {
            text += ' ' + std::to_string(state.vote.term) + '/' +
                    std::to_string(state.vote.candidate) + " with " +
                    std::to_string(state.line.last());
        }
        return text;
    }

    void begin(OpenedLog opened) {
        log = std::move(opened.log);
        const raft::Recovered& recovered = opened.recovered;
        for (std::size_t at = possible_.size(); at-- != 0;) {
            if (possible_[at].line.is(recovered)) {
                line_ = possible_[at].line;
                break;
            }
        }
        vote_ = recovered.vote;
        snapshot_ = recovered.snapshot.index;
        is_flushed();
    }

    std::mt19937 random_;
    raft::Vote vote_{};
    Line line_{};
    raft::Index snapshot_ = 0;
    std::vector<State> possible_{{}};  ///< after what was acknowledged last, oldest first
};

}  // namespace log_kit
