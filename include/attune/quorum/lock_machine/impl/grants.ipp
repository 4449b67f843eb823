#pragma once

#include <attune/quorum/detail/mutant.hpp>
#include <attune/quorum/lock_machine/detail/lock_state.hpp>
#include <attune/quorum/lock_machine/limits.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What is done with a lock that somebody holds.

namespace attune::inline ATTUNE_ABI::quorum::detail {

/// Done whenever it comes: its token is that of one grant, for ever.
ATTUNE_DECL Reply LockState::run(const Release& command) {
    SessionRecord* const session = find_session(command.session);
    if (session == nullptr || command.sequence == 0) {
        return turn_away(session, command.session, command.sequence);
    }
    const auto known = known_reply(*session, command.sequence);
    if (known && known->outcome != Outcome::forgotten) {
        return *known;
    }
    LockRecord* const lock = find_lock(command.lock);
    LockRequest* const grant =
        lock == nullptr ? nullptr : find_grant(*lock, command.session, command.token);
    if (grant == nullptr) {
        return known ? *known : finish(*session, command.sequence, Outcome::not_held);
    }
    lose(*grant, *lock);
    return finish(*session, command.sequence, Outcome::ok);
}

ATTUNE_DECL Reply LockState::run(const AskRelease& command) {
    const LockRecord* const lock = find_lock(command.lock);
    if (lock == nullptr || lock->holders.empty()) {
        return {.outcome = Outcome::not_held};
    }
    for (const LockPlace& holder : lock->holders) {
        events_.push_back({.kind = Event::Kind::asked,
                           .session = holder.request->session,
                           .sequence = holder.request->sequence,
                           .token = holder.request->token,
                           .lock = command.lock});
    }
    return {.outcome = Outcome::ok};
}

ATTUNE_DECL Reply LockState::run(const ForceRelease& command) {
    LockRecord* const lock = find_lock(command.lock);
    std::vector<LockRequest*> grants;
    if (lock != nullptr) {
        for (const LockPlace& holder : lock->holders) {
            if (holder.request->token == command.token || planted(Mutant::r30_releases_by_name)) {
                grants.push_back(holder.request);
            }
        }
    }
    for (LockRequest* const grant : grants) {
        events_.push_back({.kind = Event::Kind::forced,
                           .session = grant->session,
                           .sequence = grant->sequence,
                           .token = grant->token,
                           .lock = command.lock});
        if (const SessionRecord* const session = find_session(grant->session)) {
            delay(*lock, session->lock_delay);
        }
        lose(*grant, *lock);
    }
    return {.outcome = grants.empty() ? Outcome::not_held : Outcome::ok};
}

ATTUNE_DECL Reply LockState::run(const Publish& command) {
    SessionRecord* const session = find_session(command.session);
    if (session == nullptr || command.sequence == 0) {
        return turn_away(session, command.session, command.sequence);
    }
    if (const auto known = known_reply(*session, command.sequence)) {
        return *known;
    }
    Outcome outcome = Outcome::refused;
    if (command.value.size() <= LockLimits::published) {
        LockRecord* const lock = held_alone(*session, command.lock, command.token);
        outcome = lock == nullptr ? Outcome::not_held : Outcome::ok;
        if (lock != nullptr) {
            lock->value = command.value;
        }
    }
    return finish(*session, command.sequence, outcome);
}

ATTUNE_DECL Reply LockState::run(const FencedWrite& command) {
    SessionRecord* const session = find_session(command.session);
    if (session == nullptr || command.sequence == 0) {
        return turn_away(session, command.session, command.sequence);
    }
    if (const auto known = known_reply(*session, command.sequence)) {
        return *known;
    }
    if (held_alone(*session, command.lock, command.token) == nullptr) {
        return finish(*session, command.sequence, Outcome::not_held);
    }
    return finish(*session, command.sequence, write(command.key, command.value));
}

ATTUNE_DECL Outcome LockState::write(const std::string& key,
                                     const std::optional<std::string>& value) {
    const auto old = table_.find(key);
    const std::size_t before = old == table_.end() ? 0 : key.size() + old->second.size();
    const std::size_t after = value ? key.size() + value->size() : 0;
    if (key.empty() || key.size() > LockLimits::key ||
        (value && (value->size() > LockLimits::value ||
                   (old == table_.end() && table_.size() >= LockLimits::keys))) ||
        table_bytes_ - before + after > LockLimits::table) {
        return Outcome::refused;
    }
    table_bytes_ += after - before;
    if (value) {
        table_.insert_or_assign(key, *value);
    } else if (old != table_.end()) {
        table_.erase(old);
    }
    return Outcome::ok;
}

ATTUNE_DECL const std::string* LockState::value(std::string_view key) const {
    const auto found = table_.find(key);
    return found == table_.end() ? nullptr : &found->second;
}

}  // namespace attune::inline ATTUNE_ABI::quorum::detail
