#pragma once

#include <attune/quorum/raft/entry.hpp>
#include <attune/version.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace attune::inline ATTUNE_ABI::quorum::detail {

/// What a leader knows of another voter.
struct Follower {
    enum class State : std::uint8_t {
        probe,      ///< where the logs part is not known: one message at a time
        replicate,  ///< a window of messages
        snapshot,   ///< it lacks entries that are gone: pieces of a snapshot, one at a time
    };

    raft::NodeId id = 0;
    State state = State::probe;
    raft::Index match = 0;                 ///< up to here its log is durable and the same as ours
    raft::Index next = 1;                  ///< what to send next
    raft::Index probed = 0;                ///< the entry before those of the last probe
    std::vector<raft::Index> in_flight{};  ///< the last entries of messages on their way
    raft::Index commit_sent = 0;           ///< it has been told so much, if all went well
    std::uint64_t round = 0;               ///< the latest that it has answered
    raft::Instant heard{};                 ///< when that one began
    raft::Snapshot snapshot{};             ///< being sent; kept while the log is compacted again
    std::uint64_t offset = 0;              ///< of the piece on its way
    raft::Instant piece_sent{};

    std::uint64_t snapshot_size() const noexcept {
        return snapshot.data == nullptr ? 0 : snapshot.data->size();
    }
    void acknowledge(raft::Index index) {
        std::size_t count = 0;
        while (count != in_flight.size() && in_flight[count] <= index) {
            ++count;
        }
        in_flight.erase(in_flight.begin(), in_flight.begin() + static_cast<std::ptrdiff_t>(count));
    }
};

/// The largest value that a majority has reached: `own`, and what `of` gives for the others.
template <class Value, class Of>
Value reached_by_majority(const std::vector<Follower>& followers, Value own, Of of) {
    const std::size_t majority = (followers.size() + 1) / 2 + 1;
    const auto supporters = [&](const Value& value) {
        std::size_t count = own >= value ? 1 : 0;
        for (const Follower& follower : followers) {
            count += of(follower) >= value ? 1 : 0;
        }
        return count;
    };
    Value best{};
    bool found = false;
    const auto consider = [&](const Value& value) {
        if ((!found || value > best) && supporters(value) >= majority) {
            best = value;
            found = true;
        }
    };
    consider(own);
    for (const Follower& follower : followers) {
        consider(of(follower));
    }
    return best;
}

}  // namespace attune::inline ATTUNE_ABI::quorum::detail
