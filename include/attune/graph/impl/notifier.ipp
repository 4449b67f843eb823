#pragma once

#include <attune/graph/epoch.hpp>
#include <attune/graph/notifier.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include <pthread.h>

namespace attune::inline ATTUNE_ABI::detail {

struct Notifier::State {
    using Clock = std::chrono::steady_clock;

    std::mutex mutex;
    std::condition_variable wake;
    std::deque<std::function<void()>> work;
    std::optional<Clock::time_point> collect_at;
    Clock::duration collect_delay{};
    bool stopped = false;
    std::thread thread;
};

ATTUNE_DECL Notifier::Notifier() : state_(std::make_shared<State>()) {}

ATTUNE_DECL Notifier::~Notifier() { stop(); }

ATTUNE_DECL void Notifier::start_locked(const std::shared_ptr<State>& state) {
    if (!state->thread.joinable()) {
        state->thread = std::thread{[state] {
#if defined(__linux__)
            (void)pthread_setname_np(pthread_self(), "attune-notify");
#endif
            run(*state);
        }};
    }
}

ATTUNE_DECL void Notifier::execute(std::function<void()> work) {
    const auto state = state_;  // the work may destroy this notifier before we return
    {
        const std::scoped_lock lock{state->mutex};
        if (state->stopped) {
            return;
        }
        state->work.push_back(std::move(work));
        start_locked(state);
    }
    state->wake.notify_one();
}

ATTUNE_DECL void Notifier::collect_soon() {
    {
        const std::scoped_lock lock{state_->mutex};
        if (state_->stopped || (state_->collect_at && state_->collect_delay == collect_pause)) {
            return;
        }
        state_->collect_delay = collect_pause;
        state_->collect_at = State::Clock::now() + collect_pause;
        start_locked(state_);
    }
    state_->wake.notify_one();
}

ATTUNE_DECL void Notifier::stop() noexcept {
    std::deque<std::function<void()>> dropped;
    std::thread thread;
    {
        const std::scoped_lock lock{state_->mutex};
        state_->stopped = true;
        dropped.swap(state_->work);
        thread = std::move(state_->thread);
    }
    state_->wake.notify_one();
    if (!thread.joinable()) {
        return;
    }
    if (thread.get_id() == std::this_thread::get_id()) {
        thread.detach();  // it ends by itself, and holds the state it needs until then
    } else {
        thread.join();
    }
}

ATTUNE_DECL void Notifier::run(State& state) noexcept {
    // A reader that stays inside for long must not make this thread spin.
    constexpr State::Clock::duration longest_delay = std::chrono::milliseconds{100};
    std::unique_lock lock{state.mutex};
    while (!state.stopped) {
        if (!state.work.empty()) {
            auto work = std::move(state.work.front());
            state.work.pop_front();
            lock.unlock();
            work();
            work = nullptr;
            lock.lock();
        } else if (!state.collect_at) {
            state.wake.wait(lock);
        } else if (State::Clock::now() < *state.collect_at) {
            state.wake.wait_until(lock, *state.collect_at);
        } else if (epoch_collected() > State::Clock::now() - collect_pause) {
            // A writer is at it, whose memory it is: freed there, it is at hand for the next
            // version, and the two threads do not meet in the allocator.
            state.collect_at = State::Clock::now() + collect_pause;
        } else {
            state.collect_at.reset();
            lock.unlock();
            const bool more = epoch_collect() != 0;
            lock.lock();
            if (more && !state.collect_at) {
                state.collect_delay = std::min(state.collect_delay * 2, longest_delay);
                state.collect_at = State::Clock::now() + state.collect_delay;
            }
        }
    }
}

}  // namespace attune::inline ATTUNE_ABI::detail
