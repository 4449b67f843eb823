#pragma once

#include <attune/quorum/raft/effects.hpp>
#include <attune/quorum/raft/entry.hpp>
#include <attune/quorum/raft/impl/follower.hpp>
#include <attune/quorum/raft/impl/log_view.hpp>
#include <attune/quorum/raft/impl/moments.hpp>
#include <attune/quorum/raft/message.hpp>
#include <attune/quorum/raft/write.hpp>
#include <attune/version.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace attune::inline ATTUNE_ABI::quorum::raft {

/// Numbers beyond their bounds are brought within: see Core::options.
struct CoreOptions {
    NodeId id = 0;
    /// All of them, `id` included: 1, 3 or 5, and never others. With a list that is none (without
    /// `id`, with zero, or with one twice) a member has failed from the start.
    std::vector<NodeId> voters{};
    std::chrono::milliseconds heartbeat{100};  ///< half of `election` at most
    /// A follower that hears from no leader waits for this long, an hour at most, and a random part
    /// of as much again.
    std::chrono::milliseconds election{500};
    std::size_t batch_bytes = std::size_t{512} << 10;  ///< of entries, in one message
    std::size_t batch_entries = 1024;
    std::size_t window = 64;  ///< messages with entries on their way to one follower
    std::size_t piece_bytes = std::size_t{256} << 10;  ///< of a snapshot, in one message
    /// Of a snapshot as a whole. A leader that claims to have a larger one is not listened to.
    std::size_t snapshot_bytes = std::size_t{1} << 30;
    std::size_t uncommitted = 16'384;  ///< entries that a leader takes and cannot commit
    /// Of entries that are not durable yet: beyond it none are proposed or taken. What the log has
    /// been given must fit into the room that it keeps back, should the disk turn out to be full:
    /// together with `batch_bytes` no more than a quarter of its segments.
    std::size_t unstored_bytes = std::size_t{2} << 20;
    std::size_t reads = 16'384;  ///< that wait for their round
};

/// What became of a proposal at once. What becomes of it in the end shows in `Effects::committed`:
/// the entry at `index` is it, or another one where the term differs.
struct Proposed {
    /// Zero: refused. This member is not the leader, hands over, has no room, or has taken as much
    /// as it may without committing it or having it on its disk.
    Index index = 0;
    Term term = 0;
};

/// Consensus on a log among fixed voters, as a step machine: each call is one step, and leaves what
/// has to be done in `effects`. No thread, no clock, no socket, no file; the same calls give the
/// same effects. `now` never goes back from one call to the next, and `effects` is empty before
/// each. Heartbeats do not allocate.
///
/// Beyond the paper: pre-vote (thesis 9.6), stickiness to a leader (4.2.3), which also holds after
/// a restart, a leader that steps down when it does not hear from a majority (6.2), when its disk
/// hangs or when it was paused, read index (6.4), leadership transfer (3.10).
///
/// Messages may have anything in them: what makes no sense is ignored, as is whatever does not come
/// from another voter.
class Core {
public:
    /// `seed` is for the choice of election timeouts. What was recovered is right: the log sees to
    /// that. A member that is the only voter leads as soon as its vote is durable.
    ATTUNE_DECL Core(CoreOptions options, Recovered recovered, Instant now, std::uint64_t seed,
                     Effects& effects);

    /// To be called when the time is `deadline()`, or soon after. Earlier does no harm; later than
    /// an election timeout is a pause, and a leader's last step.
    ATTUNE_DECL void tick(Instant now, Effects& effects);
    ATTUNE_DECL void receive(Instant now, NodeId from, Message message, Effects& effects);
    /// Writes up to that number are durable.
    ATTUNE_DECL void stored(Instant now, std::uint64_t number, Effects& effects);
    /// A write or a flush has failed. From now on this member promises nothing, for good: it is
    /// silent, and its leadership is over.
    ATTUNE_DECL void storage_failed(Instant now, Effects& effects);
    /// While there is none, entries are neither proposed nor taken, and this member does not try to
    /// lead, and hands over if it does; votes and heartbeats go on.
    ATTUNE_DECL void set_room(bool some) noexcept;

