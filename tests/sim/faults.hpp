#pragma once

#include "sim/client.hpp"
#include "sim/member.hpp"
#include "sim/world.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace attune_sim {

using Members = std::vector<std::unique_ptr<Member>>;
using Clients = std::vector<std::unique_ptr<Client>>;

/// Does harm, of the kinds that the plan has, one after the other and all at once.
class Nemesis {
public:
    Nemesis(World& world, Members& members, Clients& clients)
        : world_(world), members_(members), clients_(clients), random_(world.random.fork()) {
        for (std::size_t i = 0; i != static_cast<std::size_t>(Fault::count); ++i) {
            if (world.plan.has(static_cast<Fault>(i)) &&
                static_cast<Fault>(i) != Fault::foreign_frames) {
                kinds_.push_back(static_cast<Fault>(i));
            }
        }
        if (world.plan.has(Fault::strand)) {
            kinds_.insert(kinds_.end(), kinds_.size() / 3, Fault::strand);
        }
    }

    void start() {
        if (!kinds_.empty()) {
            again();
        }
    }
    void stop() noexcept { stopped_ = true; }

private:
    void again() {
        world_.heap.after(random_.between(world_.plan.gap / 8, world_.plan.gap), [this] {
            if (!stopped_) {
                strike(random_.one_of(kinds_));
                repair();
                again();
            }
        });
    }
    /// Later, unless everything heals before.
    template <class Undo>
    void later(Undo undo, int longer = 1) {
        const Time most = (random_.chance(100) ? 20 : 4 * longer) * election();
        world_.heap.after(random_.between(Time{}, most), [this, undo] {
            if (!stopped_) {
                undo();
            }
        });
    }
    Time election() const noexcept { return world_.plan.election; }
    std::size_t voters() const noexcept { return members_.size(); }

    /// Leaders suffer more often.
    Member& victim() {
        if (random_.chance(500)) {
            for (const auto& member : members_) {
                if (member->is_leader()) {
                    return *member;
                }
            }
        }
        return *random_.one_of(members_);
    }
    void restart_later(Member& member) {
        later([&member] { restart(member); });
    }
    static void restart(Member& member) {
        if (member.has_failed()) {
            member.crash(false);
        }
        if (!member.is_up()) {
            member.start();
        }
    }
    /// Nobody stays down for ever because of a second fault.
    void repair() {
        for (const auto& member : members_) {
            if ((!member->is_up() || member->has_failed()) && random_.chance(100)) {
                restart(*member);
            }
        }
    }

    void strike(Fault fault) {
        switch (fault) {
        case Fault::cut: return cut();
        case Fault::isolate: return isolate();
        case Fault::split: return split();
        case Fault::strand: return strand();
        case Fault::swizzle: return swizzle();
        case Fault::clog: return clog();
        case Fault::weather: return weather();
        case Fault::crash: return crash(victim(), true);
        case Fault::kill: return crash(victim(), false);
        case Fault::crash_in_write: {
            Member& member = victim();
            member.disk().stop_after(random_.between<std::size_t>(1, 12));
            return restart_later(member);
        }
        case Fault::pause: return pause(victim());
        case Fault::clock_jump: return clock_jump(victim());
        case Fault::clock_rate: return clock_rate(victim());
        case Fault::slow_disk: return slow_disk(victim());
        case Fault::failing_flush: return failing_flush(victim());
        case Fault::full_disk: return full_disk(victim());
        case Fault::damage:
        case Fault::lost_disk: return damage(victim(), fault == Fault::lost_disk);
        case Fault::transfer: return transfer(victim());
        case Fault::client_crash: return client_crash(*random_.one_of(clients_));
        case Fault::client_pause: return client_pause(*random_.one_of(clients_));
        case Fault::foreign_frames:
        case Fault::count: return;
        }
    }

    // ---- the network

