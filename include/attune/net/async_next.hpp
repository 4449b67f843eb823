#pragma once

#include <attune/net/impl/async_next.hpp>
#include <attune/store/config.hpp>
#include <attune/version.hpp>

#include <memory>
#include <type_traits>
#include <utility>

#include <boost/asio/async_result.hpp>

namespace attune::inline ATTUNE_ABI {

/// Waits for the first value that is published from now on and differs from the one that is current
/// now. `token` is any completion token of Boost.Asio, for the signature
/// `void(boost::system::error_code, std::shared_ptr<const T>)`:
///
///     const auto pool = co_await async_next(config, use_awaitable);
///
/// With a token that starts later, such as `deferred`, "now" is when it starts. Where versions come
/// faster than they are waited for, the newest one wins.
///
/// Errors: `boost::asio::error::operation_aborted`, with a null pointer, when the store goes away,
/// or has gone, and on cancellation of any type through the slot associated with the handler.
///
/// Threads: may be called from any thread, but not from decoders, rules and checks
/// (std::logic_error); waits for a commit that is under way. The handler is called once, through
/// its associated executor, never from inside this function. For a plain function that none is
/// bound to, this is `asio::system_executor`: a thread of Asio's own. A cancellation signal must be
/// emitted where the handler runs, as with all operations of Asio.
///
/// Lifetime: waiting is outstanding work, so that `io_context::run` does not return. It does not
/// keep the store. When the execution context is destroyed first, the handler goes with it,
/// uncalled. The handler's associated allocator serves on the thread that calls this function and
/// on the handler's executor, and has its memory back before the handler is called.
///
/// A few allocations, and a look at each observer of the value.
template <class T, boost::asio::completion_token_for<detail::NextSignature<T>> Token>
auto async_next(const Config<T>& config, Token&& token) {
    return boost::asio::async_initiate<Token, detail::NextSignature<T>>(detail::InitiateNext{},
                                                                        token, config);
}

/// As above, but waits until the current value is not `seen` any more, which may be so already: a
/// loop that hands in what it was given last misses nothing in between. What counts is the value
/// that `seen` points to, not who owns it. Null is no value, and the loop begins with the current
/// one:
///
///     for (std::shared_ptr<const Pool> pool;;) {
///         pool = co_await async_next(config, pool, use_awaitable);
///         resize(pool->size);
///     }
template <class T, boost::asio::completion_token_for<detail::NextSignature<T>> Token>
auto async_next(const Config<T>& config, std::type_identity_t<std::shared_ptr<const T>> seen,
                Token&& token) {
    return boost::asio::async_initiate<Token, detail::NextSignature<T>>(detail::InitiateNext{},
                                                                        token, config,
                                                                        std::move(seen));
}

}  // namespace attune::inline ATTUNE_ABI
