#include <attune/quorum/replica.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace replica_test {
namespace {

using namespace attune::quorum;
using namespace std::chrono_literals;

/// Three replicas whose messages arrive in order after a millisecond, and whose disks take as long,
/// unless a test says otherwise.
class Cluster {
public:
    explicit Cluster(std::size_t size = 3, ReplicaOptions options = {},
                     const raft::Recovered& found = {})
        : options_(options) {
        for (std::size_t i = 1; i <= size; ++i) {
            options_.raft.voters.push_back(i);
        }
        for (const raft::NodeId id : options_.raft.voters) {
            start(id, found);
        }
    }

    /// Lets time pass.
    void run(std::chrono::milliseconds time) {
        const auto end = now_ + time;
        while (now_ < end) {
            now_ += 1ms;
            step();
        }
    }
    template <class Done>
    bool run_until(Done done, std::chrono::milliseconds longest = 20s) {
        const auto end = now_ + longest;
        while (!done() && now_ < end) {
            now_ += 1ms;
            step();
        }
        return done();
    }
    raft::NodeId leader() {
        raft::NodeId found = 0;
        run_until([&] {
            for (const auto& [id, member] : members_) {
                if (!cut_.contains(id) && member->raft().is_ready()) {
                    found = id;
                }
            }
            return found != 0;
        });
        return found;
    }

    /// Asks the leader and waits for what it says.
    Answer ask(Command command, Origin origin = 1) {
        return await(send(leader(), std::move(command), origin));
    }
    std::uint64_t send(raft::NodeId to, Command command, Origin origin = 1) {
        const std::uint64_t id = ++last_id_;
        take(to, [&](Replica& member, ReplicaEffects& effects) {
            member.request(now_, origin, {.id = id, .what = std::move(command)}, effects);
        });
        return id;
    }
    std::uint64_t query(raft::NodeId to, std::string lock) {
        const std::uint64_t id = ++last_id_;
        take(to, [&](Replica& member, ReplicaEffects& effects) {
            member.request(now_, 1, {.id = id, .what = LockQuery{std::move(lock)}}, effects);
        });
        return id;
    }
    Answer await(std::uint64_t id) {
        std::optional<Answer> found;
        run_until([&] {
            for (const Answer& each : answers) {
                if (each.kind != Answer::Kind::event && each.id == id) {
                    found = each;
                }
            }
            return found.has_value();
        });
        return found.value_or(Answer{});
    }
    SessionId open(unsigned char client, std::chrono::milliseconds ttl = 10s) {
        return ask(OpenSession{.client = {client}, .ttl = ttl}, client).reply.session;
    }
    bool has_event(Event::Kind kind, SessionId session) const {
        return std::any_of(answers.begin(), answers.end(), [&](const Answer& each) {
            return each.kind == Answer::Kind::event && each.event.kind == kind &&
                   each.event.session == session;
        });
    }

    /// Neither sends nor receives.
    void cut(raft::NodeId id) { cut_[id] = true; }
    void heal(raft::NodeId id) { cut_.erase(id); }
    Replica& member(raft::NodeId id) { return *members_.at(id); }

    std::vector<Answer> answers;

private:
    struct Late {
        raft::Instant at;
        raft::NodeId from;
        raft::NodeId to;
        raft::Message message;
    };
    struct Disk {
        raft::Instant at;
        std::uint64_t number;
    };

