#pragma once

#include <attune/quorum/lock_machine/detail/lock_state.hpp>
#include <attune/quorum/lock_machine/lock_machine.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace attune::inline ATTUNE_ABI::quorum {

namespace detail {

ATTUNE_DECL Reply LockState::apply(std::uint64_t index, milliseconds time, std::string_view bytes,
                                   std::vector<Event>& events) {
    applied_ = index;
    now_ = std::clamp(time, now_, latest_time);
    while (!delays_.empty() && delays_.begin()->first <= now_) {
        LockRecord& lock = *find_lock(delays_.begin()->second);
        delays_.erase(delays_.begin());
        lock.free_from = {};
        touch(lock);
    }
    Reply reply;
    if (const std::optional<Command> command = decode_command(bytes)) {
        reply = std::visit([this](const auto& each) { return run(each); }, *command);
    }
    settle();
    forget_empty();
    std::ranges::sort(granted_, {}, [](const auto& each) { return each.first; });
    for (auto& [ticket, event] : granted_) {
        events_.push_back(std::move(event));
    }
    granted_.clear();
    events = std::exchange(events_, {});
    return reply;
}

ATTUNE_DECL bool LockState::begin_epoch(std::uint64_t epoch) {
    if (epoch <= epoch_) {
        return false;
    }
    // Before anybody can be granted anything: the tokens of this entry are taken.
    while (!sessions_.empty()) {
        SessionRecord& session = sessions_.begin()->second;
        end_session(session, false);
    }
    unsettled_.clear();
    forget_empty();
    epoch_ = epoch;
    return true;
}

}  // namespace detail

ATTUNE_DECL LockMachine::LockMachine(std::uint64_t epoch)
    : state_(std::make_unique<detail::LockState>(epoch)) {}

ATTUNE_DECL LockMachine::LockMachine(LockMachine&& other) noexcept = default;
ATTUNE_DECL LockMachine& LockMachine::operator=(LockMachine&& other) noexcept = default;
ATTUNE_DECL LockMachine::~LockMachine() = default;

ATTUNE_DECL LockMachine::Applied LockMachine::apply(std::uint64_t index,
                                                    std::chrono::milliseconds time,
                                                    std::string_view command) {
    Applied applied;
    applied.reply = state_->apply(index, time, command, applied.events);
    return applied;
}

ATTUNE_DECL bool LockMachine::begin_epoch(std::uint64_t epoch) {
    return state_->begin_epoch(epoch);
}

ATTUNE_DECL std::string LockMachine::save() const { return state_->save(); }

ATTUNE_DECL std::optional<LockMachine> LockMachine::load(std::string_view bytes) {
    LockMachine machine;
    if (!machine.state_->load(bytes)) {
        return std::nullopt;
    }
    return machine;
}

ATTUNE_DECL std::uint64_t LockMachine::hash() const {
    return detail::hash_of_bytes(state_->save());
}

ATTUNE_DECL std::uint64_t LockMachine::epoch() const noexcept { return state_->epoch(); }
ATTUNE_DECL std::uint64_t LockMachine::applied() const noexcept { return state_->applied(); }
ATTUNE_DECL std::chrono::milliseconds LockMachine::time() const noexcept { return state_->time(); }

ATTUNE_DECL std::optional<LockView> LockMachine::lock(std::string_view name) const {
    return state_->view(name);
}

ATTUNE_DECL std::vector<std::string> LockMachine::locks() const { return state_->lock_names(); }

ATTUNE_DECL std::optional<SessionView> LockMachine::session(SessionId id) const {
    return state_->view(id);
}

ATTUNE_DECL std::size_t LockMachine::session_count() const { return state_->session_count(); }

ATTUNE_DECL std::optional<std::string> LockMachine::value(std::string_view key) const {
    const std::string* const found = state_->value(key);
    return found == nullptr ? std::nullopt : std::optional<std::string>{*found};
}

ATTUNE_DECL std::vector<ExpireSession> LockMachine::overdue(std::chrono::milliseconds now,
                                                            std::chrono::milliseconds drift) const {
    return state_->overdue(now, drift);
}

ATTUNE_DECL std::optional<std::chrono::milliseconds> LockMachine::next_due(
    std::chrono::milliseconds drift) const {
    return state_->next_due(drift);
}

}  // namespace attune::inline ATTUNE_ABI::quorum
