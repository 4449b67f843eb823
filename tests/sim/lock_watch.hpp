#pragma once

#include "sim/statistics.hpp"
#include "sim/trace.hpp"
#include "sim/violation.hpp"

#include <attune/quorum/lock_machine/lock_machine.hpp>
#include <attune/quorum/raft/entry.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace attune_sim {

/// Of this many permits all locks with permits are.
constexpr std::uint32_t all_permits = 3;

/// Follows the committed commands with a machine of its own, and judges what it does by rules that
/// it works out for itself: I8, I9, the causes of every end of a grant or of a session, and that
/// what was called not done never happens.
class LockWatch {
public:
    explicit LockWatch(Statistics& statistics) : statistics_(statistics) {}

    /// Called for a session that expires.
    std::function<void(quorum::SessionId)> expired{};
    /// Called for a grant that ends in whatever way, and for one that is taken away.
    std::function<void(const std::string&, const quorum::LockView::Holder&)> ended{};
    std::function<void(quorum::Token)> forced{};

    const quorum::LockMachine& machine() const noexcept { return machine_; }
    std::uint64_t hash_at(raft::Index applied) const { return hashes_[applied]; }

    void apply(const raft::Entry& entry) {
        const bool is_command = entry.kind == raft::EntryKind::command && entry.data != nullptr;
        const std::string_view bytes = is_command ? std::string_view{*entry.data} : "";
        const auto command = is_command ? quorum::decode_command(bytes) : std::nullopt;
        if (is_command && !command) {
            throw Violation("I5", "the entry at " + std::to_string(entry.index) + " is no command");
        }
        before_ = std::move(views_);
        const Views& before = before_;
        const auto applied = machine_.apply(entry.index, entry.time, bytes);
        hashes_.push_back(machine_.hash());
        views_.clear();
        for (std::string& name : machine_.locks()) {
            auto view = machine_.lock(name);
            views_.emplace(std::move(name), std::move(*view));
        }
        if (command) {
            count_attempt(*command);
        }
        check_sessions(entry, command, applied);
        check_ends(before, entry, command);
        check_grants(before, entry, applied);
        check_table(before, command);
        check_end_of_sessions();
    }

    /// A member got a request, or said that it has definitely not done it.
    void delivered(std::uint64_t id, const quorum::Command& command) {
        if (const auto key = key_of(command)) {
            keys_[id] = *key;
            ++attempts_[*key].delivered;
        }
    }
    void refused(std::uint64_t id) {
        const auto key = keys_.find(id);
        if (key != keys_.end()) {
            Attempts& attempts = attempts_[key->second];
            ++attempts.refused;
            check(attempts, key->second);
        }
    }

    /// A session is not said to be there by whoever was asked after its end.
    void alive(quorum::SessionId session, raft::Index asked_after) const {
        const auto end = session_ends_.find(session);
        if (end != session_ends_.end() && end->second <= asked_after) {
            throw Violation("I10", "session " + std::to_string(session) + " ended by " +
                                       std::to_string(end->second) +
                                       ", and is said to be there to who asked after " +
                                       std::to_string(asked_after));
        }
    }

    /// I9.
    void shown(quorum::SessionId session, quorum::Sequence sequence, quorum::Token token) const {
        const auto made = tokens_.find({session, sequence});
        if (made == tokens_.end() || made->second != token) {
            throw Violation("I9", "session " + std::to_string(session) +
                                      " was told of a grant of " + std::to_string(token.index) +
                                      " for its request " + std::to_string(sequence) +
                                      ", which was not made");
        }
    }

private:
    using Views = std::map<std::string, quorum::LockView, std::less<>>;
    using Request = std::pair<quorum::SessionId, quorum::Sequence>;
    struct Session {
        std::uint64_t renewed = 0;
        raft::ClusterTime renewed_at{};
        std::chrono::milliseconds ttl{};
        std::chrono::milliseconds lock_delay{};
    };
    /// Session and sequence, or the client that opens one.
    using Key = std::array<std::uint64_t, 2>;
    struct Attempts {
        std::uint64_t delivered = 0;
        std::uint64_t refused = 0;
        std::uint64_t applied = 0;
    };

