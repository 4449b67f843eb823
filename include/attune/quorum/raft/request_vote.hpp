#pragma once

#include <attune/quorum/raft/entry.hpp>
#include <attune/version.hpp>

namespace attune::inline ATTUNE_ABI::quorum::raft {

/// A candidate asks for a vote in its term. Figure 3.1 of the thesis.
struct RequestVote {
    Term term = 0;
    Index last_index = 0;
    Term last_term = 0;
    /// The leader has asked for this election (section 3.10): whoever hears from a leader votes all
    /// the same.
    bool transfer = false;
};

struct VoteReply {
    Term term = 0;
    bool granted = false;
};

}  // namespace attune::inline ATTUNE_ABI::quorum::raft
