#pragma once

#include <attune/quorum/lock_machine/command.hpp>
#include <attune/quorum/lock_machine/limits.hpp>
#include <attune/quorum/lock_machine/lock_view.hpp>
#include <attune/quorum/lock_machine/reply.hpp>
#include <attune/quorum/token.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace quorum_model {

using namespace attune::quorum;
using std::chrono::milliseconds;

/// What LockMachine's contract says, with a deque and some maps, and everything else computed when
/// it is asked for.
class LockModel {
public:
    struct Request {
        SessionId session = 0;
        Sequence sequence = 0;
        Ticket ticket = 0;
        std::vector<Want> wants;  // that it waits for, or has yet
        std::optional<Token> token;
        milliseconds since{};
        bool whole = true;
    };
    struct Session {
        OpenSession opened;
        milliseconds renewed_at{};
        std::uint64_t renewed = 0;
        std::map<Sequence, Reply> done;
        Sequence forgotten = 0;
    };

    explicit LockModel(std::uint64_t epoch) : epoch_(epoch) {}

    Reply apply(std::uint64_t index, milliseconds time, const std::optional<Command>& command,
                std::vector<Event>& events) {
        index_ = index;
        now_ = std::max(now_, time);
        told_.clear();
        Reply reply;
        if (command) {
            reply = std::visit([&](const auto& each) { return run(each); }, *command);
        }
        std::vector<Ticket> granted = grant_all();
        std::ranges::sort(granted);
        for (const Ticket ticket : granted) {
            const Request& request = *find(ticket);
            if (ticket == asking_) {
                // Its own command made it, or asks about it.
                reply = state(request);
            }
            if (ticket != index) {
                told_.push_back({Event::Kind::granted, request.session, request.sequence,
                                 *request.token, ""});
            }
        }
        if (asking_ == index && find(index) && !find(index)->token) {
            reply = refuse_to_wait(reply);
        }
        asking_ = 0;
        events = told_;
        return reply;
    }

    void begin_epoch(std::uint64_t epoch) {
        while (!sessions_.empty()) {
            end(sessions_.begin()->first, false);
        }
        epoch_ = epoch;
    }

    std::optional<LockView> view(const std::string& name) const {
        LockView view;
        std::vector<const Request*> holders = holders_of(name);
        for (const Request* holder : holders) {
            const Want& want = *find(*holder, name);
            view.holders.push_back({holder->session, *holder->token, want.mode, want.permits,
                                    holder->since});
        }
        for (const Request& request : requests_) {
            if (const Want* want = find(request, name); want && !request.token) {
                view.waiters.push_back({request.session, request.ticket, want->mode, want->permits,
                                        request.since});
            }
        }
        if (is_delayed(name)) {
            view.free_from = free_from_.at(name);
        } else if (view.holders.empty() && view.waiters.empty()) {
            return std::nullopt;
        }
        if (const auto value = published_.find(name); value != published_.end()) {
            view.value = value->second;
        }
        return view;
    }

    const std::map<SessionId, Session>& sessions() const { return sessions_; }
    const std::map<std::string, std::string>& table() const { return table_; }
    const std::map<std::string, Token>& highest() const { return highest_; }
    const std::deque<Request>& requests() const { return requests_; }
    milliseconds time() const { return now_; }

