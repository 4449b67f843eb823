#pragma once

#include <attune/quorum/raft/entry.hpp>
#include <attune/version.hpp>

namespace attune::inline ATTUNE_ABI::quorum::raft {

/// Would you vote for me in this term? Asked before the term is begun, so that a member that comes
/// back does not end the term of a leader that works. Section 9.6 of the thesis.
struct PreVote {
    Term term = 0;  ///< the one that would begin
    Index last_index = 0;
    Term last_term = 0;
};

struct PreVoteReply {
    Term term = 0;  ///< the one asked about where granted, else the voter's own
    bool granted = false;
};

}  // namespace attune::inline ATTUNE_ABI::quorum::raft
