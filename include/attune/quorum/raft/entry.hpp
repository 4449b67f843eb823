#pragma once

#include <attune/version.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

// The words of the Raft paper (Ongaro, Ousterhout: In Search of an Understandable Consensus
// Algorithm, 2014) and of Ongaro's thesis (Consensus: Bridging Theory and Practice, 2014).

namespace attune::inline ATTUNE_ABI::quorum::raft {

/// A voter, by a number other than 0. Zero is nobody.
using NodeId = std::uint64_t;
using Term = std::uint64_t;
/// The place of an entry in the log. The first is 1; 0 is the place before it.
using Index = std::uint64_t;

/// A member's own clock, which counts while the machine sleeps (CLOCK_BOOTTIME), since any moment.
using Instant = std::chrono::nanoseconds;

/// The time that the leader stamps on entries. It never goes back, and stands still while there is
/// no leader.
using ClusterTime = std::chrono::milliseconds;

/// Shared by log, messages and writes, and never changed. Null is nothing.
using Bytes = std::shared_ptr<const std::string>;

enum class EntryKind : std::uint8_t {
    barrier = 1,  ///< begins the term of a leader; says nothing
    command = 2,  ///< `data` is for the state machine
};

struct Entry {
    Index index = 0;
    Term term = 0;
    ClusterTime time{};
    EntryKind kind = EntryKind::command;
    Bytes data = nullptr;
};

/// What a member has promised in a term: durable as one, before anybody hears of it.
struct Vote {
    Term term = 0;
    NodeId candidate = 0;  ///< zero: not voted yet

    friend bool operator==(const Vote&, const Vote&) = default;
};

/// The state of the machine after the entry at `index`, in place of all entries up to there.
struct Snapshot {
    Index index = 0;  ///< zero: there is none
    Term term = 0;
    ClusterTime time{};
    Bytes data = nullptr;
};

}  // namespace attune::inline ATTUNE_ABI::quorum::raft
