#include "sim/seeds.hpp"
#include "sim/simulation.hpp"

#include <attune/testing/linearizability.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

namespace short_histories_test {
namespace {

using namespace attune_sim;

/// What clients ask of one exclusive lock, and the end of a session, which nobody asks for.
struct LockOperation {
    enum class Kind : std::uint8_t { acquire, release, cancel, end_session };
    Kind kind = Kind::acquire;
    std::uint64_t session = 0;
    std::uint64_t acquire = 0;  ///< the sequence of the Acquire that it is, or is about
    std::optional<quorum::Outcome> outcome{};
};

/// Session and sequence of the request that has the lock; zeros: nobody.
using Holder = std::pair<std::uint64_t, std::uint64_t>;

struct HolderHash {
    std::size_t operator()(const Holder& holder) const noexcept {
        return static_cast<std::size_t>(Random::mix(holder.first * 64 + holder.second));
    }
};

std::optional<Holder> apply(const Holder& state, const LockOperation& operation) {
    const Holder self{operation.session, operation.acquire};
    switch (operation.kind) {
    case LockOperation::Kind::acquire:
        if (!operation.outcome || operation.outcome == quorum::Outcome::ok) {
            return state == Holder{} ? std::optional{self} : std::nullopt;
        }
        // With one lock and no delay, whoever does not get it finds it held.
        return operation.outcome != quorum::Outcome::busy || state != Holder{}
                   ? std::optional{state}
                   : std::nullopt;
    case LockOperation::Kind::release:
        if (operation.outcome == quorum::Outcome::ok) {
            return state == self ? std::optional{Holder{}} : std::nullopt;
        }
        if (operation.outcome) {
            return state != self ? std::optional{state} : std::nullopt;
        }
        return state == self ? Holder{} : state;
    case LockOperation::Kind::cancel: return state == self ? Holder{} : state;
    case LockOperation::Kind::end_session:
        return state.first == operation.session ? Holder{} : state;
    }
    return std::nullopt;
}

class ShortHistory {
public:
    explicit ShortHistory(const Plan& plan) : simulation_(plan) {
        for (const auto& client : simulation_.clients()) {
            client->on_call = [this](std::uint64_t call, const quorum::Command& command) {
                begin(call, command);
            };
            client->on_answer = [this](std::uint64_t call, quorum::Outcome outcome) {
                end(call, outcome);
            };
            auto others = std::exchange(client->on_grant, nullptr);
            client->on_grant = [this, others](const Client& who, const Client::Held& held) {
                others(who, held);
                tokens_[held.token] = acquires_[{who.session(), held.invoked}];
            };
        }
        auto& expired = simulation_.world().history.locks.expired;
        expired = [this, others = std::exchange(expired, nullptr)](quorum::SessionId session) {
            others(session);
            history_.push_back({{.kind = LockOperation::Kind::end_session, .session = session},
                                simulation_.world().now(),
                                std::nullopt});
        };
    }

    Outcome run() { return simulation_.run(); }
    const attune::testing::History<LockOperation>& history() const { return history_; }

private:
    void begin(std::uint64_t call, const quorum::Command& command) {
        LockOperation operation;
        if (const auto* const acquire = std::get_if<quorum::Acquire>(&command)) {
            operation.session = acquire->session;
            operation.acquire = acquire->sequence;
            acquires_[{acquire->session, simulation_.world().now()}] = acquire->sequence;
        } else if (const auto* const release = std::get_if<quorum::Release>(&command)) {
            operation.kind = LockOperation::Kind::release;
            operation.session = release->session;
            operation.acquire = tokens_.at(release->token);
        } else if (const auto* const cancel = std::get_if<quorum::CancelAcquire>(&command)) {
            operation.kind = LockOperation::Kind::cancel;
            operation.session = cancel->session;
            operation.acquire = cancel->acquire;
        } else if (const auto* const close = std::get_if<quorum::CloseSession>(&command)) {
            operation.kind = LockOperation::Kind::end_session;
            operation.session = close->session;
        } else {
            return;
        }
        calls_[call] = history_.size();
        history_.push_back({operation, simulation_.world().now(), std::nullopt});
    }
    void end(std::uint64_t call, quorum::Outcome outcome) {
        const auto found = calls_.find(call);
        // What has lost its session, or is not known any more, may have been done before.
        if (found != calls_.end() && outcome != quorum::Outcome::no_session &&
            outcome != quorum::Outcome::forgotten &&
            !(outcome == quorum::Outcome::not_held &&
              history_[found->second].operation.kind == LockOperation::Kind::acquire)) {
            history_[found->second].operation.outcome = outcome;
            history_[found->second].returned = simulation_.world().now();
        }
    }

    Simulation simulation_;
    attune::testing::History<LockOperation> history_;
    std::map<std::uint64_t, std::size_t> calls_;
    std::map<std::pair<quorum::SessionId, Time>, quorum::Sequence> acquires_;
    std::map<quorum::Token, quorum::Sequence> tokens_;
};

TEST(ShortHistories, are_those_of_one_lock_that_clients_take_in_turn) {
    using namespace std::chrono_literals;
    const Seeds seeds = Seeds{}.part(0, 10);
    std::uint64_t operations = 0;
    for (std::uint64_t seed = seeds.first; seed != seeds.first + seeds.many; ++seed) {
        Plan plan = plan_of(seed);
        plan.events = 700;
        plan.locks = 1;
        plan.exclusive_only = true;
        plan.forces = false;
        plan.lock_delay = 0ms;
        plan.clients = 3;
        ShortHistory run(plan);
        const Outcome outcome = run.run();
        ASSERT_TRUE(outcome.is_good()) << "seed " << seed << ": " << outcome.what;
        const auto answer =
            attune::testing::linearize(run.history(), Holder{}, apply, HolderHash{});
        ASSERT_TRUE(answer) << "seed " << seed << ": operation " << answer.stuck.value_or(0)
                            << " does not fit after " << answer.order.size() << " of "
                            << run.history().size();
        operations += run.history().size();
    }
    EXPECT_GE(operations, 10 * seeds.many);
}

}  // namespace
}  // namespace short_histories_test
