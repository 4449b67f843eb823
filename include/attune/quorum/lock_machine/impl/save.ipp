#pragma once

#include <attune/quorum/lock_machine/detail/lock_state.hpp>
#include <attune/quorum/lock_machine/detail/packed_bytes.hpp>
#include <attune/quorum/lock_machine/limits.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// The bytes of a state: mark and version; epoch, applied, time, highest_forgotten; then, each
// behind their number and in the order of their keys, locks, sessions with the replies that they
// keep, requests with the locks that they wait for or have, and the table. Who holds a lock and who
// waits for it follows from the requests.

namespace attune::inline ATTUNE_ABI::quorum::detail {

ATTUNE_DECL std::uint64_t hash_of_bytes(std::string_view bytes) {
    // As splitmix64 mixes (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators).
    std::uint64_t hash = bytes.size();
    PackedReader in{bytes};
    const auto mix = [&](std::uint64_t word) {
        hash = (hash ^ word) + 0x9E3779B97F4A7C15U;
        hash = (hash ^ hash >> 30) * 0xBF58476D1CE4E5B9U;
        hash = (hash ^ hash >> 27) * 0x94D049BB133111EBU;
        hash ^= hash >> 31;
    };
    std::size_t left = bytes.size();
    for (; left >= 8; left -= 8) {
        mix(in.number<std::uint64_t>());
    }
    for (; left != 0; --left) {
        mix(in.number<std::uint8_t>());
    }
    return hash;
}

ATTUNE_DECL std::string LockState::save() const {
    PackedWriter out;
    out.raw(lock_state_mark);
    out.number(epoch_);
    out.number(applied_);
    out.time(now_);
    out.token(highest_forgotten_);
    out.count(locks_.size());
    for (const auto& [name, lock] : locks_) {
        out.text(name);
        out.time(lock.free_from);
        out.token(lock.highest);
        out.text(lock.value);
    }
    out.count(sessions_.size());
    for (const auto& [id, session] : sessions_) {
        out.number(id);
        out.client(session.client);
        out.time(session.ttl);
        out.time(session.lock_delay);
        out.time(session.renewed_at);
        out.number(session.renewed);
        out.text(session.label);
        out.number(session.forgotten);
        out.count(session.replies.size());
        for (const auto& [sequence, reply] : session.replies) {
            out.number(sequence);
            out.number(static_cast<std::uint8_t>(reply.outcome));
            out.number(reply.ticket);
            out.token(reply.token);
        }
    }
    out.count(requests_.size());
    for (const auto& [ticket, request] : requests_) {
        out.number(ticket);
        out.number(request.session);
        out.number(request.sequence);
        out.token(request.token);
        out.time(request.since);
        out.flag(request.whole);
        out.count(request.parts.size());
        for (const LockPart& part : request.parts) {
            out.text(part.lock->name);
            out.number(static_cast<std::uint8_t>(part.mode));
            out.number(part.permits);
            out.number(part.of);
        }
    }
    out.count(table_.size());
    for (const auto& [key, value] : table_) {
        out.text(key);
        out.text(value);
    }
    return out.take();
}

}  // namespace attune::inline ATTUNE_ABI::quorum::detail
