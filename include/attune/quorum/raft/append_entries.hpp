#pragma once

#include <attune/quorum/raft/entry.hpp>
#include <attune/version.hpp>

#include <cstdint>
#include <vector>

namespace attune::inline ATTUNE_ABI::quorum::raft {

/// A leader's entries, or its heartbeat when there are none. Figure 3.1 of the thesis.
struct AppendEntries {
    Term term = 0;
    Index previous_index = 0;
    Term previous_term = 0;
    Index commit = 0;
    /// Grows from one round of heartbeats to the next, within a term. Repeated in the reply: reads
    /// wait for a round that began after them, and the leader's own deadline counts from the send
    /// time of a round.
    std::uint64_t round = 0;
    std::vector<Entry> entries{};
};

struct AppendReply {
    Term term = 0;
    std::uint64_t round = 0;
    bool matches = false;
    /// Where `matches`: up to here the follower's log is durable and the same as the leader's was,
    /// counted from this request and no further. Elsewhere: a place to try next.
    Index index = 0;
    /// Elsewhere: the term of the follower's entry there, so that whole terms can be passed over.
    Term hint_term = 0;
    /// Elsewhere: what was refused. A late refusal of something older is no news.
    Index refused = 0;
};

}  // namespace attune::inline ATTUNE_ABI::quorum::raft
