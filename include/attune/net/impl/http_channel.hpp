#pragma once

#include <attune/net/impl/tls_context.hpp>
#include <attune/version.hpp>

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/strand.hpp>

namespace attune::inline ATTUNE_ABI::net::detail {

using HttpStrand = boost::asio::strand<boost::asio::any_io_executor>;

/// One accepted socket, with TLS or without. Nothing here waits: each call does what can be done at
/// once and says what to wait for. So a connection that waits needs neither a buffer nor, in TLS,
/// an operation in flight.
class HttpChannel {
public:
    using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, HttpStrand>;

    enum class Outcome : unsigned char {
        done,         ///< `bytes` of them, more than none
        wants_read,   ///< again when the socket is readable
        wants_write,  ///< again when the socket is writable
        ended,        ///< the peer sends no more
        failed,
    };
    struct Result {
        Outcome outcome = Outcome::failed;
        std::size_t bytes = 0;
    };

    /// `tls` null: plain TCP. The socket is non-blocking.
    ATTUNE_DECL HttpChannel(Socket socket, SSL_CTX* tls);

    bool is_tls() const noexcept { return tls_ != nullptr; }
    Socket& socket() noexcept { return socket_; }

    /// TLS: `done` when the two sides know each other.
    ATTUNE_DECL Result handshake() noexcept;
    ATTUNE_DECL std::string peer_certificate() const;

    ATTUNE_DECL Result read(std::span<char> to) noexcept;
    /// Is there more to read, though the socket may not say so?
    ATTUNE_DECL bool has_more() const noexcept;
    /// Sends what goes of the pieces, in order.
    ATTUNE_DECL Result write(std::span<const std::string_view> pieces) noexcept;

    /// Tells the peer that there is no more to come.
    ATTUNE_DECL void shut() noexcept;
    ATTUNE_DECL void close() noexcept;

private:
    ATTUNE_DECL Result tls_result(int returned) noexcept;
    ATTUNE_DECL Result write_tls(std::span<const std::string_view> pieces) noexcept;

    Socket socket_;
    TlsSession tls_;
    bool tls_broken_ = false;  ///< after a fatal error not even a farewell may be sent
};

}  // namespace attune::inline ATTUNE_ABI::net::detail

#if ATTUNE_HEADER_ONLY
#include <attune/net/impl/http_channel.ipp>
#endif