    std::vector<SessionId> overdue(milliseconds now) const {
        std::vector<std::pair<milliseconds, SessionId>> over;
        for (const auto& [id, session] : sessions_) {
            if (session.renewed_at + session.opened.ttl <= now) {
                over.emplace_back(session.renewed_at + session.opened.ttl, id);
            }
        }
        std::ranges::sort(over);
        std::vector<SessionId> ids;
        for (const auto& [when, id] : over) {
            ids.push_back(id);
        }
        return ids;
    }
    std::optional<milliseconds> next_due() const {
        std::set<milliseconds> dues;
        for (const auto& [id, session] : sessions_) {
            dues.insert(session.renewed_at + session.opened.ttl);
        }
        for (const Request& request : requests_) {
            for (const Want& want : request.wants) {
                if (!request.token && is_delayed(want.lock)) {
                    dues.insert(free_from_.at(want.lock));
                }
            }
        }
        return dues.empty() ? std::nullopt : std::optional{*dues.begin()};
    }

private:
    Reply run(const OpenSession& command) {
        for (auto& [id, session] : sessions_) {
            if (session.opened.client == command.client) {
                session.renewed_at = now_;
                session.renewed = index_;
                return {.outcome = Outcome::ok, .session = id};
            }
        }
        sessions_[index_] = {command, now_, index_, {}, 0};
        return {.outcome = Outcome::ok, .session = index_};
    }
    Reply run(const RenewSessions& command) {
        for (const SessionId id : command.sessions) {
            if (sessions_.contains(id)) {
                sessions_[id].renewed_at = now_;
                sessions_[id].renewed = index_;
            }
        }
        return {.outcome = Outcome::ok};
    }
    Reply run(const ExpireSession& command) {
        Reply reply{.outcome = Outcome::no_session, .session = command.session};
        if (sessions_.contains(command.session)) {
            const Session& session = sessions_[command.session];
            reply.outcome = Outcome::refused;
            if (session.renewed == command.renewed &&
                now_ - session.renewed_at >= session.opened.ttl) {
                told_.push_back({Event::Kind::expired, command.session, 0, {}, ""});
                end(command.session, false);
                reply.outcome = Outcome::ok;
            }
        }
        return reply;
    }
    Reply run(const CloseSession& command) {
        if (!sessions_.contains(command.session)) {
            return {.outcome = Outcome::no_session, .session = command.session};
        }
        end(command.session, true);
        return {.outcome = Outcome::ok, .session = command.session};
    }
    Reply run(const Acquire& command) {
        Reply reply;
        if (is_answered(command, reply)) {
            return reply;
        }
        for (const Want& want : command.wants) {
            for (const Request& request : requests_) {
                const Want* other = find(request, want.lock);
                if (other && other->mode == LockMode::permits && want.mode == LockMode::permits &&
                    other->of != want.of) {
                    return done(command, Outcome::mismatch);
                }
            }
        }
        requests_.push_back({command.session, command.sequence, index_, command.wants, std::nullopt,
                             now_, true});
        asking_ = index_;
        wait_ = command.wait;
        return state(requests_.back());
    }
    Reply run(const CancelAcquire& command) {
        Reply reply;
        if (sessions_.contains(command.session) && command.acquire == command.sequence) {
            return {.session = command.session, .sequence = command.sequence};
        }
        if (is_answered(command, reply) && reply.outcome != Outcome::forgotten) {
            return reply;
        }
        Session& session = sessions_[command.session];
        if (Request* request = find(command.session, command.acquire)) {
            Reply cancelled = state(*request);
            cancelled.outcome = Outcome::cancelled;
            drop(request->ticket);
            keep(session, cancelled);
        } else if (!session.done.contains(command.acquire)) {
            keep(session, {Outcome::cancelled, command.session, command.acquire, 0, {}});
        }
        return done(command, Outcome::ok);
    }
    Reply run(const Release& command) {
        Reply reply;
        const bool answered = is_answered(command, reply);
        if (answered && reply.outcome != Outcome::forgotten) {
            return reply;
        }
        for (const Request* holder : holders_of(command.lock)) {
            if (holder->session == command.session && holder->token == command.token) {
                lose(holder->ticket, command.lock);
                return done(command, Outcome::ok);
            }
        }
        return answered ? reply : done(command, Outcome::not_held);
    }
    Reply run(const AskRelease& command) {
        for (const Request* holder : holders_of(command.lock)) {
            told_.push_back({Event::Kind::asked, holder->session, holder->sequence, *holder->token,
                             command.lock});
        }
        return {.outcome = told_.empty() ? Outcome::not_held : Outcome::ok};
    }
    Reply run(const ForceRelease& command) {
        for (const Ticket ticket : tickets(holders_of(command.lock))) {
            const Request& holder = *find(ticket);
            if (holder.token == command.token) {
                told_.push_back({Event::Kind::forced, holder.session, holder.sequence,
                                 *holder.token, command.lock});
                hold_back(command.lock, holder.session);
                lose(ticket, command.lock);
            }
        }
        return {.outcome = told_.empty() ? Outcome::not_held : Outcome::ok};
    }
    Reply run(const Publish& command) {
        Reply reply;
        if (is_answered(command, reply)) {
            return reply;
        }
        if (!holds_alone(command)) {
            return done(command, Outcome::not_held);
        }
        published_[command.lock] = command.value;
        return done(command, Outcome::ok);
    }
    Reply run(const FencedWrite& command) {
        Reply reply;
        if (is_answered(command, reply)) {
            return reply;
        }
        if (!holds_alone(command)) {
            return done(command, Outcome::not_held);
        }
        table_.erase(command.key);
        if (command.value) {
            table_[command.key] = *command.value;
        }
        return done(command, Outcome::ok);
    }

