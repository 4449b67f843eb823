#pragma once

#include <attune/quorum/raft/entry.hpp>
#include <attune/quorum/raft/message.hpp>
#include <attune/quorum/raft/write.hpp>
#include <attune/version.hpp>

#include <cstdint>
#include <optional>
#include <vector>

namespace attune::inline ATTUNE_ABI::quorum::raft {

enum class Role : std::uint8_t { follower, pre_candidate, candidate, leader };

struct RoleChange {
    Role role = Role::follower;
    Term term = 0;
    NodeId leader = 0;  ///< zero: not known
};

/// The answer to Core::read.
struct ReadOutcome {
    std::uint64_t id = 0;
    /// The machine may be read once this entry is applied. Nothing: this member is no leader any
    /// more, and nothing is known.
    std::optional<Index> index = std::nullopt;
};

/// What has to be done after a step, in this order: messages (those that wait for the disk come
/// with a later step), writes, `restore`, `committed`, `reads`. Whoever calls the core keeps one of
/// these and clears it, so that its memory is used again.
struct Effects {
    std::vector<Outgoing> messages{};
    std::vector<NumberedWrite> writes{};
    /// The machine becomes this, whatever it was.
    std::optional<Snapshot> restore{};
    /// To be applied, consecutive from what was applied last.
    std::vector<Entry> committed{};
    std::vector<ReadOutcome> reads{};
    std::optional<RoleChange> role{};  ///< the last one of the step

    void clear() noexcept {
        messages.clear();
        writes.clear();
        restore.reset();
        committed.clear();
        reads.clear();
        role.reset();
    }
};

}  // namespace attune::inline ATTUNE_ABI::quorum::raft
