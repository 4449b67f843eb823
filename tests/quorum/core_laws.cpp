#include <attune/quorum/raft/core.hpp>

#include "cores.hpp"

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace raft_test {

enum class Act {
    deliver,
    flush,
    pass,
    propose,
    read,
    compact,
    restart,
    late,
    reorder,
    lose,
    repeat,
    time_out,
    crash,
    transfer
};

std::ostream& operator<<(std::ostream& out, Act act) {
    constexpr const char* names[] = {"deliver", "flush",    "pass",  "propose", "read",
                                     "compact", "restart",  "late",  "reorder", "lose",
                                     "repeat",  "time_out", "crash", "transfer"};
    return out << names[static_cast<std::size_t>(act)];
}

}  // namespace raft_test

namespace {

using namespace raft_test;

CoreOptions small_options() {
    CoreOptions options;
    options.heartbeat = 10ms;
    options.election = 50ms;
    options.batch_entries = 2;
    options.window = 3;
    options.piece_bytes = 4;
    options.uncommitted = 12;
    options.unstored_bytes = 200;
    return options;
}

/// How often each of them happens. Some of the faults never do: what one of them alone needs to do
/// harm, the others would hide.
std::vector<Act> mixture() {
    std::vector<Act> acts;
    const auto add = [&](Act act, int count) {
        acts.insert(acts.end(), static_cast<std::size_t>(count), act);
    };
    add(Act::deliver, 200);
    add(Act::flush, 80);
    add(Act::pass, 30);
    add(Act::propose, 30);
    add(Act::read, 10);
    add(Act::restart, 10);
    for (const Act fault : {Act::compact, Act::late, Act::reorder, Act::lose, Act::repeat,
                            Act::time_out, Act::crash, Act::transfer}) {
        add(fault, *rc::gen::element(0, 1, 3, 10));
    }
    return acts;
}

class Schedule {
public:
    explicit Schedule(Cluster& cluster) : cluster_(cluster) {}

    void step(Act act, std::size_t number) {
        const NodeId id = cluster_.ids()[number % cluster_.ids().size()];
        const std::size_t more = number / cluster_.ids().size();
        std::vector<Packet>& network = cluster_.network;
        switch (act) {
        case Act::deliver:
            if (!network.empty()) {
                cluster_.deliver(0);
            }
            break;
        case Act::reorder:
            if (!network.empty()) {
                cluster_.deliver(number % network.size());
            }
            break;
        case Act::lose: lose(number); break;
        case Act::repeat:
            if (!network.empty() && network.size() < 100) {
                network.push_back(network[number % network.size()]);
            }
            break;
        case Act::flush: cluster_.flush(id, 1 + more % 3); break;
        case Act::pass:
            cluster_.now += std::chrono::milliseconds{more % 12};
            for (const NodeId each : cluster_.ids()) {
                if (cluster_.is_up(each) && cluster_.core(each).deadline() <= cluster_.now) {
                    cluster_.tick(each);
                }
            }
            break;
        case Act::late:  // nobody but this one has a look at the clock
            cluster_.now += std::chrono::milliseconds{more % 80};
            cluster_.tick(id);
            break;
        case Act::time_out:
            if (cluster_.is_up(id) && cluster_.core(id).deadline() != Instant::max()) {
                cluster_.time_out(id);
            }
            break;
        case Act::propose: propose(id); break;
        case Act::read: cluster_.read(leader_or(id), ++reads_); break;
        case Act::compact: cluster_.compact(id); break;
        case Act::crash: cluster_.crash(id, more % 4); break;
        case Act::restart:
            if (!cluster_.is_up(id)) {
                cluster_.start(id);
            }
            break;
        case Act::transfer: cluster_.transfer(leader_or(id), id); break;
        }
        if (network.size() > 200) {
            lose(number);
        }
    }

private:
    NodeId leader_or(NodeId id) {
        for (const NodeId each : cluster_.ids()) {
            if (cluster_.is_up(each) && cluster_.core(each).role() == Role::leader) {
                return each;
            }
        }
        return id;
    }
    void propose(NodeId id) {
        // To an old leader as well, if there is one.
        if (!cluster_.is_up(id) || cluster_.core(id).role() != Role::leader) {
            id = leader_or(id);
        }
        cluster_.propose(id, "c" + std::to_string(++proposals_) + ";");
    }
    void lose(std::size_t number) {
        if (!cluster_.network.empty()) {
            const std::size_t place = number % cluster_.network.size();
            cluster_.network.erase(cluster_.network.begin() + static_cast<std::ptrdiff_t>(place));
        }
    }

