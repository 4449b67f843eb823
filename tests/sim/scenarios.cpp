#include "sim/script.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace scenarios_test {
namespace {

using namespace attune_sim;
using namespace std::chrono_literals;

const quorum::Command an_entry = quorum::AskRelease{"nobody's"};

std::vector<std::size_t> others_than(std::size_t place, std::size_t voters) {
    std::vector<std::size_t> others;
    for (std::size_t i = 1; i != voters; ++i) {
        others.push_back((place + i) % voters);
    }
    return others;
}

TEST(Scenario, figure_8_an_entry_of_an_older_term_on_a_majority_may_still_be_overwritten) {
    Script script(5, [](Plan& plan) {
        plan.batch_entries = 1;
        plan.window = 1;
    });
    // (a) S1 leads, and what it is asked comes to S2 alone.
    const std::size_t s1 = script.elect();
    const auto others = others_than(s1, 5);
    const std::size_t s2 = others[0];
    const std::size_t s3 = others[1];
    const std::size_t s4 = others[2];
    const std::size_t s5 = others[3];
    script.run_for(100ms);
    for (const std::size_t far : {s3, s4, s5}) {
        script.cut(s1, far);
        script.cut(s2, far);
    }
    const raft::Index index = script.member(s1).core().last_index() + 1;
    script.ask(s1, an_entry);
    script.run_until([&] { return script.member(s2).ledger().durable().last() == index; });
    const raft::Term first_term = script.member(s1).core().term();
    script.member(s1).crash(true);

    // (b) S5 leads with the votes of S3 and S4, which die before they hear what it begins with.
    script.cut(s3, s4);
    script.run_until([&] { return script.member(s5).is_leader(); });
    script.member(s3).crash(false);
    script.member(s4).crash(false);
    script.run_until([&] { return script.member(s5).ledger().durable().last() == index; });
    const raft::Term second_term = script.member(s5).core().term();
    script.member(s5).crash(true);
    script.run_for(20ms);

    // (c) S1 leads again, and brings its entry to S3: now it is on a majority.
    for (const std::size_t near : {s1, s2}) {
        script.cut(near, s3, false);
    }
    script.cut(s2, s3);
    script.member(s1).start();
    script.member(s3).start();
    script.run_until([&] {
        const LogImage& disk = script.member(s3).ledger().durable();
        return disk.last() == index && disk.has(index, first_term);
    });
    ASSERT_TRUE(script.member(s1).is_leader());
    ASSERT_GT(script.member(s1).core().term(), second_term);
    EXPECT_LT(script.member(s1).core().commit(), index);
    script.member(s1).crash(true);
    script.member(s2).crash(true);

    // (d) S5 comes back, is elected by its last term, and overwrites it.
    script.member(s3).crash(true);
    for (const std::size_t each : {s3, s4}) {
        script.cut(s5, each, false);
        script.member(each).start();
    }
    script.member(s5).start();
    script.run_until([&] { return script.member(s5).core().is_ready(); });
    EXPECT_EQ(script.world().history.term_of(index), second_term);
    for (const std::size_t far : {s3, s4, s5}) {
        script.cut(s1, far, false);
        script.cut(s2, far, false);
    }
    script.member(s1).start();
    script.member(s2).start();
    script.run_until([&] {
        return script.member(s1).ledger().durable().has(index, second_term) &&
               script.member(s2).ledger().durable().has(index, second_term);
    });
}

TEST(Scenario, a_member_that_was_cut_off_disturbs_nobody_when_it_is_back) {
    Script script(3);
    const std::size_t leader = script.elect();
    const std::size_t away = others_than(leader, 3)[0];
    const raft::Term term = script.member(leader).core().term();
    script.isolate(away);
    script.run_for(5s);
    EXPECT_EQ(script.member(away).core().term(), term);
    script.isolate(away, false);
    script.run_for(2s);
    EXPECT_EQ(script.elect(), leader);
    EXPECT_EQ(script.member(leader).core().term(), term);
    EXPECT_EQ(script.member(away).core().leader(), leader + 1);
}

TEST(Scenario, a_member_that_hears_only_half_disturbs_nobody) {
    Script script(3);
    const std::size_t leader = script.elect();
    const std::size_t deaf = others_than(leader, 3)[1];
    const raft::Term term = script.member(leader).core().term();
    for (const std::size_t other : others_than(deaf, 3)) {
        script.world().network.cut(other, deaf, true);
    }
    script.run_for(5s);
    EXPECT_EQ(script.elect(), leader);
    EXPECT_EQ(script.member(leader).core().term(), term);
}

TEST(Scenario, a_member_votes_for_nobody_right_after_its_start) {
    Script script(3);
    const std::size_t leader = script.elect();
    const auto others = others_than(leader, 3);
    const raft::Term term = script.member(leader).core().term();
    // One that does not hear the leader tries all the time; the other one forgets whom it hears.
    script.cut(leader, others[0]);
    for (int i = 0; i != 20; ++i) {
        script.member(others[1]).crash(i % 2 == 0);
        script.member(others[1]).start();
        script.run_for(150ms);
        ASSERT_TRUE(script.member(leader).is_leader());
    }
    EXPECT_EQ(script.member(leader).core().term(), term);
}

TEST(Scenario, a_session_that_was_renewed_outlives_its_end_that_was_on_the_way) {
    Script script(3, [](Plan& plan) { plan.drift = 50ms; });
    const std::size_t leader = script.elect();
    const quorum::SessionId session = script.open(leader, 1, 2'000ms);
    const quorum::Reply lock = script.call(leader, quorum::Acquire{session, 1, {{.lock = "l"}}});
    for (std::size_t i = 0; i != 3; ++i) {
        script.member(i).set_flush(150ms);
    }
    const auto due = script.machine().session(session)->renewed_at + 2'050ms;
    script.run_until([&] {
        return script.member(leader).core().cluster_time(
                   script.member(leader).clock().at(script.world().now())) >= due - 20ms;
    });
    // The renewal is in the log before the end is proposed, and not applied before that.
    const raft::Index renewal = script.member(leader).core().last_index() + 1;
    script.ask(leader, quorum::RenewSessions{{session}});
    script.run_until([&] { return script.member(leader).core().last_index() > renewal; });
    ASSERT_LT(script.member(leader).core().commit(), renewal);
    script.run_until([&] { return script.member(leader).core().commit() > renewal; });
    ASSERT_TRUE(script.machine().session(session));
    EXPECT_EQ(script.machine().session(session)->renewed, renewal);
    EXPECT_EQ(script.machine().lock("l")->holders.front().token, lock.token);
    EXPECT_EQ(script.world().statistics[Count::expiries], 0u);
}

TEST(Scenario, a_stale_leader_ends_no_session_that_lives) {
    Script script(3, [](Plan& plan) { plan.drift = 50ms; });
    const std::size_t old = script.elect();
    const quorum::SessionId session = script.open(old, 1, 1'500ms);
    // It would end the session, if it could; the others hear the client.
    script.isolate(old);
    script.run_until([&] { return !script.member(old).is_leader(); });
    const std::size_t leader = script.elect();
    ASSERT_NE(leader, old);
    for (int i = 0; i != 10; ++i) {
        ASSERT_EQ(script.call(leader, quorum::RenewSessions{{session}}).outcome,
                  quorum::Outcome::ok);
        script.run_for(400ms);
    }
    script.isolate(old, false);
    script.run_for(500ms);
    EXPECT_EQ(script.call(script.elect(), quorum::RenewSessions{{session}}).outcome,
              quorum::Outcome::ok);
}

TEST(Scenario, a_release_that_is_sent_again_frees_nobody_else) {
    Script script(3);
    const std::size_t leader = script.elect();
    const quorum::SessionId one = script.open(leader, 1);
    const quorum::SessionId two = script.open(leader, 2);
    const quorum::Token first = script.call(leader, quorum::Acquire{one, 1, {{.lock = "l"}}}).token;
    const quorum::Release release{one, 2, "l", first};
    EXPECT_EQ(script.call(leader, release).outcome, quorum::Outcome::ok);
    const quorum::Token second =
        script.call(leader, quorum::Acquire{two, 1, {{.lock = "l"}}}).token;
    EXPECT_GT(second, first);
    EXPECT_EQ(script.call(leader, release).outcome, quorum::Outcome::ok);
    EXPECT_EQ(script.call(leader, quorum::Release{one, 3, "l", first}).outcome,
              quorum::Outcome::not_held);
    ASSERT_EQ(script.machine().lock("l")->holders.size(), 1u);
    EXPECT_EQ(script.machine().lock("l")->holders.front().token, second);
}

TEST(Scenario, an_acquire_that_comes_after_its_cancel_gets_nothing) {
    Script script(3);
    const std::size_t leader = script.elect();
    const quorum::SessionId session = script.open(leader, 1);
    EXPECT_EQ(script.call(leader, quorum::CancelAcquire{session, 2, 1}).outcome,
              quorum::Outcome::ok);
    EXPECT_EQ(script.call(leader, quorum::Acquire{session, 1, {{.lock = "l"}}}).outcome,
              quorum::Outcome::cancelled);
    EXPECT_FALSE(script.machine().lock("l"));
}

TEST(Scenario, an_acquire_that_was_granted_unheard_is_given_back_by_its_cancel) {
    Script script(3);
    const std::size_t leader = script.elect();
    const quorum::SessionId holder = script.open(leader, 1);
    const quorum::SessionId session = script.open(leader, 2);
    const quorum::Token token =
        script.call(leader, quorum::Acquire{holder, 1, {{.lock = "l"}}}).token;
    EXPECT_EQ(script.call(leader, quorum::Acquire{session, 1, {{.lock = "l"}}}).outcome,
              quorum::Outcome::queued);
    script.call(leader, quorum::Release{holder, 2, "l", token});
    ASSERT_EQ(script.machine().lock("l")->holders.front().session, session);
    script.call(leader, quorum::CancelAcquire{session, 2, 1});
    const auto lock = script.machine().lock("l");
    EXPECT_TRUE(!lock || lock->holders.empty());
}

TEST(Scenario, a_leader_that_was_paused_serves_nobody_before_it_has_looked_around) {
    Script script(3);
    const std::size_t old = script.elect();
    const raft::Term term = script.member(old).core().term();
    script.member(old).pause();
    const std::uint64_t command = script.ask(old, an_entry);
    script.run_until([&] {
        for (std::size_t i = 0; i != 3; ++i) {
            if (i != old && script.member(i).core().is_ready()) {
                return true;
            }
        }
        return false;
    });
    script.member(old).wake();
    EXPECT_FALSE(script.member(old).is_leader() && script.member(old).core().term() == term);
    ASSERT_NE(script.answer(command), nullptr);
    EXPECT_EQ(script.answer(command)->kind, quorum::Answer::Kind::not_leader);
    script.run_until([&] { return script.member(old).core().leader() != 0; });
    EXPECT_NE(script.member(old).core().leader(), old + 1);
}

}  // namespace
}  // namespace scenarios_test
