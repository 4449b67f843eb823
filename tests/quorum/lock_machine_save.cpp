#include "quorum/lock_machine_fixture.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

namespace quorum_examples {

/// Something of everything.
class SavedLockMachine : public LockMachineTest {
protected:
    SavedLockMachine() {
        a_ = open(1, 100ms, 30ms);
        b_ = open(2, 5000ms);
        const SessionId c = open(3, 5000ms);
        both_ = acquire(a_, 1, {exclusive("left"), exclusive("right")}).token;
        acquire(b_, 1, {shared("many")});
        acquire(c, 1, {shared("many")});
        acquire(b_, 2, {permits("pool", 2, 3)});
        acquire(c, 2, {exclusive("left"), permits("pool", 3, 3)});
        apply(Publish{a_, 2, "left", both_, "a is here"});
        apply(FencedWrite{a_, 3, "right", both_, "key", "value"});
        acquire(b_, 3, {exclusive("left")}, false);
        apply(CancelAcquire{b_, 9, 8});
        const Token lost = acquire(a_, 4, {exclusive("lost")}).token;
        apply(ForceRelease{"lost", lost});
        const Token gone = acquire(a_, 5, {exclusive("gone")}).token;
        release(a_, 6, "gone", gone);
        acquire(b_, 10, {exclusive("lost")});
        bytes_ = machine.save();
    }

    SessionId a_ = 0;
    SessionId b_ = 0;
    Token both_;
    std::string bytes_;
};

TEST_F(SavedLockMachine, is_the_same_when_it_is_loaded) {
    auto loaded = LockMachine::load(bytes_);
    ASSERT_TRUE(loaded);
    EXPECT_EQ(loaded->save(), bytes_);
    EXPECT_EQ(loaded->hash(), machine.hash());
    EXPECT_EQ(loaded->epoch(), 7u);
    EXPECT_EQ(loaded->applied(), index);
    EXPECT_EQ(loaded->time(), now);
    EXPECT_EQ(loaded->locks(), machine.locks());
    for (const std::string& lock : machine.locks()) {
        EXPECT_EQ(loaded->lock(lock), machine.lock(lock)) << lock;
    }
    EXPECT_EQ(loaded->session(a_), machine.session(a_));
    EXPECT_EQ(loaded->value("key"), "value");
    EXPECT_EQ(loaded->next_due(5ms), machine.next_due(5ms));
}

TEST_F(SavedLockMachine, goes_on_as_if_nothing_had_been) {
    machine = *LockMachine::load(bytes_);
    EXPECT_EQ(acquire(a_, 1, {exclusive("left"), exclusive("right")}).token, both_);
    EXPECT_EQ(acquire(b_, 3, {exclusive("left")}).outcome, Outcome::busy) << "what it was told";
    EXPECT_EQ(acquire(b_, 8, {exclusive("left")}).outcome, Outcome::cancelled);
    EXPECT_EQ(acquire(a_, 7, {exclusive("many")}).outcome, Outcome::would_deadlock)
        << "one who has it waits for what a has";
    now += 100ms;
    EXPECT_EQ(expire(a_), Outcome::ok);
    EXPECT_EQ(events[1], granted(b_, 10)) << "its delay is over";
    EXPECT_EQ(holders("lost"), Sessions{b_});
    EXPECT_EQ(machine.lock("left")->free_from, now + 30ms);
}

TEST_F(SavedLockMachine, is_refused_when_it_is_cut_or_has_something_behind_it) {
    for (std::size_t size = 0; size != bytes_.size(); ++size) {
        EXPECT_FALSE(LockMachine::load(std::string_view{bytes_}.substr(0, size))) << size;
    }
    EXPECT_FALSE(LockMachine::load(bytes_ + "x"));
}

TEST_F(SavedLockMachine, is_refused_when_it_is_of_another_version) {
    bytes_[4] = 2;
    EXPECT_FALSE(LockMachine::load(bytes_));
}

TEST_F(SavedLockMachine, gives_other_bytes_only_for_another_state) {
    // Whatever a changed byte makes, it is refused, or another state; never a crash.
    std::set<std::string> states{bytes_};
    std::set<std::uint64_t> hashes{machine.hash()};
    std::size_t accepted = 1;
    for (std::size_t at = 0; at != bytes_.size(); ++at) {
        for (const int flip : {0x01, 0x80, 0xFF}) {
            std::string changed = bytes_;
            changed[at] = static_cast<char>(changed[at] ^ flip);
            if (auto loaded = LockMachine::load(changed)) {
                EXPECT_EQ(loaded->save(), changed);
                ++accepted;
                states.insert(changed);
                hashes.insert(loaded->hash());
                loaded->apply(loaded->applied() + 1, now + 1h, encode(CloseSession{a_}));
                EXPECT_TRUE(LockMachine::load(loaded->save()));
            }
        }
    }
    EXPECT_EQ(states.size(), accepted);
    EXPECT_EQ(hashes.size(), accepted);
}

TEST_F(LockMachineTest, equal_states_have_equal_bytes_however_they_came_about) {
    const SessionId a = open(1, 100ms);
    const SessionId b = open(2, 100ms);
    acquire(b, 1, {exclusive("x")});
    acquire(a, 1, {exclusive("y")});
    apply(RenewSessions{{b, a}});
    LockMachine other{7};
    std::uint64_t at = 0;
    const auto also = [&](const Command& command) { other.apply(++at, now, encode(command)); };
    OpenSession session{.ttl = 100ms, .lock_delay = 0ms};
    session.client[0] = 1;
    also(session);
    session.client[0] = 2;
    also(session);
    also(Acquire{b, 1, {exclusive("x")}});
    also(Acquire{a, 1, {exclusive("y")}});
    also(RenewSessions{{a, b}});
    EXPECT_EQ(other.save(), machine.save());
    EXPECT_EQ(other.hash(), machine.hash());
    also(RenewSessions{{a, b}});
    EXPECT_NE(other.hash(), machine.hash());
}

TEST_F(LockMachineTest, one_that_has_done_nothing_can_be_saved_and_differs_by_its_epoch) {
    const auto loaded = LockMachine::load(LockMachine{3}.save());
    ASSERT_TRUE(loaded);
    EXPECT_EQ(loaded->epoch(), 3u);
    EXPECT_NE(loaded->hash(), LockMachine{4}.hash());
}

}  // namespace quorum_examples
