#pragma once

#include "sim/clocks.hpp"
#include "sim/disk.hpp"
#include "sim/ledger.hpp"
#include "sim/member_watch.hpp"
#include "sim/violation.hpp"
#include "sim/world.hpp"

#include <attune/quorum/log/log.hpp>
#include <attune/quorum/replica.hpp>
#include <attune/quorum/wire.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace attune_sim {

/// A process with a replica, its log and the thread that writes it, on a machine with a disk and a
/// clock.
class Member {
public:
    Member(World& world, raft::NodeId id, Clock clock)
        : clock_(clock),
          world_(world),
          id_(id),
          random_(world.random.fork()),
          disk_(std::make_shared<SimDisk>(random_.fork())) {
        const Plan& plan = world.plan;
        options_.raft.id = id;
        for (raft::NodeId voter = 1; voter <= plan.voters; ++voter) {
            options_.raft.voters.push_back(voter);
        }
        options_.raft.heartbeat = plan.heartbeat;
        options_.raft.election = plan.election;
        // What is on its way to the disk fits into what the log keeps back.
        options_.raft.batch_bytes = std::min(plan.batch_bytes, plan.segment_size / 16);
        options_.raft.unstored_bytes = plan.segment_size / 8;
        options_.raft.batch_entries = plan.batch_entries;
        options_.raft.window = plan.window;
        options_.raft.piece_bytes = plan.piece_bytes;
        options_.snapshot_entries = plan.snapshot_entries;
        options_.snapshot_bytes = plan.snapshot_bytes;
        options_.pending = plan.pending;
        options_.drift = plan.drift;
        flush_ = plan.flush;
    }
    Member(const Member&) = delete;
    Member& operator=(const Member&) = delete;

    raft::NodeId id() const noexcept { return id_; }
    std::size_t place() const noexcept { return static_cast<std::size_t>(id_ - 1); }
    bool is_up() const noexcept { return replica_.has_value(); }
    bool is_paused() const noexcept { return paused_; }
    bool is_leader() const noexcept { return is_up() && core().role() == raft::Role::leader; }
    bool has_failed() const noexcept { return failed_; }
    /// Its disk is known to have lost something: it may stay down for good.
    bool is_damaged() const noexcept { return damaged_; }
    bool has_refused() const noexcept { return refused_; }
    const quorum::Replica& replica() const { return *replica_; }
    const raft::Core& core() const { return replica_->raft(); }
    const Ledger& ledger() const noexcept { return ledger_; }
    const Clock& clock() const noexcept { return clock_; }
    SimDisk& disk() noexcept { return *disk_; }
    std::uint64_t incarnation() const noexcept { return incarnation_; }

    void start(bool create = false) {
        if (is_up() || refused_) {
            return;
        }
        raft::Recovered found;
        try {
            log_ = quorum::Log::open(disk_, "log",
                                     {.cluster = cluster,
                                      .node = id_,
                                      .create = create,
                                      .segment_size = world_.plan.segment_size},
                                     found);
        } catch (const quorum::LogRefused& refusal) {
            world_.trace.line(world_.now(), "member ", id_, " refuses: ", refusal.what());
            if (!damaged_) {
                History::fail("durability", id_,
                              std::string("refuses a disk without damage: ") + refusal.what());
            }
            refused_ = true;
            world_.statistics.add(Count::refusals);
            return;
        } catch (const std::system_error& error) {
            world_.trace.line(world_.now(), "member ", id_, " cannot start: ", error.what());
            crash(disk_->has_stopped());
            return;
        }
        if (!create) {
            world_.statistics.add(Count::restarts);
            ledger_.recover(id_, found, disk_->was_full() || damaged_);
        }
        world_.trace.line(world_.now(), "member ", id_, " starts: term ", found.vote.term,
                          ", snapshot ", found.snapshot.index, ", entries ", found.entries.size());
        const Time local = clock_.at(world_.now());
        watch_.emplace(world_.history, options_.raft, ledger_, !create, local);
        failed_ = false;
        effects_.clear();
        replica_.emplace(options_, std::move(found), local, random_.next(), effects_);
        watch_->after(*replica_, local, Cause{Cause::Kind::start}, effects_);
        carry_out();
    }

