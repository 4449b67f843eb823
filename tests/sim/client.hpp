#pragma once

#include "sim/clocks.hpp"
#include "sim/violation.hpp"
#include "sim/world.hpp"

#include <attune/quorum/detail/mutant.hpp>
#include <attune/quorum/replica.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace attune_sim {

/// A request for locks that is not decided yet.
struct Acquiring {
    std::uint64_t call = 0;
    quorum::Sequence sequence = 0;
    std::vector<quorum::Want> wants;
    Time invoked{};
};

/// A process with a session, that takes locks, holds them for a while, and gives them back; and that
/// obeys the rules that clients have: what is unknown is asked again with the same sequence, an
/// acquire that nobody waits for any more is cancelled until that is done (R31), and what it holds
/// is lost when its own clock says so, counted from when it sent its last renewal.
class Client {
public:
    struct Held {
        std::vector<quorum::Want> wants;
        quorum::Token token{};
        Time invoked{};
        std::size_t left = 0;  ///< locks whose release is not known yet
        bool releasing = false;
    };

    Client(World& world, std::size_t number, Clock clock)
        : clock_(clock), world_(world), number_(number), random_(world.random.fork()) {}
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    std::size_t place() const noexcept { return world_.plan.voters + number_; }
    bool is_up() const noexcept { return up_; }
    quorum::SessionId session() const noexcept { return session_; }
    const Clock& clock() const noexcept { return clock_; }

    /// Asked whether another client believes the contrary.
    std::function<void(const Client&, const Held&)> on_grant{};
    /// Told of each command, and of what became of it as far as that is known: for those who judge
    /// whole histories.
    std::function<void(std::uint64_t call, const quorum::Command&)> on_call{};
    std::function<void(std::uint64_t call, quorum::Outcome)> on_answer{};

    void start() {
        up_ = true;
        paused_ = false;
        open();
    }
    /// Stops without a word.
    void vanish() {
        world_.trace.line(world_.now(), "client ", number_, " vanishes");
        up_ = false;
        paused_ = false;
        inbox_.clear();
        forget_session();
    }
    void pause() { paused_ = up_; }
    void wake() {
        paused_ = false;
        std::vector<EventHeap::Action> inbox;
        inbox.swap(inbox_);
        for (EventHeap::Action& each : inbox) {
            deliver(std::move(each));
        }
    }
    /// Gives back what it has, and begins nothing more.
    void wind_down() { winding_down_ = true; }
    bool is_done() const {
        return !up_ || (session_ != 0 && held_.empty() && !acquire_ &&
                        std::all_of(calls_.begin(), calls_.end(), [](const auto& each) {
                            return each.second.purpose == Purpose::renew;
                        }));
    }
    /// Takes a lock that nobody else wants, once, and gives it back.
    void probe() {
        probing_ = true;
        start();
    }
    bool has_probed() const noexcept { return probed_; }

    /// Whether it may act on what it holds in this session.
    bool believes(quorum::SessionId session) const {
        return up_ && session_ != 0 && session_ == session && clock_.at(world_.now()) < deadline_;
    }
    const std::vector<Held>& held() const noexcept { return held_; }

    void answered(std::size_t member, const quorum::Answer& answer) {
        deliver([this, member, answer] {
            if (answer.kind == quorum::Answer::Kind::event) {
                return take_event(answer.event);
            }
            const auto found = calls_.find(answer.id >> 16);
            if (found == calls_.end()) {
                return;
            }
            world_.trace.line(world_.now(), "client ", number_, " is answered ",
                              static_cast<int>(answer.kind), " by ", member + 1, ": ",
                              world_.trace.is_aloud() ? to_text(answer.reply) : std::string());
            world_.trace.mix(answer.id ^ static_cast<std::uint64_t>(answer.reply.outcome));
            using Kind = quorum::Answer::Kind;
            switch (answer.kind) {
            case Kind::reply:
            case Kind::view:
                target_ = member;
                finish(found->first, answer);
                break;
            case Kind::not_leader:
                target_ = answer.leader != 0 && answer.leader - 1 != member && random_.chance(800)
                              ? static_cast<std::size_t>(answer.leader - 1)
                              : random_.below(world_.plan.voters);
                retry_in(found->first, Time{world_.plan.election} / 8);
                break;
            case Kind::unknown:
                world_.statistics.add(Count::unknown);
                retry_in(found->first, Time{world_.plan.election} / 8);
                break;
            default: retry_in(found->first, Time{world_.plan.election} / 2);
            }
        });
    }

private:
    enum class Purpose : std::uint8_t { open, renew, acquire, cancel, release, close, other };
    struct Call {
        Purpose purpose = Purpose::other;
        std::variant<quorum::Command, quorum::LockQuery> what;
        std::vector<Time> sent;  ///< by attempt, by its own clock
        std::uint64_t timer = 0;
        quorum::Token subject{};  ///< of what is released
    };

