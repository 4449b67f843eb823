#pragma once

#include <attune/bind/problem.hpp>
#include <attune/fwd.hpp>
#include <attune/graph/delivery.hpp>
#include <attune/graph/node.hpp>
#include <attune/graph/ref.hpp>
#include <attune/graph/value_cell.hpp>
#include <attune/version.hpp>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

namespace attune::inline ATTUNE_ABI {

/// What an observer of changes is told. `before` is what the same observer was told last (or found
/// when it subscribed), so that no step is missing between two calls, even where several versions
/// came together in one.
template <class T>
struct Change {
    std::shared_ptr<const T> before;
    std::shared_ptr<const T> after;
    Version version = 0;  ///< the version `after` belongs to
};

namespace detail {

/// An observer of one node: the newest value wins over one that was not delivered yet.
class ValueDelivery : public Delivery {
public:
    ValueDelivery(std::shared_ptr<DeliveryHub> hub, Executor executor, std::string name,
                  Ref<const GraphNode> node)
        : Delivery(std::move(hub), std::move(executor), std::move(name)), node_(std::move(node)) {}

    /// What the observer is taken to know already. Before the first offer.
    void begin_with(CellPtr seen) noexcept { seen_ = std::move(seen); }

    /// Under the commit mutex. True when dispatch is due.
    bool offer_value(Version version, const CellPtr& value) {
        CellPtr replaced;
        return offer(version, [&] {
            if (!next_) {
                next_version_ = version;
            }
            replaced = std::exchange(next_, value);
            newest_version_ = version;
        });
    }

protected:
    bool take() override {
        if (!next_ || (seen_ && node_->kind.equal(*seen_.get(), *next_.get()))) {
            next_ = {};
            return false;
        }
        before_ = std::exchange(seen_, next_);
        after_ = std::exchange(next_, {});
        version_ = newest_version_;
        return true;
    }
    std::optional<Version> waiting() const noexcept override {
        return next_ ? std::optional{next_version_} : std::nullopt;
    }
    void drop() noexcept override {
        seen_ = next_ = before_ = after_ = {};
        node_ = {};
    }

    // For call(): the item taken.
    CellPtr before_;
    CellPtr after_;
    Version version_ = 0;

private:
    Ref<const GraphNode> node_;  // an observed value is computed, whether or not a handle is left
    CellPtr seen_;
    CellPtr next_;
    Version next_version_ = 0;    // of the oldest value that next_ stands for
    Version newest_version_ = 0;  // of next_
};

template <class T, class F>
class ChangeObserver final : public ValueDelivery {
public:
    template <class G>
    ChangeObserver(std::shared_ptr<DeliveryHub> hub, Executor executor, std::string name,
                   Ref<const GraphNode> node, G&& callback)
        : ValueDelivery(std::move(hub), std::move(executor), std::move(name), std::move(node)),
          callback_(std::in_place, std::forward<G>(callback)) {}

private:
    void call() override {
        if constexpr (std::is_invocable_v<F&, const attune::Change<T>&>) {
            (*callback_)(attune::Change<T>{before_.template pin<T>(), after_.template pin<T>(),
                                           version_});
        } else {
            (*callback_)(after_.template value<T>());
        }
        before_ = after_ = {};
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
    static constexpr const char* name = "on_rejected";

    RejectionObserver(std::shared_ptr<DeliveryHub> hub, Executor executor,
                      std::function<void(const Rejection&)> callback)
        : Delivery(std::move(hub), std::move(executor), name), callback_(std::move(callback)) {}

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
