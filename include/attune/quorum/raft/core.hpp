#pragma once

#include <attune/quorum/raft/effects.hpp>
#include <attune/quorum/raft/entry.hpp>
#include <attune/quorum/raft/message.hpp>
#include <attune/quorum/raft/write.hpp>
#include <attune/version.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace attune::inline ATTUNE_ABI::quorum::raft {

struct CoreOptions {
    NodeId id = 0;
    std::vector<NodeId> voters{};  ///< all of them, `id` included: 1, 3 or 5, and never others
    std::chrono::milliseconds heartbeat{100};
    /// A follower that hears from no leader waits for this long, and a random part of as much again.
    std::chrono::milliseconds election{500};
    std::size_t batch_bytes = std::size_t{512} << 10;  ///< of entries, in one message
    std::size_t batch_entries = 1024;
    std::size_t window = 64;  ///< messages with entries on their way to one follower
    std::size_t piece_bytes = std::size_t{256} << 10;  ///< of a snapshot, in one message
};

/// What became of a proposal at once. What becomes of it in the end shows in `Effects::committed`:
/// the entry at `index` is it, or another one where the term differs.
struct Proposed {
    Index index = 0;  ///< zero: refused, this member is not the leader
    Term term = 0;
};

/// Consensus on a log among fixed voters, as a step machine: each call is one step, and leaves what
/// has to be done in `effects`. No thread, no clock, no socket, no file; the same calls give the
/// same effects. `now` never goes back from one call to the next.
///
/// Beyond the paper: pre-vote (thesis 9.6), stickiness to a leader (4.2.3), which also holds after
/// a restart, a leader that steps down when it does not hear from a majority (6.2), when its disk
/// hangs or when it was paused, read index (6.4), leadership transfer (3.10).
class Core {
public:
    /// `seed` is for the choice of election timeouts.
    ATTUNE_DECL Core(CoreOptions options, Recovered recovered, Instant now, std::uint64_t seed,
                     Effects& effects);

    /// To be called when the time is `deadline()`, or soon after. Earlier does no harm.
    ATTUNE_DECL void tick(Instant now, Effects& effects);
    ATTUNE_DECL void receive(Instant now, NodeId from, Message message, Effects& effects);
    /// Writes up to that number are durable.
    ATTUNE_DECL void stored(Instant now, std::uint64_t number, Effects& effects);
    /// A write or a flush has failed. From now on this member promises nothing, for good: it is
    /// silent, and its leadership is over.
    ATTUNE_DECL void storage_failed(Instant now, Effects& effects);
    /// While there is none, entries are neither proposed nor taken; votes and heartbeats go on.
    ATTUNE_DECL void set_room(bool some) noexcept;

    ATTUNE_DECL Proposed propose(Instant now, Bytes command, Effects& effects);
    /// Answered in Effects::reads, perhaps in this step.
    ATTUNE_DECL void read(Instant now, std::uint64_t id, Effects& effects);
    /// Hands leadership over to a voter. Proposals are refused until it has it, or an election
    /// timeout has passed. False: not the leader, or no such voter.
    ATTUNE_DECL bool transfer(Instant now, NodeId to, Effects& effects);
    /// The machine's state after all that was committed so far, up to the entry at `index`. Once it
    /// is durable, the log up to there goes.
    ATTUNE_DECL void compact(Instant now, Index index, Bytes state, Effects& effects);

    ATTUNE_DECL Instant deadline() const noexcept;

    ATTUNE_DECL Role role() const noexcept;
    ATTUNE_DECL Term term() const noexcept;
    ATTUNE_DECL NodeId leader() const noexcept;  ///< zero: not known
    /// Leader, and an entry of this term is committed: what it has applied is the latest there is.
    ATTUNE_DECL bool is_ready() const noexcept;
    ATTUNE_DECL Index commit() const noexcept;
    ATTUNE_DECL Index last_index() const noexcept;
    ATTUNE_DECL const Snapshot& snapshot() const noexcept;
    /// Nothing when it is behind the last one, or gone into the snapshot.
    ATTUNE_DECL const Entry* entry(Index index) const noexcept;
    /// The time that an entry would get now. Only a leader's moves.
    ATTUNE_DECL ClusterTime cluster_time(Instant now) const noexcept;
    ATTUNE_DECL bool has_failed() const noexcept;  ///< its storage has
};

}  // namespace attune::inline ATTUNE_ABI::quorum::raft