    static std::optional<Key> key_of(const quorum::Command& command) {
        return std::visit(
            []<class C>(const C& c) -> std::optional<Key> {
                if constexpr (std::is_same_v<C, quorum::OpenSession>) {
                    Key key{};
                    std::copy(c.client.begin(), c.client.begin() + 8,
                              reinterpret_cast<unsigned char*>(key.data()));
                    key[1] = ~std::uint64_t{0};
                    return key;
                } else if constexpr (requires { c.sequence; }) {
                    return Key{c.session, c.sequence};
                } else {
                    return std::nullopt;
                }
            },
            command);
    }

    void count_attempt(const quorum::Command& command) {
        if (const auto key = key_of(command)) {
            Attempts& attempts = attempts_[*key];
            ++attempts.applied;
            statistics_.add(Count::repeated, attempts.applied > 1);
            statistics_.add(Count::cancels, std::holds_alternative<quorum::CancelAcquire>(command));
            check(attempts, *key);
        }
    }
    static void check(const Attempts& attempts, const Key& key) {
        if (attempts.applied > attempts.delivered - attempts.refused) {
            throw Violation("certainty",
                            "request " + std::to_string(key[1]) + " of session " +
                                std::to_string(key[0]) + " was sent " +
                                std::to_string(attempts.delivered) + " times, called not done " +
                                std::to_string(attempts.refused) + " times, and done " +
                                std::to_string(attempts.applied) + " times");
        }
    }

    void check_sessions(const raft::Entry& entry, const std::optional<quorum::Command>& command,
                        const quorum::LockMachine::Applied& applied) {
        if (!command) {
            return;
        }
        if (const auto* const open = std::get_if<quorum::OpenSession>(&*command);
            open != nullptr && applied.reply.outcome == quorum::Outcome::ok) {
            const auto view = machine_.session(applied.reply.session);
            if (!view) {
                throw Violation("I8", "a session was opened that is not there");
            }
            if (view->session == entry.index) {
                statistics_.add(Count::sessions);
            }
            sessions_[view->session] = {view->renewed, view->renewed_at, view->ttl,
                                        open->lock_delay};
        } else if (const auto* const renew = std::get_if<quorum::RenewSessions>(&*command)) {
            for (const quorum::SessionId id : renew->sessions) {
                if (const auto session = sessions_.find(id); session != sessions_.end()) {
                    session->second.renewed = entry.index;
                    session->second.renewed_at = entry.time;
                }
            }
        } else if (const auto* const close = std::get_if<quorum::CloseSession>(&*command)) {
            if (sessions_.erase(close->session) != 0) {
                session_ends_[close->session] = entry.index;
            }
        } else if (const auto* const expire = std::get_if<quorum::ExpireSession>(&*command);
                   expire != nullptr && !machine_.session(expire->session)) {
            if (const auto session = sessions_.find(expire->session); session != sessions_.end()) {
                check_expiry(entry, *expire, session->second);
                for (const std::string& lock : locks_of(expire->session)) {
                    hold_back(lock, entry.time + session->second.lock_delay);
                }
                sessions_.erase(session);
                session_ends_[expire->session] = entry.index;
            }
        }
        if (machine_.session_count() != sessions_.size()) {
            throw Violation("I10", "there are " + std::to_string(machine_.session_count()) +
                                       " sessions and not " + std::to_string(sessions_.size()) +
                                       " after " + to_text(*command));
        }
    }
    std::vector<std::string> locks_of(quorum::SessionId session) const {
        std::vector<std::string> names;
        for (const auto& [name, view] : before_) {
            if (std::any_of(view.holders.begin(), view.holders.end(),
                            [&](const auto& each) { return each.session == session; })) {
                names.push_back(name);
            }
        }
        return names;
    }
    void hold_back(const std::string& lock, raft::ClusterTime until) {
        raft::ClusterTime& free_from = free_from_[lock];
        free_from = std::max(free_from, until);
    }
    void check_expiry(const raft::Entry& entry, const quorum::ExpireSession& expire,
                      const Session& session) {
        statistics_.add(Count::expiries);
        if (expire.renewed != session.renewed || entry.time < session.renewed_at + session.ttl) {
            throw Violation("I10", "session " + std::to_string(expire.session) + " of " +
                                       std::to_string(session.ttl.count()) + " ms, renewed by " +
                                       std::to_string(session.renewed) + " at " +
                                       std::to_string(session.renewed_at.count()) +
                                       " ms, expired by " + std::to_string(entry.index) + " at " +
                                       std::to_string(entry.time.count()) +
                                       " ms for its renewal by " + std::to_string(expire.renewed));
        }
        if (expired) {
            expired(expire.session);
        }
    }

