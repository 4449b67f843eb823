#pragma once

#include <attune/quorum/lock_machine/lock_machine.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace quorum_examples {

using namespace attune::quorum;
using namespace std::chrono_literals;
using std::chrono::milliseconds;

/// A machine whose entries have the numbers 1, 2, 3, … and the time that the test says.
class LockMachineTest : public testing::Test {
protected:
    Reply apply(const Command& command) {
        LockMachine::Applied applied = machine.apply(++index, now, encode(command));
        events = std::move(applied.events);
        return applied.reply;
    }

    SessionId open(unsigned char client, milliseconds ttl = 100ms, milliseconds delay = 0ms) {
        OpenSession command{.ttl = ttl, .lock_delay = delay};
        command.client[0] = client;
        const Reply reply = apply(command);
        EXPECT_EQ(reply.outcome, Outcome::ok);
        return reply.session;
    }
    Reply acquire(SessionId session, Sequence sequence, std::vector<Want> wants, bool wait = true) {
        return apply(Acquire{session, sequence, std::move(wants), wait});
    }
    Outcome release(SessionId session, Sequence sequence, const std::string& lock, Token token) {
        return apply(Release{session, sequence, lock, token}).outcome;
    }
    Outcome expire(SessionId session) {
        const auto view = machine.session(session);
        return apply(ExpireSession{session, view ? view->renewed : 0}).outcome;
    }

    static Want exclusive(std::string lock) { return {.lock = std::move(lock)}; }
    static Want shared(std::string lock) {
        return {.lock = std::move(lock), .mode = LockMode::shared};
    }
    static Want permits(std::string lock, std::uint32_t permits, std::uint32_t of) {
        return {std::move(lock), LockMode::permits, permits, of};
    }

    std::vector<SessionId> holders(const std::string& lock) const {
        std::vector<SessionId> sessions;
        if (const auto view = machine.lock(lock)) {
            for (const auto& holder : view->holders) {
                sessions.push_back(holder.session);
            }
        }
        return sessions;
    }
    std::vector<SessionId> waiters(const std::string& lock) const {
        std::vector<SessionId> sessions;
        if (const auto view = machine.lock(lock)) {
            for (const auto& waiter : view->waiters) {
                sessions.push_back(waiter.session);
            }
        }
        return sessions;
    }
    Event granted(SessionId session, Sequence sequence) const {
        return {Event::Kind::granted, session, sequence, token(), ""};
    }
    /// Of what the last entry granted.
    Token token() const { return {machine.epoch(), index}; }

    using Sessions = std::vector<SessionId>;
    using Events = std::vector<Event>;

    LockMachine machine{7};
    std::uint64_t index = 0;
    milliseconds now{1000};
    std::vector<Event> events;
};

}  // namespace quorum_examples