    /// The process dies, or the whole machine.
    void crash(bool power) {
        world_.trace.line(world_.now(), "member ", id_, power ? " loses its power" : " is killed");
        world_.trace.mix(id_ * 2 + power);
        if (power) {
            disk_->crash();
        } else {
            disk_->abandon();
        }
        ++incarnation_;
        replica_.reset();
        log_.reset();
        watch_.reset();
        queue_.clear();
        storing_.clear();
        inbox_.clear();
        busy_ = false;
        armed_ = false;
        paused_ = false;
    }

    void pause() {
        if (is_up() && !paused_) {
            world_.trace.line(world_.now(), "member ", id_, " pauses");
            paused_ = true;
        }
    }
    void wake() {
        if (!paused_) {
            return;
        }
        world_.trace.line(world_.now(), "member ", id_, " goes on");
        paused_ = false;
        std::vector<EventHeap::Action> inbox;
        inbox.swap(inbox_);
        // What has come and what is due is seen in one order or the other.
        const bool tick_first = random_.chance(500);
        if (tick_first) {
            tick();
        }
        for (EventHeap::Action& each : inbox) {
            deliver(std::move(each));
        }
        if (!tick_first) {
            tick();
        }
    }

    void set_rate(std::int64_t rate) {
        clock_.set_rate(world_.now(), rate);
        rearm();
    }
    void jump(Time forward) {
        clock_.jump(world_.now(), forward);
        rearm();
    }
    void set_flush(Time most) noexcept { flush_ = most; }
    /// Something on the disk is not what it was. Only while the member is down.
    bool damage() {
        const bool done = disk_->rot();
        damaged_ = damaged_ || done;
        return done;
    }
    void lose_disk() {
        disk_->lose_everything();
        damaged_ = true;
    }

    void transfer(raft::NodeId to) {
        if (!is_up() || paused_ || !is_leader()) {
            return;
        }
        step(Cause{Cause::Kind::transfer}, [&](Time local) {
            if (replica_->transfer(local, to, effects_) && to != id_) {
                world_.trace.line(world_.now(), "member ", id_, " hands over to ", to);
                world_.statistics.add(Count::transfers);
            }
        });
    }

    void request(quorum::Origin origin, quorum::Request request) {
        deliver([this, origin, request = std::move(request)] {
            world_.trace.mix(request.id);
            if (const auto* const command = std::get_if<quorum::Command>(&request.what)) {
                world_.history.locks.delivered(request.id, *command);
                world_.trace.line(world_.now(), "member ", id_, " is asked by ", origin, ": ",
                                  world_.trace.is_aloud() ? to_text(*command) : std::string());
            }
            Cause cause{Cause::Kind::request};
            if (std::holds_alternative<quorum::LockQuery>(request.what)) {
                cause.question = request.id;
            }
            step(cause, [&](Time local) {
                replica_->set_room(log_->room());
                replica_->request(local, origin, request, effects_);
            });
        });
    }
    void forget(quorum::Origin origin) {
        deliver([this, origin] { replica_->forget(origin); });
    }

    enum class Intact : std::uint8_t { yes, flipped, foreign, misdirected };

    void receive(const std::string& bytes, Intact intact) {
        deliver([this, bytes, intact] {
            auto read = quorum::decode_frame(bytes, cluster, id_);
            auto* const frame = std::get_if<quorum::Frame>(&read);
            if ((frame != nullptr) != (intact == Intact::yes)) {
                History::fail("frames", id_,
                              frame == nullptr ? "refuses a frame for it"
                                               : "reads a frame that is not for it");
            }
            if (frame == nullptr) {
                return;
            }
            if (world_.trace.is_aloud()) {
                world_.trace.line(world_.now(), "member ", id_, " gets from ", frame->from, ": ",
                                  to_text(frame->message));
            }
            Cause cause;
            cause.kind = Cause::Kind::message;
            cause.from = frame->from;
            cause.message = frame->message.index();
            std::visit([&](const auto& message) { cause.term = message.term; }, frame->message);
            if (const auto* const vote = std::get_if<raft::RequestVote>(&frame->message)) {
                cause.transfer = vote->transfer;
                cause.last_index = vote->last_index;
                cause.last_term = vote->last_term;
            }
            world_.trace.mix(hash_of(bytes));
            world_.statistics.add(Count::messages);
            step(cause, [&](Time local) {
                replica_->receive(local, frame->from, std::move(frame->message), effects_);
            });
        });
    }
    /// Set by who knows the other members.
    std::function<void(std::size_t to, std::string bytes, Intact)> transmit{};

private:
    static constexpr std::uint64_t cluster = 0x51a7;

