#pragma once

#include <attune/quorum/detail/mutant.hpp>
#include <attune/quorum/lock_machine/detail/lock_state.hpp>
#include <attune/quorum/lock_machine/limits.hpp>

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

namespace attune::inline ATTUNE_ABI::quorum::detail {

ATTUNE_DECL bool is_lock_name(std::string_view name) {
    return !name.empty() && name.size() <= LockLimits::name;
}

ATTUNE_DECL bool is_valid_mode(LockMode mode, std::uint32_t permits, std::uint32_t of) {
    if (mode == LockMode::permits) {
        return permits >= 1 && permits <= of;
    }
    return (mode == LockMode::exclusive || mode == LockMode::shared) && permits == 0 && of == 0;
}

ATTUNE_DECL Reply LockState::turn_away(const SessionRecord* session, SessionId id,
                                       Sequence sequence) {
    return {.outcome = session == nullptr ? Outcome::no_session : Outcome::refused,
            .session = id,
            .sequence = sequence};
}

/// Of a command that has been done, or is being done. Commands count by their sequence alone.
ATTUNE_DECL std::optional<Reply> LockState::known_reply(const SessionRecord& session,
                                                        Sequence sequence) {
    if (planted(Mutant::r26_does_a_command_again)) {
        return std::nullopt;
    }
    if (const auto request = session.requests.find(sequence); request != session.requests.end()) {
        settle();  // this entry may be the one that grants it
        return state_of(requests_.find(request->second)->second);
    }
    if (const auto reply = session.replies.find(sequence); reply != session.replies.end()) {
        return Reply{.outcome = reply->second.outcome,
                     .session = session.id,
                     .sequence = sequence,
                     .ticket = reply->second.ticket,
                     .token = reply->second.token};
    }
    if (sequence <= session.forgotten) {
        return Reply{.outcome = Outcome::forgotten, .session = session.id, .sequence = sequence};
    }
    return std::nullopt;
}

ATTUNE_DECL void LockState::remember(SessionRecord& session, Sequence sequence,
                                     const StoredReply& reply) {
    if (sequence <= session.forgotten) {
        return;
    }
    session.replies[sequence] = reply;
    if (session.replies.size() > LockLimits::replies) {
        session.forgotten = session.replies.begin()->first;
        session.replies.erase(session.replies.begin());
    }
}

ATTUNE_DECL Reply LockState::finish(SessionRecord& session, Sequence sequence, Outcome outcome) {
    remember(session, sequence, {.outcome = outcome});
    return {.outcome = outcome, .session = session.id, .sequence = sequence};
}

ATTUNE_DECL Reply LockState::state_of(const LockRequest& request) const {
    const Outcome outcome = !request.token  ? Outcome::queued
                            : request.whole ? Outcome::ok
                                            : Outcome::not_held;
    return {.outcome = outcome,
            .session = request.session,
            .sequence = request.sequence,
            .ticket = request.ticket,
            .token = request.token};
}

ATTUNE_DECL bool LockState::is_valid(const Acquire& command) {
    if (command.wants.empty() || command.wants.size() > LockLimits::wants) {
        return false;
    }
    std::vector<std::string_view> names;
    names.reserve(command.wants.size());
    for (const Want& want : command.wants) {
        if (!is_lock_name(want.lock) || !is_valid_mode(want.mode, want.permits, want.of)) {
            return false;
        }
        names.push_back(want.lock);
    }
    std::ranges::sort(names);
    return std::ranges::adjacent_find(names) == names.end();
}

ATTUNE_DECL Outcome LockState::obstacle(const SessionRecord& session, const Acquire& command) {
    if (!is_valid(command) || session.requests.size() >= LockLimits::requests ||
        locks_.size() + command.wants.size() > LockLimits::locks ||
        places_ + command.wants.size() > LockLimits::places) {
        return Outcome::refused;
    }
    Outcome outcome = Outcome::ok;
    for (const Want& want : command.wants) {
        const LockRecord* const lock = find_lock(want.lock);
        if (lock != nullptr && command.wait && lock->waiters.size() >= LockLimits::waiters) {
            return Outcome::refused;
        }
        if (lock != nullptr && want.mode == LockMode::permits && lock->permit_users != 0 &&
            lock->of != want.of) {
            outcome = Outcome::mismatch;
        }
    }
    return outcome;
}

ATTUNE_DECL LockRequest& LockState::enqueue(SessionRecord& session, const Acquire& command) {
    LockRequest& request = requests_[applied_];
    request.ticket = applied_;
    request.session = session.id;
    request.sequence = command.sequence;
    request.since = now_;
    request.parts.reserve(command.wants.size());
    for (const Want& want : command.wants) {
        LockRecord& lock = record_of(want.lock);
        request.parts.push_back({&lock, want.mode, want.permits, want.of});
        lock.waiters.push_back({&request, want.mode, want.permits});
        if (want.mode == LockMode::permits) {
            ++lock.permit_users;
            lock.of = want.of;
        }
        touch(lock);
    }
    places_ += request.parts.size();
    session.requests[command.sequence] = request.ticket;
    return request;
}

ATTUNE_DECL void LockState::end_request(LockRequest& request, Outcome outcome) {
    for (const LockPart& part : request.parts) {
        if (part.mode == LockMode::permits) {
            --part.lock->permit_users;
        }
        if (request.token) {
            stop_holding(request, *part.lock);
        } else {
            stop_waiting(request, *part.lock);
        }
    }
    places_ -= request.parts.size();
    if (SessionRecord* const session = find_session(request.session)) {
        session->requests.erase(request.sequence);
        remember(*session, request.sequence, {outcome, request.ticket, request.token});
    }
    requests_.erase(request.ticket);
}

ATTUNE_DECL Reply LockState::run(const Acquire& command) {
    SessionRecord* const session = find_session(command.session);
    if (session == nullptr || command.sequence == 0) {
        return turn_away(session, command.session, command.sequence);
    }
    if (const auto known = known_reply(*session, command.sequence)) {
        return *known;
    }
    if (const Outcome outcome = obstacle(*session, command); outcome != Outcome::ok) {
        return finish(*session, command.sequence, outcome);
    }
    LockRequest& request = enqueue(*session, command);
    settle();
    Reply reply = state_of(request);
    if (!request.token) {
        // The last one in each queue: whether it goes is nothing to others.
        if (!command.wait) {
            reply.outcome = Outcome::busy;
        } else if (would_deadlock(request)) {
            reply.outcome = Outcome::would_deadlock;
        }
        if (reply.outcome != Outcome::queued) {
            end_request(request, reply.outcome);
        }
    }
    return reply;
}

/// Done whenever it comes, and however often: the sequence of an Acquire is never used again.
ATTUNE_DECL Reply LockState::run(const CancelAcquire& command) {
    SessionRecord* const session = find_session(command.session);
    if (session == nullptr || command.sequence == 0 || command.acquire == 0 ||
        command.acquire == command.sequence) {
        return turn_away(session, command.session, command.sequence);
    }
    if (const auto known = known_reply(*session, command.sequence);
        known && known->outcome != Outcome::forgotten) {
        return *known;
    }
    if (const auto live = session->requests.find(command.acquire);
        live != session->requests.end()) {
        end_request(requests_.find(live->second)->second, Outcome::cancelled);
    } else if (!session->replies.contains(command.acquire) &&
               !planted(Mutant::r31_forgets_a_cancelled_request)) {
        remember(*session, command.acquire, {.outcome = Outcome::cancelled});
    }
    return finish(*session, command.sequence, Outcome::ok);
}

}  // namespace attune::inline ATTUNE_ABI::quorum::detail