    void deliver(EventHeap::Action action) {
        if (paused_) {
            inbox_.push_back(std::move(action));
        } else if (up_) {
            action();
        }
    }
    /// Not when its session, or it, has ended meanwhile.
    void after(Time delay, EventHeap::Action action) {
        world_.heap.after(delay, [this, life = life_, action = std::move(action)] {
            if (life == life_) {
                deliver([this, life, action] {
                    if (life == life_) {
                        action();
                    }
                });
            }
        });
    }

    // ---- calls

    std::uint64_t call(Purpose purpose, std::variant<quorum::Command, quorum::LockQuery> what,
                       quorum::Token subject = {}) {
        const std::uint64_t number = (static_cast<std::uint64_t>(number_) << 40) + next_call_++;
        Call& call = calls_[number];
        call.purpose = purpose;
        call.what = std::move(what);
        call.subject = subject;
        if (const auto* const command = std::get_if<quorum::Command>(&call.what);
            command != nullptr && on_call) {
            on_call(number, *command);
        }
        attempt(number);
        return number;
    }
    void attempt(std::uint64_t number) {
        const auto found = calls_.find(number);
        if (found == calls_.end()) {
            return;
        }
        Call& call = found->second;
        if (call.sent.size() == 0xffff) {
            return;
        }
        quorum::Request request{.id = (number << 16) | call.sent.size(), .what = {}};
        std::visit([&](const auto& what) { request.what = what; }, call.what);
        call.sent.push_back(clock_.at(world_.now()));
        world_.request(target_, number_, std::move(request));
        retry_in(number,
                 random_.between(Time{world_.plan.election}, 2 * Time{world_.plan.election}), true);
    }
    void retry_in(std::uint64_t number, Time delay, bool elsewhere = false) {
        Call& call = calls_.at(number);
        const std::uint64_t timer = ++call.timer;
        after(delay, [this, number, timer, elsewhere] {
            const auto found = calls_.find(number);
            if (found != calls_.end() && found->second.timer == timer) {
                if (elsewhere) {
                    target_ = random_.below(world_.plan.voters);
                }
                attempt(number);
            }
        });
    }

    // ---- the session

    void open() {
        quorum::OpenSession command;
        for (unsigned char& byte : command.client) {
            byte = static_cast<unsigned char>(random_.next());
        }
        command.ttl = world_.plan.ttl;
        command.lock_delay = world_.plan.lock_delay;
        call(Purpose::open, quorum::Command{command});
    }
    void forget_session() {
        ++life_;
        session_ = 0;
        sequence_ = 0;
        closing_ = false;
        calls_.clear();
        held_.clear();
        acquire_.reset();
    }
    void session_over(const char* why) {
        world_.trace.line(world_.now(), "client ", number_, " has lost its session ", session_,
                          ": ", why);
        forget_session();
        open();
    }
    /// The time of a session counts from when its renewal was sent, less what clocks may differ by.
    void renewed(Time sent) {
        deadline_ = std::max(deadline_, sent + Time{world_.plan.ttl} / 100 * 99);
        const std::uint64_t watch = ++deadline_watch_;
        const Time left = clock_.when(deadline_) - world_.now();
        after(left, [this, watch] {
            if (watch == deadline_watch_) {
                session_over("its time is over");
            }
        });
    }
    void renew_later() {
        const Time wait = clock_.when(clock_.at(world_.now()) + Time{world_.plan.ttl} / 4);
        after(wait - world_.now(), [this] {
            const bool renewing = std::any_of(calls_.begin(), calls_.end(), [](const auto& each) {
                return each.second.purpose == Purpose::renew;
            });
            if (!renewing) {
                call(Purpose::renew,
                     quorum::Command{quorum::RenewSessions{.sessions = {session_}}});
            }
            renew_later();
        });
    }

    // ---- what it does