    void cut_all_of(std::size_t place, bool yes) {
        for (std::size_t other = 0; other != voters(); ++other) {
            world_.network.cut(place, other, yes);
            world_.network.cut(other, place, yes);
        }
    }
    void cut() {
        const std::size_t from = random_.below(voters() + clients_.size());
        const std::size_t to = random_.below(voters() + clients_.size());
        world_.trace.line(world_.now(), "cut ", from, " -> ", to);
        world_.statistics.add(Count::partitions);
        world_.network.cut(from, to, true);
        later([this, from, to] { world_.network.cut(from, to, false); });
    }
    void isolate() {
        const std::size_t place = victim().place();
        world_.trace.line(world_.now(), "isolate ", place);
        world_.statistics.add(Count::partitions);
        cut_all_of(place, true);
        later([this, place] { cut_all_of(place, false); });
    }
    void split() {
        world_.statistics.add(Count::partitions);
        const std::size_t side = random_.below(std::size_t{1} << voters());
        world_.trace.line(world_.now(), "split ", side);
        const auto set = [this, side](bool yes) {
            for (std::size_t from = 0; from != voters(); ++from) {
                for (std::size_t to = 0; to != voters(); ++to) {
                    if (((side >> from) & 1) != ((side >> to) & 1)) {
                        world_.network.cut(from, to, yes);
                    }
                }
            }
        };
        set(true);
        later([set] { set(false); });
    }
    /// As in figure 3.7 of the thesis: whoever leads takes entries that only some will ever see.
    void strand() {
        for (const auto& member : members_) {
            if (!member->is_leader()) {
                continue;
            }
            world_.statistics.add(Count::partitions);
            world_.trace.line(world_.now(), "strand ", member->place());
            const std::size_t place = member->place();
            std::vector<std::size_t> lost;
            for (std::size_t other = 0; other != voters(); ++other) {
                if (random_.chance(600)) {
                    lost.push_back(other);
                }
            }
            const auto set = [this, place, lost](bool yes) {
                for (const std::size_t other : lost) {
                    world_.network.cut(place, other, yes);
                }
            };
            set(true);
            for (int many = random_.chance(500) ? 1 : random_.between(2, 6); many != 0; --many) {
                member->request(nobody,
                                {.id = 0, .what = quorum::Command{quorum::AskRelease{"lock-0"}}});
            }
            world_.heap.after(random_.between(Time{}, election() / 4), [this, &member, place] {
                if (stopped_) {
                    return;
                }
                if (world_.plan.has(Fault::crash)) {
                    crash(*member, random_.chance(500));
                } else {
                    cut_all_of(place, true);
                    later([this, place] { cut_all_of(place, false); });
                }
            });
            later([set] { set(false); });
            return;
        }
    }
    /// Stops the links of some members, one after the other, and starts them in another order.
    void swizzle() {
        world_.statistics.add(Count::partitions);
        for (std::size_t place = 0; place != voters(); ++place) {
            if (random_.chance(600)) {
                const Time begin = random_.between(Time{}, election());
                const Time end = begin + random_.between(Time{}, 3 * election());
                world_.heap.after(begin, [this, place] {
                    if (!stopped_) {
                        cut_all_of(place, true);
                    }
                });
                world_.heap.after(end, [this, place] {
                    if (!stopped_) {
                        cut_all_of(place, false);
                    }
                });
            }
        }
    }
    void clog() {
        world_.statistics.add(Count::clogs);
        const std::size_t from = random_.below(voters() + clients_.size());
        const std::size_t to = random_.below(voters());
        const bool all = random_.chance(500);
        world_.trace.line(world_.now(), "clog ", from, " -> ", all ? "all" : "one ", to);
        const auto set = [this, from, to, all](bool yes) {
            for (std::size_t place = 0; place != voters(); ++place) {
                if (all || place == to) {
                    world_.network.clog(from, place, yes);
                }
            }
        };
        set(true);
        later([set] { set(false); });
    }
    void weather() {
        const Network::Weather old = world_.network.weather();
        Network::Weather bad = old;
        bad.loss = random_.between(0u, 500u);
        bad.repeats = random_.between(0u, 300u);
        bad.most = random_.between(old.most, election());
        bad.reorders = random_.chance(500);
        bad.straggle = 4 * election();
        world_.network.set_weather(bad);
        later([this, old] { world_.network.set_weather(old); });
    }

