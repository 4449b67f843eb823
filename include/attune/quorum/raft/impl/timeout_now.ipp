#pragma once

#include <attune/quorum/raft/core.hpp>

// Section 3.10 of the thesis, leadership transfer.

namespace attune::inline ATTUNE_ABI::quorum::raft {

ATTUNE_DECL bool Core::transfer(Instant now, NodeId to, Effects& effects) {
    if (!begin(now, effects)) {
        return false;
    }
    detail::Follower* const target = find_follower(to);
    const bool possible = role_ == Role::leader && target != nullptr;
    if (possible && (!transfer_ || transfer_->to != to || now_ >= transfer_->until)) {
        transfer_ = {to, now_ + options_.election, 0};
    }
    finish(effects);
    return possible;
}

/// A leader without room takes no entries, and keeps those from leading who may have some: it asks
/// one after the other, for those without room do not do it.
ATTUNE_DECL void Core::give_way() {
    if (!room_ && !transfer_ && !followers_.empty()) {
        last_asked_ = (last_asked_ + 1) % followers_.size();
        transfer_ = {followers_[last_asked_].id, now_ + options_.election, 0};
    }
}

/// Once the successor has all entries, and no more are taken, it is told: once, and again with each
/// round, for that message may be lost.
ATTUNE_DECL void Core::hand_over(Effects& effects) {
    if (!transfer_ || transfer_->told == round_) {
        return;
    }
    if (find_follower(transfer_->to)->match == log_.last()) {
        transfer_->told = round_;
        post(transfer_->to, TimeoutNow{vote_.term}, 0, effects);
    }
}

/// An election at once: others hear from the leader still, and are told to vote all the same.
ATTUNE_DECL void Core::on(NodeId from, const TimeoutNow& message, Effects& effects) {
    if (role_ == Role::follower && message.term == vote_.term && leader_ == from && room_) {
        start_election(true, effects);
    }
}

}  // namespace attune::inline ATTUNE_ABI::quorum::raft
