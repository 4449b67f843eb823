#pragma once

#include "sim/plan.hpp"
#include "sim/simulation.hpp"

#include <attune/quorum/replica.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace attune_sim {

/// A cluster without clients and without faults but those that a test makes, step by step. All the
/// invariants are judged here, too: what breaks one throws.
class Script {
public:
    using Change = std::function<void(Plan&)>;

    explicit Script(
        std::size_t voters, const Change& change = [](Plan&) {})
        : simulation_(plan_with(voters, change)) {
        simulation_.world().answer = [this](std::size_t, const quorum::Answer& answer) {
            if (answer.kind == quorum::Answer::Kind::event) {
                events_.push_back(answer.event);
            } else {
                answers_[answer.id] = answer;
            }
        };
        simulation_.begin();
    }

    Member& member(std::size_t place) { return *simulation_.members()[place]; }
    World& world() { return simulation_.world(); }
    const quorum::LockMachine& machine() { return world().history.locks.machine(); }
    const std::vector<quorum::Event>& events() const noexcept { return events_; }

    template <class Done>
    void run_until(Done done) {
        const Time end = world().now() + std::chrono::seconds{60};
        while (!done()) {
            if (!simulation_.step() || world().now() > end) {
                throw std::runtime_error("the script waits in vain");
            }
        }
    }
    void run_for(Time time) {
        const Time end = world().now() + time;
        run_until([&] { return world().now() >= end; });
    }

    std::optional<std::size_t> leader_at() {
        for (std::size_t place = 0; place != simulation_.members().size(); ++place) {
            if (member(place).is_up() && member(place).core().is_ready()) {
                return place;
            }
        }
        return std::nullopt;
    }
    std::size_t elect() {
        run_until([&] { return leader_at().has_value(); });
        return *leader_at();
    }

    /// Both ways.
    void cut(std::size_t one, std::size_t other, bool yes = true) {
        world().network.cut(one, other, yes);
        world().network.cut(other, one, yes);
    }
    void isolate(std::size_t place, bool yes = true) {
        for (std::size_t other = 0; other != simulation_.members().size(); ++other) {
            cut(place, other, yes);
        }
    }

    std::uint64_t ask(std::size_t place, quorum::Command command) {
        const std::uint64_t id = ++last_;
        member(place).request(1, {.id = id, .what = std::move(command)});
        return id;
    }
    const quorum::Answer* answer(std::uint64_t id) const {
        const auto found = answers_.find(id);
        return found == answers_.end() ? nullptr : &found->second;
    }
    quorum::Reply call(std::size_t place, quorum::Command command) {
        const std::uint64_t id = ask(place, std::move(command));
        run_until([&] { return answer(id) != nullptr; });
        return answer(id)->reply;
    }
    quorum::SessionId open(std::size_t place, std::uint8_t client,
                           std::chrono::milliseconds ttl = std::chrono::minutes{5}) {
        quorum::OpenSession command;
        command.client.fill(client);
        command.ttl = ttl;
        command.lock_delay = {};
        return call(place, command).session;
    }

private:
    static Plan plan_with(std::size_t voters, const Change& change) {
        using namespace std::chrono_literals;
        Plan plan;
        plan.voters = voters;
        plan.clients = 0;
        plan.heartbeat = 50ms;
        plan.election = 200ms;
        plan.snapshot_entries = 1'000;
        plan.delay = 2ms;
        plan.flush = 1ms;
        change(plan);
        return plan;
    }

    Simulation simulation_;
    std::uint64_t last_ = 0;
    std::map<std::uint64_t, quorum::Answer> answers_;
    std::vector<quorum::Event> events_;
};

}  // namespace attune_sim
