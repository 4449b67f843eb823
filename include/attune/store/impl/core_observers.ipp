#pragma once

#include <attune/store/impl/core_state.hpp>

#include <attune/bind/duration.hpp>

#include <chrono>
#include <exception>
#include <utility>

/// What a store does about its observers besides telling them: waiting threads, and observers in
/// trouble.
namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL bool Core::wait_until(std::chrono::steady_clock::time_point deadline,
                                  const std::function<bool()>& check) {
    CommitLock::refuse_inside(state_->committing);
    return hub_->bell().wait(deadline, check);
}

ATTUNE_DECL std::shared_ptr<void> Core::listen(std::function<void()> heard) {
    return hub_->bell().listen(std::move(heard));
}

// The rejection observers are told, unless it is one of them that is in trouble: that could go on
// for ever.
ATTUNE_DECL void Core::report_observer(const ObserverName& observer, const std::string& text) {
    if (observer.kind == ObserverName::Kind::rejections) {
        return;
    }
    Problem problem;
    problem.message = observer.label() + ' ' + text;
    problem.severity = Severity::warning;
    publish_rejection(
        {.problems = {std::move(problem)}, .reason = "observer", .version = version()});
}

ATTUNE_DECL void Core::observer_threw(const ObserverName& observer,
                                      const std::exception_ptr& thrown) {
    std::string what = "an exception that is no std::exception";
    try {
        std::rethrow_exception(thrown);
    } catch (const std::exception& exception) {
        what = exception.what();
    } catch (...) {
    }
    {
        const CommitLock lock{*state_};
        ++state_->observer_errors;
    }
    report_observer(observer, "threw: " + what);
}

ATTUNE_DECL void Core::report_notices() {
    for (const DeliveryHub::Notice& notice : hub_->take_notices()) {
        report_observer(notice.observer, notice.text);
    }
}

// On the poller's thread: the notifier may be the very thread that a slow observer holds up.
ATTUNE_DECL void Core::watch_calls() {
    const auto limit = std::chrono::duration_cast<std::chrono::steady_clock::duration>(
        state_->options.slow_observer);
    if (limit <= limit.zero()) {
        return;
    }
    const auto look = [weak = weak_from_this()] {
        const auto self = weak.lock();
        if (self == nullptr) {
            return;
        }
        for (const CallWatch::SlowCall& call : self->hub_->calls().look()) {
            self->report_observer(
                call.observer,
                "has been running for " +
                    attune::to_text(std::chrono::ceil<std::chrono::milliseconds>(call.running)) +
                    "; until it returns, it is told of nothing else, and "
                    "others that share its executor wait");
        }
    };
    // The timer is made with the first call: it starts the thread.
    auto timer = std::make_shared<Poller::Timer>();
    hub_->calls().start(limit, [look, timer, owner = std::weak_ptr<Poller>{state_->poller}](
                                   CallWatch::Clock::time_point when) {
        if (!*timer) {
            if (const auto poller = owner.lock()) {
                *timer = poller->timer(look);
            }
        }
        timer->arm(when);
    });
}

}  // namespace attune::inline ATTUNE_ABI::detail
