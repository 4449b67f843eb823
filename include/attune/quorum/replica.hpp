#pragma once

#include <attune/quorum/lock_machine/command.hpp>
#include <attune/quorum/lock_machine/lock_machine.hpp>
#include <attune/quorum/lock_machine/reply.hpp>
#include <attune/quorum/log/log.hpp>
#include <attune/quorum/raft/core.hpp>
#include <attune/quorum/raft/effects.hpp>
#include <attune/version.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace attune::inline ATTUNE_ABI::quorum {

struct ReplicaOptions {
    raft::CoreOptions raft{};
    std::uint64_t epoch = 0;  ///< of the tokens of a cluster that begins; later it is in the state
    /// So many applied, or so much, and a snapshot is taken; but while there is room, none before
    /// as much as the last one was.
    std::uint64_t snapshot_entries = 8192;
    std::size_t snapshot_bytes = std::size_t{4} << 20;
    std::size_t pending = 4096;  ///< requests that wait for their entries
    /// Of one command. A larger one is refused: its entry has to fit into a frame.
    std::size_t command_bytes = std::size_t{256} << 10;
    /// Cluster time beyond its ttl that a session is given before it is ended: up to a day.
    std::chrono::milliseconds drift{250};
};

/// Where a request came from, for its reply: a connection, say. Chosen by the caller; never zero.
using Origin = std::uint64_t;

/// The state of one lock, as of some moment after the question was asked.
struct LockQuery {
    std::string lock{};
};

struct Request {
    std::uint64_t id = 0;  ///< repeated in the answer
    std::variant<Command, LockQuery> what{};
};

struct Answer {
    enum class Kind : std::uint8_t {
        reply = 1,   ///< applied: `reply`
        view,        ///< the answer to a query: `view`
        not_leader,  ///< definitely not done; `leader` may be known
        exhausted,   ///< definitely not done: too much waits, the disk is full, or it hands over
        unknown,     ///< may be done, or may be done yet: ask again with the same sequence
        event,       ///< no answer: something happened to a session that asked from this origin
    };
    Origin origin = 0;
    std::uint64_t id = 0;
    Kind kind = Kind::unknown;
    Reply reply{};
    Event event{};
    std::optional<LockView> view{};
    raft::NodeId leader = 0;
};

/// What a step of a replica asks for, in this order.
struct ReplicaEffects {
    std::vector<raft::Outgoing> messages{};
    std::vector<raft::NumberedWrite> writes{};
    std::vector<Answer> answers{};

    void clear() noexcept {
        messages.clear();
        writes.clear();
        answers.clear();
    }
};

/// One member without its network and its disk: consensus, the locks, and what a leader does for
/// them: it answers clients, renews and ends sessions, and takes snapshots. A step machine like
/// raft::Core: no thread, no clock, no socket, no file.
class Replica {
public:
    ATTUNE_DECL Replica(ReplicaOptions options, raft::Recovered recovered, raft::Instant now,
                        std::uint64_t seed, ReplicaEffects& effects);

    ATTUNE_DECL void tick(raft::Instant now, ReplicaEffects& effects);
    ATTUNE_DECL void receive(raft::Instant now, raft::NodeId from, raft::Message message,
                             ReplicaEffects& effects);
    ATTUNE_DECL void stored(raft::Instant now, std::uint64_t number, ReplicaEffects& effects);
    ATTUNE_DECL void storage_failed(raft::Instant now, ReplicaEffects& effects);
    ATTUNE_DECL void set_room(LogRoom room) noexcept;
    /// Answered once, now or by a later step; by Answer::Kind::unknown at the latest when this
    /// member's leadership ends.
    ATTUNE_DECL void request(raft::Instant now, Origin origin, Request request,
                             ReplicaEffects& effects);
    /// Nobody is there to be answered any more.
    ATTUNE_DECL void forget(Origin origin);
    ATTUNE_DECL bool transfer(raft::Instant now, raft::NodeId to, ReplicaEffects& effects);

    ATTUNE_DECL raft::Instant deadline() const noexcept;

    const raft::Core& raft() const noexcept { return core_; }
    const LockMachine& machine() const noexcept { return machine_; }

private:
    /// A command on its way through the log, and who asked.
    struct Pending {
        raft::Index index = 0;
        raft::Term term = 0;
        Origin origin = 0;
        std::uint64_t id = 0;
        SessionId session = 0;  ///< that asked; zero where there is none, or none yet
        bool opens = false;     ///< it begins with this
        bool closes = false;    ///< it ends with this
    };
    struct Question {
        Origin origin = 0;
        std::uint64_t id = 0;
        LockQuery query{};
    };
    /// What a client asked to be renewed: answered when the renewals of all are committed.
    struct Renewal {
        Origin origin = 0;
        std::uint64_t id = 0;
        std::vector<SessionId> sessions{};
    };

    ATTUNE_DECL void settle(raft::Instant now, ReplicaEffects& effects);
    ATTUNE_DECL void carry_out(ReplicaEffects& effects);
    ATTUNE_DECL void restore(const raft::Snapshot& snapshot, raft::Instant now);
    ATTUNE_DECL void apply(const raft::Entry& entry, ReplicaEffects& effects);
    ATTUNE_DECL void answer_renewals(raft::Index index, ReplicaEffects& effects);
    ATTUNE_DECL void answer_read(const raft::ReadOutcome& read, ReplicaEffects& effects);
    ATTUNE_DECL void lead(raft::Instant now);
    ATTUNE_DECL void give_up(ReplicaEffects& effects);
    ATTUNE_DECL void take_snapshot(raft::Instant now);
    ATTUNE_DECL bool is_worth_it() const noexcept;
    ATTUNE_DECL bool admits(const Command& command) const noexcept;
    ATTUNE_DECL raft::Proposed propose(raft::Instant now, std::string bytes);

    const ReplicaOptions options_;
    raft::Effects raft_effects_;
    LockMachine machine_;
    raft::Core core_;
    raft::Instant now_{};
    LogRoom room_ = LogRoom::plenty;

    // A leader's alone: all of it is given up with its leadership.
    std::deque<Pending> pending_;                  ///< in the order of their entries
    std::map<std::uint64_t, Question> questions_;  ///< by the number that the core knows
    std::uint64_t next_question_ = 1;
    std::map<SessionId, Origin> homes_;  ///< where a session was heard from last
    std::vector<Renewal> renewals_;      ///< to be proposed
    std::vector<Renewal> renewing_;      ///< in the entry at `renewing_at_`
    raft::Index renewing_at_ = 0;        ///< zero: none is on its way
    /// The last of the entries that end sessions, or one that only lets time pass; zero: none is on
    /// its way.
    raft::Index ending_ = 0;

    std::uint64_t applied_since_ = 0;  ///< the last snapshot: entries
    std::size_t bytes_since_ = 0;
};

}  // namespace attune::inline ATTUNE_ABI::quorum

#if ATTUNE_HEADER_ONLY
#include <attune/quorum/impl/replica.ipp>
#endif
