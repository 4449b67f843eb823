#pragma once

#include <attune/version.hpp>

#include <memory>
#include <mutex>
#include <type_traits>
#include <utility>

#include <boost/asio/execution/context.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/query.hpp>
#include <boost/intrusive/list.hpp>

namespace attune::inline ATTUNE_ABI::detail {

/// An operation whose end is brought by a thread that knows nothing of execution contexts, while
/// its handler must not outlive the one it belongs to.
class Waiting : public std::enable_shared_from_this<Waiting>,
                public boost::intrusive::list_base_hook<> {
public:
    Waiting() = default;
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;
    virtual ~Waiting() = default;

    /// The context is going: destroys the handler without calling it.
    virtual void abandon() noexcept = 0;
};

/// The operations that wait on behalf of one execution context. Whoever takes an operation out is
/// the only one to decide how it ends.
class WaitingList {
public:
    /// Puts the operation in and calls `f`. False, without either, when the context has gone.
    template <class F>
    bool put(Waiting& operation, F&& f) {
        const std::scoped_lock lock{mutex_};
        if (closed_) {
            return false;
        }
        operations_.push_back(operation);
        std::forward<F>(f)();
        return true;
    }

    /// Takes the operation out and calls `f`, during which the context stays; nothing when somebody
    /// else was first.
    template <class F>
    void take(Waiting& operation, F&& f) {
        const std::scoped_lock lock{mutex_};
        if (operation.is_linked()) {
            operations_.erase(operations_.iterator_to(operation));
            std::forward<F>(f)();
        }
    }

    /// Abandons every operation, and lets no other in.
    void close() noexcept {
        while (const auto operation = take_first()) {
            operation->abandon();  // not under the lock: handlers own whatever they like
        }
    }

private:
    std::shared_ptr<Waiting> take_first() noexcept {
        const std::scoped_lock lock{mutex_};
        closed_ = true;
        if (operations_.empty()) {
            return nullptr;
        }
        auto first = operations_.front().shared_from_this();
        operations_.pop_front();
        return first;
    }

    std::mutex mutex_;
    bool closed_ = false;
    boost::intrusive::list<Waiting, boost::intrusive::constant_time_size<false>> operations_;
};

/// Ends the list of an execution context when that is shut down. The list itself lives on in the
/// hands of its operations.
class WaitingService final : public boost::asio::execution_context::service {
public:
    using key_type = WaitingService;
    static inline boost::asio::execution_context::id id;

    explicit WaitingService(boost::asio::execution_context& owner) : service(owner) {}

    const std::shared_ptr<WaitingList>& list() const noexcept { return list_; }

private:
    void shutdown() noexcept override { list_->close(); }

    const std::shared_ptr<WaitingList> list_ = std::make_shared<WaitingList>();
};

/// The list of the context that `executor` runs work in; one of its own when it has no context.
template <class E>
std::shared_ptr<WaitingList> waiting_list(const E& executor) {
    namespace asio = boost::asio;
    const auto list_of = [](asio::execution_context& context) {
        return asio::use_service<WaitingService>(context).list();
    };
    if constexpr (asio::can_query_v<const E&, asio::execution::context_t>) {
        if constexpr (requires { list_of(asio::query(executor, asio::execution::context)); }) {
            return list_of(asio::query(executor, asio::execution::context));
        }
    } else if constexpr (requires { list_of(executor.context()); }) {
        return list_of(executor.context());
    }
    return std::make_shared<WaitingList>();
}

}  // namespace attune::inline ATTUNE_ABI::detail
