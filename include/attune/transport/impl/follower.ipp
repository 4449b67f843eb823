#pragma once

#include <attune/transport/detail/follower.hpp>

#include <algorithm>
#include <memory>
#include <thread>
#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

/// How often to poll where nothing else was asked for and the kernel does not tell.
inline constexpr Poller::Clock::duration default_poll = std::chrono::seconds{1};

/// Between two readings of something that changes.
inline constexpr Poller::Clock::duration shortest_pause = std::chrono::milliseconds{1};

/// Within a day, so that no sum of them overflows.
ATTUNE_DECL Follower::Pace Follower::bounded(const Pace& pace) noexcept {
    constexpr Clock::duration day = std::chrono::hours{24};
    constexpr Clock::duration none{0};
    const Clock::duration quiet = std::clamp(pace.quiet, none, day);
    return {std::clamp(pace.poll, none, day), quiet, std::clamp(pace.longest, quiet, day),
            pace.watch};
}

ATTUNE_DECL Follower::Follower(std::unique_ptr<const Subject> subject, std::string kind,
                               std::string source, Pace pace)
    : subject_(std::move(subject)),
      kind_(std::move(kind)),
      source_(std::move(source)),
      pace_(bounded(pace)) {}

ATTUNE_DECL Follower::Verdict Follower::judge(const Image& image) const {
    Verdict verdict;
    verdict.steady = identical(image, subject_->read());
    verdict.problems = image.problems;
    if (verdict.steady && verdict.problems.empty()) {
        verdict.problems = subject_->judge(image, verdict.content);
    } else if (verdict.problems.empty()) {
        verdict.problems.push_back(problem_at(source_, "changes while it is read"));
    }
    return verdict;
}

ATTUNE_DECL Content Follower::load() {
    const auto begin = Clock::now();
    for (;;) {
        auto image = std::make_shared<const Image>(subject_->read());
        Verdict verdict = judge(*image);
        const auto now = Clock::now();
        if (verdict.problems.empty()) {
            const Lock lock{mutex_};
            seen_ = image;
            delivered_ = std::move(image);
            failure_.clear();
            ++loads_;
            timer_.arm(now);  // what was followed meanwhile may be older, or newer
            return std::move(verdict.content);
        }
        const bool in_progress = !verdict.steady || image->younger_than(pace_.quiet);
        const auto left = begin + pace_.longest - now;
        if (!in_progress || left <= left.zero()) {
            throw Rejected({std::move(verdict.problems), name()});
        }
        const auto pause = std::max(pace_.quiet, shortest_pause);
        std::this_thread::sleep_for(std::min(left, pause));
    }
}

ATTUNE_DECL void Follower::start(Feed& feed) {
    if (!pace_.watch) {
        return;
    }
    Poller& poller = feed.poller();
    if (pace_.poll.count() == 0 && !watch_) {
        watch_ = poller.service<FileWatch>();
    }
    auto timer = poller.timer([weak = weak_from_this()] {
        if (const auto self = weak.lock()) {
            self->wake();
        }
    });
    const Lock lock{mutex_};
    feed_ = &feed;
    timer_ = std::move(timer);
    timer_.arm(Clock::now());
}

ATTUNE_DECL void Follower::stop() noexcept {
    Feed* feed = nullptr;
    Poller::Timer timer;
    {
        const Lock lock{mutex_};
        feed = std::exchange(feed_, nullptr);
        timer = std::move(timer_);
        window_.reset();
    }
    timer.reset();  // waits for a feed call, unless this is one
    if (feed == nullptr) {
        return;
    }
    try {
        feed->poller().post([self = shared_from_this()] {
            self->walked_ = false;
            if (self->watch_) {
                self->watch_->forget(*self);
            }
        });
    } catch (...) {  // out of memory: the watch goes on, and touches nothing
    }
}

ATTUNE_DECL void Follower::touched(bool moved) {
    Lock lock{mutex_};
    if (feed_ == nullptr) {
        return;
    }
    const auto now = Clock::now();
    notice(now);
    set_timer(now);
    lock.unlock();
    if (moved) {
        try {
            walk();
        } catch (...) {  // out of memory: poll, and try again then
            walked_ = false;
            polling_ = true;
        }
    }
}

ATTUNE_DECL void Follower::walk() {
    if (watch_ && watch_->usable()) {
        WatchTrail trail{*watch_, shared_from_this()};
        subject_->walk(trail);
        polling_ = !trail.complete();
    } else {
        polling_ = true;
    }
    walked_ = true;
}

