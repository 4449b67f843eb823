#pragma once

#include <attune/graph/delivery.hpp>

#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL DeliveryHub::Debt& DeliveryHub::open(Version version, std::size_t shares) {
    const std::scoped_lock lock{mutex_};
    Debt& debt = owed_.try_emplace(version, version).first->second;
    debt.shares_.fetch_add(shares, std::memory_order_relaxed);
    return debt;
}

// Between the last share and the lock, somebody may have opened the version again, and even closed
// it: only what the map says now counts.
ATTUNE_DECL void DeliveryHub::close_last(Version version) noexcept {
    {
        const std::scoped_lock lock{mutex_};
        const auto found = owed_.find(version);
        if (found == owed_.end() || found->second.shares_.load(std::memory_order_acquire) != 0) {
            return;
        }
        owed_.erase(found);
    }
    settled_.notify_all();
}

ATTUNE_DECL void DeliveryHub::wake() noexcept {
    { const std::scoped_lock lock{mutex_}; }  // nobody is between looking and waiting
    idle_.notify_all();
}

ATTUNE_DECL bool DeliveryHub::settle(Version version,
                                     std::chrono::steady_clock::time_point deadline) {
    std::unique_lock lock{mutex_};
    return settled_.wait_until(lock, deadline,
                               [&] { return owed_.empty() || owed_.begin()->first > version; });
}

ATTUNE_DECL void DeliveryHub::report(const ObserverName& observer,
                                     const std::exception_ptr& thrown) noexcept {
    OnThrow on_throw;
    try {
        {
            const std::scoped_lock lock{report_mutex_};
            on_throw = on_throw_;
        }
        if (on_throw) {
            on_throw(observer, thrown);
        }
    } catch (...) {
        // Reporting is the last resort; there is nobody left to tell.
    }
}

ATTUNE_DECL void DeliveryHub::on_throw(OnThrow told) noexcept {
    const std::scoped_lock lock{report_mutex_};
    on_throw_.swap(told);
}

ATTUNE_DECL void DeliveryHub::notice(const ObserverName& observer, std::string text) noexcept {
    const std::scoped_lock lock{report_mutex_};
    try {
        notices_.push_back({observer, std::move(text)});
        noticed_.store(true, std::memory_order_relaxed);
    } catch (...) {
        // Out of memory: what happened is still counted.
    }
}

ATTUNE_DECL std::vector<DeliveryHub::Notice> DeliveryHub::take_all_notices() {
    const std::scoped_lock lock{report_mutex_};
    noticed_.store(false, std::memory_order_relaxed);
    return std::exchange(notices_, {});
}

ATTUNE_DECL Delivery::Place Delivery::place_of(const Executor& executor) noexcept {
    return !executor                ? Place::notifier
           : executor.runs_inline() ? Place::inline_here
                                    : Place::executor;
}

ATTUNE_DECL Delivery::Delivery(std::shared_ptr<DeliveryHub> hub, Executor executor,
                               ObserverName name)
    : place_(place_of(executor)),
      executor_(std::move(executor)),
      name_(std::move(name)),
      hub_(std::move(hub)),
      turn_(hub_->calls().turns(), name_) {}

ATTUNE_DECL std::function<void()> Delivery::work() {
    return [weak = weak_from_this()] {
        if (const auto self = weak.lock()) {
            self->run();
        }
    };
}

ATTUNE_DECL void Delivery::dispatch() {
    if (place_ == Place::inline_here) {
        run();
        return;
    }
    if (place_ == Place::notifier) {
        hub_->notifier().execute(work());
        return;
    }
    try {
        hand_over();
    } catch (...) {
        // The executor takes no work any more: the observation is over, and says so.
        hub_->report(name_, std::current_exception());
        cancel();
    }
}

ATTUNE_DECL void Delivery::hand_over() {
    const auto self = shared_from_this();
    HandingOver here{std::this_thread::get_id(), nullptr};
    {
        const Turn::Held turn{turn_};
        if (turn.is(Turn::ended)) {
            return;
        }
        here.other = std::exchange(handing_over_, &here);
    }
    std::exception_ptr thrown;
    try {
        executor_.execute(work());  // which may run it at once
    } catch (...) {
        thrown = std::current_exception();
    }
    Executor spent;
    bool ended = false;
    {
        const Turn::Held turn{turn_};
        HandingOver** link = &handing_over_;
        while (*link != &here) {
            link = &(*link)->other;
        }
        *link = here.other;
        spent = spent_executor(turn);
        ended = turn.is(Turn::ended);
    }
    if (ended) {
        hub_->wake();
    }
    if (thrown) {
        std::rethrow_exception(thrown);
    }
}

