#pragma once

#include <attune/quorum/detail/mutant.hpp>
#include <attune/quorum/raft/core.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>

namespace attune::inline ATTUNE_ABI::quorum::raft {

/// Somewhere between one and two election timeouts (section 3.4). The numbers are Knuth's (MMIX).
ATTUNE_DECL void Core::restart_election_timer() {
    random_ = random_ * 6364136223846793005U + 1442695040888963407U;
    const Instant range = options_.election;
    const auto part = static_cast<std::int64_t>(random_ >> 48U);
    election_at_ = now_ + range + range * part / (1 << 16);
}

/// A higher term: follower in it, of nobody yet.
ATTUNE_DECL void Core::adopt(Term term, Effects& effects) {
    step_down(effects);
    vote_ = {term, 0};
    vote_saved_ = false;
    term_leader_ = 0;
    // What was to be said in the old term may not be true any more: entries that were about to be
    // acknowledged may be cut off in the new one.
    held_.clear();
    incoming_.reset();
}

ATTUNE_DECL void Core::step_down(Effects& effects) {
    if (role_ == Role::leader) {
        for (const Read& read : reads_) {
            effects.reads.push_back({read.id, std::nullopt});
        }
        reads_.clear();
        transfer_.reset();
        for (detail::Follower& follower : followers_) {
            follower.snapshot = {};
        }
        restart_election_timer();
    }
    role_ = Role::follower;
    leader_ = 0;
}

/// A leader of the current term was heard from. False: there was another one in this term, and
/// election safety (figure 3.2) is gone.
ATTUNE_DECL bool Core::follow(NodeId leader, Effects& effects) {
    if (term_leader_ != 0 && term_leader_ != leader &&
        !detail::planted(detail::Mutant::r9_accepts_a_leader_of_an_older_term)) {
        fail(effects);
        return false;
    }
    role_ = Role::follower;
    leader_ = leader;
    term_leader_ = leader;
    heard_ = now_;
    restart_election_timer();
    return true;
}

/// Section 4.2.3: whoever hears from a leader within the shortest election timeout takes no part in
/// elections. Unless it is that leader who asks, and so leads no more.
ATTUNE_DECL bool Core::hears_a_leader_other_than(NodeId voter) const noexcept {
    if (detail::planted(detail::Mutant::r13_votes_while_a_leader_is_there)) {
        return false;
    }
    return role_ == Role::leader || (voter != leader_ && now_ - heard_ < options_.election);
}

/// Section 3.6.1: the log with the later last term, or else the longer one.
ATTUNE_DECL bool Core::is_up_to_date(Term last_term, Index last_index) const noexcept {
    if (detail::planted(detail::Mutant::r10_votes_by_length_alone)) {
        return last_index >= log_.last();
    }
    return last_term > log_.last_term() ||
           (last_term == log_.last_term() && last_index >= log_.last());
}

ATTUNE_DECL bool Core::has_vote_of(NodeId voter) const noexcept {
    return std::find(votes_.begin(), votes_.end(), voter) != votes_.end();
}

/// True when a majority has voted for this member.
ATTUNE_DECL bool Core::count_vote(NodeId from) {
    if (!has_vote_of(from)) {
        votes_.push_back(from);
    }
    return votes_.size() > (followers_.size() + 1) / 2;
}

/// The election timer has run out.
ATTUNE_DECL void Core::campaign(Effects& effects) {
    restart_election_timer();
    leader_ = 0;
    if (vote_write_ > stored_) {
        return;  // the disk hangs, and what was to be said would wait for it
    }
    // A leader begins its term with an entry; without room for it there is no point.
    if (!room_) {
        role_ = Role::follower;
    } else if (followers_.empty()) {
        start_election(false, effects);
    } else {
        start_pre_vote(effects);
    }
}

/// The last time's messages, or their answers, may be lost.
ATTUNE_DECL void Core::ask_again(Effects& effects) {
    if (vote_write_ > stored_) {
        heartbeat_at_ = now_ + options_.heartbeat;  // they have not been sent yet
    } else if (role_ == Role::candidate) {
        ask_for_votes(effects);
    } else {
        ask_for_pre_votes(effects);
    }
}

ATTUNE_DECL void Core::lead(Effects& effects) {
    if (!room_) {
        step_down(effects);
        return;
    }
    role_ = Role::leader;
    leader_ = options_.id;
    term_leader_ = options_.id;
    base_time_ = log_.last_time();
    leads_since_ = now_;
    round_ = 0;
    round_times_ = {};
    for (detail::Follower& follower : followers_) {
        follower.state = detail::Follower::State::probe;
        follower.match = 0;
        follower.next = log_.last() + 1;
        follower.in_flight.clear();
        follower.commit_sent = 0;
        follower.round = 0;
        follower.heard = now_;
    }
    // Section 6.4: only an entry of its own term tells a leader what is committed.
    barrier_ = detail::planted(detail::Mutant::r6_no_barrier_at_the_start_of_a_term)
                   ? 0
                   : append(EntryKind::barrier, nullptr, effects);
    begin_round(effects);
}

/// When a majority was there, this member included. A voter counts from the time at which the round
/// began that it has answered last (section 6.4).
ATTUNE_DECL Instant Core::majority_heard() const noexcept {
    if (detail::planted(detail::Mutant::r14_leader_stays_without_a_majority)) {
        return now_;
    }
    return detail::reached_by_majority(followers_, now_,
                                       [](const detail::Follower& each) { return each.heard; });
}

}  // namespace attune::inline ATTUNE_ABI::quorum::raft