    void start(raft::NodeId id, raft::Recovered recovered) {
        ReplicaOptions options = options_;
        options.raft.id = id;
        ReplicaEffects effects;
        members_[id] =
            std::make_unique<Replica>(options, std::move(recovered), now_, 17 * id, effects);
        keep(id, std::move(effects));
    }
    template <class F>
    void take(raft::NodeId id, F f) {
        ReplicaEffects effects;
        f(*members_.at(id), effects);
        keep(id, std::move(effects));
    }
    void keep(raft::NodeId id, ReplicaEffects effects) {
        for (raft::Outgoing& each : effects.messages) {
            if (!cut_.contains(id) && !cut_.contains(each.to)) {
                wire_.push_back({now_ + 1ms, id, each.to, std::move(each.message)});
            }
        }
        for (const raft::NumberedWrite& each : effects.writes) {
            disks_[id].push_back({now_ + 1ms, each.number});
        }
        std::move(effects.answers.begin(), effects.answers.end(), std::back_inserter(answers));
    }
    void step() {
        while (!wire_.empty() && wire_.front().at <= now_) {
            Late late = std::move(wire_.front());
            wire_.pop_front();
            if (!cut_.contains(late.to)) {
                take(late.to, [&](Replica& member, ReplicaEffects& effects) {
                    member.receive(now_, late.from, std::move(late.message), effects);
                });
            }
        }
        for (auto& [id, disk] : disks_) {
            while (!disk.empty() && disk.front().at <= now_) {
                const std::uint64_t number = disk.front().number;
                disk.pop_front();
                take(id, [&](Replica& member, ReplicaEffects& effects) {
                    member.stored(now_, number, effects);
                });
            }
        }
        for (const auto& [id, member] : members_) {
            if (member->deadline() <= now_) {
                take(id, [&](Replica& each, ReplicaEffects& effects) { each.tick(now_, effects); });
            }
        }
    }

