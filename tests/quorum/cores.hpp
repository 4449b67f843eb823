#pragma once

#include <attune/quorum/raft/core.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace raft_test {

using namespace attune::quorum::raft;
using namespace std::chrono_literals;

inline Bytes bytes(std::string text) {
    return std::make_shared<const std::string>(std::move(text));
}
inline std::string text(const Bytes& data) { return data == nullptr ? "" : *data; }

/// What has been made durable, and what has been asked for since.
class Disk {
public:
    void ask(std::vector<NumberedWrite>& writes) {
        for (NumberedWrite& write : writes) {
            pending_.push_back(std::move(write));
        }
    }
    std::size_t pending() const { return pending_.size(); }
    /// The number of the last write that was done; nothing when there is none.
    std::optional<std::uint64_t> flush(std::size_t count = static_cast<std::size_t>(-1)) {
        std::optional<std::uint64_t> done;
        for (; count != 0 && !pending_.empty(); --count) {
            std::visit([&](const auto& write) { carry_out(write); }, pending_.front().write);
            done = pending_.front().number;
            pending_.pop_front();
        }
        return done;
    }
    void lose() { pending_.clear(); }

    Recovered durable{};

private:
    void carry_out(const WriteVote& write) { durable.vote = write.vote; }
    void carry_out(const WriteEntries& write) {
        durable.entries.insert(durable.entries.end(), write.entries.begin(), write.entries.end());
    }
    void carry_out(const TruncateLog& write) {
        std::erase_if(durable.entries, [&](const Entry& each) { return each.index >= write.from; });
    }
    void carry_out(const WriteSnapshot& write) {
        durable.snapshot = write.snapshot;
        std::erase_if(durable.entries, [&](const Entry& each) {
            return write.replaces_log || each.index <= write.snapshot.index;
        });
    }

    std::deque<NumberedWrite> pending_;
};

struct Packet {
    NodeId from = 0;
    NodeId to = 0;
    Message message;
};

/// What must hold in a cluster after each step (figure 3.2 of the thesis, and what a user relies
/// on). `broken` says what did not.
class Witness {
public:
    void leads(NodeId id, const Core& core) {
        const auto [leader, is_new] = leaders_.try_emplace(core.term(), id);
        if (leader->second != id) {
            fault("two leaders in term " + std::to_string(core.term()));
        }
        if (is_new) {
            for (const auto& [index, entry] : committed_) {
                if (!has(core, entry)) {
                    fault("leader " + std::to_string(id) + " of term " +
                          std::to_string(core.term()) + " lacks committed entry " +
                          std::to_string(index));
                    break;
                }
            }
        }
    }
    void commits(const Entry& entry) {
        const auto [known, is_new] = committed_.try_emplace(entry.index, entry);
        if (!is_new &&
            (known->second.term != entry.term || text(known->second.data) != text(entry.data))) {
            fault("two entries committed at " + std::to_string(entry.index));
        }
        if (is_new && entry.index > 1) {
            const auto before = committed_.find(entry.index - 1);
            if (before != committed_.end() && before->second.time > entry.time) {
                fault("cluster time goes back at " + std::to_string(entry.index));
            }
        }
    }
    void restores(const Snapshot& snapshot) {
        const auto entry = committed_.find(snapshot.index);
        if (entry == committed_.end() || entry->second.term != snapshot.term ||
            text(snapshot.data) != state(snapshot.index)) {
            fault("snapshot of " + std::to_string(snapshot.index) + " is not what was committed");
        }
    }
    /// The state of the machine after the entry at `index`: the commands one after the other.
    std::string state(Index index) const {
        std::string all;
        for (const auto& [place, entry] : committed_) {
            if (place > index) {
                break;
            }
            all += text(entry.data);
        }
        return all;
    }
    void same_logs(const Core& one, const Core& other) {
        Index index = std::min(one.last_index(), other.last_index());
        const auto both = [&] { return one.entry(index) && other.entry(index); };
        while (both() && one.entry(index)->term != other.entry(index)->term) {
            --index;
        }
        for (; both(); --index) {
            if (one.entry(index)->term != other.entry(index)->term ||
                text(one.entry(index)->data) != text(other.entry(index)->data)) {
                fault("logs differ at " + std::to_string(index) + " before a common entry");
                return;
            }
        }
    }
    void keeps(NodeId id, const Core& core) {
        for (Index index = core.snapshot().index + 1; index <= core.commit(); ++index) {
            const Entry* const entry = core.entry(index);
            const auto committed = committed_.find(index);
            if (!entry || committed == committed_.end() || entry->term != committed->second.term) {
                fault("member " + std::to_string(id) + " lost committed entry " +
                      std::to_string(index));
                return;
            }
        }
    }
    Index last_committed() const { return committed_.empty() ? 0 : committed_.rbegin()->first; }
    void fault(std::string what) {
        if (broken.empty()) {
            broken = std::move(what);
        }
    }

