#pragma once

#include <attune/quorum/raft/append_entries.hpp>
#include <attune/quorum/raft/entry.hpp>
#include <attune/quorum/raft/install_snapshot.hpp>
#include <attune/quorum/raft/pre_vote.hpp>
#include <attune/quorum/raft/request_vote.hpp>
#include <attune/quorum/raft/timeout_now.hpp>
#include <attune/version.hpp>

#include <variant>

namespace attune::inline ATTUNE_ABI::quorum::raft {

/// What members send each other. May be lost, repeated, late and out of order; never altered.
using Message = std::variant<AppendEntries, AppendReply, PreVote, PreVoteReply, RequestVote,
                             VoteReply, InstallSnapshot, SnapshotReply, TimeoutNow>;

struct Outgoing {
    NodeId to = 0;
    Message message;
};

}  // namespace attune::inline ATTUNE_ABI::quorum::raft
