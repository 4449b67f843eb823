#include "quorum/lock_machine_fixture.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace quorum_examples {

TEST_F(LockMachineTest, who_would_close_a_circle_is_told_so_and_the_others_go_on_waiting) {
    const SessionId a = open(1);
    const SessionId b = open(2);
    const SessionId c = open(3);
    const Token ta = acquire(a, 1, {exclusive("x")}).token;
    acquire(b, 1, {exclusive("y")});
    const Token tc = acquire(c, 1, {exclusive("z")}).token;
    EXPECT_EQ(acquire(a, 2, {exclusive("y")}).outcome, Outcome::queued);
    EXPECT_EQ(acquire(b, 2, {exclusive("z")}).outcome, Outcome::queued);
    EXPECT_EQ(acquire(c, 2, {exclusive("x")}).outcome, Outcome::would_deadlock);
    EXPECT_EQ(acquire(c, 2, {exclusive("x")}).outcome, Outcome::would_deadlock);
    EXPECT_EQ(waiters("x"), Sessions{});
    release(c, 3, "z", tc);
    EXPECT_EQ(events, Events{granted(b, 2)});
    EXPECT_EQ(holders("x"), Sessions{a});
    EXPECT_EQ(release(a, 3, "x", ta), Outcome::ok);
}

TEST_F(LockMachineTest, a_circle_that_is_only_tried_does_no_harm) {
    const SessionId a = open(1);
    const SessionId b = open(2);
    acquire(a, 1, {exclusive("x")});
    acquire(b, 1, {exclusive("y")});
    acquire(a, 2, {exclusive("y")});
    EXPECT_EQ(acquire(b, 2, {exclusive("x")}, false).outcome, Outcome::busy);
}

TEST_F(LockMachineTest, who_has_a_lock_cannot_wait_for_it) {
    const SessionId a = open(1);
    acquire(a, 1, {exclusive("x")});
    EXPECT_EQ(acquire(a, 2, {exclusive("x")}).outcome, Outcome::would_deadlock);
    EXPECT_EQ(acquire(a, 3, {exclusive("y"), shared("x")}).outcome, Outcome::would_deadlock);
}

TEST_F(LockMachineTest, sharing_with_oneself_is_no_deadlock_but_wanting_more_is) {
    const SessionId a = open(1);
    const SessionId b = open(2);
    acquire(a, 1, {shared("x")});
    EXPECT_EQ(acquire(a, 2, {shared("x")}).outcome, Outcome::ok);
    acquire(b, 1, {shared("x")});
    EXPECT_EQ(acquire(a, 3, {exclusive("x")}).outcome, Outcome::would_deadlock);
}

TEST_F(LockMachineTest, a_circle_can_go_through_those_who_stand_before_in_a_queue) {
    const SessionId a = open(1);
    const SessionId b = open(2);
    const SessionId c = open(3);
    acquire(a, 1, {shared("x")});
    acquire(b, 1, {exclusive("y")});
    acquire(c, 1, {exclusive("x")});                                   // behind a
    EXPECT_EQ(acquire(b, 2, {shared("x")}).outcome, Outcome::queued);  // behind c
    EXPECT_EQ(acquire(a, 2, {exclusive("y")}).outcome, Outcome::would_deadlock)
        << "a waits for b, b for c that stands before it, c for a";
}

TEST_F(LockMachineTest, several_locks_at_once_deadlock_with_nobody_who_does_the_same) {
    const SessionId a = open(1);
    const SessionId b = open(2);
    const SessionId c = open(3);
    acquire(a, 1, {exclusive("x"), exclusive("y")});
    EXPECT_EQ(acquire(b, 1, {exclusive("y"), exclusive("x")}).outcome, Outcome::queued);
    EXPECT_EQ(acquire(c, 1, {exclusive("y"), exclusive("z"), exclusive("x")}).outcome,
              Outcome::queued);
}

TEST_F(LockMachineTest, permits_that_others_can_give_back_are_waited_for) {
    const SessionId a = open(1);
    const SessionId b = open(2);
    const SessionId c = open(3);
    acquire(a, 1, {permits("pool", 1, 3)});
    acquire(b, 1, {permits("pool", 1, 3)});
    const Token tc = acquire(c, 1, {permits("pool", 1, 3)}).token;
    EXPECT_EQ(acquire(a, 2, {permits("pool", 1, 3)}).outcome, Outcome::queued);
    EXPECT_EQ(acquire(b, 2, {permits("pool", 1, 3)}).outcome, Outcome::queued);
    EXPECT_EQ(acquire(c, 2, {permits("pool", 1, 3)}).outcome, Outcome::would_deadlock)
        << "nobody is left who could give one back";
    release(c, 3, "pool", tc);
    EXPECT_EQ(events, Events{granted(a, 2)});
}

TEST_F(LockMachineTest, a_walk_through_a_long_queue_finds_the_circle_at_its_end) {
    const SessionId first = open(1);
    const Token held = acquire(first, 1, {exclusive("x")}).token;
    std::vector<SessionId> chain;
    for (unsigned char client = 2; client != 200; ++client) {
        chain.push_back(open(client));
        acquire(chain.back(), 1, {exclusive("own" + std::to_string(client))});
        EXPECT_EQ(acquire(chain.back(), 2, {exclusive("x")}).outcome, Outcome::queued);
    }
    EXPECT_EQ(acquire(first, 2, {exclusive("own199")}).outcome, Outcome::would_deadlock);
    release(first, 3, "x", held);
    EXPECT_EQ(holders("x"), Sessions{chain.front()});
    EXPECT_EQ(acquire(first, 4, {exclusive("own199")}).outcome, Outcome::queued);
}

TEST_F(LockMachineTest, a_long_chain_behind_permits_ends_with_one_who_can_go_on) {
    // Each has a lock of its own and waits for that of the next; the last one waits for nothing.
    constexpr std::size_t length = 20'000;
    std::vector<SessionId> chain;
    const auto own = [](std::size_t at) { return "own" + std::to_string(at); };
    for (std::size_t at = 0; at != length; ++at) {
        OpenSession command{.ttl = 1h};
        command.client = {static_cast<unsigned char>(at & 0xFF),
                          static_cast<unsigned char>(at >> 8)};
        chain.push_back(apply(command).session);
        acquire(chain.back(), 1, {exclusive(own(at))});
    }
    for (std::size_t at = 1; at + 1 != length; ++at) {
        ASSERT_EQ(acquire(chain[at], 2, {exclusive(own(at + 1))}).outcome, Outcome::queued);
    }
    acquire(chain[0], 2, {permits("pool", 1, 2)});
    acquire(chain[1], 3, {permits("pool", 1, 2)});
    EXPECT_EQ(acquire(chain[0], 3, {permits("pool", 1, 2)}).outcome, Outcome::queued);
    EXPECT_EQ(acquire(chain.back(), 2, {exclusive(own(0))}).outcome, Outcome::would_deadlock);
}

}  // namespace quorum_examples
