#include <attune/quorum/lock_machine/lock_machine.hpp>

#include "quorum/lock_machine_fixture.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>

namespace quorum_examples {

TEST_F(LockMachineTest, a_free_lock_is_granted_at_once_with_the_epoch_and_index_as_its_token) {
    const SessionId a = open(1);
    const Reply reply = acquire(a, 1, {exclusive("door")});
    EXPECT_EQ(reply, (Reply{Outcome::ok, a, 1, index, {7, index}}));
    EXPECT_EQ(events, Events{});
    const auto view = machine.lock("door");
    ASSERT_TRUE(view);
    EXPECT_EQ(view->holders,
              (std::vector<LockView::Holder>{{a, reply.token, LockMode::exclusive, 0, 1000ms}}));
    EXPECT_EQ(view->highest, reply.token);
}

TEST_F(LockMachineTest, those_who_wait_are_served_in_the_order_in_which_they_asked) {
    const SessionId a = open(1);
    const SessionId b = open(2);
    const SessionId c = open(3);
    const Token first = acquire(a, 1, {exclusive("door")}).token;
    EXPECT_EQ(acquire(c, 1, {exclusive("door")}).outcome, Outcome::queued);
    EXPECT_EQ(acquire(b, 1, {exclusive("door")}).outcome, Outcome::queued);
    EXPECT_EQ(waiters("door"), (Sessions{c, b}));
    EXPECT_EQ(release(a, 2, "door", first), Outcome::ok);
    EXPECT_EQ(events, Events{granted(c, 1)});
    EXPECT_GT(token(), first);
    release(c, 2, "door", token());
    EXPECT_EQ(events, Events{granted(b, 1)});
}

TEST_F(LockMachineTest, an_acquire_that_does_not_wait_leaves_no_trace_when_the_lock_is_taken) {
    const SessionId a = open(1);
    const SessionId b = open(2);
    acquire(a, 1, {exclusive("door")});
    EXPECT_EQ(acquire(b, 1, {exclusive("door"), exclusive("gate")}, false).outcome, Outcome::busy);
    EXPECT_EQ(waiters("door"), Sessions{});
    EXPECT_EQ(machine.lock("gate"), std::nullopt);
}

TEST_F(LockMachineTest, shared_locks_go_together_but_not_past_an_exclusive_one_that_waits) {
    const SessionId a = open(1);
    const SessionId b = open(2);
    const SessionId c = open(3);
    const SessionId d = open(4);
    const Token ta = acquire(a, 1, {shared("door")}).token;
    const Token tb = acquire(b, 1, {shared("door")}).token;
    EXPECT_EQ(holders("door"), (Sessions{a, b}));
    acquire(c, 1, {exclusive("door")});
    EXPECT_EQ(acquire(d, 1, {shared("door")}).outcome, Outcome::queued);
    release(a, 2, "door", ta);
    EXPECT_EQ(events, Events{});
    release(b, 2, "door", tb);
    EXPECT_EQ(events, Events{granted(c, 1)});
    release(c, 2, "door", token());
    EXPECT_EQ(events, Events{granted(d, 1)});
}

TEST_F(LockMachineTest, shared_ones_that_waited_together_are_granted_together_with_one_token) {
    const SessionId a = open(1);
    const SessionId b = open(2);
    const SessionId c = open(3);
    const Token ta = acquire(a, 1, {exclusive("door")}).token;
    acquire(b, 1, {shared("door")});
    acquire(c, 1, {shared("door")});
    release(a, 2, "door", ta);
    EXPECT_EQ(events, (Events{granted(b, 1), granted(c, 1)}));
}

TEST_F(LockMachineTest, permits_are_granted_as_long_as_there_are_enough) {
    const SessionId a = open(1);
    const SessionId b = open(2);
    const SessionId c = open(3);
    const Token ta = acquire(a, 1, {permits("pool", 2, 3)}).token;
    EXPECT_EQ(acquire(b, 1, {permits("pool", 2, 3)}).outcome, Outcome::queued);
    EXPECT_EQ(acquire(c, 1, {permits("pool", 1, 3)}).outcome, Outcome::queued)
        << "it would fit, but nobody overtakes";
    release(a, 2, "pool", ta);
    EXPECT_EQ(events, (Events{granted(b, 1), granted(c, 1)}));
}

TEST_F(LockMachineTest, all_who_ask_for_permits_have_to_agree_on_how_many_there_are) {
    const SessionId a = open(1);
    const SessionId b = open(2);
    const Token ta = acquire(a, 1, {permits("pool", 1, 3)}).token;
    EXPECT_EQ(acquire(b, 1, {permits("pool", 1, 4)}).outcome, Outcome::mismatch);
    release(a, 2, "pool", ta);
    EXPECT_EQ(acquire(b, 2, {permits("pool", 1, 4)}).outcome, Outcome::ok);
}

TEST_F(LockMachineTest, several_locks_are_granted_together_or_not_at_all) {
    const SessionId a = open(1);
    const SessionId b = open(2);
    const Token ta = acquire(a, 1, {exclusive("left")}).token;
    EXPECT_EQ(acquire(b, 1, {exclusive("left"), exclusive("right")}).outcome, Outcome::queued);
    EXPECT_EQ(holders("right"), Sessions{});
    release(a, 2, "left", ta);
    EXPECT_EQ(events, Events{granted(b, 1)});
    EXPECT_EQ(holders("left"), Sessions{b});
    EXPECT_EQ(holders("right"), Sessions{b});
}

TEST_F(LockMachineTest, who_waits_for_several_locks_keeps_its_place_in_the_queue_of_each) {
    const SessionId a = open(1);
    const SessionId b = open(2);
    const SessionId c = open(3);
    const Token ta = acquire(a, 1, {exclusive("left")}).token;
    acquire(b, 1, {exclusive("left"), exclusive("right")});
    EXPECT_EQ(acquire(c, 1, {exclusive("right")}).outcome, Outcome::queued)
        << "free, but b is first";
    release(a, 2, "left", ta);
    EXPECT_EQ(events, Events{granted(b, 1)});
    const Token tb = token();
    release(b, 2, "right", tb);
    EXPECT_EQ(events, Events{granted(c, 1)});
    EXPECT_EQ(holders("left"), Sessions{b});
}

TEST_F(LockMachineTest, a_release_with_another_token_does_nothing) {
    const SessionId a = open(1);
    const Token old = acquire(a, 1, {exclusive("door")}).token;
    release(a, 2, "door", old);
    const Token now_held = acquire(a, 3, {exclusive("door")}).token;
    EXPECT_EQ(release(a, 4, "door", old), Outcome::not_held);
    EXPECT_EQ(release(open(2), 1, "door", now_held), Outcome::not_held);
    EXPECT_EQ(holders("door"), Sessions{a});
}

TEST_F(LockMachineTest, a_retried_release_does_not_free_the_next_holder) {
    const SessionId a = open(1);
    const SessionId b = open(2);
    const Token ta = acquire(a, 1, {exclusive("door")}).token;
    acquire(b, 1, {exclusive("door")});
    EXPECT_EQ(release(a, 2, "door", ta), Outcome::ok);
    EXPECT_EQ(release(a, 2, "door", ta), Outcome::ok) << "the same answer again";
    EXPECT_EQ(holders("door"), Sessions{b});
}

TEST_F(LockMachineTest, an_acquire_asked_again_tells_what_has_become_of_it) {
    const SessionId a = open(1);
    const SessionId b = open(2);
    const Token ta = acquire(a, 1, {exclusive("door")}).token;
    const Reply queued = acquire(b, 1, {exclusive("door")});
    EXPECT_EQ(acquire(b, 1, {exclusive("door")}), queued);
    EXPECT_EQ(waiters("door"), Sessions{b});
    release(a, 2, "door", ta);
    const Token tb = token();
    EXPECT_EQ(acquire(b, 1, {exclusive("door")}), (Reply{Outcome::ok, b, 1, queued.ticket, tb}));
    release(b, 2, "door", tb);
    EXPECT_EQ(acquire(b, 1, {exclusive("door")}),
              (Reply{Outcome::not_held, b, 1, queued.ticket, tb}));
    EXPECT_EQ(holders("door"), Sessions{});
}

TEST_F(LockMachineTest, a_grant_that_has_lost_one_of_its_locks_is_not_answered_as_held) {
    const SessionId a = open(1);
    const Token token = acquire(a, 1, {exclusive("left"), exclusive("right")}).token;
    apply(ForceRelease{"left", token});
    const Reply again = acquire(a, 1, {exclusive("left"), exclusive("right")});
    EXPECT_EQ(again.outcome, Outcome::not_held);
    EXPECT_EQ(again.token, token) << "to release the rest with";
    EXPECT_EQ(holders("right"), Sessions{a});
}

TEST_F(LockMachineTest, a_cancelled_request_leaves_all_queues) {
    const SessionId a = open(1);
    const SessionId b = open(2);
    const SessionId c = open(3);
    acquire(a, 1, {exclusive("left")});
    acquire(b, 1, {exclusive("left"), exclusive("right")});
    acquire(c, 1, {exclusive("right")});
    EXPECT_EQ(apply(CancelAcquire{b, 2, 1}).outcome, Outcome::ok);
    EXPECT_EQ(events, Events{granted(c, 1)});
    EXPECT_EQ(waiters("left"), Sessions{});
    EXPECT_EQ(acquire(b, 1, {exclusive("left"), exclusive("right")}).outcome, Outcome::cancelled);
}

TEST_F(LockMachineTest, a_cancel_that_comes_after_the_grant_releases_it) {
    const SessionId a = open(1);
    acquire(a, 1, {exclusive("left"), exclusive("right")});
    EXPECT_EQ(apply(CancelAcquire{a, 2, 1}).outcome, Outcome::ok);
    EXPECT_EQ(machine.locks(), std::vector<std::string>{});
}

TEST_F(LockMachineTest, an_acquire_that_comes_after_its_cancel_never_counts) {
    const SessionId a = open(1);
    EXPECT_EQ(apply(CancelAcquire{a, 2, 1}).outcome, Outcome::ok);
    EXPECT_EQ(acquire(a, 1, {exclusive("door")}).outcome, Outcome::cancelled);
    EXPECT_EQ(holders("door"), Sessions{});
    for (Sequence sequence = 3; sequence != 3 + LockLimits::replies; ++sequence) {
        release(a, sequence, "none", {});
    }
    EXPECT_EQ(acquire(a, 1, {exclusive("door")}).outcome, Outcome::forgotten);
    EXPECT_EQ(holders("door"), Sessions{});
}

TEST_F(LockMachineTest, a_cancel_works_however_late_it_comes) {
    const SessionId a = open(1);
    acquire(a, 1, {exclusive("door")});
    for (Sequence sequence = 3; sequence != 3 + 2 * LockLimits::replies; ++sequence) {
        release(a, sequence, "none", {});
    }
    EXPECT_EQ(apply(CancelAcquire{a, 2, 1}).outcome, Outcome::ok);
    EXPECT_EQ(holders("door"), Sessions{});
}

TEST_F(LockMachineTest, holders_are_asked_to_release_and_keep_the_lock) {
    const SessionId a = open(1);
    const SessionId b = open(2);
    const Token ta = acquire(a, 5, {shared("door")}).token;
    const Token tb = acquire(b, 6, {shared("door")}).token;
    EXPECT_EQ(apply(AskRelease{"door"}).outcome, Outcome::ok);
    EXPECT_EQ(events, (Events{{Event::Kind::asked, a, 5, ta, "door"},
                              {Event::Kind::asked, b, 6, tb, "door"}}));
    EXPECT_EQ(holders("door"), (Sessions{a, b}));
    EXPECT_EQ(apply(AskRelease{"gate"}).outcome, Outcome::not_held);
}

TEST_F(LockMachineTest, a_forced_release_takes_the_lock_from_that_grant_alone_and_delays_the_next) {
    const SessionId a = open(1, 100ms, 50ms);
    const SessionId b = open(2);
    const Token ta = acquire(a, 1, {exclusive("door")}).token;
    acquire(b, 1, {exclusive("door")});
    EXPECT_EQ(apply(ForceRelease{"door", Token{7, ta.index + 1}}).outcome, Outcome::not_held);
    EXPECT_EQ(apply(ForceRelease{"door", ta}).outcome, Outcome::ok);
    EXPECT_EQ(events, (Events{{Event::Kind::forced, a, 1, ta, "door"}}));
    EXPECT_EQ(machine.lock("door")->free_from, now + 50ms);
    now += 50ms;
    machine.apply(++index, now, "");
    EXPECT_EQ(holders("door"), Sessions{b});
    EXPECT_EQ(apply(ForceRelease{"door", ta}).outcome, Outcome::not_held);
    EXPECT_EQ(holders("door"), Sessions{b});
}

TEST_F(LockMachineTest, what_the_holder_publishes_is_there_until_the_grant_ends) {
    const SessionId a = open(1);
    const Token ta = acquire(a, 1, {exclusive("leader")}).token;
    EXPECT_EQ(apply(Publish{a, 2, "leader", ta, "host:1"}).outcome, Outcome::ok);
    EXPECT_EQ(apply(Publish{a, 3, "leader", Token{7, 1}, "host:2"}).outcome, Outcome::not_held);
    EXPECT_EQ(machine.lock("leader")->value, "host:1");
    acquire(open(2), 1, {exclusive("leader")});
    release(a, 4, "leader", ta);
    EXPECT_EQ(machine.lock("leader")->value, "");
}

TEST_F(LockMachineTest, only_who_excludes_all_others_can_publish_or_write) {
    const SessionId a = open(1);
    const Token ta = acquire(a, 1, {shared("door")}).token;
    EXPECT_EQ(apply(Publish{a, 2, "door", ta, "x"}).outcome, Outcome::not_held);
    EXPECT_EQ(apply(FencedWrite{a, 3, "door", ta, "key", "x"}).outcome, Outcome::not_held);
}

TEST_F(LockMachineTest, a_write_counts_only_while_the_grant_of_its_token_stands) {
    const SessionId a = open(1, 100ms);
    const SessionId b = open(2, 1000ms);
    const Token ta = acquire(a, 1, {exclusive("door")}).token;
    acquire(b, 1, {exclusive("door")});
    EXPECT_EQ(apply(FencedWrite{a, 2, "door", ta, "key", "from a"}).outcome, Outcome::ok);
    now += 100ms;
    EXPECT_EQ(expire(a), Outcome::ok);
    const Token tb = token();
    EXPECT_EQ(apply(FencedWrite{b, 2, "door", tb, "key", "from b"}).outcome, Outcome::ok);
    EXPECT_EQ(apply(FencedWrite{a, 3, "door", ta, "key", "late"}).outcome, Outcome::no_session);
    EXPECT_EQ(apply(FencedWrite{b, 3, "door", ta, "key", "late"}).outcome, Outcome::not_held);
    EXPECT_EQ(machine.value("key"), "from b");
    EXPECT_EQ(apply(FencedWrite{b, 4, "door", tb, "key", std::nullopt}).outcome, Outcome::ok);
    EXPECT_EQ(machine.value("key"), std::nullopt);
}

TEST_F(LockMachineTest, a_write_that_is_sent_again_is_not_done_again) {
    const SessionId a = open(1);
    const Token ta = acquire(a, 1, {exclusive("door")}).token;
    apply(FencedWrite{a, 2, "door", ta, "key", "old"});
    apply(FencedWrite{a, 3, "door", ta, "key", "new"});
    EXPECT_EQ(apply(FencedWrite{a, 2, "door", ta, "key", "old"}).outcome, Outcome::ok);
    EXPECT_EQ(machine.value("key"), "new");
}

TEST_F(LockMachineTest, a_command_too_old_to_be_known_is_neither_run_nor_answered_for) {
    const SessionId a = open(1);
    const Token ta = acquire(a, 1, {exclusive("door")}).token;
    apply(FencedWrite{a, 2, "door", ta, "key", "old"});
    for (Sequence sequence = 3; sequence != 3 + LockLimits::replies; ++sequence) {
        release(a, sequence, "none", {});
    }
    EXPECT_EQ(apply(FencedWrite{a, 2, "door", ta, "key", "again"}).outcome, Outcome::forgotten);
    EXPECT_EQ(machine.value("key"), "old");
    EXPECT_EQ(acquire(a, 1, {exclusive("door")}).outcome, Outcome::ok) << "it is held yet";
}

TEST_F(LockMachineTest, tokens_of_a_lock_grow_even_when_it_was_forgotten_between_two_grants) {
    const SessionId a = open(1);
    const Token first = acquire(a, 1, {exclusive("door")}).token;
    release(a, 2, "door", first);
    EXPECT_EQ(machine.lock("door"), std::nullopt);
    const Token second = acquire(a, 3, {shared("door")}).token;
    EXPECT_GT(second, first);
    EXPECT_EQ(machine.lock("door")->highest, first);
}

TEST_F(LockMachineTest, an_entry_that_is_no_command_moves_the_time_and_nothing_else) {
    const SessionId a = open(1);
    acquire(a, 1, {exclusive("door")});
    const auto before = machine.lock("door");
    for (const std::string_view bytes : {"", "?", "\x0c", "\x05short"}) {
        now += 1ms;
        const auto applied = machine.apply(++index, now, bytes);
        EXPECT_EQ(applied.reply, Reply{});
        EXPECT_TRUE(applied.events.empty());
    }
    EXPECT_EQ(machine.lock("door"), before);
    EXPECT_EQ(machine.time(), now);
    EXPECT_EQ(machine.applied(), index);
}

TEST_F(LockMachineTest, time_does_not_go_back) {
    machine.apply(1, 500ms, "");
    machine.apply(2, 400ms, "");
    EXPECT_EQ(machine.time(), 500ms);
}

TEST_F(LockMachineTest, a_new_epoch_ends_all_grants_keeps_the_table_and_makes_higher_tokens) {
    const SessionId a = open(1, 100ms, 50ms);
    const Token old = acquire(a, 1, {exclusive("door"), exclusive("gate")}).token;
    apply(FencedWrite{a, 2, "door", old, "key", "kept"});
    EXPECT_FALSE(machine.begin_epoch(7));
    EXPECT_TRUE(machine.session(a));
    ASSERT_TRUE(machine.begin_epoch(8));
    EXPECT_EQ(machine.epoch(), 8u);
    EXPECT_EQ(machine.session_count(), 0u);
    EXPECT_EQ(machine.value("key"), "kept");
    EXPECT_EQ(machine.lock("door")->free_from, now + 50ms);
    index = 0;  // as in a log that begins anew
    now += 50ms;
    const Token fresh = acquire(open(1), 1, {exclusive("door")}).token;
    EXPECT_GT(fresh, old);
    EXPECT_EQ(release(open(1), 2, "door", old), Outcome::not_held);
}

}  // namespace quorum_examples
