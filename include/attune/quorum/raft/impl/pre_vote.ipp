#pragma once

#include <attune/quorum/detail/mutant.hpp>
#include <attune/quorum/raft/core.hpp>

// Section 9.6 of the thesis, PreVote: nobody's term or vote changes, nor does anybody's timer but
// the asker's.

namespace attune::inline ATTUNE_ABI::quorum::raft {

ATTUNE_DECL void Core::start_pre_vote(Effects& effects) {
    role_ = Role::pre_candidate;
    votes_.clear();
    count_vote(options_.id);
    ask_for_pre_votes(effects);
}

/// Those that have not said yes; again from time to time.
ATTUNE_DECL void Core::ask_for_pre_votes(Effects& effects) {
    heartbeat_at_ = now_ + options_.heartbeat;
    for (const detail::Follower& follower : followers_) {
        if (!has_vote_of(follower.id)) {
            post(follower.id, PreVote{vote_.term + 1, log_.last(), log_.last_term()}, 0, effects);
        }
    }
}

ATTUNE_DECL void Core::on(NodeId from, const PreVote& message, Effects& effects) {
    if (detail::planted(detail::Mutant::r12_pre_vote_changes_the_term) &&
        message.term > vote_.term) {
        adopt(message.term, effects);
    }
    if (message.term <= vote_.term && detail::planted(detail::Mutant::r12_ignores_who_is_behind)) {
        return;
    }
    const bool granted = message.term > vote_.term && !hears_a_leader_other_than(from) &&
                         is_up_to_date(message.last_term, message.last_index);
    if (granted && detail::planted(detail::Mutant::r11_pre_vote_restarts_the_election_timer)) {
        restart_election_timer();
    }
    // Whoever is behind learns the term from this.
    post(from, PreVoteReply{granted ? message.term : vote_.term, granted}, 0, effects);
}

ATTUNE_DECL void Core::on(NodeId from, const PreVoteReply& message, Effects& effects) {
    if (!message.granted) {
        if (message.term > vote_.term) {
            adopt(message.term, effects);
        }
    } else if (role_ == Role::pre_candidate && message.term == vote_.term + 1 && count_vote(from)) {
        start_election(false, effects);
    }
}

}  // namespace attune::inline ATTUNE_ABI::quorum::raft
