#pragma once

#include <attune/store/observer.hpp>

#include <algorithm>
#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL ObserverName observer_name(std::string observed, const ObserveOptions& options) {
    if (options.name.empty()) {
        return {std::move(observed), ObserverName::Kind::observed};
    }
    return {options.name, ObserverName::Kind::given};
}

/// What waits where every version is delivered. Under the delivery's lock.
struct ValueDelivery::Backlog {
    explicit Backlog(std::size_t size) : capacity(std::max<std::size_t>(size, 1)) {}

    const std::size_t capacity;
    std::deque<Item> items;  // oldest first
    std::uint64_t dropped = 0;
    bool behind = false;  // something was dropped since the queue was last empty
};

ATTUNE_DECL ValueDelivery::ValueDelivery(std::shared_ptr<DeliveryHub> hub, Executor executor,
                                         ObserverName name, Ref<const GraphNode> node,
                                         const ObserveOptions& options)
    : Delivery(std::move(hub), std::move(executor), std::move(name)),
      node_(std::move(node)),
      backlog_(options.deliver == Deliver::every_version ? std::make_unique<Backlog>(options.queue)
                                                         : nullptr) {}

ATTUNE_DECL ValueDelivery::~ValueDelivery() = default;

ATTUNE_DECL bool ValueDelivery::offer_value(Version version, const CellOwner& value,
                                            DeliveryHub::Debt& debt) {
    Item replaced;  // destroyed without the lock
    if (backlog_ != nullptr) {
        bool fell_behind = false;
        const bool due = offer(debt, [&] {
            replaced = add_to_backlog({value, version, version}, fell_behind);
        });
        if (fell_behind) {
            hub().notice(name(), "is behind by " + std::to_string(backlog_->capacity) +
                                     " changes, all that ObserveOptions::queue lets wait; until "
                                     "it has caught up, the oldest are merged into the next. Make "
                                     "it faster, give it an executor of its own or a longer "
                                     "queue, or let it have the latest value only");
        }
        return due;
    }
    return offer(debt, [&] {
        const Version since = next_.value ? next_.since : version;
        replaced = std::exchange(next_, {value, version, since});
    });
}

ATTUNE_DECL bool ValueDelivery::offer_first(Version version, CellOwner value) {
    DeliveryHub::Debt& debt = hub().open(version);
    const bool due = offer_value(version, value, debt);
    if (!due) {
        hub().close(debt);
    }
    return due;
}

ATTUNE_DECL ValueDelivery::Item ValueDelivery::add_to_backlog(Item item, bool& fell_behind) {
    Backlog& backlog = *backlog_;
    Item dropped;
    if (backlog.items.size() == backlog.capacity) {
        dropped = std::move(backlog.items.front());
        backlog.items.pop_front();
        (backlog.items.empty() ? item : backlog.items.front()).since = dropped.since;
        ++backlog.dropped;
        hub().count_dropped();
        fell_behind = !std::exchange(backlog.behind, true);
    }
    backlog.items.push_back(std::move(item));
    return dropped;
}

ATTUNE_DECL bool ValueDelivery::take() {
    if (backlog_ == nullptr) {
        taken_ = std::exchange(next_, {});
        return static_cast<bool>(taken_.value);
    }
    if (backlog_->items.empty()) {
        return false;
    }
    taken_ = std::move(backlog_->items.front());
    backlog_->items.pop_front();
    backlog_->behind = backlog_->behind && !backlog_->items.empty();
    return true;
}

ATTUNE_DECL void ValueDelivery::call() {
    Item item = std::exchange(taken_, {});
    // Compared here and not in take: two values of a user's type are compared by the user's code.
    if (backlog_ == nullptr && seen_ && node_->kind.equal(*seen_.get(), *item.value.get())) {
        return;
    }
    std::swap(seen_, item.value);
    tell(item.value, seen_, item.version);
}

ATTUNE_DECL std::optional<Version> ValueDelivery::waiting() const noexcept {
    if (backlog_ != nullptr) {
        return backlog_->items.empty() ? std::nullopt
                                       : std::optional{backlog_->items.front().since};
    }
    return next_.value ? std::optional{next_.since} : std::nullopt;
}

ATTUNE_DECL Lag ValueDelivery::count_waiting() const noexcept {
    if (backlog_ != nullptr) {
        return {.waiting = backlog_->items.size(), .dropped = backlog_->dropped};
    }
    return {.waiting = next_.value ? 1U : 0U};
}

ATTUNE_DECL void ValueDelivery::drop() noexcept {
    if (backlog_ != nullptr) {
        backlog_->items.clear();
    }
    seen_ = {};
    taken_ = {};
    next_ = {};
    node_ = {};
}

}  // namespace attune::inline ATTUNE_ABI::detail
