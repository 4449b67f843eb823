#pragma once

#include "sim/client.hpp"
#include "sim/faults.hpp"
#include "sim/member.hpp"
#include "sim/plan.hpp"
#include "sim/statistics.hpp"
#include "sim/violation.hpp"
#include "sim/world.hpp"

#include <attune/quorum/replica.hpp>
#include <attune/testing/token_order.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

namespace attune_sim {

struct Outcome {
    std::string invariant{};  ///< that was violated; empty: none
    std::string what{};
    std::uint64_t trace = 0;
    Statistics statistics{};

    bool is_good() const noexcept { return invariant.empty(); }
};

/// One run of a cluster with its clients: first any faults, and nothing may go wrong; then a
/// majority heals, and things have to go on.
class Simulation {
public:
    explicit Simulation(const Plan& plan, bool aloud = false) : world_(plan, aloud) {
        Random random = world_.random.fork();
        world_.history.judges_conduct = !plan.only_consequences;
        for (std::size_t i = 0; i != plan.voters; ++i) {
            members_.push_back(
                std::make_unique<Member>(world_, i + 1,
                                         Clock(random.between(Time{}, Time{std::chrono::hours{5}}),
                                               Nemesis::any_rate(random, plan))));
            members_.back()->transmit = [this, i](std::size_t to, std::string bytes,
                                                  Member::Intact intact) {
                world_.network.send(i, to, [this, to, bytes = std::move(bytes), intact] {
                    members_[to]->receive(bytes, intact);
                });
            };
            world_.history.ledgers.push_back(&members_.back()->ledger());
        }
        for (std::size_t i = 0; i != plan.clients + 1; ++i) {
            clients_.push_back(
                std::make_unique<Client>(world_, i,
                                         Clock(random.between(Time{}, Time{std::chrono::hours{5}}),
                                               Nemesis::any_rate(random, plan))));
            clients_.back()->on_grant = [this](const Client& client, const Client::Held& held) {
                check_grant(client, held);
                record(client, held);
            };
        }
        probe_ = std::move(clients_.back());
        clients_.pop_back();
        world_.request = [this](std::size_t member, std::size_t client, quorum::Request request) {
            questions_[request.id] = world_.history.committed();
            world_.network.send(world_.plan.voters + client, member,
                                [this, member, client, request = std::move(request)] {
                                    members_[member]->request(client + 1, request);
                                });
        };
        world_.answer = [this](std::size_t member, const quorum::Answer& answer) {
            check_answer(member, answer);
            if (answer.origin == Nemesis::nobody) {
                return;
            }
            const auto client = static_cast<std::size_t>(answer.origin - 1);
            world_.network.send(member, world_.plan.voters + client,
                                [this, member, client, answer] {
                                    client_of(client).answered(member, answer);
                                });
        };
        world_.history.locks.expired = [this](quorum::SessionId session) { check_expiry(session); };
        world_.history.locks.forced = [this](quorum::Token token) { forced_.insert(token); };
        world_.history.locks.ended = [this](const std::string& lock,
                                            const quorum::LockView::Holder& holder) {
            ended_[{lock, holder.token, holder.session}] = world_.now();
        };
    }

    World& world() noexcept { return world_; }
    Members& members() noexcept { return members_; }
    Clients& clients() noexcept { return clients_; }

    Outcome run() {
        Outcome outcome;
        try {
            begin();
            suffer();
            if (!world_.plan.beyond_budget) {
                heal();
                recover();
            }
            check_tokens();
        } catch (const Violation& violation) {
            world_.trace.line(world_.now(), violation.what());
            outcome.invariant = violation.invariant();
            outcome.what = violation.what();
        }
        world_.trace.mix(world_.heap.steps());
        world_.statistics.add(Count::events, world_.heap.steps());
        world_.statistics.time = world_.now();
        outcome.trace = world_.trace.hash();
        outcome.statistics = world_.statistics;
        return outcome;
    }

    void begin() {
        const Plan& plan = world_.plan;
        world_.network.set_weather({.least = plan.delay / 16,
                                    .most = plan.delay,
                                    .loss = plan.loss,
                                    .repeats = plan.repeats,
                                    .reorders = plan.reorders,
                                    .straggle = 4 * Time{plan.election}});
        for (const auto& member : members_) {
            member->start(true);
        }
        for (const auto& client : clients_) {
            client->start();
        }
    }

