#pragma once

#include <attune/quorum/detail/mutant.hpp>
#include <attune/quorum/raft/core.hpp>
#include <attune/quorum/raft/impl/bounds.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace attune::inline ATTUNE_ABI::quorum {

namespace detail {

inline raft::CoreOptions usable(raft::CoreOptions options) {
    using std::chrono::milliseconds;
    // Far from where sums of them would overflow. A leader steps down after an election timeout
    // without an answer, and needs a round of heartbeats, and one more, within it.
    options.election =
        std::clamp<milliseconds>(options.election, milliseconds{2}, std::chrono::hours{1});
    options.heartbeat = std::clamp(options.heartbeat, milliseconds{1}, options.election / 2);
    options.batch_entries = std::max<std::size_t>(options.batch_entries, 1);
    options.window = std::clamp<std::size_t>(options.window, 1, 65'536);
    options.piece_bytes = std::max<std::size_t>(options.piece_bytes, 1);
    options.uncommitted = std::max<std::size_t>(options.uncommitted, 1);
    options.unstored_bytes = std::max<std::size_t>(options.unstored_bytes, 1);
    return options;
}

/// Somebody each, nobody twice, and this member among them.
inline bool are_voters(std::vector<raft::NodeId> voters, raft::NodeId self) {
    std::ranges::sort(voters);
    return std::ranges::binary_search(voters, self) && voters.front() != 0 &&
           std::ranges::adjacent_find(voters) == voters.end();
}

}  // namespace detail

namespace raft {

ATTUNE_DECL Core::Core(CoreOptions options, Recovered recovered, Instant now, std::uint64_t seed,
                       Effects& effects)
    : options_(detail::usable(std::move(options))),
      random_(seed),
      now_(now),
      vote_(recovered.vote),
      // Whoever may have promised to follow a leader just before it was stopped keeps to that, as
      // others that have heard from the leader do.
      heard_(detail::planted(detail::Mutant::r13_votes_right_after_a_restart)
                 ? now - options_.election
                 : now),
      log_(std::move(recovered.snapshot), std::move(recovered.entries)),
      commit_(log_.snapshot().index) {
    for (const NodeId voter : options_.voters) {
        if (voter != options_.id) {
            followers_.emplace_back().id = voter;
            followers_.back().in_flight.reserve(options_.window);
        }
    }
    if (log_.last_term() > vote_.term) {
        vote_ = {log_.last_term(), 0};
        vote_saved_ = false;
    }
    if (log_.snapshot().index != 0) {
        effects.restore = log_.snapshot();
    }
    told_ = {role_, vote_.term, leader_};
    if (!detail::are_voters(options_.voters, options_.id)) {
        failed_ = true;  // or it would lead alone, say, because it was not told of the others
        return;
    }
    restart_election_timer();
    if (followers_.empty()) {
        campaign(effects);
    }
    finish(effects);
}

ATTUNE_DECL void Core::tick(Instant now, Effects& effects) {
    if (!begin(now, effects)) {
        return;
    }
    if (role_ == Role::leader) {
        if (transfer_ && now_ >= transfer_->until) {
            transfer_.reset();
        }
        if (now_ - majority_heard() >= options_.election) {
            step_down(effects);
        } else if (now_ >= heartbeat_at_) {
            give_way();
            begin_round(effects);
        }
    } else if (now_ >= election_at_) {
        campaign(effects);
    } else if (role_ != Role::follower && now_ >= heartbeat_at_) {
        ask_again(effects);
    }
    finish(effects);
}

ATTUNE_DECL void Core::receive(Instant now, NodeId from, Message message, Effects& effects) {
    if (!begin(now, effects)) {
        return;
    }
    if (find_follower(from) != nullptr) {
        std::visit(
            [&](auto& each) {
                if (each.term > detail::largest_number) {
                    return;
                }
                // Figure 3.1: whoever sees a higher term is a follower in it, before anything else.
                // Questions about an election are looked at first.
                using Kind = std::remove_reference_t<decltype(each)>;
                if constexpr (!std::is_same_v<Kind, PreVote> &&
                              !std::is_same_v<Kind, PreVoteReply> &&
                              !std::is_same_v<Kind, RequestVote>) {
                    if (each.term > vote_.term) {
                        adopt(each.term, effects);
                    }
                }
                on(from, each, effects);
            },
            message);
    }
    finish(effects);
}

ATTUNE_DECL void Core::stored(Instant now, std::uint64_t number, Effects& effects) {
    if (!begin(now, effects)) {
        return;
    }
    number = std::min(number, written_);
    if (number > stored_) {
        stored_ = number;
        pending_writes_.stored(number);
        log_.stored(number);
        std::size_t kept = 0;
        for (Held& held : held_) {
            if (held.write <= number) {
                effects.messages.push_back(std::move(held.outgoing));
            } else if (Held& place = held_[kept++]; &place != &held) {
                place = std::move(held);
            }
        }
        held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(kept), held_.end());
        if (role_ == Role::candidate && vote_write_ <= stored_ && count_vote(options_.id)) {
            lead(effects);
        }
        advance_commit(effects);
    }
    finish(effects);
}

ATTUNE_DECL void Core::storage_failed(Instant now, Effects& effects) {
    if (begin(now, effects)) {
        fail(effects);
    }
}

ATTUNE_DECL void Core::set_room(bool some) noexcept { room_ = some; }

ATTUNE_DECL void Core::compact(Instant now, Index index, Bytes state, Effects& effects) {
    if (!begin(now, effects)) {
        return;
    }
    const Entry* const entry = log_.find(index);
    if (entry != nullptr && index <= commit_) {
        Snapshot snapshot{index, entry->term, entry->time, std::move(state)};
        log_.compact(snapshot);
        write(WriteSnapshot{std::move(snapshot), false}, effects);
    }
    finish(effects);
}

ATTUNE_DECL Instant Core::deadline() const noexcept {
    if (failed_) {
        return Instant::max();
    }
    if (role_ == Role::follower) {
        return election_at_;
    }
    if (role_ != Role::leader) {
        return std::min(election_at_, heartbeat_at_);
    }
    Instant next = Instant::max();
    if (!followers_.empty()) {
        next = std::min(heartbeat_at_, majority_heard() + options_.election);
    }
    if (transfer_) {
        next = std::min(next, transfer_->until);
    }
    if (const auto since = oldest_write()) {
        next = std::min(next, *since + options_.election);
    }
    return next;
}

ATTUNE_DECL ClusterTime Core::cluster_time(Instant now) const noexcept {
    if (role_ != Role::leader) {
        return log_.last_time();
    }
    if (detail::planted(detail::Mutant::r28_stamps_its_own_clock)) {
        return std::chrono::duration_cast<ClusterTime>(now);
    }
    const auto progress =
        std::chrono::duration_cast<ClusterTime>(std::max(now - leads_since_, Instant::zero()));
    return std::clamp(base_time_ + progress, log_.last_time(), detail::largest_time);
}

/// False: nothing is to be done any more.
ATTUNE_DECL bool Core::begin(Instant now, Effects& effects) {
    if (failed_) {
        return false;
    }
    const Instant before = std::exchange(now_, std::max(now, now_));
    if (role_ == Role::leader) {
        // Somebody else may lead by now, whatever waits here to be looked at. A leader alone among
        // voters has nobody to fear; it is only its disk that may hang.
        const bool paused = !followers_.empty() && now_ - before > options_.election &&
                            !detail::planted(detail::Mutant::r15_serves_after_a_pause);
        const auto since = oldest_write();
        if (paused || (since && now_ - *since >= options_.election)) {
            step_down(effects);
        }
    }
    return true;
}

/// Since when a write of a leader waits to be durable.
ATTUNE_DECL std::optional<Instant> Core::oldest_write() const noexcept {
    return detail::planted(detail::Mutant::r15_serves_after_a_pause) ? std::nullopt
                                                                     : pending_writes_.since();
}

ATTUNE_DECL void Core::finish(Effects& effects) {
    if (failed_) {
        return;
    }
    save_vote(effects);
    if (role_ == Role::leader) {
        hand_over(effects);
        for (detail::Follower& follower : followers_) {
            // With nothing on its way, nothing else would tell it soon.
            if (follower.state == detail::Follower::State::replicate &&
                follower.in_flight.empty() && follower.commit_sent < commit_) {
                send_append(follower, false, effects);
            }
        }
    }
    if (told_.role != role_ || told_.term != vote_.term || told_.leader != leader_) {
        told_ = {role_, vote_.term, leader_};
        effects.role = told_;
    }
}

ATTUNE_DECL void Core::fail(Effects& effects) {
    step_down(effects);
    finish(effects);
    failed_ = true;
    held_.clear();
    incoming_.reset();
    // Nobody is to hear of this step.
    effects.messages.clear();
    effects.writes.clear();
}

ATTUNE_DECL std::uint64_t Core::write(Write write, Effects& effects) {
    save_vote(effects);
    effects.writes.push_back({++written_, std::move(write)});
    pending_writes_.add(written_, now_, Instant{options_.election} / 16);
    return written_;
}

/// Term and vote are one record (figure 3.1: persistent state), written before anything else that
/// depends on them.
ATTUNE_DECL void Core::save_vote(Effects& effects) {
    if (vote_saved_) {
        return;
    }
    vote_saved_ = true;
    Vote record = vote_;
    if (detail::planted(detail::Mutant::r1_vote_without_its_term) && record.candidate != 0) {
        --record.term;
    }
    if (detail::planted(detail::Mutant::r2_candidate_does_not_store_its_own_vote) &&
        record.candidate == options_.id) {
        record.candidate = 0;
    }
    vote_write_ = write(WriteVote{record}, effects);
}

/// Sends a message once that write, and the current term and vote, are durable.
ATTUNE_DECL void Core::post(NodeId to, Message message, std::uint64_t write, Effects& effects) {
    save_vote(effects);
    write = std::max(write, vote_write_);
    if (detail::planted(detail::Mutant::r1_answers_before_the_vote_is_durable) &&
        std::holds_alternative<VoteReply>(message)) {
        write = 0;
    }
    if (write <= stored_) {
        effects.messages.push_back({to, std::move(message)});
        return;
    }
    // What does not fit is lost, as any message may be: the oldest, for it matters least.
    if (held_.size() >= options_.window + 4 * options_.voters.size()) {
        held_.erase(held_.begin());
    }
    held_.push_back({write, {to, std::move(message)}});
}

}  // namespace raft

}  // namespace attune::inline ATTUNE_ABI::quorum
