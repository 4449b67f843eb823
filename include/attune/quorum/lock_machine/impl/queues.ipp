#pragma once

#include <attune/quorum/detail/mutant.hpp>
#include <attune/quorum/lock_machine/detail/lock_state.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI::quorum::detail {

inline LockRequest& first_waiter(const LockRecord& lock) {
    if (planted(Mutant::r32_depends_on_addresses)) {
        const auto scattered = [](const LockPlace& place) {
            return reinterpret_cast<std::uintptr_t>(place.request) * 0x9E3779B97F4A7C15U;
        };
        return *std::ranges::min_element(lock.waiters, {}, scattered)->request;
    }
    return *lock.waiters.front().request;
}

ATTUNE_DECL bool goes_with_holders(const LockPart& part) {
    const LockRecord& lock = *part.lock;
    if (lock.holders.empty()) {
        return true;
    }
    if (part.mode == LockMode::exclusive || lock.holders.front().mode != part.mode) {
        return false;  // holders are all of one mode
    }
    return part.mode == LockMode::shared || lock.taken + part.permits <= part.of;
}

inline void remove_place(std::vector<LockPlace>& places, const LockRequest& request) {
    const auto place = std::ranges::find(places, &request, &LockPlace::request);
    if (place != places.end()) {
        places.erase(place);
    }
}

ATTUNE_DECL LockRecord* LockState::find_lock(std::string_view name) {
    const auto found = locks_.find(name);
    return found == locks_.end() ? nullptr : &found->second;
}

ATTUNE_DECL LockRecord& LockState::record_of(std::string_view name) {
    auto found = locks_.lower_bound(name);
    if (found == locks_.end() || found->first != name) {
        found = locks_.emplace_hint(found, name, LockRecord{});
        found->second.name = found->first;
        found->second.highest = highest_forgotten_;
    }
    return found->second;
}

ATTUNE_DECL void LockState::touch(LockRecord& lock) {
    if (!lock.listed) {
        lock.listed = true;
        touched_.push_back(&lock);
    }
    unsettled_.push_back(&lock);
}

ATTUNE_DECL void LockState::settle() {
    while (!unsettled_.empty()) {
        LockRecord& lock = *unsettled_.back();
        unsettled_.pop_back();
        if (lock.waiters.empty()) {
            continue;
        }
        LockRequest& first = first_waiter(lock);
        if (can_grant(first)) {
            grant(first);
        }
    }
}

ATTUNE_DECL bool LockState::can_grant(const LockRequest& request) const {
    return std::ranges::all_of(request.parts, [&](const LockPart& part) {
        return part.lock->free_from <= now_ && &first_waiter(*part.lock) == &request &&
               goes_with_holders(part);
    });
}

ATTUNE_DECL void LockState::grant(LockRequest& request) {
    request.token = {epoch_, applied_};
    request.since = now_;
    for (const LockPart& part : request.parts) {
        LockRecord& lock = *part.lock;
        remove_place(lock.waiters, request);
        lock.holders.push_back({&request, part.mode, part.permits});
        lock.taken += part.permits;
        if (part.mode == LockMode::exclusive) {
            lock.highest = request.token;
        }
        touch(lock);  // for the next one in its queue
    }
    if (request.ticket != applied_) {  // else it is the reply that says so
        granted_.emplace_back(request.ticket, Event{.kind = Event::Kind::granted,
                                                    .session = request.session,
                                                    .sequence = request.sequence,
                                                    .token = request.token});
    }
}

ATTUNE_DECL void LockState::stop_waiting(LockRequest& request, LockRecord& lock) {
    remove_place(lock.waiters, request);
    touch(lock);
}

ATTUNE_DECL void LockState::stop_holding(LockRequest& request, LockRecord& lock) {
    const auto place = std::ranges::find(lock.holders, &request, &LockPlace::request);
    lock.taken -= place->permits;
    if (place->mode == LockMode::exclusive) {
        lock.value.clear();
    }
    lock.holders.erase(place);
    touch(lock);
}

ATTUNE_DECL void LockState::lose(LockRequest& request, LockRecord& lock) {
    const auto part = std::ranges::find(request.parts, &lock, &LockPart::lock);
    if (part->mode == LockMode::permits) {
        --lock.permit_users;
    }
    stop_holding(request, lock);
    request.parts.erase(part);
    --places_;
    request.whole = false;
    if (request.parts.empty()) {
        end_request(request, Outcome::not_held);
    }
}

ATTUNE_DECL void LockState::delay(LockRecord& lock, milliseconds delay) {
    const milliseconds until = now_ + delay;
    if (delay.count() > 0 && until > lock.free_from) {
        if (lock.free_from.count() != 0) {
            delays_.erase({lock.free_from, lock.name});
        }
        lock.free_from = until;
        delays_.emplace(until, lock.name);
    }
}

ATTUNE_DECL void LockState::list_awaited(LockRecord& lock) {
    const milliseconds from = lock.waiters.empty() ? milliseconds{} : lock.free_from;
    if (from == lock.awaited_from) {
        return;
    }
    if (lock.awaited_from.count() != 0) {
        awaited_.erase({lock.awaited_from, lock.name});
    }
    if (from.count() != 0) {
        awaited_.emplace(from, lock.name);
    }
    lock.awaited_from = from;
}

ATTUNE_DECL void LockState::forget_empty() {
    for (LockRecord* const lock : touched_) {
        lock->listed = false;
        list_awaited(*lock);
        if (lock->holders.empty() && lock->waiters.empty() && lock->free_from.count() == 0) {
            highest_forgotten_ = std::max(highest_forgotten_, lock->highest);
            locks_.erase(locks_.find(lock->name));
        }
    }
    touched_.clear();
}

ATTUNE_DECL LockRequest* LockState::find_grant(LockRecord& lock, SessionId session,
                                               const Token& token) const {
    const auto holder = std::ranges::find_if(lock.holders, [&](const LockPlace& place) {
        return place.request->session == session &&
               (place.request->token == token || planted(Mutant::r30_releases_by_name));
    });
    return holder == lock.holders.end() ? nullptr : holder->request;
}

ATTUNE_DECL LockRecord* LockState::held_alone(const SessionRecord& session, std::string_view name,
                                              const Token& token) {
    LockRecord* const lock = find_lock(name);
    if (lock == nullptr || lock->holders.size() != 1) {
        return nullptr;
    }
    const LockPlace& holder = lock->holders.front();
    return holder.mode == LockMode::exclusive && holder.request->session == session.id &&
                   holder.request->token == token
               ? lock
               : nullptr;
}

}  // namespace attune::inline ATTUNE_ABI::quorum::detail