    /// Now, or after the pause.
    void deliver(EventHeap::Action action) {
        if (paused_) {
            inbox_.push_back(std::move(action));
        } else if (is_up()) {
            action();
        }
    }

    template <class Act>
    void step(const Cause& cause, Act&& act) {
        const Time local = clock_.at(world_.now());
        watch_->before(*replica_, local, cause);
        effects_.clear();
        act(local);
        world_.trace.mix(static_cast<std::uint64_t>(world_.now().count()));
        world_.trace.mix((id_ << 8) ^ (core().term() << 16) ^ (core().commit() << 40) ^
                         static_cast<std::uint64_t>(core().role()));
        if (world_.trace.is_aloud()) {
            print();
        }
        watch_->after(*replica_, local, cause, effects_);
        installs_ = cause.is<raft::InstallSnapshot>();
        carry_out();
    }

    void tick() {
        if (is_up() && !failed_) {
            last_tick_ = world_.now();
            step(Cause{Cause::Kind::tick}, [&](Time local) {
                replica_->set_room(log_->room());
                replica_->tick(local, effects_);
            });
        }
    }

    void carry_out() {
        for (raft::Outgoing& out : effects_.messages) {
            send(out);
        }
        for (raft::NumberedWrite& write : effects_.writes) {
            if (std::holds_alternative<raft::WriteSnapshot>(write.write)) {
                world_.statistics.add(installs_ ? Count::installs : Count::snapshots);
            }
            queue_.push_back(std::move(write));
        }
        for (const quorum::Answer& answer : effects_.answers) {
            world_.answer(place(), answer);
        }
        arm();
        store();
    }

    void send(raft::Outgoing& out) {
        quorum::Frame frame{cluster, id_, out.to, std::move(out.message)};
        std::string bytes = quorum::encode_frame(frame);
        const auto to = static_cast<std::size_t>(out.to - 1);
        if (world_.plan.has(Fault::foreign_frames) && random_.chance(30)) {
            switch (random_.below(3)) {
            case 0:
                // Of another cluster, whose members have the same numbers.
                frame.cluster = cluster + 1;
                std::visit([&](auto& m) { m.term += random_.below(3); }, frame.message);
                world_.statistics.add(Count::foreign_frames);
                transmit(to, quorum::encode_frame(frame), Intact::foreign);
                break;
            case 1:
                if (world_.plan.voters > 2) {
                    transmit((to + 1) % world_.plan.voters, bytes, Intact::misdirected);
                }
                break;
            default:
                std::string flipped = bytes;
                char& byte = flipped[random_.below(flipped.size())];
                byte = static_cast<char>(byte ^ (1 << random_.below(8)));
                world_.statistics.add(Count::damaged_frames);
                transmit(to, std::move(flipped), Intact::flipped);
            }
        }
        transmit(to, std::move(bytes), Intact::yes);
    }

