#include <attune/quorum/lock_machine/limits.hpp>

#include "quorum/lock_machine_fixture.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace quorum_examples {

TEST_F(LockMachineTest, a_session_has_to_have_a_sensible_ttl_delay_and_label) {
    OpenSession command;
    for (const milliseconds ttl : {0ms, -1ms, LockLimits::ttl + 1ms, milliseconds::max()}) {
        command.ttl = ttl;
        EXPECT_EQ(apply(command).outcome, Outcome::refused) << ttl.count();
    }
    command.ttl = LockLimits::ttl;
    for (const milliseconds delay : {-1ms, LockLimits::lock_delay + 1ms, milliseconds::max()}) {
        command.lock_delay = delay;
        EXPECT_EQ(apply(command).outcome, Outcome::refused) << delay.count();
    }
    command.lock_delay = LockLimits::lock_delay;
    command.label = std::string(LockLimits::label + 1, 'x');
    EXPECT_EQ(apply(command).outcome, Outcome::refused);
    EXPECT_EQ(machine.session_count(), 0u);
    command.label.pop_back();
    EXPECT_EQ(apply(command).outcome, Outcome::ok);
}

TEST_F(LockMachineTest, what_is_no_request_is_refused_and_changes_nothing) {
    const SessionId a = open(1);
    Sequence sequence = 0;
    for (const std::vector<Want>& wants : std::vector<std::vector<Want>>{
             {},
             {exclusive("")},
             {exclusive(std::string(LockLimits::name + 1, 'x'))},
             {exclusive("x"), shared("x")},
             {permits("x", 0, 3)},
             {permits("x", 4, 3)},
             {{"x", LockMode::exclusive, 1, 1}},
             std::vector<Want>(LockLimits::wants + 1),
         }) {
        EXPECT_EQ(acquire(a, ++sequence, wants).outcome, Outcome::refused) << sequence;
    }
    EXPECT_EQ(acquire(a, 0, {exclusive("x")}).outcome, Outcome::refused);
    EXPECT_EQ(apply(CancelAcquire{a, 20, 20}).outcome, Outcome::refused);
    EXPECT_EQ(apply(CancelAcquire{a, 20, 0}).outcome, Outcome::refused);
    EXPECT_EQ(release(a, 0, "x", {}), Outcome::refused);
    EXPECT_TRUE(machine.locks().empty());
    EXPECT_EQ(acquire(a, 30, {exclusive(std::string(LockLimits::name, 'x'))}).outcome, Outcome::ok);
}

TEST_F(LockMachineTest, a_session_has_only_so_many_requests) {
    const SessionId a = open(1);
    const Token first = acquire(a, 1, {shared("x")}).token;
    for (Sequence sequence = 2; sequence <= LockLimits::requests; ++sequence) {
        ASSERT_EQ(acquire(a, sequence, {shared("x")}).outcome, Outcome::ok);
    }
    EXPECT_EQ(acquire(a, 5000, {shared("x")}).outcome, Outcome::refused);
    release(a, 5001, "x", first);
    EXPECT_EQ(acquire(a, 5002, {shared("x")}).outcome, Outcome::ok);
}

TEST_F(LockMachineTest, requests_have_only_so_many_locks_all_together) {
    std::vector<Want> wants;
    for (std::size_t i = 0; i != LockLimits::wants; ++i) {
        wants.push_back(shared("x" + std::to_string(i)));
    }
    constexpr std::size_t enough = LockLimits::places / LockLimits::wants / LockLimits::requests;
    Token last{};
    SessionId session = 0;
    for (std::size_t i = 0; i != enough; ++i) {
        session = open(static_cast<unsigned char>(i + 1));
        for (Sequence sequence = 1; sequence <= LockLimits::requests; ++sequence) {
            const Reply reply = acquire(session, sequence, wants);
            ASSERT_EQ(reply.outcome, Outcome::ok);
            last = reply.token;
        }
    }
    const SessionId another = open(200);
    EXPECT_EQ(acquire(another, 1, {shared("x0")}).outcome, Outcome::refused);
    release(session, 5000, "x0", last);
    EXPECT_EQ(acquire(another, 2, {shared("x0")}).outcome, Outcome::ok);
    EXPECT_EQ(acquire(another, 3, {shared("x0")}).outcome, Outcome::refused);
}

TEST_F(LockMachineTest, a_lock_has_only_so_many_waiters) {
    const SessionId a = open(1, 1h);
    acquire(a, 1, {exclusive("x")});
    OpenSession command{.ttl = 1h};
    command.client[15] = 1;
    for (std::size_t count = 0; count <= LockLimits::waiters; ++count) {
        command.client[0] = static_cast<unsigned char>(count & 0xFF);
        command.client[1] = static_cast<unsigned char>(count >> 8);
        const SessionId session = apply(command).session;
        ASSERT_EQ(acquire(session, 1, {exclusive("x")}).outcome,
                  count < LockLimits::waiters ? Outcome::queued : Outcome::refused);
    }
    EXPECT_EQ(waiters("x").size(), LockLimits::waiters);
}

