#pragma once

#include <attune/quorum/lock_machine/detail/lock_state.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI::quorum::detail {

ATTUNE_DECL std::optional<LockView> LockState::view(std::string_view name) const {
    const auto found = locks_.find(name);
    if (found == locks_.end()) {
        return std::nullopt;
    }
    const LockRecord& lock = found->second;
    LockView view{.free_from = lock.free_from, .highest = lock.highest, .value = lock.value};
    for (const LockPlace& holder : lock.holders) {
        const LockRequest& request = *holder.request;
        view.holders.push_back({request.session, request.token, holder.mode, holder.permits,
                                request.since});
    }
    for (const LockPlace& waiter : lock.waiters) {
        const LockRequest& request = *waiter.request;
        view.waiters.push_back({request.session, request.ticket, waiter.mode, waiter.permits,
                                request.since});
    }
    return view;
}

ATTUNE_DECL std::vector<std::string> LockState::lock_names() const {
    std::vector<std::string> names;
    names.reserve(locks_.size());
    for (const auto& [name, lock] : locks_) {
        names.push_back(name);
    }
    return names;
}

ATTUNE_DECL std::optional<SessionView> LockState::view(SessionId id) const {
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) {
        return std::nullopt;
    }
    const SessionRecord& session = found->second;
    return SessionView{.session = id,
                       .label = session.label,
                       .ttl = session.ttl,
                       .renewed_at = session.renewed_at,
                       .renewed = session.renewed};
}

ATTUNE_DECL std::vector<ExpireSession> LockState::overdue(milliseconds now,
                                                          milliseconds drift) const {
    std::vector<ExpireSession> commands;
    for (const auto& [end, id] : ends_) {
        if (end + drift > now) {
            break;
        }
        commands.push_back({id, sessions_.find(id)->second.renewed});
    }
    return commands;
}

ATTUNE_DECL std::optional<milliseconds> LockState::next_due(milliseconds drift) const {
    std::optional<milliseconds> due;
    if (!ends_.empty()) {
        due = ends_.begin()->first + drift;
    }
    if (!awaited_.empty()) {
        const milliseconds from = awaited_.begin()->first;
        due = std::min(due.value_or(from), from);
    }
    return due;
}

}  // namespace attune::inline ATTUNE_ABI::quorum::detail