    std::string broken{};

private:
    static bool has(const Core& core, const Entry& entry) {
        if (entry.index <= core.snapshot().index) {
            return true;
        }
        const Entry* const own = core.entry(entry.index);
        return own != nullptr && own->term == entry.term;
    }

    std::map<Term, NodeId> leaders_;
    std::map<Index, Entry> committed_;
};

/// Cores with disks and a network, moved by hand.
class Cluster {
public:
    struct Member {
        std::unique_ptr<Core> core;
        Disk disk;
        std::string state{};  ///< of its machine
        Index applied = 0;
        std::vector<ReadOutcome> reads{};
        std::vector<RoleChange> roles{};
        Term term = 0;
        Index commit = 0;
        Term led = 0;
        Index led_to = 0;
    };

    explicit Cluster(std::size_t voters, CoreOptions options = {}) : options_(std::move(options)) {
        for (NodeId id = 1; id <= voters; ++id) {
            options_.voters.push_back(id);
            members_.try_emplace(id);
        }
        for (const NodeId id : options_.voters) {
            start(id);
        }
    }

    bool disks_are_slow = false;  ///< nothing becomes durable but by flush()
    bool checks = true;           ///< of invariants, after each step
    std::function<bool(const Packet&)> loses = [](const Packet&) { return false; };
    std::vector<Packet> network{};
    Instant now = 1s;
    Witness witness{};

    const std::vector<NodeId>& ids() const { return options_.voters; }
    CoreOptions& options() { return options_; }
    Member& member(NodeId id) { return members_.at(id); }
    Core& core(NodeId id) { return *members_.at(id).core; }
    bool is_up(NodeId id) { return member(id).core != nullptr; }

    void start(NodeId id) {
        Member& member = members_.at(id);
        CoreOptions options = options_;
        options.id = id;
        member.state.clear();
        member.applied = member.term = member.commit = member.led = 0;
        Effects effects;
        member.core = std::make_unique<Core>(options, member.disk.durable, now, ++seed_, effects);
        settle(id, effects);
    }
    /// Of the writes on their way, the first few become durable all the same.
    void crash(NodeId id, std::size_t kept = 0) {
        Member& member = members_.at(id);
        member.disk.flush(kept);
        member.disk.lose();
        member.core.reset();
    }
    void flush(NodeId id, std::size_t count = static_cast<std::size_t>(-1)) {
        if (const auto number = members_.at(id).disk.flush(count)) {
            step(id, [&](Core& core, Effects& effects) { core.stored(now, *number, effects); });
        }
    }
    void tick(NodeId id) {
        step(id, [&](Core& core, Effects& effects) { core.tick(now, effects); });
    }
    void receive(NodeId from, NodeId to, Message message) {
        step(to, [&](Core& core, Effects& effects) {
            core.receive(now, from, std::move(message), effects);
        });
    }
    Proposed propose(NodeId id, std::string command) {
        Proposed proposed;
        step(id, [&](Core& core, Effects& effects) {
            proposed = core.propose(now, bytes(std::move(command)), effects);
        });
        return proposed;
    }
    /// Whatever was committed anywhere by now has to be in the answer.
    void read(NodeId id, std::uint64_t number) {
        asked_[number] = witness.last_committed();
        step(id, [&](Core& core, Effects& effects) { core.read(now, number, effects); });
    }
    bool transfer(NodeId id, NodeId to) {
        bool possible = false;
        step(id, [&](Core& core, Effects& effects) { possible = core.transfer(now, to, effects); });
        return possible;
    }
    /// Up to what has been applied.
    void compact(NodeId id) {
        step(id, [&](Core& core, Effects& effects) {
            core.compact(now, member(id).applied, bytes(member(id).state), effects);
        });
    }
    template <class F>
    void step(NodeId id, F&& f) {
        if (is_up(id)) {
            Effects effects;
            f(core(id), effects);
            settle(id, effects);
        }
    }