    bool step() {
        if (world_.plan.honest_clocks) {
            world_.history.latest_time =
                std::chrono::duration_cast<raft::ClusterTime>(world_.now() / 200 * 201 +
                                                              Time{std::chrono::milliseconds{2}});
        }
        if (world_.heap.steps() > 200'000) {
            throw Violation("I11", "nothing comes to an end");
        }
        if (world_.now() >= asked_leaders_ + Time{world_.plan.election} / 16) {
            ask_rivals();
        }
        return world_.heap.step();
    }

private:
    Client& client_of(std::size_t number) {
        return number < clients_.size() ? *clients_[number] : *probe_;
    }

    /// Where several think that they lead, only one of them may answer, and not with the past.
    void ask_rivals() {
        asked_leaders_ = world_.now();
        const auto leaders = std::count_if(members_.begin(), members_.end(),
                                           [](const auto& each) { return each->is_leader(); });
        if (leaders < 2) {
            return;
        }
        for (std::size_t i = 0; i != members_.size(); ++i) {
            if (members_[i]->is_leader()) {
                const std::uint64_t id = ++rival_questions_;
                questions_[id] = world_.history.committed();
                world_.statistics.add(Count::reads);
                members_[i]->request(Nemesis::nobody,
                                     {.id = id, .what = quorum::LockQuery{"lock-0"}});
            }
        }
    }

    void suffer() {
        nemesis_.emplace(world_, members_, clients_);
        nemesis_->start();
        while (world_.heap.steps() < world_.plan.events && step()) {
        }
        nemesis_->stop();
    }

    void heal() {
        world_.trace.line(world_.now(), "everything heals");
        std::vector<Member*> able;
        for (const auto& member : members_) {
            if (!member->is_damaged() && !member->has_refused()) {
                able.push_back(member.get());
            }
        }
        for (std::size_t i = able.size(); i > 1; --i) {
            std::swap(able[i - 1], able[world_.random.below(i)]);
        }
        const std::size_t majority = members_.size() / 2 + 1;
        const std::size_t many =
            world_.random.chance(500) ? able.size() : world_.random.between(majority, able.size());
        core_.assign(able.begin(), able.begin() + static_cast<std::ptrdiff_t>(many));
        world_.network.heal();
        world_.network.set_weather({.least = Time{std::chrono::microseconds{50}},
                                    .most = Time{world_.plan.election} / 20});
        for (const auto& member : members_) {
            member->disk().stop_after(0);
            member->disk().fail_flushes(0);
            member->disk().set_room(static_cast<std::size_t>(-1));
            member->wake();
            const bool is_core = std::find(core_.begin(), core_.end(), member.get()) != core_.end();
            if (is_core || leave_out(*member)) {
                if (member->has_failed()) {
                    member->crash(false);
                }
                member->start();
            }
            if (is_core) {
                member->set_rate(Clock::right);
                member->set_flush(Time{world_.plan.election} / 20);
            }
        }
        for (const auto& client : clients_) {
            client->wake();
            client->wind_down();
        }
        probe_->probe();
    }
    /// It may be cut off, hear nobody, or be heard by nobody: it must not get in the others' way.
    /// False: it stays down.
    bool leave_out(Member& member) {
        const std::size_t fate = world_.random.below(4);
        world_.trace.line(world_.now(), "member ", member.id(), " is left out: ", fate);
        for (const auto& other : members_) {
            world_.network.cut(member.place(), other->place(), fate == 0 || fate == 1);
            world_.network.cut(other->place(), member.place(), fate == 0 || fate == 2);
        }
        if (fate == 3) {
            member.crash(false);
        }
        return fate != 3;
    }

    /// I11.
    void recover() {
        const Plan& plan = world_.plan;
        const Time end = world_.now() + 60 * Time{plan.election} +
                         2 * Time{plan.ttl + plan.drift + plan.lock_delay} + plan.hold +
                         plan.patience;
        Time poll = world_.now();
        raft::Index had = 0;
        while (step()) {
            if (world_.now() < poll) {
                continue;
            }
            const std::string missing = still_missing(had);
            if (missing.empty()) {
                return;
            }
            if (world_.now() > end) {
                throw Violation("I11", missing);
            }
            had = world_.history.committed();
            poll = world_.now() + Time{plan.election} / 4;
        }
    }
    std::string still_missing(raft::Index had) const {
        const bool is_led = std::any_of(core_.begin(), core_.end(), [](const Member* member) {
            return member->is_up() && member->core().is_ready();
        });
        if (!is_led) {
            return "the majority that has healed has no leader";
        }
        if (!probe_->has_probed()) {
            return "a new client has not got a lock of its own";
        }
        for (const auto& client : clients_) {
            if (!client->is_done()) {
                return "a client waits for answers";
            }
        }
        const quorum::LockMachine& machine = world_.history.locks.machine();
        for (const std::string& name : machine.locks()) {
            const auto view = machine.lock(name);
            if (!view->holders.empty() || !view->waiters.empty()) {
                return name + " is held, or awaited, by session " +
                       std::to_string(view->holders.empty() ? view->waiters.front().session
                                                            : view->holders.front().session) +
                       ", which does not know of it";
            }
        }
        for (const Member* const member : core_) {
            if (!member->is_up() || member->replica().machine().applied() < had) {
                return "member " + std::to_string(member->id()) + " lags behind";
            }
        }
        return {};
    }

