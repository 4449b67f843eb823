#include "quorum/lock_machine_fixture.hpp"

#include <gtest/gtest.h>

namespace quorum_examples {

TEST_F(LockMachineTest, a_client_that_opens_again_gets_its_session_again_and_renews_it) {
    const SessionId a = open(1, 100ms);
    now += 60ms;
    EXPECT_EQ(open(1, 999ms), a);
    const auto view = machine.session(a);
    ASSERT_TRUE(view);
    EXPECT_EQ(view->ttl, 100ms);
    EXPECT_EQ(view->renewed_at, now);
    EXPECT_EQ(view->renewed, index);
    EXPECT_EQ(machine.session_count(), 1u);
}

TEST_F(LockMachineTest, a_session_ends_when_its_time_is_over_and_not_before) {
    const SessionId a = open(1, 100ms);
    now += 99ms;
    EXPECT_EQ(expire(a), Outcome::refused);
    now += 1ms;
    EXPECT_EQ(expire(a), Outcome::ok);
    EXPECT_EQ(events, (Events{{Event::Kind::expired, a, 0, {}, ""}}));
    EXPECT_EQ(machine.session(a), std::nullopt);
    EXPECT_EQ(expire(a), Outcome::no_session);
}

TEST_F(LockMachineTest, an_expiry_that_goes_by_an_older_renewal_does_nothing) {
    const SessionId a = open(1, 100ms);
    const ExpireSession late{a, machine.session(a)->renewed};
    now += 90ms;
    apply(RenewSessions{{a}});
    now += 200ms;  // over by time, but whoever proposed it did not know of the renewal
    EXPECT_EQ(apply(late).outcome, Outcome::refused);
    EXPECT_TRUE(machine.session(a));
    EXPECT_EQ(expire(a), Outcome::ok);
}

TEST_F(LockMachineTest, a_session_that_is_gone_stays_gone) {
    const SessionId a = open(1);
    EXPECT_EQ(apply(CloseSession{a}).outcome, Outcome::ok);
    EXPECT_EQ(apply(CloseSession{a}).outcome, Outcome::no_session);
    apply(RenewSessions{{a}});
    EXPECT_EQ(machine.session(a), std::nullopt);
    EXPECT_EQ(acquire(a, 1, {exclusive("door")}).outcome, Outcome::no_session);
    EXPECT_EQ(release(a, 2, "door", {}), Outcome::no_session);
    EXPECT_EQ(apply(CancelAcquire{a, 3, 1}).outcome, Outcome::no_session);
    EXPECT_NE(open(1), a);
}

TEST_F(LockMachineTest, what_an_expired_session_held_is_free_after_its_delay) {
    const SessionId a = open(1, 100ms, 30ms);
    const SessionId b = open(2, 10'000ms);
    acquire(a, 1, {exclusive("door")});
    acquire(b, 1, {exclusive("door")});
    now += 100ms;
    expire(a);
    EXPECT_EQ(holders("door"), Sessions{});
    EXPECT_EQ(machine.lock("door")->free_from, now + 30ms);
    EXPECT_EQ(machine.next_due(0ms), now + 30ms);
    now += 29ms;
    apply(RenewSessions{});
    EXPECT_EQ(holders("door"), Sessions{});
    now += 1ms;
    apply(RenewSessions{});
    EXPECT_EQ(events, Events{granted(b, 1)});
}

TEST_F(LockMachineTest, a_delay_does_not_keep_those_who_have_the_lock_yet_from_it) {
    const SessionId a = open(1, 100ms, 30ms);
    const SessionId b = open(2, 10'000ms);
    acquire(a, 1, {shared("door")});
    acquire(b, 1, {shared("door")});
    now += 100ms;
    expire(a);
    EXPECT_EQ(holders("door"), Sessions{b});
    EXPECT_EQ(acquire(open(3), 1, {shared("door")}, false).outcome, Outcome::busy);
}

TEST_F(LockMachineTest, a_session_that_closes_leaves_no_delay) {
    const SessionId a = open(1, 100ms, 30ms);
    const SessionId b = open(2);
    acquire(a, 1, {exclusive("door")});
    acquire(b, 1, {exclusive("door")});
    apply(CloseSession{a});
    EXPECT_EQ(events, Events{granted(b, 1)});
}

TEST_F(LockMachineTest, who_waits_dies_with_its_session) {
    const SessionId a = open(1, 1000ms);
    const SessionId b = open(2, 100ms);
    const SessionId c = open(3, 1000ms);
    const Token ta = acquire(a, 1, {exclusive("door")}).token;
    acquire(b, 1, {exclusive("door")});
    acquire(c, 1, {exclusive("door")});
    now += 100ms;
    expire(b);
    EXPECT_EQ(waiters("door"), Sessions{c});
    release(a, 2, "door", ta);
    EXPECT_EQ(events, Events{granted(c, 1)});
}

TEST_F(LockMachineTest, one_entry_grants_a_lock_once_even_when_its_new_holder_leaves_at_once) {
    const SessionId a = open(1, 100ms, 30ms);
    const SessionId b = open(2, 10'000ms);
    const SessionId c = open(3, 10'000ms);
    acquire(a, 1, {exclusive("door")});
    acquire(b, 1, {exclusive("door")});
    acquire(c, 1, {exclusive("door")});
    now += 100ms;
    expire(a);
    now += 30ms;
    apply(CloseSession{b});  // it would have got the lock now
    EXPECT_EQ(events, Events{granted(c, 1)});
}

TEST_F(LockMachineTest, sessions_whose_time_is_over_are_told_oldest_first) {
    const SessionId a = open(1, 300ms);
    const SessionId b = open(2, 100ms);
    now += 50ms;
    const SessionId c = open(3, 100ms);
    EXPECT_EQ(machine.next_due(10ms), 1110ms);
    EXPECT_TRUE(machine.overdue(1109ms, 10ms).empty());
    const auto over = machine.overdue(1310ms, 10ms);
    ASSERT_EQ(over.size(), 3u);
    EXPECT_EQ(over[0].session, b);
    EXPECT_EQ(over[1].session, c);
    EXPECT_EQ(over[2].session, a);
    EXPECT_EQ(over[0].renewed, b);
}

TEST_F(LockMachineTest, nothing_is_due_where_there_is_no_session) {
    EXPECT_EQ(machine.next_due(0ms), std::nullopt);
    apply(CloseSession{open(1)});
    EXPECT_EQ(machine.next_due(0ms), std::nullopt);
}

}  // namespace quorum_examples
