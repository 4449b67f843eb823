#pragma once

#include <attune/quorum/raft/entry.hpp>
#include <attune/version.hpp>

#include <cstdint>
#include <string>

namespace attune::inline ATTUNE_ABI::quorum::raft {

/// A piece of a snapshot, for a follower that lacks entries the leader has no more. Figure 5.3 of
/// the thesis.
struct InstallSnapshot {
    Term term = 0;
    std::uint64_t round = 0;  ///< as in AppendEntries
    Index index = 0;          ///< of the last entry that the snapshot stands for
    Term index_term = 0;
    ClusterTime time{};
    std::uint64_t size = 0;  ///< of the whole, in bytes
    std::uint64_t offset = 0;
    std::string piece{};
};

struct SnapshotReply {
    Term term = 0;
    std::uint64_t round = 0;
    Index index = 0;
    /// Bytes that the follower has. All of them are acknowledged when the snapshot is durable.
    std::uint64_t received = 0;
};

}  // namespace attune::inline ATTUNE_ABI::quorum::raft
