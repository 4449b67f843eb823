#pragma once

#include <attune/quorum/detail/mutant.hpp>
#include <attune/quorum/raft/core.hpp>
#include <attune/quorum/raft/impl/bounds.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

// Figure 3.1 of the thesis, AppendEntries: what a leader sends, what a follower makes of it, and
// what the leader makes of the reply.

namespace attune::inline ATTUNE_ABI::quorum {

namespace detail {

/// What a leader that keeps to the rules would send. What the entries say is not looked at.
inline bool makes_sense(const raft::AppendEntries& message) noexcept {
    if (message.term == 0 || message.previous_index > largest_number ||
        message.previous_term > message.term ||
        (message.previous_index == 0 && message.previous_term != 0)) {
        return false;
    }
    raft::Index index = message.previous_index;
    raft::Term term = message.previous_term;
    for (const raft::Entry& entry : message.entries) {
        if (entry.index != index + 1 || entry.term < std::max<raft::Term>(term, 1) ||
            entry.term > message.term || entry.time < raft::ClusterTime::zero() ||
            entry.time > largest_time) {
            return false;
        }
        index = entry.index;
        term = entry.term;
    }
    return true;
}

}  // namespace detail

namespace raft {

/// With entries as many as one message takes; without, a heartbeat. That one, too, names the entry
/// before what is sent next, so that a message lost before it is noticed.
ATTUNE_DECL void Core::send_append(detail::Follower& follower, bool entries, Effects& effects) {
    using State = detail::Follower::State;
    AppendEntries message;
    message.term = vote_.term;
    message.commit = commit_;
    message.round = round_;
    if (follower.state == State::snapshot) {
        message.previous_index = follower.snapshot.index;
        message.previous_term = follower.snapshot.term;
    } else if (const auto term = log_.term(follower.next - 1)) {
        message.previous_index = follower.next - 1;
        message.previous_term = *term;
    } else {
        start_snapshot(follower, effects);
        return;
    }
    if (entries) {
        std::size_t bytes = 0;
        const Index begin = follower.next;
        Index end = begin;
        while (end <= log_.last() && end - begin < options_.batch_entries) {
            const Bytes& data = log_.find(end)->data;
            bytes += data == nullptr ? 0 : data->size();
            if (end != begin && bytes > options_.batch_bytes) {
                break;
            }
            ++end;
        }
        message.entries.reserve(static_cast<std::size_t>(end - begin));
        for (Index index = begin; index != end; ++index) {
            message.entries.push_back(*log_.find(index));
        }
        if (follower.state == State::probe) {
            follower.probed = begin - 1;
        }
        follower.in_flight.push_back(end - 1);
        follower.next = end;
    }
    follower.commit_sent = commit_;
    post(follower.id, std::move(message), 0, effects);
}

ATTUNE_DECL void Core::on(NodeId from, AppendEntries& message, Effects& effects) {
    if (!detail::makes_sense(message)) {
        return;
    }
    if (message.term < vote_.term &&
        !detail::planted(detail::Mutant::r9_accepts_a_leader_of_an_older_term)) {
        refuse(from, message, effects);
        return;
    }
    if (!follow(from, effects)) {
        return;
    }
    const Index previous = message.previous_index;
    if (previous >= log_.snapshot().index && log_.term(previous) != message.previous_term) {
        if (previous <= commit_) {
            fail(effects);
        } else {
            refuse(from, message, effects);
        }
        return;
    }
    const bool is_heartbeat = message.entries.empty();
    const Index matched = take(message, effects);
    if (failed_) {
        return;
    }
    commit_to(std::min(message.commit, matched), effects);
    AppendReply reply{vote_.term, message.round, true, matched, 0, 0};
    std::uint64_t write = 0;
    // A heartbeat is answered at once, even while the disk is slow: for as much as is durable.
    if (is_heartbeat || !room_) {
        reply.index = std::min(reply.index, log_.durable());
    } else {
        write = log_.write_of(reply.index);
    }
    if (detail::planted(detail::Mutant::r4_acknowledges_before_entries_are_durable)) {
        reply.index = std::max(reply.index, matched);
        write = 0;
    }
    post(from, reply, write, effects);
}

/// Brings the log in line with the entries of a message whose previous one is here. Gives the last
/// place up to which the log is known to be that of the leader.
ATTUNE_DECL Index Core::take(AppendEntries& message, Effects& effects) {
    std::vector<Entry>& entries = message.entries;
    // What is here already stays, with all that is behind it: an older message may come late.
    std::size_t known = 0;
    while (known != entries.size() && (entries[known].index <= log_.snapshot().index ||
                                       log_.term(entries[known].index) == entries[known].term)) {
        ++known;
    }
    const Index matched = message.previous_index + known;
    if (detail::planted(detail::Mutant::r7_cuts_the_log_to_what_a_request_has) &&
        known == entries.size() && matched >= log_.snapshot().index && matched < log_.last()) {
        log_.truncate(matched + 1);
        write(TruncateLog{matched + 1}, effects);
    }
    if (known == entries.size() || !takes_entries()) {
        return matched;
    }
    entries.erase(entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(known));
    if (matched < log_.last()) {
        if (matched < commit_) {
            fail(effects);
            return matched;
        }
        log_.truncate(matched + 1);
        write(TruncateLog{matched + 1}, effects);
    }
    const std::uint64_t number = write(WriteEntries{entries}, effects);
    for (Entry& entry : entries) {
        log_.append(std::move(entry), number);
    }
    return log_.last();
}

/// Section 3.5: the leader tries further back. It is told how far at least: to the last place whose
/// term is not above that of what it has sent, for no later one can be the same.
ATTUNE_DECL void Core::refuse(NodeId from, const AppendEntries& message, Effects& effects) {
    AppendReply reply{vote_.term, message.round, false, 0, 0, message.previous_index};
    if (message.term == vote_.term) {
        reply.index =
            std::max(commit_, log_.last_of_term(message.previous_index, message.previous_term));
        reply.hint_term = log_.term(reply.index).value_or(0);
    }
    post(from, reply, 0, effects);
}

ATTUNE_DECL void Core::on(NodeId from, const AppendReply& message, Effects& effects) {
    using State = detail::Follower::State;
    if (role_ != Role::leader || message.term != vote_.term) {
        return;
    }
    detail::Follower& follower = *find_follower(from);
    if (message.index > log_.last() || !note_round(follower, message.round)) {
        return;
    }
    if (message.matches) {
        const std::size_t before = follower.in_flight.size();
        const Index matched = detail::planted(detail::Mutant::r8_matches_up_to_its_own_last_entry)
                                  ? log_.last()
                                  : message.index;
        follower.acknowledge(matched);
        if (matched > follower.match) {
            follower.match = matched;
            follower.next = std::max(follower.next, follower.match + 1);
            advance_commit(effects);
        }
        if (follower.state == State::snapshot && follower.match >= follower.snapshot.index) {
            follower.snapshot = {};
            follower.state = State::replicate;
        } else if (follower.state == State::probe &&
                   (follower.in_flight.empty() || follower.in_flight.size() < before)) {
            follower.state = State::replicate;
        }
        send_what_fits(follower, effects);
    } else if (follower.state != State::snapshot && message.refused > follower.match &&
               (follower.state == State::replicate
                    ? message.refused < follower.next
                    : message.refused == follower.probed || message.refused == follower.next - 1)) {
        // Anything else was refused before: what was sent since may have come.
        const Index place =
            log_.last_of_term(std::min(message.index, message.refused - 1), message.hint_term);
        follower.next = std::max(place, follower.match) + 1;
        follower.in_flight.clear();
        follower.state = State::probe;
        follower.probed = follower.next - 1;
        send_append(follower, follower.next <= log_.last(), effects);
    }
    answer_reads(effects);
}

}  // namespace raft

}  // namespace attune::inline ATTUNE_ABI::quorum
