#pragma once

#include <attune/graph/executor.hpp>
#include <attune/graph/subscription.hpp>
#include <attune/graph/value_kind.hpp>
#include <attune/net/impl/waiting.hpp>
#include <attune/store/config.hpp>
#include <attune/version.hpp>

#include <memory>
#include <type_traits>
#include <utility>

#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/error_code.hpp>

namespace attune::inline ATTUNE_ABI::detail {

/// An error code, and the value that came, held for as long as the pointer.
template <class T>
using NextSignature = void(boost::system::error_code, std::shared_ptr<const T>);

/// A handler, and the work it stands for until it is called.
template <class Handler>
struct HeldHandler {
    using Executor = boost::asio::associated_executor_t<Handler>;

    explicit HeldHandler(Handler&& given)
        : handler(std::move(given)), work(boost::asio::get_associated_executor(handler)) {}

    Handler handler;
    boost::asio::executor_work_guard<Executor> work;
};

/// What is posted to the handler's executor at the end.
template <class T, class Handler>
struct NextCompletion {
    std::shared_ptr<HeldHandler<Handler>> held;
    boost::system::error_code error;
    std::shared_ptr<const T> value;

    void operator()() {
        const auto work = std::move(held->work);
        Handler handler = std::move(held->handler);
        held.reset();
        if (auto slot = boost::asio::get_associated_cancellation_slot(handler);
            slot.is_connected()) {
            slot.clear();
        }
        std::move(handler)(error, std::move(value));
    }
};

/// One async_next. Three may end it at any time, and at the same time: a change, a cancellation and
/// the end of the store; a fourth, the end of the execution context, drops it. The first one that
/// takes it out of the list has it.
template <class T, class Handler>
class NextOperation final : public Waiting {
public:
    explicit NextOperation(Handler&& handler)
        : list_(waiting_list(boost::asio::get_associated_executor(handler))),
          held_(std::allocate_shared<HeldHandler<Handler>>(
              boost::asio::get_associated_allocator(handler), std::move(handler))) {}

    /// Waits until the value is not `seen` any more. `watcher` is called for each change from now
    /// on, and destroyed when there will be none.
    template <class Watcher>
    void start(const Config<T>& config, const std::shared_ptr<const T>& seen, Watcher watcher) {
        subscription_ = config.on_change(inline_executor, std::move(watcher));
        bool store_ended = false;
        if (!list_->put(*this, [&] { store_ended = !subscription_; })) {
            abandon();
            return;
        }
        // What happened before the operation was in the list has gone unheard.
        if (store_ended) {
            abort();
        } else if (config.with([&](const T& now) { return differs(now, seen.get()); })) {
            finish({}, config.pin());
        }
    }

    void finish(boost::system::error_code error, std::shared_ptr<const T> value) {
        Subscription ended;  // after the lock: it may wait for a watcher in another thread
        list_->take(*this, [&] {
            ended = std::move(subscription_);
            const auto executor = held_->work.get_executor();
            boost::asio::post(executor, NextCompletion<T, Handler>{std::move(held_), error,
                                                                   std::move(value)});
        });
    }

    void abort() { finish(boost::asio::error::operation_aborted, nullptr); }

    /// An equal value in another place is no other value.
    static bool differs(const T& now, const T* seen) {
        return &now != seen && (seen == nullptr || !value_equal(*seen, now));
    }

    void abandon() noexcept override {
        subscription_.cancel();
        held_.reset();
    }

private:
    const std::shared_ptr<WaitingList> list_;
    std::shared_ptr<HeldHandler<Handler>> held_;
    Subscription subscription_;
};

/// The observer of the value. It owns the operation, which owns its subscription: the circle opens
/// when the operation ends, and when the store drops its observers.
template <class T, class Handler>
class NextWatcher {
public:
    explicit NextWatcher(std::shared_ptr<NextOperation<T, Handler>> operation) noexcept
        : operation_(std::move(operation)) {}
    NextWatcher(NextWatcher&&) noexcept = default;
    NextWatcher& operator=(NextWatcher&&) = delete;
    NextWatcher(const NextWatcher&) = delete;
    NextWatcher& operator=(const NextWatcher&) = delete;

    /// Nobody is left to bring a change: the store has ended, unless the operation has.
    ~NextWatcher() {
        if (operation_ != nullptr) {
            operation_->abort();
        }
    }

    void operator()(const attune::Change<T>& change) const { operation_->finish({}, change.after); }

private:
    std::shared_ptr<NextOperation<T, Handler>> operation_;
};

/// Begins an operation: what async_initiate calls with the handler it makes of the token.
///
/// The arguments come by value: another thread may complete the operation, and with it the
/// coroutine that holds them, while this one is still at it.
struct InitiateNext {
    template <class Handler, class T>
    void operator()(Handler&& handler, Config<T> config) const {
        auto seen = config.pin();
        (*this)(std::forward<Handler>(handler), std::move(config), std::move(seen));
    }

    template <class Handler, class T>
    void operator()(Handler&& handler, Config<T> config, std::shared_ptr<const T> seen) const {
        namespace asio = boost::asio;
        using Stored = std::decay_t<Handler>;
        using Operation = NextOperation<T, Stored>;
        auto slot = asio::get_associated_cancellation_slot(handler);
        const auto operation = std::make_shared<Operation>(Stored(std::forward<Handler>(handler)));
        // Now, because from the start on the slot is in the hands of the handler's executor.
        if (slot.is_connected()) {
            slot.assign([weak = std::weak_ptr{operation}](asio::cancellation_type type) {
                const auto waiting = weak.lock();
                if (waiting != nullptr && type != asio::cancellation_type::none) {
                    waiting->abort();
                }
            });
        }
        operation->start(config, seen, NextWatcher<T, Stored>{operation});
    }
};

}  // namespace attune::inline ATTUNE_ABI::detail
