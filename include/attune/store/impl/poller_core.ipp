#pragma once

#include <attune/store/impl/poller_core.hpp>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <system_error>
#include <utility>

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL std::uint64_t PollerCore::add(const std::shared_ptr<PollerCore>& core, int fd,
                                          std::unique_ptr<PollerJob> job) {
    const std::shared_ptr<PollerJob> entry = std::move(job);
    entry->fd = fd;
    const std::scoped_lock lock{core->mutex_};
    if (core->stopping_) {
        return 0;
    }
    start(core);
    entry->id = ++core->last_id_;
    core->entries_.push_back(entry);
    if (fd >= 0) {
        core->wake();
    }
    return entry->id;
}

ATTUNE_DECL void PollerCore::post(const std::shared_ptr<PollerCore>& core,
                                  std::unique_ptr<PollerJob> job) {
    std::shared_ptr<PollerJob> entry = std::move(job);
    const std::scoped_lock lock{core->mutex_};
    if (!core->stopping_) {
        start(core);
        core->posted_.push_back(std::move(entry));
        core->wake();
    }
}

ATTUNE_DECL std::shared_ptr<PollerJob> PollerCore::remove(std::uint64_t id) noexcept {
    std::shared_ptr<PollerJob> gone;
    Lock lock{mutex_};
    for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
        if ((*entry)->id == id) {
            gone = std::move(*entry);
            entries_.erase(entry);
            break;
        }
    }
    if (gone != nullptr && gone->fd >= 0) {
        wake();
    }
    if (thread_id_ != std::this_thread::get_id()) {
        while (running_ == id || ending_) {
            returned_.wait(lock);
        }
    }
    return gone;
}

ATTUNE_DECL std::shared_ptr<PollerJob> PollerCore::find(std::uint64_t id) const noexcept {
    for (const auto& entry : entries_) {
        if (entry->id == id) {
            return entry;
        }
    }
    return nullptr;
}

ATTUNE_DECL void PollerCore::arm(std::uint64_t id, Clock::time_point when) noexcept {
    const std::scoped_lock lock{mutex_};
    if (const auto entry = find(id)) {
        entry->armed = when;
        entry->due = false;
        if (when != never) {
            wake();
        }
    }
}

ATTUNE_DECL void PollerCore::stop() noexcept {
    std::thread thread;
    {
        const std::scoped_lock lock{mutex_};
        stopping_ = true;
        wake();
        thread = std::move(thread_);
    }
    if (!thread.joinable()) {
        return;
    }
    if (thread.get_id() == std::this_thread::get_id()) {
        thread.detach();  // it ends after this callback, and holds the core until then
    } else {
        thread.join();
    }
}

ATTUNE_DECL bool PollerCore::on_thread() noexcept {
    const std::scoped_lock lock{mutex_};
    return thread_id_ == std::this_thread::get_id();
}

ATTUNE_DECL std::shared_ptr<void> PollerCore::service(const void* key, std::shared_ptr<void> made) {
    const std::scoped_lock lock{mutex_};
    for (Service& known : services_) {
        if (known.key == key) {
            if (auto first = known.object.lock()) {
                return first;
            }
            known.object = made;
            return made;
        }
    }
    services_.push_back({key, made});
    return made;
}

ATTUNE_DECL void PollerCore::start(const std::shared_ptr<PollerCore>& core) {
    if (core->thread_.joinable()) {
        return;
    }
    if (core->wake_fd_ < 0) {
        core->wake_fd_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (core->wake_fd_ < 0) {
            throw std::system_error(errno, std::generic_category(), "eventfd");
        }
    }
    // The program's signals are for its own threads.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
        core->thread_ = std::thread([core] { core->run(); });
    } catch (...) {
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
        throw;
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    core->thread_id_ = core->thread_.get_id();
}

ATTUNE_DECL void PollerCore::run() noexcept {
#if defined(__linux__)
    (void)pthread_setname_np(pthread_self(), "attune-io");
#endif
    Entries entries;
    Entries posted;
    Lock lock{mutex_};
    while (!stopping_) {
        try {
            round(lock);
        } catch (...) {  // out of memory: the next round tries again
        }
    }
    // Callbacks may own registrations, and these the core: nobody else would break the circle.
    ending_ = true;
    entries.swap(entries_);
    posted.swap(posted_);
    lock.unlock();
    entries.clear();
    posted.clear();
    lock.lock();
    ending_ = false;
    returned_.notify_all();
}