    void work() {
        if (probing_ && !probed_) {
            return acquire_all({{.lock = "probe"}}, true);
        }
        if (winding_down_ || probing_) {
            return;
        }
        after(random_.between(Time{}, world_.plan.think), [this] { act(); });
    }
    void act() {
        if (winding_down_ || closing_) {
            return;
        }
        const unsigned dice = static_cast<unsigned>(random_.below(100));
        if (dice < 70) {
            if (!acquire_ && held_.size() < 2) {
                acquire();
            }
        } else if (dice < 85) {
            world_.statistics.add(Count::reads);
            call(Purpose::other, quorum::LockQuery{lock_name(random_.below(locks()))});
        } else if (dice < 88 && world_.plan.forces) {
            force();
        } else if (dice < 90) {
            call(Purpose::other,
                 quorum::Command{quorum::AskRelease{lock_name(random_.below(locks()))}});
        } else if (dice < 91 && held_.empty() && !acquire_) {
            closing_ = true;
            call(Purpose::close, quorum::Command{quorum::CloseSession{session_}});
        }
        work();
    }

    std::size_t locks() const noexcept { return world_.plan.locks; }
    static std::string lock_name(std::size_t number) { return "lock-" + std::to_string(number); }
    /// The last of several locks is one with permits.
    quorum::Want want_of(std::size_t number) {
        if (world_.plan.exclusive_only) {
            return {.lock = lock_name(number)};
        }
        if (number + 1 == locks() && number != 0) {
            return {.lock = lock_name(number),
                    .mode = quorum::LockMode::permits,
                    .permits = random_.between<std::uint32_t>(1, 2),
                    .of = all_permits};
        }
        return {
            .lock = lock_name(number),
            .mode = random_.chance(700) ? quorum::LockMode::exclusive : quorum::LockMode::shared};
    }
    void acquire() {
        std::vector<quorum::Want> wants;
        const std::size_t first = random_.below(locks());
        wants.push_back(want_of(first));
        if (locks() > 1 && random_.chance(250)) {
            wants.push_back(want_of((first + 1) % locks()));
        }
        acquire_all(std::move(wants), random_.chance(800));
    }
    void acquire_all(std::vector<quorum::Want> wants, bool wait) {
        const quorum::Sequence sequence = ++sequence_;
        acquire_.emplace();
        acquire_->sequence = sequence;
        acquire_->wants = wants;
        acquire_->invoked = world_.now();
        acquire_->call = call(Purpose::acquire,
                              quorum::Command{quorum::Acquire{session_, sequence, wants, wait}});
        if (probing_) {
            return;
        }
        after(random_.between(world_.plan.patience / 4, world_.plan.patience), [this, sequence] {
            if (acquire_ && acquire_->sequence == sequence) {
                abandon();
            }
        });
    }
    /// R31.
    void abandon() {
        calls_.erase(acquire_->call);
        const quorum::Command cancel =
            quorum::CancelAcquire{session_, ++sequence_, acquire_->sequence};
        const std::uint64_t number = call(Purpose::cancel, cancel);
        if (quorum::detail::planted(quorum::detail::Mutant::r31_forgets_a_cancelled_request)) {
            calls_.erase(number);
        }
        acquire_.reset();
    }
    void force() {
        for (const std::string& name : world_.history.locks.machine().locks()) {
            const auto view = world_.history.locks.machine().lock(name);
            if (!view->holders.empty() && random_.chance(500)) {
                call(Purpose::other,
                     quorum::Command{quorum::ForceRelease{name, view->holders.front().token}});
                return;
            }
        }
    }
    void granted(quorum::Token token) {
        Held held{
            .wants = std::move(acquire_->wants), .token = token, .invoked = acquire_->invoked};
        held.left = held.wants.size();
        if (on_answer) {
            on_answer(acquire_->call, quorum::Outcome::ok);
        }
        calls_.erase(acquire_->call);
        acquire_.reset();
        if (on_grant) {
            on_grant(*this, held);
        }
        held_.push_back(std::move(held));
        after(random_.between(Time{}, world_.plan.hold), [this, token] { use(token); });
    }
    void drop(quorum::Token token) {
        std::erase_if(held_, [&](const Held& held) { return held.token == token; });
    }
    Held* held_by(quorum::Token token) {
        const auto found = std::find_if(held_.begin(), held_.end(),
                                        [&](const Held& held) { return held.token == token; });
        return found == held_.end() ? nullptr : &*found;
    }
    void use(quorum::Token token) {
        Held* const held = held_by(token);
        if (held == nullptr || held->releasing) {
            return;
        }
        const quorum::Want want = held->wants.front();
        if (want.mode == quorum::LockMode::exclusive && random_.chance(300) && !winding_down_) {
            if (random_.chance(500)) {
                call(Purpose::other,
                     quorum::Command{quorum::FencedWrite{
                         session_, ++sequence_, want.lock, token, "key-" + want.lock,
                         std::to_string(token.index) + "/" + std::to_string(sequence_)}});
            } else {
                call(Purpose::other,
                     quorum::Command{quorum::Publish{session_, ++sequence_, want.lock, token,
                                                     std::to_string(sequence_)}});
            }
            after(random_.between(Time{}, world_.plan.hold), [this, token] { use(token); });
            return;
        }
        release(token);
    }
    void release(quorum::Token token) {
        Held* const held = held_by(token);
        if (held == nullptr || held->releasing) {
            return;
        }
        held->releasing = true;
        const std::vector<quorum::Want> wants = held->wants;
        for (const quorum::Want& want : wants) {
            call(Purpose::release,
                 quorum::Command{quorum::Release{session_, ++sequence_, want.lock, token}}, token);
        }
    }

