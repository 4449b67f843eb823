#pragma once

#include <attune/quorum/detail/mutant.hpp>
#include <attune/quorum/replica.hpp>

#include <algorithm>
#include <iterator>
#include <memory>
#include <type_traits>
#include <utility>

namespace attune::inline ATTUNE_ABI::quorum {

namespace detail {

/// The session that a command is from, or zero.
inline SessionId session_of(const Command& command) noexcept {
    return std::visit(
        []<class C>(const C& each) -> SessionId {
            if constexpr (requires { each.session; }) {
                return each.session;
            } else {
                return 0;
            }
        },
        command);
}

inline ReplicaOptions usable(ReplicaOptions options) {
    // A session is never ended before its time, however often it is asked for.
    options.drift =
        std::clamp<std::chrono::milliseconds>(options.drift, {}, std::chrono::hours{24});
    return options;
}

}  // namespace detail

ATTUNE_DECL Replica::Replica(ReplicaOptions options, raft::Recovered recovered, raft::Instant now,
                             std::uint64_t seed, ReplicaEffects& effects)
    : options_(detail::usable(std::move(options))),
      machine_(options_.epoch),
      core_(options_.raft, std::move(recovered), now, seed, raft_effects_),
      now_(now) {
    if (core_.snapshot().index != 0 && !raft_effects_.restore) {
        restore(core_.snapshot(), now);
    }
    settle(now, effects);
}

ATTUNE_DECL void Replica::tick(raft::Instant now, ReplicaEffects& effects) {
    core_.tick(now, raft_effects_);
    settle(now, effects);
}

ATTUNE_DECL void Replica::receive(raft::Instant now, raft::NodeId from, raft::Message message,
                                  ReplicaEffects& effects) {
    core_.receive(now, from, std::move(message), raft_effects_);
    settle(now, effects);
}

ATTUNE_DECL void Replica::stored(raft::Instant now, std::uint64_t number, ReplicaEffects& effects) {
    core_.stored(now, number, raft_effects_);
    settle(now, effects);
}

ATTUNE_DECL void Replica::storage_failed(raft::Instant now, ReplicaEffects& effects) {
    core_.storage_failed(now, raft_effects_);
    settle(now, effects);
}

ATTUNE_DECL void Replica::set_room(LogRoom room) noexcept {
    room_ = room;
    core_.set_room(room != LogRoom::none);
}

ATTUNE_DECL bool Replica::transfer(raft::Instant now, raft::NodeId to, ReplicaEffects& effects) {
    const bool begun = core_.transfer(now, to, raft_effects_);
    settle(now, effects);
    return begun;
}

ATTUNE_DECL void Replica::request(raft::Instant now, Origin origin, Request request,
                                  ReplicaEffects& effects) {
    const auto refuse = [&](Answer::Kind kind) {
        effects.answers.push_back(
            {.origin = origin, .id = request.id, .kind = kind, .leader = core_.leader()});
    };
    const auto refuse_for_good = [&] {
        effects.answers.push_back({.origin = origin,
                                   .id = request.id,
                                   .kind = Answer::Kind::reply,
                                   .reply = {.outcome = Outcome::refused},
                                   .leader = core_.leader()});
    };
    if (core_.role() != raft::Role::leader) {
        return refuse(Answer::Kind::not_leader);
    }
    if (pending_.size() + questions_.size() + renewals_.size() + renewing_.size() >=
        options_.pending) {
        return refuse(Answer::Kind::exhausted);
    }
    if (auto* const query = std::get_if<LockQuery>(&request.what)) {
        if (query->lock.empty() || query->lock.size() > LockLimits::name) {
            return refuse_for_good();
        }
        const std::uint64_t number = next_question_++;
        questions_.emplace(number, Question{origin, request.id, std::move(*query)});
        core_.read(now, number, raft_effects_);
        return settle(now, effects);
    }
    auto& command = std::get<Command>(request.what);
    std::string bytes = encode(command);
    if (std::holds_alternative<ExpireSession>(command) || bytes.size() > options_.command_bytes) {
        return refuse_for_good();
    }
    if (!admits(command)) {
        return refuse(Answer::Kind::exhausted);
    }
    if (auto* const renew = std::get_if<RenewSessions>(&command)) {
        renewals_.push_back({origin, request.id, std::move(renew->sessions)});
        return settle(now, effects);
    }
    const raft::Proposed proposed = propose(now, std::move(bytes));
    if (proposed.index == 0) {
        refuse(core_.role() == raft::Role::leader ? Answer::Kind::exhausted
                                                  : Answer::Kind::not_leader);
        return settle(now, effects);
    }
    const SessionId session = detail::session_of(command);
    if (session != 0) {
        homes_[session] = origin;
    }
    pending_.push_back({proposed.index, proposed.term, origin, request.id, session,
                        std::holds_alternative<OpenSession>(command),
                        std::holds_alternative<CloseSession>(command)});
    settle(now, effects);
}

ATTUNE_DECL void Replica::forget(Origin origin) {
    for (Pending& each : pending_) {
        each.origin = each.origin == origin ? 0 : each.origin;
    }
    std::erase_if(questions_, [&](const auto& each) { return each.second.origin == origin; });
    for (auto* const all : {&renewals_, &renewing_}) {
        std::erase_if(*all, [&](const Renewal& each) { return each.origin == origin; });
    }
    std::erase_if(homes_, [&](const auto& each) { return each.second == origin; });
}

ATTUNE_DECL raft::Instant Replica::deadline() const noexcept {
    raft::Instant deadline = core_.deadline();
    if (core_.is_ready()) {
        const raft::ClusterTime time = core_.cluster_time(now_);
        const auto due = machine_.next_due(options_.drift);
        if (due && *due > time) {
            deadline = std::min(deadline, now_ + raft::Instant{*due - time});
        }
        const bool was_refused =
            (due && *due <= time && ending_ == 0) || (!renewals_.empty() && renewing_at_ == 0);
        if (was_refused) {  // for want of room, say; where it is alone, nothing else would wake it
            deadline = std::min(deadline, now_ + raft::Instant{core_.options().heartbeat});
        }
    }
    return deadline;
}

/// Does what the last step of the core asks for, and what that leads to, until nothing is left.
ATTUNE_DECL void Replica::settle(raft::Instant now, ReplicaEffects& effects) {
    now_ = now;
    bool again = true;
    while (again) {
        carry_out(effects);
        lead(now);
        take_snapshot(now);
        again = !raft_effects_.messages.empty() || !raft_effects_.writes.empty() ||
                !raft_effects_.committed.empty() || !raft_effects_.reads.empty() ||
                raft_effects_.restore || raft_effects_.role;
    }
}

ATTUNE_DECL void Replica::carry_out(ReplicaEffects& effects) {
    std::move(raft_effects_.messages.begin(), raft_effects_.messages.end(),
              std::back_inserter(effects.messages));
    std::move(raft_effects_.writes.begin(), raft_effects_.writes.end(),
              std::back_inserter(effects.writes));
    if (raft_effects_.restore) {
        restore(*raft_effects_.restore, now_);
    }
    for (const raft::Entry& entry : raft_effects_.committed) {
        apply(entry, effects);
    }
    for (const raft::ReadOutcome& read : raft_effects_.reads) {
        answer_read(read, effects);
    }
    const bool leads = core_.role() == raft::Role::leader;
    if (raft_effects_.role && !leads) {
        give_up(effects);
    }
    raft_effects_.clear();
}

ATTUNE_DECL void Replica::restore(const raft::Snapshot& snapshot, raft::Instant now) {
    auto machine =
        snapshot.data != nullptr ? LockMachine::load(*snapshot.data) : std::optional<LockMachine>{};
    if (!machine) {
        // Intact bytes, by their checksum, that are no state: of a later version, say. What this
        // member would answer is not known, so it does not.
        raft::Effects silent;
        core_.storage_failed(now, silent);
        return;
    }
    machine_ = std::move(*machine);
    applied_since_ = 0;
    bytes_since_ = 0;
}

ATTUNE_DECL void Replica::apply(const raft::Entry& entry, ReplicaEffects& effects) {
    const bool is_command = entry.kind == raft::EntryKind::command && entry.data != nullptr;
    const LockMachine::Applied applied =
        machine_.apply(entry.index, entry.time,
                       is_command ? std::string_view{*entry.data} : std::string_view{});
    ++applied_since_;
    bytes_since_ += is_command ? entry.data->size() : 0;
    ending_ = ending_ == entry.index ? 0 : ending_;

    while (!pending_.empty() && pending_.front().index <= entry.index) {
        const Pending asked = pending_.front();
        pending_.pop_front();
        const bool is_it = asked.index == entry.index && asked.term == entry.term;
        if (is_it && (asked.closes || applied.reply.outcome == Outcome::no_session)) {
            homes_.erase(asked.session);
        }
        if (asked.origin == 0) {
            continue;
        }
        if (is_it && asked.opens && applied.reply.outcome == Outcome::ok) {
            homes_[applied.reply.session] = asked.origin;
        }
        effects.answers.push_back({.origin = asked.origin,
                                   .id = asked.id,
                                   .kind = is_it ? Answer::Kind::reply : Answer::Kind::unknown,
                                   .reply = is_it ? applied.reply : Reply{},
                                   .leader = core_.leader()});
    }
    if (renewing_at_ == entry.index) {
        answer_renewals(entry.index, effects);
    }
    for (const Event& event : applied.events) {
        const auto home = homes_.find(event.session);
        if (home == homes_.end()) {
            continue;
        }
        effects.answers.push_back({.origin = home->second,
                                   .kind = Answer::Kind::event,
                                   .event = event,
                                   .leader = core_.leader()});
        if (event.kind == Event::Kind::expired) {
            homes_.erase(home);
        }
    }
}

ATTUNE_DECL void Replica::answer_renewals(raft::Index index, ReplicaEffects& effects) {
    for (const Renewal& each : renewing_) {
        Reply reply{.outcome = Outcome::ok};
        for (const SessionId id : each.sessions) {
            const auto session = machine_.session(id);
            if (!session || session->renewed != index) {
                reply.outcome = Outcome::no_session;
                reply.session = id;
                break;
            }
            reply.session = id;
            homes_[id] = each.origin;
        }
        effects.answers.push_back({.origin = each.origin,
                                   .id = each.id,
                                   .kind = Answer::Kind::reply,
                                   .reply = reply,
                                   .leader = core_.leader()});
    }
    renewing_.clear();
    renewing_at_ = 0;
}

ATTUNE_DECL void Replica::answer_read(const raft::ReadOutcome& read, ReplicaEffects& effects) {
    const auto found = questions_.find(read.id);
    if (found == questions_.end()) {
        return;
    }
    Answer answer{.origin = found->second.origin,
                  .id = found->second.id,
                  .kind = Answer::Kind::not_leader,
                  .leader = core_.leader()};
    if (read.index && machine_.applied() >= *read.index) {
        answer.kind = Answer::Kind::view;
        answer.view = machine_.lock(found->second.query.lock);
    }
    effects.answers.push_back(std::move(answer));
    questions_.erase(found);
}

/// What a leader does unasked: it has renewals committed, one entry for all that came while the one
/// before was on its way, and ends what is over.
ATTUNE_DECL void Replica::lead(raft::Instant now) {
    if (!core_.is_ready()) {
        return;
    }
    if (renewing_at_ == 0 && !renewals_.empty()) {
        // As many as go into one entry, and one request at least.
        const std::size_t most = options_.command_bytes / 16;
        RenewSessions all;
        auto end = renewals_.begin();
        do {
            all.sessions.insert(all.sessions.end(), end->sessions.begin(), end->sessions.end());
            ++end;
        } while (end != renewals_.end() && all.sessions.size() + end->sessions.size() <= most);
        std::sort(all.sessions.begin(), all.sessions.end());
        all.sessions.erase(std::unique(all.sessions.begin(), all.sessions.end()),
                           all.sessions.end());
        renewing_at_ = propose(now, encode(all)).index;
        if (renewing_at_ != 0) {
            std::move(renewals_.begin(), end, std::back_inserter(renewing_));
            renewals_.erase(renewals_.begin(), end);
        }
    }
    // All that is over at one time; what is over later waits for that.
    if (ending_ != 0) {
        return;
    }
    const raft::ClusterTime time = core_.cluster_time(now);
    const auto due = machine_.next_due(options_.drift);
    if (!due || *due > time) {
        return;
    }
    const std::vector<ExpireSession> overdue = machine_.overdue(time, options_.drift);
    for (const ExpireSession& over : overdue) {
        const raft::Index index = propose(now, encode(over)).index;
        if (index == 0) {
            return;  // nor are the others taken
        }
        ending_ = index;
    }
    if (overdue.empty()) {
        ending_ = propose(now, encode(RenewSessions{})).index;
    }
}

ATTUNE_DECL void Replica::give_up(ReplicaEffects& effects) {
    const auto answer = [&](Origin origin, std::uint64_t id, Answer::Kind kind) {
        if (origin != 0) {
            effects.answers.push_back(
                {.origin = origin, .id = id, .kind = kind, .leader = core_.leader()});
        }
    };
    // The entries are in the log here, and may be elsewhere: the next leader may commit them.
    const auto sent = detail::planted(detail::Mutant::r14_reports_unknown_as_failed)
                          ? Answer::Kind::not_leader
                          : Answer::Kind::unknown;
    for (const Pending& each : std::exchange(pending_, {})) {
        answer(each.origin, each.id, sent);
    }
    for (const Renewal& each : std::exchange(renewing_, {})) {
        answer(each.origin, each.id, sent);
    }
    for (const Renewal& each : std::exchange(renewals_, {})) {
        answer(each.origin, each.id, Answer::Kind::not_leader);
    }
    for (const auto& [number, each] : std::exchange(questions_, {})) {
        answer(each.origin, each.id, Answer::Kind::not_leader);
    }
    homes_.clear();
    renewing_at_ = 0;
    ending_ = 0;
}

ATTUNE_DECL void Replica::take_snapshot(raft::Instant now) {
    const bool is_much =
        applied_since_ >= options_.snapshot_entries || bytes_since_ >= options_.snapshot_bytes;
    if (is_much && !core_.has_failed() && (is_worth_it() || room_ != LogRoom::plenty)) {
        applied_since_ = 0;
        bytes_since_ = 0;
        core_.compact(now, machine_.applied(), std::make_shared<const std::string>(machine_.save()),
                      raft_effects_);
    }
}

/// Section 5.1.2: when the log has grown by as much as the last snapshot had. A large state would
/// be written for a few entries else, again and again; and a member that is sent it would get only
/// one that has been replaced meanwhile, for ever.
ATTUNE_DECL bool Replica::is_worth_it() const noexcept {
    constexpr std::uint64_t about_an_entry = 64;  // without its data
    const raft::Bytes& last = core_.snapshot().data;
    return last == nullptr || bytes_since_ + about_an_entry * applied_since_ >= last->size();
}

/// Where room is scarce it is for what gives room, or time, to others.
ATTUNE_DECL bool Replica::admits(const Command& command) const noexcept {
    return room_ == LogRoom::plenty ||
           (room_ == LogRoom::scarce && (std::holds_alternative<RenewSessions>(command) ||
                                         std::holds_alternative<CloseSession>(command) ||
                                         std::holds_alternative<CancelAcquire>(command) ||
                                         std::holds_alternative<Release>(command) ||
                                         std::holds_alternative<ForceRelease>(command)));
}

ATTUNE_DECL raft::Proposed Replica::propose(raft::Instant now, std::string bytes) {
    return core_.propose(now, std::make_shared<const std::string>(std::move(bytes)), raft_effects_);
}

}  // namespace attune::inline ATTUNE_ABI::quorum
