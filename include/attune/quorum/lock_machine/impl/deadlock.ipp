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
    // A walk takes everybody who has permits for somebody waited for, but some may be enough. Who
    // could go on leaves the walk, and those who may go on because of that are looked at again.
    while (!reached.empty() && own->walk == walk_) {
        SessionRecord& session = *reached.back();
        reached.pop_back();
        if (session.walk == walk_ && !is_stuck(session)) {
            leave_walk(session, reached);
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

/// Those whose turn it may be now are put to `again`: in each queue, only the first who is on the
/// walk.
ATTUNE_DECL void LockState::leave_walk(SessionRecord& session, std::vector<SessionRecord*>& again) {
    const auto for_each_part = [&](auto what) {
        for (const auto& [sequence, ticket] : session.requests) {
            const LockRequest& request = requests_.find(ticket)->second;
            for (const LockPart& part : request.parts) {
                what(request, part);
            }
        }
    };
    for_each_part([&](const LockRequest& request, const LockPart& part) {
        count_walking(*part.lock);
        if (request.token) {
            --part.lock->walking_holders;
            part.lock->walking_permits -= part.permits;
        }
    });
    session.walk = 0;
    for_each_part([&](const LockRequest& /*request*/, const LockPart& part) {
        count_walking(*part.lock);
        if (part.lock->first_walking != part.lock->waiters.size()) {
            const LockPlace& first = part.lock->waiters[part.lock->first_walking];
            again.push_back(find_session(first.request->session));
        }
    });
}

/// Brings up to date who of a lock's holders and waiters is on the walk. They only leave it.
ATTUNE_DECL void LockState::count_walking(LockRecord& lock) const {
    if (lock.counted != walk_) {
        lock.counted = walk_;
        lock.first_walking = 0;
        lock.walking_holders = 0;
        lock.walking_permits = 0;
        for (const LockPlace& holder : lock.holders) {
            if (is_on_walk(holder)) {
                ++lock.walking_holders;
                lock.walking_permits += holder.permits;
            }
        }
    }
    while (lock.first_walking != lock.waiters.size() &&
           !is_on_walk(lock.waiters[lock.first_walking])) {
        ++lock.first_walking;
    }
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
    LockRecord& lock = *part.lock;
    count_walking(lock);
    if (lock.first_walking != lock.waiters.size() &&
        ticket_of(lock.waiters[lock.first_walking]) < request.ticket) {
        return true;
    }
    if (lock.walking_holders == 0) {
        return false;
    }
    return part.mode == LockMode::exclusive || lock.holders.front().mode != part.mode ||
           (part.mode == LockMode::permits && lock.walking_permits + part.permits > part.of);
}

}  // namespace attune::inline ATTUNE_ABI::quorum::detail
