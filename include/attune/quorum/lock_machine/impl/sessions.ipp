#pragma once

#include <attune/quorum/detail/mutant.hpp>
#include <attune/quorum/lock_machine/detail/lock_state.hpp>
#include <attune/quorum/lock_machine/limits.hpp>

#include <chrono>
#include <optional>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI::quorum::detail {

ATTUNE_DECL bool is_valid_session(milliseconds ttl, milliseconds lock_delay,
                                  std::string_view label) {
    return ttl >= LockLimits::least_ttl && ttl <= LockLimits::ttl && lock_delay.count() >= 0 &&
           lock_delay <= LockLimits::lock_delay && label.size() <= LockLimits::label;
}

ATTUNE_DECL SessionRecord* LockState::find_session(SessionId id) {
    const auto found = sessions_.find(id);
    return found == sessions_.end() ? nullptr : &found->second;
}

ATTUNE_DECL void LockState::renew(SessionRecord& session) {
    auto end = ends_.extract({session.renewed_at + session.ttl, session.id});
    session.renewed_at = now_;
    session.renewed = applied_;
    end.value().first = session.renewed_at + session.ttl;
    ends_.insert(std::move(end));
}

ATTUNE_DECL void LockState::end_session(SessionRecord& session, bool clean) {
    std::vector<Ticket> tickets;
    for (const auto& [sequence, ticket] : session.requests) {
        tickets.push_back(ticket);
    }
    for (const Ticket ticket : tickets) {
        LockRequest& request = requests_.find(ticket)->second;
        if (!request.token && planted(Mutant::r29_grants_to_the_dead)) {
            continue;
        }
        if (request.token && !clean) {
            for (const LockPart& part : request.parts) {
                delay(*part.lock, session.lock_delay);
            }
        }
        end_request(request, Outcome::not_held);
    }
    ends_.erase({session.renewed_at + session.ttl, session.id});
    clients_.erase(session.client);
    sessions_.erase(session.id);
}

ATTUNE_DECL Reply LockState::run(const OpenSession& command) {
    if (const auto known = clients_.find(command.client); known != clients_.end()) {
        renew(*find_session(known->second));
        return {.outcome = Outcome::ok, .session = known->second};
    }
    if (!is_valid_session(command.ttl, command.lock_delay, command.label) ||
        sessions_.size() >= LockLimits::sessions) {
        return {.outcome = Outcome::refused};
    }
    SessionRecord& session = sessions_[applied_];
    session.id = applied_;
    session.client = command.client;
    session.ttl = command.ttl;
    session.lock_delay = command.lock_delay;
    session.renewed_at = now_;
    session.renewed = applied_;
    session.label = command.label;
    clients_.emplace(session.client, session.id);
    ends_.emplace(session.renewed_at + session.ttl, session.id);
    return {.outcome = Outcome::ok, .session = session.id};
}

ATTUNE_DECL Reply LockState::run(const RenewSessions& command) {
    for (const SessionId id : command.sessions) {
        if (SessionRecord* const session = find_session(id)) {
            renew(*session);
        }
    }
    return {.outcome = Outcome::ok};
}

ATTUNE_DECL Reply LockState::run(const ExpireSession& command) {
    SessionRecord* const session = find_session(command.session);
    if (session == nullptr) {
        return {.outcome = Outcome::no_session, .session = command.session};
    }
    const bool is_over =
        session->renewed == command.renewed && now_ >= session->renewed_at + session->ttl;
    if (!is_over && !planted(Mutant::r27_expires_whatever_was_renewed)) {
        return {.outcome = Outcome::refused, .session = command.session};
    }
    events_.push_back({.kind = Event::Kind::expired, .session = command.session});
    end_session(*session, false);
    return {.outcome = Outcome::ok, .session = command.session};
}

ATTUNE_DECL Reply LockState::run(const CloseSession& command) {
    SessionRecord* const session = find_session(command.session);
    if (session == nullptr) {
        return {.outcome = Outcome::no_session, .session = command.session};
    }
    end_session(*session, true);
    return {.outcome = Outcome::ok, .session = command.session};
}

}  // namespace attune::inline ATTUNE_ABI::quorum::detail
