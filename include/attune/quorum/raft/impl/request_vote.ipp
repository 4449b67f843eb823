#pragma once

#include <attune/quorum/detail/mutant.hpp>
#include <attune/quorum/raft/core.hpp>

// Figure 3.1 of the thesis, RequestVote.

namespace attune::inline ATTUNE_ABI::quorum::raft {

/// Begins a term. The requests, and the own vote, wait until that is durable: see Core::stored.
ATTUNE_DECL void Core::start_election(bool transfer, Effects& effects) {
    adopt(vote_.term + 1, effects);
    vote_.candidate = options_.id;
    role_ = Role::candidate;
    is_successor_ = transfer;
    votes_.clear();
    restart_election_timer();
    ask_for_votes(effects);
}

/// Those that have not said yes; again from time to time, for messages are lost (section 3.3).
ATTUNE_DECL void Core::ask_for_votes(Effects& effects) {
    heartbeat_at_ = now_ + options_.heartbeat;
    for (const detail::Follower& follower : followers_) {
        if (!has_vote_of(follower.id)) {
            post(follower.id, RequestVote{vote_.term, log_.last(), log_.last_term(), is_successor_},
                 0, effects);
        }
    }
}

ATTUNE_DECL void Core::on(NodeId from, const RequestVote& message, Effects& effects) {
    // A reply may have been lost: the same vote in the same term is given again.
    const bool again = message.term == vote_.term && vote_.candidate == from && message.term != 0 &&
                       !detail::planted(detail::Mutant::r3_refuses_to_repeat_a_vote);
    if (message.term >= vote_.term && !message.transfer && !again &&
        hears_a_leader_other_than(from)) {
        return;
    }
    if (message.term > vote_.term) {
        adopt(message.term, effects);
    }
    const bool granted = message.term == vote_.term && message.term != 0 &&
                         (vote_.candidate == 0 || again) &&
                         is_up_to_date(message.last_term, message.last_index);
    if (granted) {
        vote_saved_ = vote_saved_ && vote_.candidate == from;
        vote_.candidate = from;
        restart_election_timer();
    }
    post(from, VoteReply{vote_.term, granted}, 0, effects);
}

ATTUNE_DECL void Core::on(NodeId from, const VoteReply& message, Effects& effects) {
    if (role_ == Role::candidate && message.granted && message.term == vote_.term &&
        count_vote(from)) {
        lead(effects);
    }
}

}  // namespace attune::inline ATTUNE_ABI::quorum::raft