    void deliver(std::size_t place) {
        Packet packet = std::move(network.at(place));
        network.erase(network.begin() + static_cast<std::ptrdiff_t>(place));
        if (!loses(packet)) {
            receive(packet.from, packet.to, std::move(packet.message));
        }
    }
    /// Until nothing is on its way any more.
    void deliver_all() {
        while (!network.empty()) {
            deliver(0);
        }
    }
    /// Time passes; whoever has something to do then does it, and messages take no time.
    void pass(Instant time) {
        const Instant end = now + time;
        deliver_all();
        while (true) {
            Instant next = end;
            for (const NodeId id : ids()) {
                if (is_up(id)) {
                    next = std::min(next, core(id).deadline());
                }
            }
            now = std::max(now, next);
            for (const NodeId id : ids()) {
                if (is_up(id) && core(id).deadline() <= now) {
                    tick(id);
                }
            }
            deliver_all();
            if (now >= end) {
                return;
            }
        }
    }
    /// The clock of one member shows a time, and nobody else does anything.
    void time_out(NodeId id) {
        now = std::max(now, core(id).deadline());
        tick(id);
    }
    /// Passes time until there is a leader that is ready.
    NodeId elect() {
        for (int tries = 0; tries != 1000; ++tries) {
            for (const NodeId id : ids()) {
                if (is_up(id) && core(id).is_ready()) {
                    return id;
                }
            }
            pass(50ms);
        }
        return 0;
    }
    NodeId other_than(NodeId one, NodeId two = 0) {
        for (const NodeId id : ids()) {
            if (id != one && id != two) {
                return id;
            }
        }
        return 0;
    }
    void isolate(NodeId id) {
        loses = [id](const Packet& packet) { return packet.from == id || packet.to == id; };
    }
    void heal() {
        loses = [](const Packet&) { return false; };
    }
    template <class M>
    std::vector<M> sent(NodeId from, NodeId to) {
        std::vector<M> all;
        for (const Packet& packet : network) {
            if (const M* const message = std::get_if<M>(&packet.message);
                message && packet.from == from && packet.to == to) {
                all.push_back(*message);
            }
        }
        return all;
    }

private:
    void settle(NodeId id, Effects& effects) {
        Member& member = members_.at(id);
        take(id, effects);
        while (!disks_are_slow && member.disk.pending() != 0) {
            const auto number = member.disk.flush();
            effects.clear();
            member.core->stored(now, *number, effects);
            take(id, effects);
        }
    }
    void take(NodeId id, Effects& effects) {
        Member& member = members_.at(id);
        const Core& core = *member.core;
        for (Outgoing& each : effects.messages) {
            network.push_back({id, each.to, std::move(each.message)});
        }
        member.disk.ask(effects.writes);
        if (effects.restore) {
            if (checks) {
                witness.restores(*effects.restore);
            }
            member.state = text(effects.restore->data);
            member.applied = effects.restore->index;
        }
        for (const Entry& entry : effects.committed) {
            if (entry.index != member.applied + 1) {
                witness.fault("applied out of order");
            }
            if (checks) {
                witness.commits(entry);
            }
            member.applied = entry.index;
            member.state += text(entry.data);
        }
        for (const ReadOutcome& read : effects.reads) {
            if (checks && read.index &&
                (!asked_.contains(read.id) || *read.index < asked_[read.id] ||
                 *read.index > core.commit())) {
                witness.fault("read " + std::to_string(read.id) + " at " +
                              std::to_string(*read.index) + " misses what was committed");
            }
        }
        member.reads.insert(member.reads.end(), effects.reads.begin(), effects.reads.end());
        if (effects.role) {
            member.roles.push_back(*effects.role);
        }
        if (checks) {
            check(id, core, member);
        }
    }
    void check(NodeId id, const Core& core, Member& member) {
        if (core.term() < member.term || core.commit() < member.commit) {
            witness.fault("term or commit of " + std::to_string(id) + " went back");
        }
        member.term = core.term();
        member.commit = core.commit();
        if (core.role() == Role::leader) {
            witness.leads(id, core);
            if (member.led == core.term() && core.last_index() < member.led_to) {
                witness.fault("leader " + std::to_string(id) + " cut its log");
            }
            member.led = core.term();
            member.led_to = core.last_index();
        }
        witness.keeps(id, core);
        for (const auto& [other, each] : members_) {
            if (other != id && each.core != nullptr) {
                witness.same_logs(core, *each.core);
            }
        }
        if (core.commit() != member.applied) {
            witness.fault("commit without effect");
        }
        if (core.has_failed()) {
            witness.fault("member " + std::to_string(id) + " has seen what cannot be");
        }
    }