    /// A grant ends by what its holder asked for by name and token, with its session, or by force.
    void check_ends(const Views& before, const raft::Entry& entry,
                    const std::optional<quorum::Command>& command) {
        for (const auto& [name, view] : before) {
            const auto after = views_.find(name);
            for (const auto& holder : view.holders) {
                const bool stays = after != views_.end() &&
                                   std::any_of(after->second.holders.begin(),
                                               after->second.holders.end(), [&](const auto& each) {
                                                   return each.session == holder.session &&
                                                          each.token == holder.token;
                                               });
                if (!stays && ended) {
                    ended(name, holder);
                }
                if (const auto session = sessions_.find(holder.session);
                    !stays && session != sessions_.end() && command &&
                    std::holds_alternative<quorum::ForceRelease>(*command)) {
                    hold_back(name, entry.time + session->second.lock_delay);
                }
                if (!stays && (!command || !ends(*command, name, holder))) {
                    throw Violation("I8", "the grant " + std::to_string(holder.token.index) +
                                              " of " + name + " to session " +
                                              std::to_string(holder.session) + " ended by " +
                                              (command ? to_text(*command) : "nothing"));
                }
            }
        }
    }
    bool ends(const quorum::Command& command, const std::string& lock,
              const quorum::LockView::Holder& holder) {
        if (const auto* const c = std::get_if<quorum::Release>(&command)) {
            statistics_.add(Count::releases);
            return c->session == holder.session && c->lock == lock && c->token == holder.token;
        }
        if (const auto* const c = std::get_if<quorum::CancelAcquire>(&command)) {
            const auto token = tokens_.find({c->session, c->acquire});
            return c->session == holder.session && token != tokens_.end() &&
                   token->second == holder.token;
        }
        if (const auto* const c = std::get_if<quorum::CloseSession>(&command)) {
            return c->session == holder.session;
        }
        if (const auto* const c = std::get_if<quorum::ExpireSession>(&command)) {
            return c->session == holder.session;
        }
        if (const auto* const c = std::get_if<quorum::ForceRelease>(&command)) {
            statistics_.add(Count::forced);
            if (forced) {
                forced(holder.token);
            }
            return c->lock == lock && c->token == holder.token;
        }
        return false;
    }

    void check_grants(const Views& before, const raft::Entry& entry,
                      const quorum::LockMachine::Applied& applied) {
        if (applied.reply.outcome == quorum::Outcome::ok && applied.reply.token) {
            granted({applied.reply.session, applied.reply.sequence}, applied.reply.token);
        }
        for (const quorum::Event& event : applied.events) {
            if (event.kind == quorum::Event::Kind::granted) {
                granted({event.session, event.sequence}, event.token);
            }
        }
        statistics_.add(Count::deadlocks, applied.reply.outcome == quorum::Outcome::would_deadlock);
        for (const auto& [name, view] : views_) {
            const auto old = before.find(name);
            if (old != before.end() && old->second == view) {
                continue;
            }
            check_holders(name, view);
            for (const auto& holder : view.holders) {
                const bool was_there =
                    old != before.end() &&
                    std::any_of(old->second.holders.begin(), old->second.holders.end(),
                                [&](const auto& each) {
                                    return each.session == holder.session &&
                                           each.token == holder.token;
                                });
                if (!was_there) {
                    check_new(name, holder, entry);
                    check_turn(name, old == before.end() ? nullptr : &old->second, view, holder,
                               entry);
                }
            }
        }
    }
    /// Nobody who has come before waits on, and what the last holder published is gone.
    static void check_turn(const std::string& name, const quorum::LockView* before,
                           const quorum::LockView& after, const quorum::LockView::Holder& holder,
                           const raft::Entry& entry) {
        const auto waits = [&](quorum::Ticket ticket) {
            return std::any_of(after.waiters.begin(), after.waiters.end(),
                               [&](const auto& each) { return each.ticket == ticket; });
        };
        quorum::Ticket ticket = entry.index;
        if (before != nullptr) {
            for (const auto& waiter : before->waiters) {
                if (waiter.session == holder.session && !waits(waiter.ticket)) {
                    ticket = std::min(ticket, waiter.ticket);
                }
            }
        }
        for (const auto& waiter : after.waiters) {
            if (waiter.ticket < ticket) {
                throw Violation("order", name + " was granted to session " +
                                             std::to_string(holder.session) + " by its request " +
                                             std::to_string(ticket) + " before the request " +
                                             std::to_string(waiter.ticket));
            }
        }
        if (holder.mode == quorum::LockMode::exclusive && !after.value.empty()) {
            throw Violation("I8", name + " was granted with what another holder has published");
        }
    }
    void granted(const Request& request, quorum::Token token) {
        const auto [made, is_new] = tokens_.emplace(request, token);
        if (!is_new && made->second != token) {
            throw Violation("once", "request " + std::to_string(request.second) + " of session " +
                                        std::to_string(request.first) + " was granted twice, by " +
                                        std::to_string(made->second.index) + " and " +
                                        std::to_string(token.index));
        }
    }
    static void check_holders(const std::string& name, const quorum::LockView& view) {
        std::uint32_t permits = 0;
        for (const auto& holder : view.holders) {
            if (holder.mode != view.holders.front().mode ||
                (holder.mode == quorum::LockMode::exclusive && view.holders.size() != 1)) {
                throw Violation("I8", name + " has holders that exclude each other");
            }
            permits += holder.permits;
        }
        if (permits > all_permits) {
            throw Violation("I8", std::to_string(permits) + " permits of " +
                                      std::to_string(all_permits) + " are out on " + name);
        }
    }
    void check_new(const std::string& name, const quorum::LockView::Holder& holder,
                   const raft::Entry& entry) {
        statistics_.add(Count::grants);
        if (holder.token.index != entry.index) {
            throw Violation("I8", name + " was granted by " + std::to_string(entry.index) +
                                      " with the token " + std::to_string(holder.token.index));
        }
        if (entry.time < free_from_[name]) {
            throw Violation("lock-delay", name + " was granted at " +
                                              std::to_string(entry.time.count()) +
                                              " ms, and is free from " +
                                              std::to_string(free_from_[name].count()) + " ms on");
        }
        if (holder.mode == quorum::LockMode::exclusive) {
            quorum::Token& highest = highest_[name];
            if (holder.token <= highest) {
                throw Violation("I8", "the tokens of " + name +
                                          " do not grow: " + std::to_string(highest.index) +
                                          " and then " + std::to_string(holder.token.index));
            }
            highest = holder.token;
        }
    }

