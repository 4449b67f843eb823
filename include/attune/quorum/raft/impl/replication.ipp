#pragma once

#include <attune/quorum/detail/mutant.hpp>
#include <attune/quorum/raft/core.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

namespace attune::inline ATTUNE_ABI::quorum::raft {

ATTUNE_DECL Proposed Core::propose(Instant now, Bytes command, Effects& effects) {
    Proposed proposed;
    if (!begin(now, effects)) {
        return proposed;
    }
    const bool hands_over =
        transfer_ && !detail::planted(detail::Mutant::r18_takes_proposals_while_it_hands_over);
    if (role_ == Role::leader && takes_entries() && !hands_over &&
        log_.last() - commit_ < options_.uncommitted) {
        proposed = {append(EntryKind::command, std::move(command), effects), vote_.term};
        for (detail::Follower& follower : followers_) {
            send_what_fits(follower, effects);
        }
    }
    finish(effects);
    return proposed;
}

/// Section 6.4. A read waits for a round of heartbeats that begins after it has come: any earlier
/// one may have been answered before another leader was elected.
ATTUNE_DECL void Core::read(Instant now, std::uint64_t id, Effects& effects) {
    if (!begin(now, effects)) {
        effects.reads.push_back({id, std::nullopt});
        return;
    }
    if (role_ != Role::leader || reads_.size() >= options_.reads) {
        effects.reads.push_back({id, std::nullopt});
    } else {
        std::uint64_t round = round_ + 1;
        if (detail::planted(detail::Mutant::r16_read_round_of_before)) {
            round = round_;
        } else if (detail::planted(detail::Mutant::r17_reads_without_a_round)) {
            round = 0;
        }
        reads_.push_back({id, commit_, round});
        answer_reads(effects);
    }
    finish(effects);
}

ATTUNE_DECL detail::Follower* Core::find_follower(NodeId id) noexcept {
    for (detail::Follower& follower : followers_) {
        if (follower.id == id) {
            return &follower;
        }
    }
    return nullptr;
}

/// Appends to the own log. It counts once it is durable; the followers may be faster (section
/// 10.2.1).
ATTUNE_DECL Index Core::append(EntryKind kind, Bytes data, Effects& effects) {
    const Entry entry{log_.last() + 1, vote_.term, cluster_time(now_), kind, std::move(data)};
    log_.append(entry, write(WriteEntries{{entry}}, effects));
    return entry.index;
}

ATTUNE_DECL void Core::begin_round(Effects& effects) {
    round_times_.begin(++round_, now_);
    heartbeat_at_ = now_ + options_.heartbeat;
    for (detail::Follower& follower : followers_) {
        if (follower.state == detail::Follower::State::snapshot) {
            send_append(follower, false, effects);
            if (now_ - follower.piece_sent >= 2 * options_.heartbeat) {
                send_piece(follower, follower.offset, effects);
            }
            continue;
        }
        const std::size_t before = effects.messages.size();
        send_what_fits(follower, effects);
        if (effects.messages.size() == before) {
            send_append(follower, false, effects);
        }
    }
}

/// A voter has answered a message of that round. False: there was no such round.
ATTUNE_DECL bool Core::note_round(detail::Follower& follower, std::uint64_t round) {
    if (round > round_) {
        return false;
    }
    if (round > follower.round) {
        follower.round = round;
        if (const auto began = round_times_.of(round)) {
            follower.heard = *began;
        }
    }
    return true;
}

ATTUNE_DECL void Core::send_what_fits(detail::Follower& follower, Effects& effects) {
    using State = detail::Follower::State;
    while (follower.state != State::snapshot && follower.next <= log_.last() &&
           follower.in_flight.size() < (follower.state == State::probe ? 1 : options_.window)) {
        send_append(follower, true, effects);
    }
}

/// Figure 3.1 and section 3.6.2: what a majority has made durable is committed, if the last of it
/// is of this term; older terms are committed along with it, and never by counting.
ATTUNE_DECL void Core::advance_commit(Effects& effects) {
    if (role_ != Role::leader) {
        return;
    }
    const Index own = detail::planted(detail::Mutant::r4_leader_counts_itself_before_it_is_durable)
                          ? log_.last()
                          : log_.durable();
    const Index index =
        detail::reached_by_majority(followers_, own,
                                    [](const detail::Follower& each) { return each.match; });
    if (index > commit_ &&
        (log_.term(index) == vote_.term ||
         detail::planted(detail::Mutant::r5_commits_entries_of_older_terms_by_counting))) {
        commit_to(index, effects);
        answer_reads(effects);
    }
}

ATTUNE_DECL void Core::commit_to(Index index, Effects& effects) {
    while (commit_ < index) {
        effects.committed.push_back(*log_.find(++commit_));
    }
}

/// A read that has come before this leader was ready has everything committed by others behind it
/// only now.
ATTUNE_DECL void Core::answer_reads(Effects& effects) {
    if (!is_ready() || reads_.empty()) {
        return;
    }
    const std::uint64_t answered = detail::reached_by_majority(
        followers_, followers_.empty() ? std::numeric_limits<std::uint64_t>::max() : round_,
        [](const detail::Follower& each) { return each.round; });
    std::size_t count = 0;
    while (count != reads_.size() && reads_[count].round <= answered) {
        effects.reads.push_back({reads_[count].id, std::max(reads_[count].index, barrier_)});
        ++count;
    }
    reads_.erase(reads_.begin(), reads_.begin() + static_cast<std::ptrdiff_t>(count));
    // One round at a time: those that come while one is on its way share the next.
    if (!reads_.empty() && answered >= round_) {
        begin_round(effects);
    }
}

}  // namespace attune::inline ATTUNE_ABI::quorum::raft