    template <class C>
    bool is_answered(const C& command, Reply& reply) {
        reply = {.session = command.session, .sequence = command.sequence};
        if (!sessions_.contains(command.session)) {
            reply.outcome = Outcome::no_session;
            return true;
        }
        const Session& session = sessions_[command.session];
        if (const Request* request = find(command.session, command.sequence)) {
            asking_ = request->ticket;
            reply = state(*request);
        } else if (session.done.contains(command.sequence)) {
            reply = session.done.at(command.sequence);
        } else if (command.sequence <= session.forgotten) {
            reply.outcome = Outcome::forgotten;
        } else {
            return false;
        }
        return true;
    }
    template <class C>
    Reply done(const C& command, Outcome outcome) {
        const Reply reply{
            .outcome = outcome, .session = command.session, .sequence = command.sequence};
        keep(sessions_[command.session], reply);
        return reply;
    }
    static void keep(Session& session, const Reply& reply) {
        if (reply.sequence > session.forgotten) {
            session.done[reply.sequence] = reply;
        }
        while (session.done.size() > LockLimits::replies) {
            session.forgotten = session.done.begin()->first;
            session.done.erase(session.forgotten);
        }
    }
    template <class C>
    bool holds_alone(const C& command) const {
        const auto holders = holders_of(command.lock);
        return holders.size() == 1 && holders[0]->session == command.session &&
               holders[0]->token == command.token &&
               find(*holders[0], command.lock)->mode == LockMode::exclusive;
    }

    static Reply state(const Request& request) {
        Reply reply{.outcome = Outcome::queued,
                    .session = request.session,
                    .sequence = request.sequence,
                    .ticket = request.ticket};
        if (request.token) {
            reply.outcome = request.whole ? Outcome::ok : Outcome::not_held;
            reply.token = *request.token;
        }
        return reply;
    }

    /// The newcomer has got nothing. May it stay?
    Reply refuse_to_wait(Reply reply) {
        if (!wait_) {
            reply.outcome = Outcome::busy;
        } else if (is_stuck_for_ever(reply.session)) {
            reply.outcome = Outcome::would_deadlock;
        }
        if (reply.outcome != Outcome::queued) {
            drop(reply.ticket);
            keep(sessions_[reply.session], reply);
        }
        return reply;
    }

    /// Sessions are let go on, as long as there is one that can; who is left never can.
    bool is_stuck_for_ever(SessionId session) const {
        std::set<SessionId> stuck;
        for (const auto& [id, each] : sessions_) {
            stuck.insert(id);
        }
        bool again = true;
        while (again) {
            again = false;
            for (const auto& [id, each] : sessions_) {
                const bool waits = std::ranges::any_of(requests_, [&, own = id](const Request& r) {
                    return r.session == own && !r.token && !could_be_granted_without(r, stuck);
                });
                if (!waits && stuck.erase(id) != 0) {
                    again = true;
                }
            }
        }
        return stuck.contains(session);
    }
    bool could_be_granted_without(const Request& request, const std::set<SessionId>& stuck) const {
        return std::ranges::all_of(request.wants, [&](const Want& want) {
            std::uint64_t permits = want.permits;
            for (const Request& other : requests_) {
                const Want* theirs = find(other, want.lock);
                if (!theirs || &other == &request || !stuck.contains(other.session)) {
                    continue;
                }
                if (!other.token) {
                    if (other.ticket < request.ticket) {
                        return false;
                    }
                } else if (want.mode == LockMode::exclusive || theirs->mode != want.mode) {
                    return false;
                } else {
                    permits += theirs->permits;
                }
            }
            return permits <= want.of;  // 0 <= 0 for what is not about permits
        });
    }