    /// A fenced write is done by who holds the lock, and once.
    void check_table(const Views& before, const std::optional<quorum::Command>& command) {
        const auto* const write = command ? std::get_if<quorum::FencedWrite>(&*command) : nullptr;
        if (write == nullptr) {
            return;
        }
        auto value = machine_.value(write->key);
        auto& known = table_[write->key];
        if (value == known) {
            return;
        }
        known = std::move(value);
        const auto lock = before.find(write->lock);
        const bool holds = lock != before.end() && lock->second.holders.size() == 1 &&
                           lock->second.holders.front().mode == quorum::LockMode::exclusive &&
                           lock->second.holders.front().session == write->session &&
                           lock->second.holders.front().token == write->token;
        if (!holds || !written_.emplace(write->session, write->sequence).second) {
            throw Violation(holds ? "once" : "fence",
                            "session " + std::to_string(write->session) + " wrote " + write->key +
                                (holds ? " again" : " without the lock ") + " by its request " +
                                std::to_string(write->sequence));
        }
    }

    void check_end_of_sessions() {
        for (const auto& [name, view] : views_) {
            for (const auto& holder : view.holders) {
                if (!machine_.session(holder.session)) {
                    throw Violation("I8", name + " is held by session " +
                                              std::to_string(holder.session) + ", which has ended");
                }
            }
            for (const auto& waiter : view.waiters) {
                if (!machine_.session(waiter.session)) {
                    throw Violation("I8", "session " + std::to_string(waiter.session) +
                                              " waits for " + name + ", and has ended");
                }
            }
        }
    }

    Statistics& statistics_;
    quorum::LockMachine machine_;
    std::vector<std::uint64_t> hashes_{machine_.hash()};  // by index
    Views views_;
    Views before_;  ///< the last entry
    std::map<std::string, raft::ClusterTime> free_from_;
    std::map<quorum::SessionId, raft::Index> session_ends_;
    std::map<quorum::SessionId, Session> sessions_;
    std::map<Request, quorum::Token> tokens_;
    std::map<std::string, quorum::Token> highest_;
    std::map<std::string, std::optional<std::string>> table_;
    std::set<Request> written_;
    std::map<Key, Attempts> attempts_;
    std::unordered_map<std::uint64_t, Key> keys_;
};

}  // namespace attune_sim