    void check_answer(std::size_t member, const quorum::Answer& answer) {
        switch (answer.kind) {
        case quorum::Answer::Kind::view: {
            const raft::Index applied = members_[member]->replica().machine().applied();
            if (applied < questions_.at(answer.id)) {
                History::fail("read", members_[member]->id(),
                              "answers as of entry " + std::to_string(applied) + ", and " +
                                  std::to_string(questions_.at(answer.id)) +
                                  " was committed before the question");
            }
            break;
        }
        case quorum::Answer::Kind::not_leader:
        case quorum::Answer::Kind::exhausted: world_.history.locks.refused(answer.id); break;
        case quorum::Answer::Kind::reply:
            if (answer.reply.outcome == quorum::Outcome::ok && answer.reply.session != 0) {
                world_.history.locks.alive(answer.reply.session, questions_[answer.id]);
            }
            break;
        default: break;
        }
    }

    /// I10, as far as clocks are right.
    void check_expiry(quorum::SessionId session) const {
        for (const auto& client : clients_) {
            if (is_judged(*client) && client->believes(session)) {
                throw Violation("I10", "session " + std::to_string(session) +
                                           " expired while its client may count on it");
            }
        }
    }
    bool is_judged(const Client& client) const {
        return world_.plan.honest_clocks && client.clock().is_honest();
    }
    void check_grant(const Client& client, const Client::Held& held) const {
        for (const auto& other : clients_) {
            if (other.get() == &client || !is_judged(*other) ||
                !other->believes(other->session())) {
                continue;
            }
            for (const Client::Held& its : other->held()) {
                if (!its.releasing && !forced_.contains(its.token) && excludes(its, held) &&
                    its.token < held.token) {
                    throw Violation("I10", "two clients count on one lock, by the tokens " +
                                               std::to_string(its.token.index) + " and " +
                                               std::to_string(held.token.index));
                }
            }
        }
    }
    void record(const Client& client, const Client::Held& held) {
        for (const quorum::Want& want : held.wants) {
            grants_.push_back({.lock = want.lock,
                               .holder = "session " + std::to_string(client.session()),
                               .exclusive = want.mode == quorum::LockMode::exclusive,
                               .token = {held.token.epoch, held.token.index},
                               .invoked = held.invoked,
                               .returned = world_.now(),
                               .over_from = {}});
            holders_.push_back(client.session());
        }
    }
    void check_tokens() {
        for (std::size_t i = 0; i != grants_.size(); ++i) {
            attune::testing::GrantRecord& grant = grants_[i];
            const auto end =
                ended_.find({grant.lock, {grant.token.epoch, grant.token.index}, holders_[i]});
            if (end != ended_.end()) {
                grant.over_from = end->second;
            }
        }
        const auto violations = attune::testing::token_order_violations(grants_);
        if (!violations.empty()) {
            throw Violation("tokens", violations.front());
        }
    }
    static bool excludes(const Client::Held& a, const Client::Held& b) {
        for (const quorum::Want& one : a.wants) {
            for (const quorum::Want& two : b.wants) {
                if (one.lock == two.lock &&
                    (one.mode != two.mode || one.mode == quorum::LockMode::exclusive)) {
                    return true;
                }
            }
        }
        return false;
    }

    World world_;
    Members members_;
    Clients clients_;
    std::unique_ptr<Client> probe_;
    std::optional<Nemesis> nemesis_;
    std::vector<Member*> core_;
    Time asked_leaders_{};
    std::uint64_t rival_questions_ = 0;
    std::unordered_map<std::uint64_t, raft::Index> questions_;
    std::set<quorum::Token> forced_;
    std::vector<attune::testing::GrantRecord> grants_;
    std::vector<quorum::SessionId> holders_;  // of those
    std::map<std::tuple<std::string, quorum::Token, quorum::SessionId>, Time> ended_;
};

}  // namespace attune_sim