    std::vector<Ticket> grant_all() {
        std::vector<Ticket> granted;
        bool again = true;
        while (again) {
            again = false;
            for (Request& request : requests_) {
                if (!request.token && can_be_granted(request)) {
                    request.token = Token{epoch_, index_};
                    request.since = now_;
                    granted.push_back(request.ticket);
                    again = true;
                    for (const Want& want : request.wants) {
                        if (want.mode == LockMode::exclusive) {
                            highest_[want.lock] = *request.token;
                        }
                    }
                }
            }
        }
        return granted;
    }
    bool can_be_granted(const Request& request) const {
        return std::ranges::all_of(request.wants, [&](const Want& want) {
            std::uint64_t permits = want.permits;
            for (const Request& other : requests_) {
                const Want* theirs = find(other, want.lock);
                if (!theirs || &other == &request) {
                    continue;
                }
                if (other.token) {
                    if (want.mode == LockMode::exclusive || theirs->mode != want.mode) {
                        return false;
                    }
                    permits += theirs->permits;
                } else if (other.ticket < request.ticket) {
                    return false;
                }
            }
            return permits <= want.of && !is_delayed(want.lock);
        });
    }

    void end(SessionId id, bool clean) {
        std::vector<Ticket> own;
        for (const Request& request : requests_) {
            if (request.session == id) {
                own.push_back(request.ticket);
                for (const Want& want : request.wants) {
                    if (request.token && !clean) {
                        hold_back(want.lock, id);
                    }
                }
            }
        }
        std::ranges::for_each(own, [&](Ticket ticket) { drop(ticket); });
        sessions_.erase(id);
    }
    void hold_back(const std::string& lock, SessionId session) {
        milliseconds& from = free_from_[lock];
        from = std::max(from, now_ + sessions_.at(session).opened.lock_delay);
    }
    bool is_delayed(const std::string& lock) const {
        const auto from = free_from_.find(lock);
        return from != free_from_.end() && from->second > now_;
    }
    void lose(Ticket ticket, const std::string& lock) {
        Request& request = *find(ticket);
        std::erase_if(request.wants, [&](const Want& want) { return want.lock == lock; });
        request.whole = false;
        silence(lock);
        if (request.wants.empty()) {
            const Reply reply = state(request);
            drop(ticket);
            keep(sessions_[reply.session], reply);
        }
    }
    void drop(Ticket ticket) {
        const Request gone = *find(ticket);
        std::erase_if(requests_, [&](const Request& r) { return r.ticket == ticket; });
        for (const Want& want : gone.wants) {
            silence(want.lock);
        }
    }
    void silence(const std::string& lock) {
        const auto holders = holders_of(lock);
        if (holders.empty() || find(*holders[0], lock)->mode != LockMode::exclusive) {
            published_.erase(lock);
        }
    }

    static const Want* find(const Request& request, const std::string& lock) {
        const auto want = std::ranges::find(request.wants, lock, &Want::lock);
        return want == request.wants.end() ? nullptr : &*want;
    }
    Request* find(Ticket ticket) {
        const auto request = std::ranges::find(requests_, ticket, &Request::ticket);
        return request == requests_.end() ? nullptr : &*request;
    }
    Request* find(SessionId session, Sequence sequence) {
        const auto request = std::ranges::find_if(requests_, [&](const Request& each) {
            return each.session == session && each.sequence == sequence;
        });
        return request == requests_.end() ? nullptr : &*request;
    }
    std::vector<const Request*> holders_of(const std::string& lock) const {
        std::vector<const Request*> holders;
        for (const Request& request : requests_) {
            if (request.token && find(request, lock)) {
                holders.push_back(&request);
            }
        }
        std::ranges::stable_sort(holders, {}, [](const Request* r) { return *r->token; });
        return holders;
    }
    static std::vector<Ticket> tickets(const std::vector<const Request*>& requests) {
        std::vector<Ticket> tickets;
        for (const Request* request : requests) {
            tickets.push_back(request->ticket);
        }
        return tickets;
    }

    std::uint64_t epoch_;
    std::uint64_t index_ = 0;
    milliseconds now_{};
    std::map<SessionId, Session> sessions_;
    std::deque<Request> requests_;  // by ticket
    std::map<std::string, milliseconds> free_from_;
    std::map<std::string, std::string> published_;
    std::map<std::string, std::string> table_;
    std::map<std::string, Token> highest_;

    Ticket asking_ = 0;  // whose state is the reply
    bool wait_ = false;
    std::vector<Event> told_;
};

}  // namespace quorum_model
