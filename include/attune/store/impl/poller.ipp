#pragma once

#include <attune/store/impl/poller_core.hpp>
#include <attune/store/poller.hpp>

#include <memory>
#include <utility>

namespace attune::inline ATTUNE_ABI {

ATTUNE_DECL Poller::Registration::Registration(std::shared_ptr<detail::PollerCore> core,
                                               std::uint64_t id) noexcept
    : core_(id != 0 ? std::move(core) : nullptr), id_(id) {}

ATTUNE_DECL Poller::Registration::Registration(Registration&& other) noexcept
    : core_(std::move(other.core_)), id_(std::exchange(other.id_, 0)) {}

ATTUNE_DECL Poller::Registration& Poller::Registration::operator=(Registration&& other) noexcept {
    if (this != &other) {
        reset();
        core_ = std::move(other.core_);
        id_ = std::exchange(other.id_, 0);
    }
    return *this;
}

ATTUNE_DECL Poller::Registration::~Registration() { reset(); }

ATTUNE_DECL void Poller::Registration::reset() noexcept {
    if (const auto core = core_) {
        // Emptied after the wait: until then the callback may use this, to arm its own timer.
        const auto gone = core->remove(id_);
        core_ = nullptr;
        id_ = 0;
    }
}

ATTUNE_DECL void Poller::Timer::arm(Clock::time_point when) noexcept {
    if (core_) {
        core_->arm(id_, when);
    }
}

ATTUNE_DECL void Poller::Timer::disarm() noexcept {
    if (core_) {
        core_->arm(id_, detail::PollerCore::never);
    }
}

ATTUNE_DECL Poller::Poller() : core_(std::make_shared<detail::PollerCore>()) {}

ATTUNE_DECL Poller::~Poller() { core_->stop(); }

ATTUNE_DECL bool Poller::on_thread() const noexcept { return core_->on_thread(); }

ATTUNE_DECL Poller::Registration Poller::add_watch(int fd, std::unique_ptr<detail::PollerJob> job) {
    return {core_, detail::PollerCore::add(core_, fd, std::move(job))};
}

ATTUNE_DECL Poller::Timer Poller::add_timer(std::unique_ptr<detail::PollerJob> job) {
    return {core_, detail::PollerCore::add(core_, -1, std::move(job))};
}

ATTUNE_DECL void Poller::add_post(std::unique_ptr<detail::PollerJob> job) {
    detail::PollerCore::post(core_, std::move(job));
}

ATTUNE_DECL std::shared_ptr<void> Poller::find_service(const void* key,
                                                       std::shared_ptr<void> (*make)(Poller&)) {
    if (auto known = core_->service(key, nullptr)) {
        return known;
    }
    // Made without the lock, since making it registers with this poller.
    return core_->service(key, make(*this));
}

}  // namespace attune::inline ATTUNE_ABI
