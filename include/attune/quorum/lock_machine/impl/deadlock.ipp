#pragma once

#include <attune/quorum/lock_machine/detail/lock_state.hpp>

#include <algorithm>
#include <cstdint>
#include <vector>

// A session that waits does nothing else, as far as can be known here. So it waits for a session
// that has, or stands earlier in the queue for, what one of its requests asks for; where permits
// are asked for, for any who have enough of them together. A set of sessions each of which waits
// for others of the set would do so for ever. Only a newcomer can complete such a set: a grant
// takes a session's waiting away and puts its holding in the same place, and all else ends waiting.

namespace attune::inline ATTUNE_ABI::quorum::detail {

inline Ticket ticket_of(const LockPlace& place) { return place.request->ticket; }

ATTUNE_DECL bool LockState::would_deadlock(const LockRequest& newcomer) {
    SessionRecord* const own = find_session(newcomer.session);
    if (own == nullptr || own->requests.size() == 1) {
        return false;  // nobody waits for a session that has nothing and is first nowhere
    }
    std::vector<SessionRecord*> reached;
    const bool all_needed = walk_from(newcomer, reached);
    if (all_needed || own->walk != walk_) {
        return own->walk == walk_;
    }
    // A walk takes everybody who has permits for somebody waited for, but some may be enough.
    bool again = true;
    while (again && own->walk == walk_) {
        again = false;
        for (SessionRecord* const session : reached) {
            if (session->walk == walk_ && !is_stuck(*session)) {
                session->walk = 0;
                again = true;
            }
        }
    }
    return own->walk == walk_;
}

/// Marks and collects all sessions that the newcomer waits for, and those they wait for. True when
/// each of them has to move: no permits were met on the way.
ATTUNE_DECL bool LockState::walk_from(const LockRequest& newcomer,
                                      std::vector<SessionRecord*>& reached) {
    ++walk_;
    bool all_needed = true;
    std::vector<const LockRequest*> waiting{&newcomer};
    const auto reach = [&](const LockPlace& place) {
        SessionRecord* const session = find_session(place.request->session);
        if (session == nullptr || session->walk == walk_) {
            return;
        }
        session->walk = walk_;
        reached.push_back(session);
        for (const auto& [sequence, ticket] : session->requests) {
            const LockRequest& request = requests_.find(ticket)->second;
            if (!request.token) {
                waiting.push_back(&request);
            }
        }
    };
    while (!waiting.empty()) {
        const LockRequest& request = *waiting.back();
        waiting.pop_back();
        for (const LockPart& part : request.parts) {
            LockRecord& lock = *part.lock;
            if (lock.walk != walk_) {
                lock.walk = walk_;
                lock.walked_holders = false;
                lock.walked_before = 0;
            }
            if (!goes_with_holders(part)) {
                all_needed = all_needed && part.mode != LockMode::permits;
                if (!lock.walked_holders) {
                    lock.walked_holders = true;
                    std::ranges::for_each(lock.holders, reach);
                }
            }
            auto waiter = std::ranges::lower_bound(lock.waiters, lock.walked_before, {}, ticket_of);
            for (; waiter != lock.waiters.end() && ticket_of(*waiter) < request.ticket; ++waiter) {
                reach(*waiter);
            }
            lock.walked_before = std::max(lock.walked_before, request.ticket);
        }
    }
    return all_needed;
}

ATTUNE_DECL bool LockState::is_on_walk(const LockPlace& place) const {
    const auto session = sessions_.find(place.request->session);
    return session != sessions_.end() && session->second.walk == walk_;
}

ATTUNE_DECL bool LockState::is_stuck(const SessionRecord& session) const {
    return std::ranges::any_of(session.requests, [&](const auto& each) {
        const LockRequest& request = requests_.find(each.second)->second;
        return !request.token && std::ranges::any_of(request.parts, [&](const LockPart& part) {
            return is_stuck(request, part);
        });
    });
}

/// Whether the request could not have this lock even when all sessions that are not on the walk had
/// gone.
ATTUNE_DECL bool LockState::is_stuck(const LockRequest& request, const LockPart& part) const {
    for (const LockPlace& waiter : part.lock->waiters) {
        if (ticket_of(waiter) >= request.ticket) {
            break;
        }
        if (is_on_walk(waiter)) {
            return true;
        }
    }
    std::uint64_t taken = part.permits;
    for (const LockPlace& holder : part.lock->holders) {
        if (is_on_walk(holder)) {
            if (part.mode == LockMode::exclusive || holder.mode != part.mode) {
                return true;
            }
            taken += holder.permits;
        }
    }
    return part.mode == LockMode::permits && taken > part.of;
}

}  // namespace attune::inline ATTUNE_ABI::quorum::detail