    ReplicaOptions options_;
    raft::Instant now_{1s};
    std::map<raft::NodeId, std::unique_ptr<Replica>> members_;
    std::map<raft::NodeId, bool> cut_;
    std::deque<Late> wire_;
    std::map<raft::NodeId, std::deque<Disk>> disks_;
    std::uint64_t last_id_ = 0;
};

Acquire acquire(SessionId session, Sequence sequence, std::string lock, bool wait = true) {
    return {.session = session, .sequence = sequence, .wants = {{.lock = lock}}, .wait = wait};
}

TEST(Replica, answers_a_command_when_a_majority_has_it) {
    Cluster cluster;
    const SessionId session = cluster.open(1);
    ASSERT_NE(session, 0U);
    const Answer granted = cluster.ask(acquire(session, 1, "a"));
    EXPECT_EQ(granted.kind, Answer::Kind::reply);
    EXPECT_EQ(granted.reply.outcome, Outcome::ok);
    EXPECT_TRUE(granted.reply.token);
    cluster.run(500ms);
    for (const raft::NodeId id : {1U, 2U, 3U}) {
        const auto lock = cluster.member(id).machine().lock("a");
        ASSERT_TRUE(lock) << id;
        ASSERT_EQ(lock->holders.size(), 1U);
        EXPECT_EQ(lock->holders.front().token, granted.reply.token);
    }
}

TEST(Replica, sends_others_to_the_leader) {
    Cluster cluster;
    const raft::NodeId leader = cluster.leader();
    cluster.run(500ms);
    const raft::NodeId other = leader == 1 ? 2 : 1;
    const Answer answer = cluster.await(cluster.send(other, OpenSession{.client = {1}}));
    EXPECT_EQ(answer.kind, Answer::Kind::not_leader);
    EXPECT_EQ(answer.leader, leader);
}

TEST(Replica, tells_the_next_one_in_the_queue) {
    Cluster cluster;
    const SessionId first = cluster.open(1);
    const SessionId second = cluster.open(2);
    const Token token = cluster.ask(acquire(first, 1, "a"), 1).reply.token;
    EXPECT_EQ(cluster.ask(acquire(second, 1, "a"), 2).reply.outcome, Outcome::queued);
    EXPECT_EQ(cluster.ask(Release{.session = first, .sequence = 2, .lock = "a", .token = token}, 1)
                  .reply.outcome,
              Outcome::ok);
    EXPECT_TRUE(cluster.has_event(Event::Kind::granted, second));
    const Answer again = cluster.ask(acquire(second, 1, "a"), 2);
    EXPECT_EQ(again.reply.outcome, Outcome::ok);
    EXPECT_GT(again.reply.token, token);
}

TEST(Replica, ends_a_session_that_is_not_renewed_and_no_other) {
    Cluster cluster;
    const SessionId silent = cluster.open(1, 2s);
    const SessionId alive = cluster.open(2, 2s);
    ASSERT_EQ(cluster.ask(acquire(silent, 1, "a"), 1).reply.outcome, Outcome::ok);
    ASSERT_EQ(cluster.ask(acquire(alive, 1, "a"), 2).reply.outcome, Outcome::queued);
    for (int i = 0; i != 10; ++i) {
        cluster.run(500ms);
        const Answer renewed = cluster.ask(RenewSessions{{alive}}, 2);
        ASSERT_EQ(renewed.reply.outcome, Outcome::ok) << i;
    }
    EXPECT_TRUE(cluster.has_event(Event::Kind::expired, silent));
    EXPECT_FALSE(cluster.has_event(Event::Kind::expired, alive));
    EXPECT_TRUE(cluster.has_event(Event::Kind::granted, alive));
    EXPECT_EQ(cluster.ask(RenewSessions{{silent}}, 1).reply.outcome, Outcome::no_session);
}

TEST(Replica, gives_sessions_the_time_without_a_leader) {
    Cluster cluster;
    const SessionId session = cluster.open(1, 2s);
    const raft::NodeId leader = cluster.leader();
    cluster.run(500ms);
    for (const raft::NodeId id : {1U, 2U, 3U}) {
        cluster.cut(id);
    }
    cluster.run(60s);
    for (const raft::NodeId id : {1U, 2U, 3U}) {
        cluster.heal(id);
    }
    EXPECT_EQ(cluster.ask(RenewSessions{{session}}).reply.outcome, Outcome::ok);
    EXPECT_NE(leader, 0U);
}

TEST(Replica, does_not_say_failed_of_what_may_be_done) {
    Cluster cluster;
    const SessionId session = cluster.open(1);
    const raft::NodeId leader = cluster.leader();
    cluster.cut(leader);
    const std::uint64_t id = cluster.send(leader, acquire(session, 1, "a"));
    EXPECT_EQ(cluster.await(id).kind, Answer::Kind::unknown);
    // Asked again with the same sequence: whatever became of the first one, there is one grant.
    const Answer again = cluster.ask(acquire(session, 1, "a"));
    EXPECT_EQ(again.reply.outcome, Outcome::ok);
}

TEST(Replica, answers_a_question_with_what_was_done_before_it) {
    Cluster cluster;
    const SessionId session = cluster.open(1);
    const Token token = cluster.ask(acquire(session, 1, "a")).reply.token;
    const Answer answer = cluster.await(cluster.query(cluster.leader(), "a"));
    ASSERT_EQ(answer.kind, Answer::Kind::view);
    ASSERT_TRUE(answer.view);
    ASSERT_EQ(answer.view->holders.size(), 1U);
    EXPECT_EQ(answer.view->holders.front().token, token);
}

TEST(Replica, does_not_answer_questions_once_it_has_lost_its_majority) {
    Cluster cluster;
    const raft::NodeId leader = cluster.leader();
    cluster.cut(leader);
    const Answer answer = cluster.await(cluster.query(leader, "a"));
    EXPECT_EQ(answer.kind, Answer::Kind::not_leader);
}

TEST(Replica, brings_a_member_that_was_away_up_to_date_by_a_snapshot) {
    Cluster cluster{3, {.snapshot_entries = 20}};
    const SessionId session = cluster.open(1);
    const raft::NodeId leader = cluster.leader();
    const raft::NodeId away = leader == 1 ? 2 : 1;
    cluster.cut(away);
    for (Sequence i = 1; i <= 100; i += 2) {
        const Token token = cluster.ask(acquire(session, i, "a")).reply.token;
        ASSERT_TRUE(token) << i;
        cluster.ask(Release{.session = session, .sequence = i + 1, .lock = "a", .token = token});
    }
    EXPECT_GT(cluster.member(leader).raft().snapshot().index, 20U);
    cluster.heal(away);
    EXPECT_TRUE(cluster.run_until([&] {
        return cluster.member(away).machine().applied() ==
               cluster.member(leader).machine().applied();
    }));
    EXPECT_EQ(cluster.member(away).machine().hash(), cluster.member(leader).machine().hash());
}

TEST(Replica, brings_a_member_up_to_date_while_a_large_state_is_being_changed) {
    Cluster cluster{3, {.raft = {.piece_bytes = 2048}, .snapshot_entries = 16}};
    const SessionId session = cluster.open(1);
    const raft::NodeId leader = cluster.leader();
    const raft::NodeId away = leader == 1 ? 2 : 1;
    const Token token = cluster.ask(acquire(session, 1, "a")).reply.token;
    cluster.cut(away);
    Sequence sequence = 1;
    const auto write = [&] {
        ++sequence;
        cluster.send(leader, FencedWrite{session, sequence, "a", token,
                                         std::to_string(sequence % 100), std::string(1000, 'v')});
        cluster.run(2ms);
    };
    for (int count = 0; count != 200; ++count) {
        write();
    }
    EXPECT_GT(cluster.member(leader).raft().snapshot().index, 20U);
    cluster.heal(away);
    // Pieces take two milliseconds each: many entries come while the snapshot is on its way.
    bool is_there = false;
    for (int count = 0; count != 3'000 && !is_there; ++count) {
        write();
        is_there = cluster.member(away).machine().applied() + 16 >
                   cluster.member(leader).machine().applied();
    }
    EXPECT_TRUE(is_there);
}

TEST(Replica, refuses_what_takes_room_when_room_is_scarce) {
    Cluster cluster;
    const SessionId session = cluster.open(1);
    const Token token = cluster.ask(acquire(session, 1, "a")).reply.token;
    const raft::NodeId leader = cluster.leader();
    cluster.member(leader).set_room(LogRoom::scarce);
    EXPECT_EQ(cluster.ask(acquire(session, 2, "b")).kind, Answer::Kind::exhausted);
    EXPECT_EQ(cluster.ask(RenewSessions{{session}}).reply.outcome, Outcome::ok);
    EXPECT_EQ(cluster.ask(Release{.session = session, .sequence = 3, .lock = "a", .token = token})
                  .reply.outcome,
              Outcome::ok);
    cluster.member(leader).set_room(LogRoom::plenty);
    EXPECT_EQ(cluster.ask(acquire(session, 4, "b")).reply.outcome, Outcome::ok);
}

TEST(Replica, leaves_the_lead_to_one_who_has_room) {
    Cluster cluster;
    const SessionId session = cluster.open(1);
    const raft::NodeId leader = cluster.leader();
    cluster.member(leader).set_room(LogRoom::none);
    cluster.member(leader % 3 + 1).set_room(LogRoom::none);
    const Replica& other = cluster.member((leader + 1) % 3 + 1);
    EXPECT_TRUE(cluster.run_until([&] { return other.raft().role() == raft::Role::leader; }, 5s));
    // One of three without room is one too few to stop the others.
    cluster.member(leader % 3 + 1).set_room(LogRoom::plenty);
    EXPECT_EQ(cluster.ask(acquire(session, 1, "a")).reply.outcome, Outcome::ok);
    EXPECT_EQ(other.raft().role(), raft::Role::leader);
}

TEST(Replica, keeps_its_leader_where_nobody_has_room) {
    Cluster cluster;
    const SessionId session = cluster.open(1);
    const raft::NodeId leader = cluster.leader();
    for (const raft::NodeId id : {1U, 2U, 3U}) {
        cluster.member(id).set_room(LogRoom::none);
    }
    cluster.run(5s);
    EXPECT_EQ(cluster.await(cluster.query(leader, "a")).kind, Answer::Kind::view);
    for (const raft::NodeId id : {1U, 2U, 3U}) {
        cluster.member(id).set_room(LogRoom::plenty);
    }
    cluster.run(1s);
    EXPECT_EQ(cluster.ask(acquire(session, 1, "a")).reply.outcome, Outcome::ok);
}

TEST(Replica, refuses_what_would_not_go_into_a_message) {
    Cluster cluster;
    const SessionId session = cluster.open(1);
    Acquire large = acquire(session, 1, "a");
    large.wants.front().lock.assign(1 << 20, 'a');
    const raft::NodeId leader = cluster.leader();
    const raft::Index before = cluster.member(leader).raft().last_index();
    EXPECT_EQ(cluster.ask(large).reply.outcome, Outcome::refused);
    EXPECT_EQ(cluster.member(leader).raft().last_index(), before);
}

TEST(Replica, renews_more_sessions_than_go_into_one_entry) {
    Cluster cluster{3, {.command_bytes = 64}};
    std::vector<SessionId> sessions;
    for (unsigned char client = 1; client <= 9; ++client) {
        sessions.push_back(cluster.open(client, 2s));
    }
    cluster.run(1s);
    std::vector<std::uint64_t> asked;
    for (const SessionId each : sessions) {
        asked.push_back(cluster.send(cluster.leader(), RenewSessions{{each}}));
    }
    for (const std::uint64_t id : asked) {
        EXPECT_EQ(cluster.await(id).reply.outcome, Outcome::ok);
    }
    cluster.run(1'500ms);
    for (const SessionId each : sessions) {
        EXPECT_TRUE(cluster.member(cluster.leader()).machine().session(each)) << each;
    }
}

TEST(Replica, keeps_its_leader_where_heartbeats_were_meant_to_be_rarer_than_elections) {
    for (const auto heartbeat : {100ms, 500ms}) {
        Cluster cluster{3, {.raft = {.heartbeat = heartbeat, .election = 100ms}}};
        const raft::NodeId leader = cluster.leader();
        const raft::Term term = cluster.member(leader).raft().term();
        cluster.run(5s);
        EXPECT_EQ(cluster.leader(), leader);
        EXPECT_EQ(cluster.member(leader).raft().term(), term);
    }
}

TEST(Replica, does_not_fill_its_log_with_ends_of_sessions_that_are_not_over) {
    Cluster cluster{1, {.drift = -1s}};
    const SessionId session = cluster.open(1, 2s);
    const raft::Index before = cluster.member(1).raft().last_index();
    cluster.run(1'900ms);
    EXPECT_EQ(cluster.member(1).raft().last_index(), before);
    cluster.run(1s);
    EXPECT_FALSE(cluster.member(1).machine().session(session));
}

TEST(Replica, tells_nobody_of_a_session_that_was_not_there_when_he_renewed_it) {
    Cluster cluster;
    const SessionId mine = cluster.open(1);
    const raft::NodeId leader = cluster.leader();
    // A number that no session has, or ever will; and one that the next session has.
    const SessionId never = mine + 1'000'000;
    const SessionId next = cluster.member(leader).raft().last_index() + 2;
    EXPECT_EQ(cluster.ask(RenewSessions{{never, next}}, 7).reply.outcome, Outcome::no_session);
    cluster.send(leader, OpenSession{.client = {2}, .ttl = 1s}, 8);
    cluster.member(leader).forget(8);
    cluster.run(100ms);
    ASSERT_TRUE(cluster.member(leader).machine().session(next));
    EXPECT_TRUE(cluster.run_until([&] { return !cluster.member(leader).machine().session(next); }));
    EXPECT_FALSE(cluster.has_event(Event::Kind::expired, next));
}

TEST(Replica, refuses_questions_about_what_is_no_name_of_a_lock) {
    Cluster cluster;
    for (const std::size_t size : {std::size_t{0}, LockLimits::name + 1, std::size_t{1} << 20}) {
        const Answer answer =
            cluster.await(cluster.query(cluster.leader(), std::string(size, 'a')));
        EXPECT_EQ(answer.kind, Answer::Kind::reply) << size;
        EXPECT_EQ(answer.reply.outcome, Outcome::refused) << size;
    }
}

TEST(Replica, ends_very_many_sessions_that_fall_silent_together) {
    constexpr unsigned many = 20'000;
    Cluster cluster{1};
    const raft::NodeId leader = cluster.leader();
    for (unsigned client = 0; client != many; ++client) {
        OpenSession open{.ttl = 5s};
        open.client = {static_cast<unsigned char>(client & 0xFF),
                       static_cast<unsigned char>(client >> 8)};
        cluster.send(leader, open);
        if (client % 1000 == 999) {
            cluster.run(5ms);
        }
    }
    EXPECT_EQ(cluster.member(1).machine().session_count(), many);
    EXPECT_TRUE(cluster.run_until([&] {
        return cluster.member(1).machine().session_count() == 0;
    }));
    for (const Answer& each : cluster.answers) {
        ASSERT_NE(each.kind, Answer::Kind::unknown) << "it has lost its leadership over it";
    }
}

TEST(Replica, goes_on_from_a_backup_with_higher_tokens) {
    Cluster first;
    const SessionId session = first.open(1);
    Token highest;
    for (Sequence i = 1; i <= 9; i += 2) {
        highest = first.ask(acquire(session, i, "a")).reply.token;
        first.ask(Release{.session = session, .sequence = i + 1, .lock = "a", .token = highest});
    }
    ASSERT_TRUE(highest);
    const LockMachine& saved = first.member(first.leader()).machine();

    auto restored = LockMachine::load(saved.save());
    ASSERT_TRUE(restored && restored->begin_epoch(saved.epoch() + 1));
    const raft::Snapshot backup{1, 1, restored->time(),
                                std::make_shared<const std::string>(restored->save())};
    Cluster second{3, {}, {.vote = {1, 0}, .snapshot = backup}};
    const SessionId anew = second.open(2);
    const Token token = second.ask(acquire(anew, 1, "a")).reply.token;
    EXPECT_LT(token.index, highest.index);
    EXPECT_GT(token, highest);
}

TEST(Replica, does_not_answer_whom_it_was_told_to_forget) {
    Cluster cluster;
    const raft::NodeId leader = cluster.leader();
    const std::uint64_t id = cluster.send(leader, OpenSession{.client = {1}}, 7);
    cluster.member(leader).forget(7);
    cluster.run(2s);
    for (const Answer& each : cluster.answers) {
        EXPECT_NE(each.id, id);
    }
}

TEST(Replica, is_a_group_of_its_own_where_it_is_alone) {
    Cluster cluster{1};
    const SessionId session = cluster.open(1, 2s);
    ASSERT_EQ(cluster.ask(acquire(session, 1, "a")).reply.outcome, Outcome::ok);
    cluster.run(5s);
    EXPECT_FALSE(cluster.member(1).machine().session(session));
}

TEST(Replica, ends_sessions_when_there_is_room_again_even_where_nobody_else_speaks) {
    Cluster cluster{1};
    const SessionId session = cluster.open(1, 2s);
    cluster.member(1).set_room(LogRoom::none);
    cluster.run(5s);
    EXPECT_TRUE(cluster.member(1).machine().session(session));
    cluster.member(1).set_room(LogRoom::plenty);
    cluster.run(1s);
    EXPECT_FALSE(cluster.member(1).machine().session(session));
}

}  // namespace
}  // namespace replica_test
