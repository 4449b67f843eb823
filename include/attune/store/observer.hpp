#pragma once

#include <attune/bind/problem.hpp>
#include <attune/fwd.hpp>
#include <attune/graph/delivery.hpp>
#include <attune/graph/node.hpp>
#include <attune/graph/ref.hpp>
#include <attune/graph/value_cell.hpp>
#include <attune/version.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace attune::inline ATTUNE_ABI {

/// What an observer of changes is told. `before` is what the same observer was told last (or found
/// when it subscribed), so that no step is missing between two calls, even where several versions
/// came together in one. Where every version is delivered by itself, it is the version before,
/// unless the observer's queue was full.
template <class T>
struct Change {
    std::shared_ptr<const T> before;
    std::shared_ptr<const T> after;
    Version version = 0;  ///< the version `after` belongs to
};

/// Which changes an observer is told of when versions come faster than it returns.
enum class Deliver : std::uint8_t {
    /// The newest one. A value that has meanwhile returned to what the observer saw last is no
    /// change to it.
    latest,
    /// Each one by itself, in order: for audit trails, counters, replication.
    every_version,
};

struct ObserveOptions {
    Deliver deliver = Deliver::latest;
    /// With Deliver::every_version: how many changes may wait, at least 1. When one more comes, the
    /// oldest that waits is dropped: the next one then tells of both, from the `before` of the
    /// first to the `after` of the second. Subscription::lag counts what was dropped, and
    /// Store::on_rejected is told once, until the observer has caught up.
    std::size_t queue = 1024;
    /// Who the observer is in reports and status; the name of what it observes when empty.
    std::string name = {};
};

namespace detail {

/// The name of an observer of what is known as `observed`.
ATTUNE_DECL ObserverName observer_name(std::string observed, const ObserveOptions& options);

/// An observer of one node.
class ValueDelivery : public Delivery {
public:
    ATTUNE_DECL ValueDelivery(std::shared_ptr<DeliveryHub> hub, Executor executor,
                              ObserverName name, Ref<const GraphNode> node,
                              const ObserveOptions& options);
    ATTUNE_DECL ~ValueDelivery() override;

    /// What the observer is taken to know already. Before the first offer.
    void begin_with(CellOwner seen) noexcept { seen_ = std::move(seen); }

    /// Under the commit mutex. True when dispatch is due; see offer.
    ATTUNE_DECL bool offer_value(Version version, const CellOwner& value, DeliveryHub::Debt& debt);
    /// The same for a single observer, to be followed by deliver_first.
    ATTUNE_DECL bool offer_first(Version version, CellOwner value);

protected:
    /// The user's code. `before` is empty for the first value that is applied, and may be moved
    /// from; `after` must be in its place when this returns.
    virtual void tell(CellOwner& before, CellOwner& after, Version version) = 0;
    ATTUNE_DECL void drop() noexcept override;

private:
    struct Backlog;

    /// A value to be told of.
    struct Item {
        CellOwner value;
        Version version = 0;  ///< of the value
        Version since = 0;    ///< of the oldest value it stands for
    };

    ATTUNE_DECL bool take() override;
    ATTUNE_DECL std::optional<Version> waiting() const noexcept override;
    ATTUNE_DECL Lag count_waiting() const noexcept override;
    ATTUNE_DECL void call() override;
    /// Gives what had to go, to be destroyed without the lock.
    Item add_to_backlog(Item item, bool& fell_behind);

    Ref<const GraphNode> node_;  // an observed value is computed, whether or not a handle is left
    CellOwner seen_;             // by the observer
    Item taken_;                 // from take to call
    Item next_;                  // Deliver::latest
    const std::unique_ptr<Backlog> backlog_;  // Deliver::every_version
};

/// Calls an F with the value, when it applies values, or with the Change.
template <class T, class F, bool Apply>
class ChangeObserver final : public ValueDelivery {
public:
    template <class G>
    ChangeObserver(std::shared_ptr<DeliveryHub> hub, Executor executor, ObserverName name,
                   Ref<const GraphNode> node, const ObserveOptions& options, G&& callback)
        : ValueDelivery(std::move(hub), std::move(executor), std::move(name), std::move(node),
                        options),
          callback_(std::in_place, std::forward<G>(callback)) {}

private:
    void tell([[maybe_unused]] CellOwner& before, CellOwner& after,
              [[maybe_unused]] Version version) override {
        if constexpr (Apply) {
            (*callback_)(static_cast<const ValueCell<T>*>(after.get())->value);
        } else {
            // Moved there and back: most callbacks keep neither value, and none must be counted.
            struct Loan {
                ~Loan() { after = CellOwner{std::move(change.after), cell}; }
                CellOwner& after;
                const CellBase* const cell;
                attune::Change<T> change;
            } loan{after,
                   after.get(),
                   {pin_value<T>(std::move(before)), pin_value<T>(std::move(after)), version}};
            (*callback_)(std::as_const(loan.change));
        }
    }
    void drop() noexcept override {
        callback_.reset();
        ValueDelivery::drop();
    }

    std::optional<F> callback_;
};

/// An observer of rejections: gets each of them, in order.
class RejectionObserver final : public Delivery {
public:
    RejectionObserver(std::shared_ptr<DeliveryHub> hub, Executor executor,
                      std::function<void(const Rejection&)> callback)
        : Delivery(std::move(hub), std::move(executor),
                   {"on_rejected", ObserverName::Kind::rejections}),
          callback_(std::move(callback)) {}

    bool offer_rejection(Version version, std::shared_ptr<const Rejection> rejection) {
        return offer(version, [&] { queue_.emplace_back(version, std::move(rejection)); });
    }

private:
    bool take() override {
        if (queue_.empty()) {
            return false;
        }
        current_ = std::move(queue_.front().second);
        queue_.pop_front();
        return true;
    }
    std::optional<Version> waiting() const noexcept override {
        return queue_.empty() ? std::nullopt : std::optional{queue_.front().first};
    }
    Lag count_waiting() const noexcept override { return {.waiting = queue_.size()}; }
    void call() override { callback_(*std::exchange(current_, nullptr)); }
    void drop() noexcept override {
        queue_.clear();
        callback_ = nullptr;
    }

    std::function<void(const Rejection&)> callback_;
    std::deque<std::pair<Version, std::shared_ptr<const Rejection>>> queue_;
    std::shared_ptr<const Rejection> current_;
};

}  // namespace detail

}  // namespace attune::inline ATTUNE_ABI

#if ATTUNE_HEADER_ONLY
#include <attune/store/impl/observer.ipp>
#endif
