#pragma once

#include <attune/net/http_client.hpp>
#include <attune/version.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/system/error_code.hpp>

namespace attune::inline ATTUNE_ABI::net::detail {

/// Bytes to and from one server or proxy, in the clear or by TLS. Whatever waits has a limit; at
/// its end, and by `close`, the connection is gone, and whoever waited is told
/// asio::error::operation_aborted.
class HttpLink : public std::enable_shared_from_this<HttpLink> {
public:
    template <class T>
    using Awaitable = boost::asio::awaitable<T>;
    using Error = boost::system::error_code;
    using Duration = std::chrono::steady_clock::duration;
    using TimePoint = std::chrono::steady_clock::time_point;

    ATTUNE_DECL explicit HttpLink(boost::asio::any_io_executor executor);
    HttpLink(const HttpLink&) = delete;
    HttpLink& operator=(const HttpLink&) = delete;

    /// Tries every address of the host. `limit` is for the look-up, and for each of them.
    ATTUNE_DECL Awaitable<std::optional<HttpError>> connect(const Url& place, Duration limit);

    /// From now on by TLS.
    ATTUNE_DECL Awaitable<std::optional<HttpError>> secure(boost::asio::ssl::context& context,
                                                           const Url& place, bool verify,
                                                           Duration limit);

    /// Appends to `received` what comes next.
    ATTUNE_DECL Awaitable<Error> read_some(Duration limit);

    /// `between` is for each part that goes out.
    ATTUNE_DECL Awaitable<Error> write(std::string_view head, std::string_view body,
                                       Duration between);

    /// Nothing has come that nobody asked for, nor the end.
    ATTUNE_DECL bool quiet();

    ATTUNE_DECL void close() noexcept;
    bool closed() const noexcept { return closed_; }

    /// The last wait was ended by its limit.
    bool expired() const noexcept { return expired_; }

    boost::beast::flat_buffer received;
    TimePoint idle_since{};  ///< of a connection that is kept
    std::string leads_to;    ///< for those that are kept

private:
    using Socket = boost::asio::ip::tcp::socket;
    using Endpoints = std::vector<boost::asio::ip::tcp::endpoint>;

    ATTUNE_DECL Awaitable<Error> look_up(const Url& place, Duration limit, Endpoints& found);
    ATTUNE_DECL void begin_wait(Duration limit);
    ATTUNE_DECL void end_wait() noexcept;

    Socket socket_;
    boost::asio::steady_timer timer_;
    std::unique_ptr<boost::asio::ssl::stream<Socket&>> tls_;
    std::uint64_t wait_ = 0;  // tells the timer's handlers apart
    bool expired_ = false;
    bool closed_ = false;
};

/// `connection refused`
ATTUNE_DECL std::string error_sentence(const boost::system::error_code& error);

/// `5s`, `250ms`
ATTUNE_DECL std::string seconds_text(std::chrono::steady_clock::duration duration);

}  // namespace attune::inline ATTUNE_ABI::net::detail

#if ATTUNE_HEADER_ONLY
#include <attune/net/impl/http_link.ipp>
#endif