ATTUNE_DECL bool Delivery::handing_over_elsewhere() const noexcept {
    const HandingOver* one = handing_over_;
    while (one != nullptr && one->thread == std::this_thread::get_id()) {
        one = one->other;
    }
    return one != nullptr;
}

ATTUNE_DECL Executor Delivery::spent_executor(const Turn::Held& turn) noexcept {
    return turn.is(Turn::dropped) && handing_over_ == nullptr ? std::exchange(executor_, {})
                                                              : Executor{};
}

ATTUNE_DECL void Delivery::run() noexcept {
    try {
        while (step(nullptr)) {
            if (place_ != Place::inline_here) {
                dispatch();  // a turn for the other observers
                return;
            }
        }
    } catch (...) {
        hub_->report(name_, std::current_exception());
    }
}

ATTUNE_DECL void Delivery::deliver_first() {
    std::exception_ptr thrown;
    const bool more = step(&thrown);
    if (thrown) {
        cancel();
        std::rethrow_exception(thrown);
    }
    if (more) {
        dispatch();
    }
}

ATTUNE_DECL bool Delivery::step(std::exception_ptr* thrown) {
    Debt* unowed = nullptr;
    bool taken = false;
    {
        Turn::Held turn{turn_};
        if (turn.is(Turn::ended)) {
            return false;
        }
        taken = take();
        if (taken) {
            turn_.begin(turn, hub_->calls().time());
        } else {
            turn.clear(Turn::scheduled | Turn::more);
            unowed = std::exchange(owed_, nullptr);
        }
    }
    if (!taken) {
        pay(unowed);
        return false;
    }
    hub_->calls().began(turn_);
    try {
        call();
    } catch (...) {
        if (thrown != nullptr) {
            *thrown = std::current_exception();
        } else {
            hub_->report(name_, std::current_exception());
        }
    }
    Debt* const paid = std::exchange(owed_, nullptr);  // it is ours while we are running
    if (turn_.end()) {
        pay(paid);
        return false;
    }
    return end_step(paid);
}

// When more may wait, or the observation is over.
ATTUNE_DECL bool Delivery::end_step(Debt* paid) {
    Debt* next = nullptr;
    bool again = false;
    bool over = false;
    bool last = false;
    for (;;) {
        std::optional<Version> version;
        {
            Turn::Held turn{turn_};
            over = turn.is(Turn::ended);
            version = over ? std::nullopt : waiting();
            if (over) {
                last = !turn.is(Turn::dropped);
                turn.set(Turn::dropped);
                turn.clear(Turn::scheduled);
                break;
            }
            if (!version || next != nullptr) {
                again = version.has_value();
                turn.clear(Turn::running | Turn::reported);
                if (!again) {
                    turn.clear(Turn::scheduled | Turn::more);
                }
                owed_ = next;
                break;
            }
        }
        next = &hub_->open(*version);  // before the old debt is paid, so that settle sees no gap
    }
    if (over) {
        if (last) {
            drop();  // part of the call for whoever waits for its end
        }
        Executor spent;
        {
            Turn::Held turn{turn_};
            turn.clear(Turn::running | Turn::reported);
            spent = spent_executor(turn);
        }
        hub_->wake();
        pay(next);
    }
    pay(paid);
    return again;
}

ATTUNE_DECL Lag Delivery::lag() const noexcept {
    const Turn::Held turn{turn_};
    return turn.is(Turn::ended) ? Lag{} : count_waiting();
}

ATTUNE_DECL void Delivery::cancel() noexcept {
    bool wait = false;
    {
        Turn::Held turn{turn_};
        turn.set(Turn::ended);
        const bool running = turn.is(Turn::running);
        if (running && turn_.runs_here()) {
            return;  // end_step() clears up when the callback has returned
        }
        wait = running || handing_over_elsewhere();
    }
    if (wait) {
        hub_->await([&] {
            const Turn::Held turn{turn_};
            return !turn.is(Turn::running) && !handing_over_elsewhere();
        });
    }
    Debt* unpaid = nullptr;
    bool last = false;
    Executor spent;
    {
        Turn::Held turn{turn_};
        unpaid = std::exchange(owed_, nullptr);
        last = !turn.is(Turn::dropped);
        turn.clear(Turn::scheduled);
        turn.set(Turn::dropped);
        spent = spent_executor(turn);
    }
    pay(unpaid);
    if (last) {
        drop();
    }
}

}  // namespace attune::inline ATTUNE_ABI::detail
