#pragma once

#include <attune/quorum/detail/mutant.hpp>
#include <attune/quorum/raft/core.hpp>
#include <attune/quorum/raft/impl/bounds.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

// Figure 5.3 of the thesis, InstallSnapshot: the snapshot goes piece by piece, each when the one
// before it was answered, and again when no answer comes.

namespace attune::inline ATTUNE_ABI::quorum {

namespace detail {

inline bool makes_sense(const raft::InstallSnapshot& message, std::size_t limit) noexcept {
    return message.index != 0 && message.index <= largest_number && message.index_term != 0 &&
           message.index_term <= message.term && message.time >= raft::ClusterTime::zero() &&
           message.time <= largest_time && message.size <= limit &&
           message.offset <= message.size && message.piece.size() <= message.size - message.offset;
}

}  // namespace detail

namespace raft {

ATTUNE_DECL void Core::start_snapshot(detail::Follower& follower, Effects& effects) {
    follower.state = detail::Follower::State::snapshot;
    follower.snapshot = log_.snapshot();
    follower.in_flight.clear();
    send_piece(follower, 0, effects);
}

ATTUNE_DECL void Core::send_piece(detail::Follower& follower, std::uint64_t offset,
                                  Effects& effects) {
    const std::uint64_t size = follower.snapshot_size();
    follower.offset = offset;
    follower.piece_sent = now_;
    InstallSnapshot message{vote_.term,
                            round_,
                            follower.snapshot.index,
                            follower.snapshot.term,
                            follower.snapshot.time,
                            size,
                            offset,
                            {}};
    if (size != 0) {
        message.piece.assign(*follower.snapshot.data, static_cast<std::size_t>(offset),
                             options_.piece_bytes);
    }
    post(follower.id, std::move(message), 0, effects);
}

ATTUNE_DECL void Core::on(NodeId from, InstallSnapshot& message, Effects& effects) {
    if (!detail::makes_sense(message, options_.snapshot_bytes)) {
        return;
    }
    if (message.term < vote_.term) {
        post(from, SnapshotReply{vote_.term, message.round, message.index, 0}, 0, effects);
        return;
    }
    if (!follow(from, effects)) {
        return;
    }
    SnapshotReply reply{vote_.term, message.round, message.index, message.size};
    // All that a snapshot stands for is committed. An entry here that is the same as its last one
    // has the same before it (log matching, figure 3.2), so nothing is lacking.
    if (message.index > commit_ && log_.term(message.index) == message.index_term) {
        commit_to(message.index, effects);
    }
    if (message.index <= commit_) {
        if (incoming_ && incoming_->index <= commit_) {
            incoming_.reset();
        }
        post(from, reply, log_.write_of(message.index), effects);
        return;
    }
    if (!room_) {
        return;
    }
    const auto is_same = [&](const Incoming& other) {
        return other.from == from && other.index == message.index &&
               other.index_term == message.index_term && other.time == message.time &&
               other.size == message.size;
    };
    if (!incoming_ || !is_same(*incoming_)) {
        // A leader sends a later one only when it has given up the one before.
        if (incoming_ && incoming_->index > message.index) {
            return;
        }
        incoming_ =
            Incoming{from, message.index, message.index_term, message.time, message.size, {}};
    }
    std::string& data = incoming_->data;
    if (message.offset <= data.size() && message.offset + message.piece.size() > data.size()) {
        data.append(message.piece, static_cast<std::size_t>(data.size() - message.offset));
    }
    std::uint64_t write = 0;
    if (data.size() == message.size) {
        install(effects);
        write = log_.write_of(message.index);
    } else {
        reply.received = data.size();
    }
    post(from, reply, write, effects);
}

/// The log here ends before the snapshot's last entry, or has another one in its place. All of it
/// goes: an entry that comes after a wrong one is wrong.
ATTUNE_DECL void Core::install(Effects& effects) {
    Snapshot snapshot{incoming_->index, incoming_->index_term, incoming_->time, nullptr};
    if (incoming_->size != 0) {
        snapshot.data = std::make_shared<const std::string>(std::move(incoming_->data));
    }
    incoming_.reset();
    const bool keeps_entries =
        detail::planted(detail::Mutant::r20_keeps_entries_behind_a_foreign_snapshot);
    const std::uint64_t number = write(WriteSnapshot{snapshot, !keeps_entries}, effects);
    if (keeps_entries) {
        log_.replace_front(snapshot, number);
    } else {
        log_.replace(snapshot, number, commit_);
    }
    commit_ = snapshot.index;
    effects.committed.clear();
    effects.restore = std::move(snapshot);
}

ATTUNE_DECL void Core::on(NodeId from, const SnapshotReply& message, Effects& effects) {
    using State = detail::Follower::State;
    if (role_ != Role::leader || message.term != vote_.term) {
        return;
    }
    detail::Follower& follower = *find_follower(from);
    if (!note_round(follower, message.round)) {
        return;
    }
    const std::uint64_t size = follower.snapshot_size();
    if (follower.state == State::snapshot && message.index == follower.snapshot.index &&
        message.received <= size) {
        if (message.received == size) {
            follower.match = std::max(follower.match, follower.snapshot.index);
            follower.next = follower.match + 1;
            follower.snapshot = {};
            follower.state = State::replicate;
            advance_commit(effects);
            send_what_fits(follower, effects);
        } else if (message.received != follower.offset) {
            // Mostly the next piece; an earlier one when the follower had to begin again.
            send_piece(follower, message.received, effects);
        }
    }
    answer_reads(effects);
}

}  // namespace raft

}  // namespace attune::inline ATTUNE_ABI::quorum