TEST_F(LockMachineTest, there_are_only_so_many_locks_at_a_time) {
    std::size_t made = 0;
    Sequence sequence = 0;
    SessionId session = 0;
    unsigned char client = 0;
    while (made != LockLimits::locks) {
        if (made % (LockLimits::wants * LockLimits::requests) == 0) {
            session = open(++client, 1h);
        }
        std::vector<Want> wants;
        for (std::size_t count = 0; count != LockLimits::wants; ++count) {
            wants.push_back(exclusive("lock" + std::to_string(made++)));
        }
        ASSERT_EQ(acquire(session, ++sequence, wants).outcome, Outcome::ok);
    }
    session = open(++client, 1h);
    EXPECT_EQ(acquire(session, ++sequence, {exclusive("one more")}).outcome, Outcome::refused);
    EXPECT_EQ(machine.locks().size(), LockLimits::locks);
}

TEST_F(LockMachineTest, what_is_published_or_written_has_a_limit) {
    const SessionId a = open(1);
    const Token token = acquire(a, 1, {exclusive("x")}).token;
    const auto text = [](std::size_t size) { return std::string(size, 'v'); };
    EXPECT_EQ(apply(Publish{a, 2, "x", token, text(LockLimits::published + 1)}).outcome,
              Outcome::refused);
    EXPECT_EQ(apply(Publish{a, 3, "x", token, text(LockLimits::published)}).outcome, Outcome::ok);
    EXPECT_EQ(apply(FencedWrite{a, 4, "x", token, "", "v"}).outcome, Outcome::refused);
    EXPECT_EQ(apply(FencedWrite{a, 5, "x", token, text(LockLimits::key + 1), "v"}).outcome,
              Outcome::refused);
    EXPECT_EQ(apply(FencedWrite{a, 6, "x", token, "k", text(LockLimits::value + 1)}).outcome,
              Outcome::refused);
    EXPECT_EQ(machine.value("k"), std::nullopt);
    EXPECT_EQ(apply(FencedWrite{a, 7, "x", token, text(LockLimits::key), text(LockLimits::value)})
                  .outcome,
              Outcome::ok);
}

TEST_F(LockMachineTest, the_table_has_a_limit_and_what_is_erased_makes_room) {
    const SessionId a = open(1);
    const Token token = acquire(a, 1, {exclusive("x")}).token;
    Sequence sequence = 1;
    const auto write = [&](const std::string& key, std::optional<std::string> value) {
        return apply(FencedWrite{a, ++sequence, "x", token, key, std::move(value)}).outcome;
    };
    std::size_t size = 0;
    const std::string value(LockLimits::value, 'v');
    int rows = 0;
    while (size + 8 + value.size() <= LockLimits::table) {
        ASSERT_EQ(write(std::to_string(10'000'000 + rows++), value), Outcome::ok);
        size += 8 + value.size();
    }
    EXPECT_EQ(write("k", value), Outcome::refused);
    EXPECT_EQ(write("10000000", value), Outcome::ok) << "in place of what was there";
    EXPECT_EQ(write("k", std::nullopt), Outcome::ok);
    EXPECT_EQ(write("10000000", std::nullopt), Outcome::ok);
    EXPECT_EQ(write("k", value), Outcome::ok);
}

TEST_F(LockMachineTest, the_table_has_only_so_many_keys) {
    const SessionId a = open(1);
    const Token token = acquire(a, 1, {exclusive("x")}).token;
    Sequence sequence = 1;
    for (std::size_t row = 0; row <= LockLimits::keys; ++row) {
        ASSERT_EQ(apply(FencedWrite{a, ++sequence, "x", token, std::to_string(row), ""}).outcome,
                  row < LockLimits::keys ? Outcome::ok : Outcome::refused);
    }
}

TEST_F(LockMachineTest, there_are_only_so_many_sessions) {
    OpenSession command;
    for (std::size_t count = 0; count <= LockLimits::sessions; ++count) {
        command.client[0] = static_cast<unsigned char>(count & 0xFF);
        command.client[1] = static_cast<unsigned char>(count >> 8 & 0xFF);
        command.client[2] = static_cast<unsigned char>(count >> 16);
        ASSERT_EQ(apply(command).outcome,
                  count < LockLimits::sessions ? Outcome::ok : Outcome::refused);
    }
    command.client = {};
    EXPECT_EQ(apply(command).outcome, Outcome::ok) << "one that is there";
}

}  // namespace quorum_examples
