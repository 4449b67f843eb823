#pragma once

#include <attune/quorum/raft/entry.hpp>
#include <attune/version.hpp>

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

namespace attune::inline ATTUNE_ABI::quorum::raft {

struct WriteVote {
    Vote vote;
};

/// Behind the last entry of the log.
struct WriteEntries {
    std::vector<Entry> entries;  ///< consecutive, never empty
};

/// Entries from `from` on were in conflict with those of a leader, and go. Never below what has
/// been committed.
struct TruncateLog {
    Index from = 0;
};

/// The snapshot first, durable as a whole; then the entries that it stands for go.
struct WriteSnapshot {
    Snapshot snapshot;
    /// All entries go: the snapshot is a leader's, and the log here was not part of it.
    bool replaces_log = false;
};

using Write = std::variant<WriteVote, WriteEntries, TruncateLog, WriteSnapshot>;

/// Writes are done in the order of their numbers, which are consecutive, beginning with 1 after
/// each start. When one is durable, so are all before it.
struct NumberedWrite {
    std::uint64_t number = 0;
    Write write;
};

/// What a member finds when it starts.
struct Recovered {
    Vote vote{};
    Snapshot snapshot{};
    std::vector<Entry> entries{};  ///< after the snapshot, consecutive
};

}  // namespace attune::inline ATTUNE_ABI::quorum::raft
