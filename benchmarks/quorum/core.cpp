// What consensus itself costs: three cores in one thread, whose messages go from one to the other
// in memory, and whose writes are durable at once.

#include <attune/quorum/raft/core.hpp>

#include "../support.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace bench;
using namespace attune::quorum::raft;
using namespace std::chrono_literals;

class Trio {
public:
    Trio() {
        for (NodeId id = 1; id <= 3; ++id) {
            CoreOptions options;
            options.id = id;
            options.voters = {1, 2, 3};
            cores_[id - 1] = std::make_unique<Core>(options, Recovered{}, now_, id, effects_);
            settle(id);
        }
        now_ += 2s;
        core(1).tick(now_, effects_);
        settle(1);
        deliver();
        if (!core(1).is_ready()) {
            throw std::runtime_error{"no leader"};
        }
    }

    /// The leader's round, and what the others say to it.
    void heartbeat() {
        now_ = core(1).deadline();
        core(1).tick(now_, effects_);
        settle(1);
        deliver();
    }
    void propose(const Bytes& command) {
        core(1).propose(now_, command, effects_);
        settle(1);
        deliver();
    }
    void compact() {
        for (NodeId id = 1; id <= 3; ++id) {
            core(id).compact(now_, core(id).commit(), nullptr, effects_);
            settle(id);
        }
        deliver();
    }
    Index commit() const { return cores_[0]->commit(); }
    std::uint64_t steps() const { return steps_; }

private:
    struct Packet {
        NodeId from = 0;
        Outgoing outgoing;
    };

    Core& core(NodeId id) { return *cores_[id - 1]; }

    void settle(NodeId id) {
        ++steps_;
        take(id);
        while (written_[id - 1] != stored_[id - 1]) {
            stored_[id - 1] = written_[id - 1];
            core(id).stored(now_, stored_[id - 1], effects_);
            ++steps_;
            take(id);
        }
    }
    void take(NodeId id) {
        for (Outgoing& each : effects_.messages) {
            packets_.push_back({id, std::move(each)});
        }
        if (!effects_.writes.empty()) {
            written_[id - 1] = effects_.writes.back().number;
        }
        benchmark::DoNotOptimize(effects_.committed.data());
        effects_.clear();
    }
    void deliver() {
        for (std::size_t i = 0; i != packets_.size(); ++i) {
            Packet packet = std::move(packets_[i]);
            core(packet.outgoing.to)
                .receive(now_, packet.from, std::move(packet.outgoing.message), effects_);
            settle(packet.outgoing.to);
        }
        packets_.clear();
    }

    Instant now_ = 1s;
    Effects effects_;
    std::vector<Packet> packets_;
    std::array<std::unique_ptr<Core>, 3> cores_;
    std::array<std::uint64_t, 3> written_{};
    std::array<std::uint64_t, 3> stored_{};
    std::uint64_t steps_ = 0;
};

/// Time is per round: the leader's step, two of followers, and two replies.
void quorum_heartbeat(benchmark::State& state) {
    Trio trio;
    trio.propose(std::make_shared<const std::string>("command"));
    trio.heartbeat();
    trio.heartbeat();
    const auto steps = trio.steps();
    const auto before = allocations();
    for (auto _ : state) {
        trio.heartbeat();
    }
    const auto rounds = static_cast<double>(state.iterations());
    state.counters["allocations"] = static_cast<double>(allocations() - before) / rounds;
    state.counters["steps"] = static_cast<double>(trio.steps() - steps) / rounds;
}

/// Time is per entry: proposed, sent, written by all three, and committed by all three.
void quorum_entry(benchmark::State& state) {
    Trio trio;
    const auto command = std::make_shared<const std::string>(64, 'x');
    const auto before = allocations();
    std::size_t count = 0;
    for (auto _ : state) {
        trio.propose(command);
        if (++count % 8192 == 0) {
            trio.compact();
        }
    }
    if (trio.commit() < count) {
        state.SkipWithError("not committed");
    }
    state.counters["allocations"] =
        static_cast<double>(allocations() - before) / static_cast<double>(count);
}

BENCHMARK(quorum_heartbeat)->Name("quorum/heartbeat");
BENCHMARK(quorum_entry)->Name("quorum/entry");

}  // namespace
