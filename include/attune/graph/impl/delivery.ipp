#pragma once

#include <attune/graph/delivery.hpp>

#include <algorithm>
#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL void DeliveryHub::open(Version version) {
    const std::scoped_lock lock{mutex_};
    ++owed_[version];
}

ATTUNE_DECL void DeliveryHub::close(Version version) noexcept {
    {
        const std::scoped_lock lock{mutex_};
        const auto found = owed_.find(version);
        if (found == owed_.end() || --found->second != 0) {
            return;
        }
        owed_.erase(found);
    }
    settled_.notify_all();
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

ATTUNE_DECL Delivery::Delivery(std::shared_ptr<DeliveryHub> hub, Executor executor,
                               ObserverName name)
    : hub_(std::move(hub)),
      place_(!executor                ? Place::notifier
             : executor.runs_inline() ? Place::inline_here
                                      : Place::executor),
      name_(std::move(name)),
      executor_(std::move(executor)) {}

ATTUNE_DECL void Delivery::owe(Version version) {
    hub_->open(version);
    owed_ = version;
}

ATTUNE_DECL void Delivery::settle_debt() noexcept {
    if (owed_) {
        hub_->close(*owed_);
        owed_.reset();
    }
}

ATTUNE_DECL Executor Delivery::spent_executor() noexcept {
    return dropped_ && handing_over_.empty() ? std::exchange(executor_, {}) : Executor{};
}

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
    const auto thread = std::this_thread::get_id();
    {
        const std::scoped_lock lock{mutex_};
        if (cancelled_.load(std::memory_order_relaxed)) {
            return;
        }
        handing_over_.push_back(thread);
    }
    std::exception_ptr thrown;
    try {
        executor_.execute(work());  // which may run it at once
    } catch (...) {
        thrown = std::current_exception();
    }
    Executor spent;
    {
        const std::scoped_lock lock{mutex_};
        handing_over_.erase(std::find(handing_over_.begin(), handing_over_.end(), thread));
        spent = spent_executor();
    }
    idle_.notify_all();
    if (thrown) {
        std::rethrow_exception(thrown);
    }
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
    {
        const std::scoped_lock lock{mutex_};
        if (cancelled_.load(std::memory_order_relaxed)) {
            return false;
        }
        if (!take()) {
            scheduled_ = false;
            settle_debt();
            return false;
        }
        running_ = true;
        runner_ = std::this_thread::get_id();
    }
    std::exception_ptr problem;
    try {
        const CallWatch::Call watched{hub_->calls(), name_};
        call();
    } catch (...) {
        problem = std::current_exception();
    }
    if (problem && thrown == nullptr) {
        hub_->report(name_, problem);
    } else if (problem) {
        *thrown = problem;
    }
    bool again = false;
    bool last = false;
    {
        const std::scoped_lock lock{mutex_};
        const std::optional<Version> paid = std::exchange(owed_, std::nullopt);
        if (cancelled_.load(std::memory_order_relaxed)) {
            last = !std::exchange(dropped_, true);
        } else if (const std::optional<Version> next = waiting()) {
            again = true;
            owe(*next);  // before the old debt is paid, so that settle sees no gap
        }
        scheduled_ = again;
        if (paid) {
            hub_->close(*paid);
        }
        if (!last) {
            running_ = false;
            runner_ = {};
        }
    }
    Executor spent;
    if (last) {
        drop();  // part of the call for whoever waits for its end
        const std::scoped_lock lock{mutex_};
        running_ = false;
        runner_ = {};
        spent = spent_executor();
    }
    idle_.notify_all();
    return again;
}

ATTUNE_DECL Lag Delivery::lag() const noexcept {
    const std::scoped_lock lock{mutex_};
    return cancelled_.load(std::memory_order_relaxed) ? Lag{} : count_waiting();
}

ATTUNE_DECL void Delivery::cancel() noexcept {
    const auto thread = std::this_thread::get_id();
    Executor spent;
    {
        std::unique_lock lock{mutex_};
        cancelled_.store(true, std::memory_order_release);
        if (running_ && runner_ == thread) {
            return;  // step() clears up when the callback has returned
        }
        idle_.wait(lock, [&] {
            return !running_ && std::all_of(handing_over_.begin(), handing_over_.end(),
                                            [&](const auto& other) { return other == thread; });
        });
        scheduled_ = false;
        settle_debt();
        if (std::exchange(dropped_, true)) {
            return;
        }
        spent = spent_executor();
    }
    drop();
}

}  // namespace attune::inline ATTUNE_ABI::detail