    ATTUNE_DECL Proposed propose(Instant now, Bytes command, Effects& effects);
    /// Answered in Effects::reads once, perhaps in this step; at the latest when leadership ends.
    ATTUNE_DECL void read(Instant now, std::uint64_t id, Effects& effects);
    /// Hands leadership over to a voter. Proposals are refused until it has it, or an election
    /// timeout has passed. False: not the leader, or no such other voter.
    ATTUNE_DECL bool transfer(Instant now, NodeId to, Effects& effects);
    /// The machine's state after all that was committed so far, up to the entry at `index`. Once it
    /// is durable, the log up to there goes. Of what is not committed, or in a snapshot already,
    /// none is taken.
    ATTUNE_DECL void compact(Instant now, Index index, Bytes state, Effects& effects);

    /// When `tick` has something to do. Instant::max(): never.
    ATTUNE_DECL Instant deadline() const noexcept;

    /// As they are obeyed.
    const CoreOptions& options() const noexcept { return options_; }
    Role role() const noexcept { return role_; }
    Term term() const noexcept { return vote_.term; }
    NodeId leader() const noexcept { return leader_; }  ///< zero: not known
    /// To whom this leader hands over; zero: to nobody.
    NodeId successor() const noexcept { return transfer_ ? transfer_->to : 0; }
    /// Leader, and an entry of this term is committed: what it has applied is the latest there is.
    bool is_ready() const noexcept { return role_ == Role::leader && commit_ >= barrier_; }
    Index commit() const noexcept { return commit_; }
    Index last_index() const noexcept { return log_.last(); }
    const Snapshot& snapshot() const noexcept { return log_.snapshot(); }
    /// Nothing when it is behind the last one, or gone into the snapshot.
    const Entry* entry(Index index) const noexcept { return log_.find(index); }
    /// The time that an entry would get now. Only a leader's moves.
    ATTUNE_DECL ClusterTime cluster_time(Instant now) const noexcept;
    /// Its storage has failed; or its list of voters is none; or it has seen what cannot be while
    /// all members keep to the rules: two leaders in one term, or a leader that lacks what was
    /// committed. It is silent for good then, rather than make it worse.
    bool has_failed() const noexcept { return failed_; }

private:
    struct Held {
        std::uint64_t write = 0;  ///< to be durable first
        Outgoing outgoing;
    };
    struct Read {
        std::uint64_t id = 0;
        Index index = 0;
        std::uint64_t round = 0;
    };
    struct Transfer {
        NodeId to = 0;
        Instant until{};
        std::uint64_t told = 0;  ///< in that round it was told to begin
    };
    /// A snapshot of which some pieces are here.
    struct Incoming {
        NodeId from = 0;
        Index index = 0;
        Term index_term = 0;
        ClusterTime time{};
        std::uint64_t size = 0;
        std::string data{};
    };

    // core.ipp: what every step begins and ends with
    ATTUNE_DECL bool begin(Instant now, Effects& effects);
    ATTUNE_DECL std::optional<Instant> oldest_write() const noexcept;
    ATTUNE_DECL void finish(Effects& effects);
    ATTUNE_DECL void fail(Effects& effects);
    ATTUNE_DECL std::uint64_t write(Write write, Effects& effects);
    ATTUNE_DECL void save_vote(Effects& effects);
    ATTUNE_DECL void post(NodeId to, Message message, std::uint64_t write, Effects& effects);

    // roles.ipp
    ATTUNE_DECL void restart_election_timer();
    ATTUNE_DECL void adopt(Term term, Effects& effects);
    ATTUNE_DECL void step_down(Effects& effects);
    ATTUNE_DECL bool follow(NodeId leader, Effects& effects);
    ATTUNE_DECL bool hears_a_leader_other_than(NodeId voter) const noexcept;
    ATTUNE_DECL bool is_up_to_date(Term last_term, Index last_index) const noexcept;
    ATTUNE_DECL bool has_vote_of(NodeId voter) const noexcept;
    ATTUNE_DECL bool count_vote(NodeId from);
    ATTUNE_DECL void campaign(Effects& effects);
    ATTUNE_DECL void ask_again(Effects& effects);
    ATTUNE_DECL void lead(Effects& effects);
    ATTUNE_DECL Instant majority_heard() const noexcept;