ATTUNE_DECL void PollerCore::round(Lock& lock) {
    std::vector<pollfd> fds{{wake_fd_, POLLIN, 0}};
    std::vector<std::uint64_t> ids{0};
    for (const auto& entry : entries_) {
        if (entry->fd >= 0) {
            fds.push_back({entry->fd, POLLIN, 0});
            ids.push_back(entry->id);
        }
    }
    const timespec timeout = time_left();
    polling_ = true;
    lock.unlock();
    const int ready =
        ::ppoll(fds.data(), fds.size(), timeout.tv_sec < 0 ? nullptr : &timeout, nullptr);
    lock.lock();
    polling_ = false;
    if (ready > 0 && fds[0].revents != 0) {
        std::uint64_t wakes = 0;
        (void)!::read(wake_fd_, &wakes, sizeof wakes);
    }

    // A timer that is armed in this round waits for the next one, and so for the descriptors that
    // are ready then: what is read from them may put it off.
    const auto now = Clock::now();
    run_posted(lock);
    for (std::size_t i = 1; ready > 0 && i < fds.size() && !stopping_; ++i) {
        auto entry = fds[i].revents != 0 ? find(ids[i]) : nullptr;
        if (entry == nullptr) {
            continue;
        }
        if ((fds[i].revents & POLLNVAL) != 0) {
            entry->fd = -1;  // closed while registered: nothing will ever come from it
        }
        call(lock, std::move(entry));
    }
    run_due(lock, now);
}

ATTUNE_DECL void PollerCore::run_posted(Lock& lock) {
    auto posted = std::exchange(posted_, {});
    for (auto& entry : posted) {
        if (stopping_) {
            posted_ = std::move(posted);  // to be dropped without the lock
            return;
        }
        call(lock, std::move(entry));
    }
}

/// Calls the timers that are due now, but not what their callbacks arm.
ATTUNE_DECL void PollerCore::run_due(Lock& lock, Clock::time_point now) {
    for (const auto& entry : entries_) {
        entry->due = entry->armed <= now;
    }
    while (!stopping_) {
        auto next = first_due();
        if (next == nullptr) {
            return;
        }
        next->armed = never;
        next->due = false;
        call(lock, std::move(next));
    }
}

ATTUNE_DECL std::shared_ptr<PollerJob> PollerCore::first_due() const noexcept {
    std::shared_ptr<PollerJob> first;
    for (const auto& entry : entries_) {
        if (entry->due && (first == nullptr || entry->armed < first->armed)) {
            first = entry;
        }
    }
    return first;
}

ATTUNE_DECL void PollerCore::call(Lock& lock, std::shared_ptr<PollerJob> entry) noexcept {
    running_ = entry->id;
    lock.unlock();
    try {
        entry->run();
    } catch (...) {  // the registrant's own business, as documented
    }
    entry.reset();  // before anybody who waits goes on: what the callback holds is theirs then
    lock.lock();
    running_ = 0;
    returned_.notify_all();
}

/// Until the next timer; negative when there is none.
ATTUNE_DECL timespec PollerCore::time_left() const noexcept {
    if (!posted_.empty()) {
        return {0, 0};
    }
    Clock::time_point first = never;
    for (const auto& entry : entries_) {
        if (entry->armed < first) {
            first = entry->armed;
        }
    }
    if (first == never) {
        return {-1, 0};
    }
    // A bound keeps time_t and the subtraction in range whatever was asked for.
    constexpr Clock::duration longest = std::chrono::hours{1};
    constexpr std::int64_t second = 1'000'000'000;
    const auto now = Clock::now();
    const std::chrono::nanoseconds left = first <= now            ? Clock::duration::zero()
                                          : first > now + longest ? longest
                                                                  : first - now;
    return {static_cast<time_t>(left.count() / second), static_cast<long>(left.count() % second)};
}

ATTUNE_DECL void PollerCore::wake() noexcept {
    if (polling_) {
        const std::uint64_t one = 1;
        (void)!::write(wake_fd_, &one, sizeof one);
    }
}

}  // namespace attune::inline ATTUNE_ABI::detail