    CoreOptions options_;
    std::map<NodeId, Member> members_;
    std::map<std::uint64_t, Index> asked_;
    std::uint64_t seed_ = 0;
};

/// A log whose entries have these terms, as a member finds it when it starts. Their texts are their
/// index and term.
inline Recovered log_of(const std::vector<Term>& terms) {
    Recovered found;
    for (const Term term : terms) {
        const Index index = found.entries.size() + 1;
        found.entries.push_back({index, term, ClusterTime{static_cast<std::int64_t>(index)},
                                 EntryKind::command,
                                 bytes(std::to_string(index) + "@" + std::to_string(term) + ";")});
        found.vote.term = std::max(found.vote.term, term);
    }
    return found;
}
inline std::vector<Entry> entries_of(const std::vector<Term>& terms, Index after) {
    std::vector<Entry> all = log_of(terms).entries;
    all.erase(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(after));
    return all;
}
inline std::vector<Term> terms_of(const Core& core) {
    std::vector<Term> terms;
    for (Index index = core.snapshot().index + 1; index <= core.last_index(); ++index) {
        terms.push_back(core.entry(index)->term);
    }
    return terms;
}

/// Member 1 of three (or more), whose others are what a test says they are.
class Alone : public Cluster {
public:
    explicit Alone(Recovered found = {}, CoreOptions options = {}, std::size_t voters = 3)
        : Cluster(voters, std::move(options)) {
        checks = false;
        for (const NodeId id : ids()) {
            crash(id);
        }
        network.clear();
        member(1).disk.durable = std::move(found);
        start(1);
    }
    Core& core() { return Cluster::core(1); }
    Disk& disk() { return member(1).disk; }
    void hears(NodeId from, Message message) { receive(from, 1, std::move(message)); }
    /// Longer than anybody sticks to a leader.
    void wait() { now += 2 * options().election; }
    /// What was said since the last time, of that kind.
    template <class M>
    std::vector<M> said() {
        std::vector<M> all;
        std::erase_if(network, [&](const Packet& packet) {
            const M* const message = std::get_if<M>(&packet.message);
            if (message != nullptr) {
                all.push_back(*message);
            }
            return message != nullptr;
        });
        return all;
    }
    /// With the votes of all others, in the next term; they say nothing else.
    void lead() {
        time_out(1);
        for (const NodeId id : ids()) {
            hears(id, PreVoteReply{core().term() + 1, true});
        }
        flush(1);
        const Term term = core().term();
        for (const NodeId id : ids()) {
            hears(id, VoteReply{term, true});
        }
    }
    /// All others have everything, as of the last round.
    void agree(std::uint64_t round = 1) {
        for (const NodeId id : ids()) {
            hears(id, AppendReply{core().term(), round, true, core().last_index(), 0, 0});
        }
    }
};

}  // namespace raft_test