    // replication.ipp
    ATTUNE_DECL detail::Follower* find_follower(NodeId id) noexcept;
    bool takes_entries() const noexcept {
        return room_ && log_.unstored_bytes() < options_.unstored_bytes;
    }
    ATTUNE_DECL Index append(EntryKind kind, Bytes data, Effects& effects);
    ATTUNE_DECL void begin_round(Effects& effects);
    ATTUNE_DECL bool note_round(detail::Follower& follower, std::uint64_t round);
    ATTUNE_DECL void send_what_fits(detail::Follower& follower, Effects& effects);
    ATTUNE_DECL void advance_commit(Effects& effects);
    ATTUNE_DECL void commit_to(Index index, Effects& effects);
    ATTUNE_DECL void answer_reads(Effects& effects);

    // one file for each kind of message
    ATTUNE_DECL void send_append(detail::Follower& follower, bool entries, Effects& effects);
    ATTUNE_DECL void on(NodeId from, AppendEntries& message, Effects& effects);
    ATTUNE_DECL Index take(AppendEntries& message, Effects& effects);
    ATTUNE_DECL void refuse(NodeId from, const AppendEntries& message, Effects& effects);
    ATTUNE_DECL void on(NodeId from, const AppendReply& message, Effects& effects);
    ATTUNE_DECL void start_pre_vote(Effects& effects);
    ATTUNE_DECL void ask_for_pre_votes(Effects& effects);
    ATTUNE_DECL void on(NodeId from, const PreVote& message, Effects& effects);
    ATTUNE_DECL void on(NodeId from, const PreVoteReply& message, Effects& effects);
    ATTUNE_DECL void start_election(bool transfer, Effects& effects);
    ATTUNE_DECL void ask_for_votes(Effects& effects);
    ATTUNE_DECL void on(NodeId from, const RequestVote& message, Effects& effects);
    ATTUNE_DECL void on(NodeId from, const VoteReply& message, Effects& effects);
    ATTUNE_DECL void start_snapshot(detail::Follower& follower, Effects& effects);
    ATTUNE_DECL void send_piece(detail::Follower& follower, std::uint64_t offset, Effects& effects);
    ATTUNE_DECL void on(NodeId from, InstallSnapshot& message, Effects& effects);
    ATTUNE_DECL void install(Effects& effects);
    ATTUNE_DECL void on(NodeId from, const SnapshotReply& message, Effects& effects);
    ATTUNE_DECL void give_way();
    ATTUNE_DECL void hand_over(Effects& effects);
    ATTUNE_DECL void on(NodeId from, const TimeoutNow& message, Effects& effects);

    CoreOptions options_;
    std::uint64_t random_;
    Instant now_;
    bool failed_ = false;
    bool room_ = true;

    Role role_ = Role::follower;
    Vote vote_;               ///< the current term is in it
    NodeId leader_ = 0;       ///< who leads now, as far as known
    NodeId term_leader_ = 0;  ///< who was ever seen to lead in this term
    RoleChange told_;
    Instant heard_;  ///< when a leader was heard from
    Instant election_at_{};
    Instant heartbeat_at_{};  ///< a leader's next round; or a candidate asks again
    std::vector<NodeId> votes_;
    bool is_successor_ = false;  ///< candidate by a leader's request

    detail::LogView log_;
    Index commit_ = 0;
    std::uint64_t written_ = 0;
    std::uint64_t stored_ = 0;
    std::uint64_t vote_write_ = 0;  ///< makes the current term and vote durable
    bool vote_saved_ = true;
    detail::PendingWrites pending_writes_;
    std::vector<Held> held_;
    std::optional<Incoming> incoming_;

    // of a leader
    std::vector<detail::Follower> followers_;
    Index barrier_ = 0;
    ClusterTime base_time_{};
    Instant leads_since_{};
    std::uint64_t round_ = 0;
    detail::RoundTimes round_times_;
    std::vector<Read> reads_;
    std::optional<Transfer> transfer_;
    std::size_t last_asked_ = 0;  ///< among the followers, to lead where there is more room
};

}  // namespace attune::inline ATTUNE_ABI::quorum::raft

#if ATTUNE_HEADER_ONLY
#include <attune/quorum/raft/impl/append_entries.ipp>
#include <attune/quorum/raft/impl/core.ipp>
#include <attune/quorum/raft/impl/install_snapshot.ipp>
#include <attune/quorum/raft/impl/pre_vote.ipp>
#include <attune/quorum/raft/impl/replication.ipp>
#include <attune/quorum/raft/impl/request_vote.ipp>
#include <attune/quorum/raft/impl/roles.ipp>
#include <attune/quorum/raft/impl/timeout_now.ipp>
#endif
