#pragma once

#include "sim/trace.hpp"
#include "sim/violation.hpp"

#include <attune/quorum/raft/entry.hpp>
#include <attune/quorum/raft/write.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace attune_sim {

inline std::uint64_t hash_of(const raft::Entry& entry) {
    std::uint64_t hash = entry.data != nullptr ? hash_of(*entry.data) : 0;
    hash = Random::mix(hash ^ entry.term);
    return Random::mix(hash ^ static_cast<std::uint64_t>(entry.time.count()) * 4 ^
                       static_cast<std::uint64_t>(entry.kind));
}

/// The log of a member as it was asked to write it, entry by entry and without their contents. It
/// keeps what a snapshot of its own stands for.
struct LogImage {
    struct Place {
        raft::Term term = 0;
        std::uint64_t hash = 0;

        friend bool operator==(const Place&, const Place&) = default;
    };
    raft::Vote vote{};
    raft::Index snapshot = 0;
    raft::Term snapshot_term = 0;
    raft::Index base = 0;  ///< what was before `places` is not known
    raft::Term base_term = 0;
    std::vector<Place> places;

    raft::Index last() const noexcept { return base + places.size(); }
    raft::Term last_term() const noexcept {
        return places.empty() ? base_term : places.back().term;
    }
    const Place& at(raft::Index index) const { return places[index - base - 1]; }
    /// Whether the entry is there, or in the snapshot.
    bool has(raft::Index index, raft::Term term) const noexcept {
        return index <= snapshot || (index <= last() && at(index).term == term);
    }

    void put(const raft::Write& write, std::size_t entries = static_cast<std::size_t>(-1)) {
        std::visit(
            [&]<class W>(const W& w) {
                if constexpr (std::is_same_v<W, raft::WriteVote>) {
                    vote = w.vote;
                } else if constexpr (std::is_same_v<W, raft::WriteEntries>) {
                    for (const raft::Entry& entry : w.entries) {
                        if (entries-- == 0) {
                            break;
                        }
                        places.push_back({entry.term, hash_of(entry)});
                    }
                } else if constexpr (std::is_same_v<W, raft::TruncateLog>) {
                    places.resize(std::min<std::size_t>(places.size(), w.from - base - 1));
                } else {
                    snapshot = w.snapshot.index;
                    snapshot_term = w.snapshot.term;
                    if (w.replaces_log || snapshot > last()) {
                        base = snapshot;
                        base_term = snapshot_term;
                        places.clear();
                    }
                }
            },
            write);
    }
    /// With the last snapshot, or, where there was no room for it, an older one and all entries
    /// since.
    bool is_log_of(const raft::Recovered& found, bool older) const {
        const raft::Snapshot& its = found.snapshot;
        if (its.index != snapshot && (!older || its.index > snapshot || its.index < base)) {
            return false;
        }
        const raft::Term term = its.index == base ? base_term : at(its.index).term;
        return its.term == term && its.index + found.entries.size() == last() &&
               std::all_of(found.entries.begin(), found.entries.end(),
                           [&](const raft::Entry& entry) {
                               return at(entry.index) == Place{entry.term, hash_of(entry)};
                           });
    }
};

/// What has to be on a member's disk, whatever happens to it, and what may be.
class Ledger {
public:
    const LogImage& durable() const noexcept { return durable_; }

    void asked(const raft::Write& write) { pending_.push_back(write); }
    void flushed() {
        for (const raft::Write& write : pending_) {
            durable_.put(write);
        }
        pending_.clear();
    }

    /// A vote that was asked for, and a log as it was after some write, or some part of one; neither
    /// of before the last flush, and the log not later than the vote. `older`: it may have done with
    /// an older snapshot, and the entries since.
    void recover(raft::NodeId node, const raft::Recovered& found, bool older) {
        LogImage image = durable_;
        std::optional<LogImage> match;
        bool is_vote = false;
        bool is_log = false;
        const auto compare = [&](const LogImage& with) {
            if (with.is_log_of(found, older)) {
                // It goes with no vote of before.
                is_vote = is_vote && is_log;
                is_log = true;
                match = with;
            }
            is_vote = is_vote || with.vote == found.vote;
        };
        compare(image);
        for (const raft::Write& write : pending_) {
            if (const auto* const entries = std::get_if<raft::WriteEntries>(&write)) {
                for (std::size_t i = 1; i < entries->entries.size(); ++i) {
                    LogImage part = image;
                    part.put(write, i);
                    compare(part);
                }
            }
            image.put(write);
            compare(image);
        }
        const std::string who = "member " + std::to_string(node);
        if (!is_vote) {
            throw Violation("durability", who + " promised its vote of term " +
                                              std::to_string(durable_.vote.term) + " to " +
                                              std::to_string(durable_.vote.candidate) +
                                              " and came back with one of term " +
                                              std::to_string(found.vote.term) + " for " +
                                              std::to_string(found.vote.candidate));
        }
        if (!match) {
            throw Violation("durability",
                            who + " had entries up to " + std::to_string(durable_.last()) +
                                " with a snapshot at " + std::to_string(durable_.snapshot) + " (" +
                                std::to_string(pending_.size()) +
                                " writes were not flushed), and came back" +
                                " with entries up to " +
                                std::to_string(found.snapshot.index + found.entries.size()) +
                                " and a snapshot at " + std::to_string(found.snapshot.index) +
                                ", or with others");
        }
        pending_.clear();
        durable_ = std::move(*match);
        durable_.vote = found.vote;
        durable_.snapshot = found.snapshot.index;
        durable_.snapshot_term = found.snapshot.term;
    }

private:
    LogImage durable_;
    std::vector<raft::Write> pending_;
};

}  // namespace attune_sim