    void take_event(const quorum::Event& event) {
        if (event.session != session_ || session_ == 0) {
            return;
        }
        world_.trace.line(world_.now(), "client ", number_,
                          " hears: ", world_.trace.is_aloud() ? to_text(event) : std::string());
        switch (event.kind) {
        case quorum::Event::Kind::granted:
            world_.history.locks.shown(event.session, event.sequence, event.token);
            if (acquire_ && acquire_->sequence == event.sequence) {
                granted(event.token);
            }
            break;
        // Perhaps one of several locks: it is of no use without them all.
        case quorum::Event::Kind::forced:
        case quorum::Event::Kind::asked: release(event.token); break;
        case quorum::Event::Kind::expired: session_over("expired"); break;
        }
    }

    void finish(std::uint64_t number, const quorum::Answer& answer) {
        Call call = std::move(calls_.at(number));
        const quorum::Reply& reply = answer.reply;
        if (call.purpose == Purpose::acquire && reply.outcome == quorum::Outcome::queued) {
            // The news of the grant may be lost: it asks again.
            calls_.at(number) = std::move(call);
            retry_in(number, 2 * Time{world_.plan.election});
            return;
        }
        calls_.erase(number);
        if (on_answer && answer.kind == quorum::Answer::Kind::reply &&
            !(call.purpose == Purpose::acquire && reply.outcome == quorum::Outcome::ok)) {
            on_answer(number, reply.outcome);
        }
        if (reply.outcome == quorum::Outcome::no_session && call.purpose != Purpose::open &&
            answer.kind == quorum::Answer::Kind::reply) {
            return session_over("no session");
        }
        switch (call.purpose) {
        case Purpose::open:
            session_ = reply.session;
            // The first attempt may be the one that was done.
            renewed(call.sent.front());
            renew_later();
            work();
            break;
        case Purpose::renew: renewed(call.sent[answer.id & 0xffff]); break;
        case Purpose::acquire:
            if (reply.outcome == quorum::Outcome::ok) {
                world_.history.locks.shown(reply.session, reply.sequence, reply.token);
                granted(reply.token);
            } else if (reply.outcome == quorum::Outcome::forgotten ||
                       reply.outcome == quorum::Outcome::not_held) {
                // What it got, or some of it, may be there still.
                abandon();
            } else {
                acquire_.reset();
            }
            break;
        case Purpose::release:
            if (Held* const held = held_by(call.subject); held != nullptr && --held->left == 0) {
                drop(call.subject);
                probed_ = probing_;
            }
            break;
        case Purpose::close: session_over("closed"); break;
        case Purpose::cancel:
        case Purpose::other: break;
        }
    }

    Clock clock_;
    World& world_;
    const std::size_t number_;
    Random random_;

    bool up_ = false;
    bool paused_ = false;
    bool winding_down_ = false;
    bool closing_ = false;
    bool probing_ = false;
    bool probed_ = false;
    std::vector<EventHeap::Action> inbox_;
    std::uint64_t life_ = 0;

    std::map<std::uint64_t, Call> calls_;
    std::uint64_t next_call_ = 1;
    std::size_t target_ = 0;

    quorum::SessionId session_ = 0;
    quorum::Sequence sequence_ = 0;
    Time deadline_{};
    std::uint64_t deadline_watch_ = 0;
    std::optional<Acquiring> acquire_;
    std::vector<Held> held_;
};

}  // namespace attune_sim
