#pragma once

#include <attune/quorum/lock_machine/detail/lock_state.hpp>
#include <attune/quorum/lock_machine/detail/packed_bytes.hpp>
#include <attune/quorum/lock_machine/limits.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Every table is read with its keys in any order: what was not in the order in which it is saved,
// or there twice, shows in the end, when the state is saved again and compared.

namespace attune::inline ATTUNE_ABI::quorum::detail {

ATTUNE_DECL bool LockState::load(std::string_view bytes) {
    PackedReader in{bytes};
    if (in.raw(lock_state_mark.size()) != lock_state_mark) {
        return false;
    }
    epoch_ = in.number<std::uint64_t>();
    applied_ = in.number<std::uint64_t>();
    now_ = in.time();
    highest_forgotten_ = in.token();
    return now_.count() >= 0 && now_ <= latest_time && load_locks(in) && load_sessions(in) &&
           load_requests(in) && load_table(in) && in.is_done() && save() == bytes;
}

ATTUNE_DECL bool LockState::load_locks(PackedReader& in) {
    constexpr std::size_t least_lock = 4 + 8 + 16 + 4;
    for (std::size_t left = in.count(least_lock); left != 0; --left) {
        const std::string_view name = in.text();
        LockRecord& lock = record_of(name);
        lock.free_from = in.time();
        lock.highest = in.token();
        lock.value = in.text();
        if (!in.is_good() || !is_lock_name(name) || lock.value.size() > LockLimits::published) {
            return false;
        }
        if (lock.free_from.count() != 0) {
            if (lock.free_from <= now_ || lock.free_from > now_ + LockLimits::lock_delay) {
                return false;
            }
            delays_.emplace(lock.free_from, lock.name);
        }
    }
    return in.is_good() && locks_.size() <= LockLimits::locks;
}

ATTUNE_DECL bool LockState::load_sessions(PackedReader& in) {
    constexpr std::size_t least_session = 8 + 16 + 8 + 8 + 8 + 8 + 4 + 8 + 4;
    for (std::size_t left = in.count(least_session); left != 0; --left) {
        const auto id = in.number<SessionId>();
        const auto [place, is_new] = sessions_.try_emplace(id);
        SessionRecord& session = place->second;
        session.id = id;
        session.client = in.client();
        session.ttl = in.time();
        session.lock_delay = in.time();
        session.renewed_at = in.time();
        session.renewed = in.number<std::uint64_t>();
        session.label = in.text();
        session.forgotten = in.number<Sequence>();
        if (!in.is_good() || !is_new || id == 0 || id > session.renewed ||
            session.renewed > applied_ || session.renewed_at.count() < 0 ||
            session.renewed_at > now_ ||
            !is_valid_session(session.ttl, session.lock_delay, session.label) ||
            clients_.contains(session.client) || !load_replies(in, session)) {
            return false;
        }
        clients_.emplace(session.client, id);
        ends_.emplace(session.renewed_at + session.ttl, id);
    }
    return in.is_good() && sessions_.size() <= LockLimits::sessions;
}

ATTUNE_DECL bool LockState::load_replies(PackedReader& in, SessionRecord& session) {
    constexpr std::size_t least_reply = 8 + 1 + 8 + 16;
    for (std::size_t left = in.count(least_reply); left != 0; --left) {
        const auto sequence = in.number<Sequence>();
        const auto outcome = in.number<std::uint8_t>();
        const auto ticket = in.number<Ticket>();
        if (outcome < static_cast<std::uint8_t>(Outcome::ok) ||
            outcome > static_cast<std::uint8_t>(Outcome::forgotten) ||
            sequence <= session.forgotten) {
            return false;
        }
        session.replies[sequence] = {Outcome{outcome}, ticket, in.token()};
    }
    return in.is_good() && session.replies.size() <= LockLimits::replies;
}

ATTUNE_DECL bool LockState::load_requests(PackedReader& in) {
    constexpr std::size_t least_part = 4 + 1 + 4 + 4;
    constexpr std::size_t least_request = 8 + 8 + 8 + 16 + 8 + 1 + 4 + least_part;
    std::vector<LockRequest*> loaded;
    for (std::size_t left = in.count(least_request); left != 0; --left) {
        const auto ticket = in.number<Ticket>();
        const auto [place, is_new] = requests_.try_emplace(ticket);
        LockRequest& request = place->second;
        request.ticket = ticket;
        request.session = in.number<SessionId>();
        request.sequence = in.number<Sequence>();
        request.token = in.token();
        request.since = in.time();
        request.whole = in.flag();
        for (std::size_t parts = in.count(least_part); parts != 0; --parts) {
            LockPart& part = request.parts.emplace_back();
            part.lock = find_lock(in.text());
            part.mode = LockMode{in.number<std::uint8_t>()};
            part.permits = in.number<std::uint32_t>();
            part.of = in.number<std::uint32_t>();
            if (part.lock == nullptr || !is_valid_mode(part.mode, part.permits, part.of)) {
                return false;
            }
        }
        SessionRecord* const session = find_session(request.session);
        if (!in.is_good() || !is_new || ticket == 0 || ticket > applied_ || session == nullptr ||
            request.sequence == 0 || request.parts.empty() ||
            request.parts.size() > LockLimits::wants || request.token > Token{epoch_, applied_} ||
            request.token.index > applied_ ||
            (!request.token && (request.token.epoch != 0 || !request.whole)) ||
            !session->requests.try_emplace(request.sequence, ticket).second ||
            session->requests.size() > LockLimits::requests) {
            return false;
        }
        places_ += request.parts.size();
        loaded.push_back(&request);
    }
    // Holders by token: later requests may have been granted earlier.
    std::ranges::stable_sort(loaded, {}, &LockRequest::token);
    return in.is_good() && places_ <= LockLimits::places &&
           std::ranges::all_of(loaded,
                               [&](LockRequest* request) {
                                   return std::ranges::all_of(request->parts, [&](LockPart& part) {
                                       return link(*request, part);
                                   });
                               }) &&
           std::ranges::none_of(locks_, [](const auto& each) {
               const LockRecord& lock = each.second;
               return lock.holders.empty() && lock.waiters.empty() && lock.free_from.count() == 0;
           });
}

/// Puts a loaded request into its place in one lock. False when it cannot be there.
ATTUNE_DECL bool LockState::link(LockRequest& request, const LockPart& part) {
    LockRecord& lock = *part.lock;
    const auto is_same = [&](const LockPlace& place) { return place.request == &request; };
    if (part.mode == LockMode::permits) {
        if (lock.permit_users != 0 && lock.of != part.of) {
            return false;
        }
        ++lock.permit_users;
        lock.of = part.of;
    }
    if (!request.token) {
        if ((!lock.waiters.empty() && is_same(lock.waiters.back())) ||
            lock.waiters.size() >= LockLimits::waiters) {
            return false;
        }
        lock.waiters.push_back({&request, part.mode, part.permits});
        list_awaited(lock);
        return true;
    }
    if ((!lock.holders.empty() && is_same(lock.holders.back())) || !goes_with_holders(part) ||
        (part.mode == LockMode::exclusive && lock.highest != request.token)) {
        return false;
    }
    lock.holders.push_back({&request, part.mode, part.permits});
    lock.taken += part.permits;
    return true;
}

ATTUNE_DECL bool LockState::load_table(PackedReader& in) {
    constexpr std::size_t least_row = 4 + 4;
    for (std::size_t left = in.count(least_row); left != 0; --left) {
        const std::string_view key = in.text();
        const std::string_view value = in.text();
        if (!in.is_good() || write(std::string{key}, std::string{value}) != Outcome::ok) {
            return false;
        }
    }
    return in.is_good();
}

}  // namespace attune::inline ATTUNE_ABI::quorum::detail