ATTUNE_DECL void Follower::wake() {
    try {
        if (!walked_) {
            walk();
        }
        look();
    } catch (...) {  // out of memory, or thrown by the feed
        const Lock lock{mutex_};
        timer_.arm_after(default_poll);
    }
}

ATTUNE_DECL void Follower::look() {
    Lock lock{mutex_};
    if (feed_ == nullptr) {
        return;
    }
    const std::uint64_t loads = loads_;
    const auto overtaken = [&] {
        if (loads != loads_) {
            timer_.arm(Clock::now());
        }
        return feed_ == nullptr || loads != loads_;
    };

    lock.unlock();
    auto image = std::make_shared<const Image>(subject_->read());
    lock.lock();
    if (overtaken()) {
        return;
    }
    const auto now = Clock::now();
    if (!seen_ || !same(*image, *seen_)) {
        seen_ = image;
        if (polling_ || !window_) {
            notice(now);
        }
    }
    if (!window_ || now < window_->closes) {
        set_timer(now);
        return;
    }
    if (delivered_ && same(*image, *delivered_)) {
        window_.reset();
        seen_ = delivered_;
        set_timer(now);
        if (!std::exchange(failure_, {}).empty()) {
            Feed& feed = *feed_;
            lock.unlock();
            feed.unchanged();
        }
        return;
    }

    lock.unlock();
    Verdict verdict = judge(*image);
    lock.lock();
    if (overtaken()) {
        return;
    }
    if (verdict.problems.empty()) {
        deliver(lock, std::move(image), std::move(verdict.content));
    } else if (now < window_->deadline) {
        const auto again = now + std::max(pace_.quiet, shortest_pause);
        window_->closes = verdict.steady ? window_->deadline : std::min(again, window_->deadline);
        set_timer(now);
    } else {
        report(lock, std::move(verdict.problems));
    }
}

ATTUNE_DECL void Follower::notice(Clock::time_point now) {
    if (!window_) {
        window_ = Window{now, now + pace_.longest};
    }
    window_->closes = std::min(now + pace_.quiet, window_->deadline);
}

ATTUNE_DECL void Follower::set_timer(Clock::time_point now) {
    auto next = Clock::time_point::max();
    if (window_) {
        next = window_->closes;
    }
    if (polling_) {
        next = std::min(next, now + (pace_.poll.count() != 0 ? pace_.poll : default_poll));
    }
    if (next != Clock::time_point::max()) {
        timer_.arm(next);
    }
}

ATTUNE_DECL void Follower::deliver(Lock& lock, ImagePtr image, Content content) {
    window_.reset();
    seen_ = image;
    delivered_ = std::move(image);
    failure_.clear();
    const std::uint64_t loads = loads_;
    Feed& feed = *feed_;
    set_timer(Clock::now());
    lock.unlock();
    feed.content(std::move(content));
    lock.lock();
    if (loads != loads_) {
        // Nobody knows which of the two the feed took last: what is there now settles it.
        seen_ = nullptr;
        delivered_ = nullptr;
        timer_.arm(Clock::now());
    }
}

ATTUNE_DECL void Follower::report(Lock& lock, std::vector<Problem> problems) {
    window_.reset();
    set_timer(Clock::now());
    std::string failure = to_string(Rejection{problems, {}});
    if (failure == failure_) {
        return;
    }
    failure_ = std::move(failure);
    Feed& feed = *feed_;
    lock.unlock();
    feed.failed(std::move(problems));
}

class FollowerTransport final : public Transport {
public:
    explicit FollowerTransport(std::shared_ptr<Follower> follower)
        : follower_(std::move(follower)) {}
    FollowerTransport(const FollowerTransport&) = delete;
    FollowerTransport& operator=(const FollowerTransport&) = delete;
    ~FollowerTransport() override { follower_->stop(); }

    std::string name() const override { return follower_->name(); }
    Content load() override { return follower_->load(); }
    void start(Feed& feed) override { follower_->start(feed); }
    void stop() noexcept override { follower_->stop(); }

private:
    const std::shared_ptr<Follower> follower_;
};

ATTUNE_DECL std::unique_ptr<Transport> follow(std::unique_ptr<const Subject> subject,
                                              std::string kind, std::string source,
                                              const Follower::Pace& pace) {
    return std::unique_ptr<Transport>(new FollowerTransport(
        std::make_shared<Follower>(std::move(subject), std::move(kind), std::move(source), pace)));
}

}  // namespace attune::inline ATTUNE_ABI::detail