    Cluster& cluster_;
    std::uint64_t reads_ = 0;
    int proposals_ = 0;
};

using Steps = std::vector<std::pair<Act, std::size_t>>;

Steps some_steps(std::size_t most) {
    const auto count = *rc::gen::resize(100, rc::gen::inRange<std::size_t>(0, most));
    return *rc::gen::container<Steps>(
        count, rc::gen::pair(rc::gen::elementOf(mixture()),
                             rc::gen::resize(100, rc::gen::inRange<std::size_t>(0, 1000))));
}

RC_GTEST_PROP(CoreLaw, whatever_happens_is_safe_and_ends_well_once_it_stops, ()) {
    Cluster cluster{*rc::gen::element<std::size_t>(1, 3, 3, 5), small_options()};
    cluster.disks_are_slow = true;
    const Steps steps = some_steps(2000);
    Schedule schedule{cluster};
    for (const auto& [act, number] : steps) {
        schedule.step(act, number);
        RC_ASSERT(cluster.witness.broken == "");
    }

    cluster.disks_are_slow = false;
    // A majority is enough.
    const std::size_t minority = (cluster.ids().size() - 1) / 2;
    std::size_t down = *rc::gen::resize(100, rc::gen::inRange<std::size_t>(0, minority + 1));
    const std::size_t first = *rc::gen::resize(100, rc::gen::inRange<std::size_t>(0, 5));
    for (std::size_t i = 0; i != cluster.ids().size(); ++i) {
        const NodeId id = cluster.ids()[(first + i) % cluster.ids().size()];
        if (down != 0) {
            cluster.crash(id);
            --down;
        } else if (!cluster.is_up(id)) {
            cluster.start(id);
        }
        cluster.flush(id);
    }
    cluster.pass(2s);
    const NodeId leader = cluster.elect();
    RC_ASSERT(leader != 0U);
    const Proposed last = cluster.propose(leader, "end");
    cluster.pass(200ms);
    RC_ASSERT(last.index != 0U);
    RC_ASSERT(cluster.witness.broken == "");
    for (const NodeId id : cluster.ids()) {
        if (!cluster.is_up(id)) {
            continue;
        }
        RC_ASSERT(cluster.core(id).commit() == last.index);
        RC_ASSERT(cluster.member(id).state == cluster.member(leader).state);
    }
}

RC_GTEST_PROP(CoreLaw, the_same_calls_have_the_same_effects, ()) {
    const Steps steps = some_steps(500);
    Cluster one{3, small_options()};
    Cluster other{3, small_options()};
    one.disks_are_slow = other.disks_are_slow = true;
    Schedule first{one};
    Schedule second{other};
    for (const auto& [act, number] : steps) {
        first.step(act, number);
        second.step(act, number);
        RC_ASSERT(one.now == other.now);
        RC_ASSERT(one.network.size() == other.network.size());
        for (const NodeId id : one.ids()) {
            RC_ASSERT(one.is_up(id) == other.is_up(id));
            if (one.is_up(id)) {
                RC_ASSERT(one.core(id).deadline() == other.core(id).deadline());
                RC_ASSERT(one.core(id).term() == other.core(id).term());
                RC_ASSERT(one.core(id).role() == other.core(id).role());
                RC_ASSERT(one.core(id).commit() == other.core(id).commit());
                RC_ASSERT(terms_of(one.core(id)) == terms_of(other.core(id)));
            }
        }
    }
}

}  // namespace