    // ---- members

    void crash(Member& member, bool power) {
        if (member.is_up()) {
            world_.statistics.add(Count::crashes);
            member.crash(power);
            restart_later(member);
        }
    }
    /// Whoever hands over may be the last to hear of it.
    void transfer(Member& member) {
        member.transfer((member.place() + random_.below(voters())) % voters() + 1);
        if (member.is_leader() && random_.chance(500)) {
            const auto set = [this, place = member.place()](bool yes) {
                for (std::size_t other = 0; other != voters(); ++other) {
                    world_.network.cut(other, place, yes);
                }
            };
            world_.statistics.add(Count::partitions);
            set(true);
            later([set] { set(false); });
        }
    }
    void pause(Member& member) {
        if (member.is_up() && !member.is_paused()) {
            world_.statistics.add(Count::pauses);
            member.pause();
            later([&member] { member.wake(); });
        }
    }
    void clock_jump(Member& member) {
        if (!world_.plan.honest_clocks) {
            world_.statistics.add(Count::clock_changes);
            member.jump(random_.between(Time{}, 3 * election()));
        }
    }
    void clock_rate(Member& member) {
        world_.statistics.add(Count::clock_changes);
        member.set_rate(any_rate(random_, world_.plan));
    }
    void slow_disk(Member& member) {
        world_.statistics.add(Count::disk_faults);
        member.set_flush(random_.between(election() / 4, 3 * election()));
        later([this, &member] { member.set_flush(world_.plan.flush); });
    }
    void failing_flush(Member& member) {
        world_.statistics.add(Count::disk_faults);
        member.disk().fail_flushes(1);
        restart_later(member);
    }
    void full_disk(Member& member) {
        world_.statistics.add(Count::disk_faults);
        member.disk().set_room(member.disk().used() + random_.below(world_.plan.segment_size / 2));
        later([&member] { member.disk().set_room(static_cast<std::size_t>(-1)); }, 5);
    }
    /// As few as can be missed, if all others are there.
    void damage(Member& member, bool all) {
        const auto damaged = static_cast<std::size_t>(std::count_if(
            members_.begin(), members_.end(), [](const auto& each) { return each->is_damaged(); }));
        if (!member.is_damaged() && !world_.plan.beyond_budget && damaged >= (voters() - 1) / 2) {
            return;
        }
        crash(member, random_.chance(500));
        if (!member.is_up()) {
            bool done = all;
            if (all) {
                member.lose_disk();
            } else {
                done = member.damage();
            }
            world_.trace.line(world_.now(), "member ", member.id(),
                              all ? " has lost its disk" : " has a damaged disk: ", done);
            world_.statistics.add(Count::damages, done);
        }
    }

    // ---- clients

    void client_crash(Client& client) {
        if (client.is_up()) {
            client.vanish();
            later([&client] {
                if (!client.is_up()) {
                    client.start();
                }
            });
        }
    }
    void client_pause(Client& client) {
        client.pause();
        later([&client] { client.wake(); });
    }

public:
    /// Nobody reads the answers.
    static constexpr quorum::Origin nobody = 1'000'000;

    /// Of a clock that is as right, or as wrong, as the plan has them.
    static std::int64_t any_rate(Random& random, const Plan& plan) {
        return plan.honest_clocks ? random.between(Clock::right - Clock::right / 250,
                                                   Clock::right + Clock::right / 250)
                                  : random.between(Clock::right / 2, Clock::right * 2);
    }

private:
    World& world_;
    Members& members_;
    Clients& clients_;
    Random random_;
    std::vector<Fault> kinds_;
    bool stopped_ = false;
};

}  // namespace attune_sim