    /// The thread that writes: all that waits, then one flush.
    void store() {
        if (busy_ || failed_ || log_ == nullptr) {
            return;
        }
        if (log_->room() != quorum::LogRoom::plenty && looked_for_room_ < world_.now()) {
            looked_for_room_ = world_.now() + Time{world_.plan.election} / 2;
            const std::error_code error = log_->make_room();
            if (disk_->has_stopped()) {
                world_.statistics.add(Count::crashes);
                return crash(true);
            }
            if (error) {
                return fail(error);
            }
            replica_->set_room(log_->room());
        }
        if (queue_.empty()) {
            return;
        }
        busy_ = true;
        storing_.swap(queue_);
        disk_->begin_cycle();
        bool entries = false;
        for (const raft::NumberedWrite& each : storing_) {
            entries = entries || std::holds_alternative<raft::WriteEntries>(each.write);
            ledger_.asked(each.write);
            const std::error_code error = log_->put(each.write);
            if (disk_->has_stopped()) {
                world_.statistics.add(Count::crashes);
                return crash(true);
            }
            if (error) {
                return fail(error);
            }
        }
        const Time latency = random_.between(flush_ / 8, flush_);
        world_.heap.after(latency, [this, entries, life = incarnation_] {
            if (life == incarnation_) {
                deliver([this, entries] { flush(entries); });
            }
        });
    }
    void flush(bool entries) {
        const std::error_code error = log_->flush();
        if (disk_->has_stopped()) {
            world_.statistics.add(Count::crashes);
            return crash(true);
        }
        if (error) {
            return fail(error);
        }
        ledger_.flushed();
        if (entries) {
            disk_->covered();
        }
        const std::uint64_t number = storing_.back().number;
        storing_.clear();
        busy_ = false;
        watch_->stored(number);
        step(Cause{Cause::Kind::stored}, [&](Time local) {
            replica_->set_room(log_->room());
            replica_->stored(local, number, effects_);
        });
    }
    void fail(const std::error_code& error) {
        world_.trace.line(world_.now(), "member ", id_, " cannot write: ", error.message());
        failed_ = true;
        step(Cause{Cause::Kind::failed},
             [&](Time local) { replica_->storage_failed(local, effects_); });
    }

    void rearm() {
        armed_ = false;
        ++timer_;
        arm();
    }
    void arm() {
        if (!is_up() || failed_ || replica_->deadline() == Time::max()) {
            return;
        }
        // What is due again at once, again and again, does not keep time from passing.
        const Time due = std::max(clock_.when(replica_->deadline()),
                                  last_tick_ + Time{std::chrono::microseconds{500}});
        if (armed_ && armed_at_ <= due) {
            return;
        }
        armed_ = true;
        armed_at_ = due;
        ++timer_;
        world_.heap.at(due, [this, life = incarnation_, timer = timer_] {
            if (life != incarnation_ || timer != timer_) {
                return;
            }
            armed_ = false;
            if (!paused_ && clock_.at(world_.now()) < replica_->deadline()) {
                arm();
            } else if (!paused_) {
                tick();
            }
        });
    }

    void print() {
        world_.trace.line(world_.now(), "  member ", id_, " role ", static_cast<int>(core().role()),
                          " term ", core().term(), " leader ", core().leader(), " commit ",
                          core().commit(), " last ", core().last_index());
        for (const raft::Outgoing& out : effects_.messages) {
            world_.trace.line(world_.now(), "    sends to ", out.to, ": ", to_text(out.message));
        }
        for (const raft::NumberedWrite& write : effects_.writes) {
            world_.trace.line(world_.now(), "    writes ", write.number, ": ",
                              to_text(write.write));
        }
    }

    Clock clock_;
    World& world_;
    const raft::NodeId id_;
    Random random_;
    quorum::ReplicaOptions options_;
    std::shared_ptr<SimDisk> disk_;
    Ledger ledger_;
    std::unique_ptr<quorum::Log> log_;
    std::optional<quorum::Replica> replica_;
    std::optional<MemberWatch> watch_;
    quorum::ReplicaEffects effects_;

    std::uint64_t incarnation_ = 0;
    std::vector<raft::NumberedWrite> queue_;
    std::vector<raft::NumberedWrite> storing_;
    bool busy_ = false;
    Time looked_for_room_{};
    Time flush_{};

    std::vector<EventHeap::Action> inbox_;
    bool paused_ = false;
    bool installs_ = false;  // in this step, what a leader has sent
    bool failed_ = false;
    bool damaged_ = false;
    bool refused_ = false;

    bool armed_ = false;
    Time armed_at_{};
    Time last_tick_{-std::chrono::seconds{1}};
    std::uint64_t timer_ = 0;
};

}  // namespace attune_sim
