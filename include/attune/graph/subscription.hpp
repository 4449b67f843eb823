#pragma once

#include <attune/graph/delivery.hpp>
#include <attune/version.hpp>

#include <memory>
#include <utility>

namespace attune::inline ATTUNE_ABI {

/// An observation, ended by destroying it.
///
/// Once cancel or the destructor has returned, the callback does not begin again. Called from
/// another thread, both wait for a callback that runs at that moment, so that whatever the
/// callback uses, and the executor, may go next; called from inside the callback they do not wait.
/// Do not end a subscription while holding a lock that its callback or its executor takes.
///
/// May outlive the store, whose destruction ends it. Not thread-safe itself.
class [[nodiscard]] Subscription {
public:
    Subscription() noexcept = default;
    Subscription(Subscription&& other) noexcept = default;
    Subscription& operator=(Subscription&& other) noexcept {
        if (this != &other) {
            cancel();
            delivery_ = std::move(other.delivery_);
        }
        return *this;
    }
    ~Subscription() { cancel(); }

    void cancel() noexcept {
        if (const auto ended = std::exchange(delivery_, nullptr)) {
            ended->cancel();
        }
    }

    /// True while the observation goes on.
    explicit operator bool() const noexcept {
        return delivery_ != nullptr && !delivery_->cancelled();
    }

    /// How far the observer is behind at this moment; all zero when the observation is over. The
    /// change that it is being told of right now does not count.
    Lag lag() const noexcept { return delivery_ != nullptr ? delivery_->lag() : Lag{}; }

    explicit Subscription(std::shared_ptr<detail::Delivery> delivery) noexcept
        : delivery_(std::move(delivery)) {}

private:
    std::shared_ptr<detail::Delivery> delivery_;
};

}  // namespace attune::inline ATTUNE_ABI
