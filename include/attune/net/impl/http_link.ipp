#pragma once

#include <attune/net/impl/http_link.hpp>
#include <attune/net/impl/tls_client.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include <fcntl.h>
#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/stream_base.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <openssl/bio.h>
#include <openssl/ssl.h>

namespace attune::inline ATTUNE_ABI::net::detail {

ATTUNE_DECL std::string error_sentence(const boost::system::error_code& error) {
    std::string text = error.message();
    if (!text.empty()) {
        text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
    }
    return text;
}

ATTUNE_DECL std::string seconds_text(std::chrono::steady_clock::duration duration) {
    const auto whole = std::chrono::duration_cast<std::chrono::milliseconds>(duration);
    return whole.count() % 1000 == 0 ? std::to_string(whole.count() / 1000) + 's'
                                     : std::to_string(whole.count()) + "ms";
}

ATTUNE_DECL HttpLink::HttpLink(boost::asio::any_io_executor executor)
    : socket_(executor), timer_(executor) {}

ATTUNE_DECL void HttpLink::close() noexcept {
    closed_ = true;
    Error ignored;
    socket_.close(ignored);
    timer_.cancel();
}

ATTUNE_DECL void HttpLink::begin_wait(Duration limit) {
    expired_ = false;
    timer_.expires_after(limit);
    timer_.async_wait([weak = weak_from_this(), wait = ++wait_](const Error&) {
        const auto self = weak.lock();
        if (self != nullptr && self->wait_ == wait) {
            self->expired_ = true;
            Error ignored;
            self->socket_.close(ignored);
        }
    });
}

ATTUNE_DECL void HttpLink::end_wait() noexcept {
    ++wait_;
    timer_.cancel();
}

/// A look-up cannot be interrupted: whoever asked goes on without it.
struct HttpLookUp {
    bool ended = false;
    boost::system::error_code error;
    std::vector<boost::asio::ip::tcp::endpoint> found;
};

ATTUNE_DECL HttpLink::Awaitable<HttpLink::Error> HttpLink::look_up(const Url& place, Duration limit,
                                                                   Endpoints& found) {
    namespace asio = boost::asio;
    Error error;
    const auto address = asio::ip::make_address(place.host, error);
    if (!error) {
        found.emplace_back(address, place.port);
        co_return error;
    }
    const auto look_up = std::make_shared<HttpLookUp>();
    asio::ip::tcp::resolver resolver{socket_.get_executor()};
    resolver.async_resolve(place.host, std::to_string(place.port),
                           [look_up, weak = weak_from_this()](const Error& failed,
                                                              const auto& results) {
                               look_up->ended = true;
                               look_up->error = failed;
                               for (const auto& result : results) {
                                   look_up->found.push_back(result.endpoint());
                               }
                               if (const auto self = weak.lock()) {
                                   self->timer_.cancel();
                               }
                           });
    timer_.expires_after(limit);
    Error waited;
    co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, waited));
    if (!look_up->ended) {
        expired_ = !closed_;
        co_return asio::error::timed_out;
    }
    found = std::move(look_up->found);
    co_return look_up->error;
}

ATTUNE_DECL HttpLink::Awaitable<std::optional<HttpError>> HttpLink::connect(const Url& place,
                                                                            Duration limit) {
    namespace asio = boost::asio;
    Endpoints endpoints;
    Error error = co_await look_up(place, limit, endpoints);
    if (error || endpoints.empty() || closed_) {
        const std::string why =
            expired_ ? "no answer within " + seconds_text(limit) : error_sentence(error);
        co_return HttpError{HttpFault::resolve,
                            "cannot find the host of " + place.origin() + ": " + why};
    }
    // Somebody's name server decides how many there are.
    constexpr std::size_t most = 8;
    endpoints.resize(std::min(endpoints.size(), most));
    std::string why;
    for (const auto& endpoint : endpoints) {
        Error ignored;
        socket_.close(ignored);
        socket_.open(endpoint.protocol(), error);
        if (error) {
            why = error_sentence(error);
            continue;
        }
        ::fcntl(socket_.native_handle(), F_SETFD, FD_CLOEXEC);  // not for programs that we start
        begin_wait(limit);
        co_await socket_.async_connect(endpoint, asio::redirect_error(asio::use_awaitable, error));
        end_wait();
        if (!error) {
            socket_.set_option(asio::ip::tcp::no_delay{true}, ignored);
            co_return std::nullopt;
        }
        if (closed_) {
            break;
        }
        why = expired_ ? "no answer within " + seconds_text(limit) : error_sentence(error);
    }
    close();
    co_return HttpError{HttpFault::connect, "cannot connect to " + place.origin() + ": " + why};
}

ATTUNE_DECL HttpLink::Awaitable<std::optional<HttpError>> HttpLink::secure(
    boost::asio::ssl::context& context, const Url& place, bool verify, Duration limit) {
    namespace asio = boost::asio;
    tls_ = std::make_unique<asio::ssl::stream<Socket&>>(socket_, context);
    expect_host(tls_->native_handle(), place.host, verify);
    Error error;
    begin_wait(limit);
    co_await tls_->async_handshake(asio::ssl::stream_base::client,
                                   asio::redirect_error(asio::use_awaitable, error));
    end_wait();
    if (!error) {
        co_return std::nullopt;
    }
    if (expired_) {
        co_return HttpError{HttpFault::timeout, "no TLS with " + place.origin() +
                                                    ": no answer within " + seconds_text(limit)};
    }
    co_return HttpError{HttpFault::tls,
                        handshake_error(tls_->native_handle(), place.origin(), error)};
}

ATTUNE_DECL HttpLink::Awaitable<HttpLink::Error> HttpLink::read_some(Duration limit) {
    namespace asio = boost::asio;
    constexpr std::size_t piece = 16 * 1024;
    const auto space = received.prepare(piece);
    Error error;
    std::size_t size = 0;
    begin_wait(limit);
    if (tls_ != nullptr) {
        size =
            co_await tls_->async_read_some(space, asio::redirect_error(asio::use_awaitable, error));
    } else {
        size = co_await socket_.async_read_some(space,
                                                asio::redirect_error(asio::use_awaitable, error));
    }
    end_wait();
    received.commit(size);
    co_return error;
}

ATTUNE_DECL HttpLink::Awaitable<HttpLink::Error> HttpLink::write(std::string_view head,
                                                                 std::string_view body,
                                                                 Duration between) {
    namespace asio = boost::asio;
    Error error;
    while (!error && head.size() + body.size() != 0) {
        const std::array<asio::const_buffer, 2> buffers{asio::buffer(head), asio::buffer(body)};
        std::size_t size = 0;
        begin_wait(between);
        if (tls_ != nullptr) {
            size =
                co_await tls_->async_write_some(buffers,
                                                asio::redirect_error(asio::use_awaitable, error));
        } else {
            size =
                co_await socket_.async_write_some(buffers,
                                                  asio::redirect_error(asio::use_awaitable, error));
        }
        end_wait();
        const std::size_t of_head = std::min(size, head.size());
        head.remove_prefix(of_head);
        body.remove_prefix(size - of_head);
    }
    co_return error;
}

ATTUNE_DECL bool HttpLink::quiet() {
    if (closed_ || !socket_.is_open() || received.size() != 0) {
        return false;
    }
    if (tls_ != nullptr) {
        SSL* const tls = tls_->native_handle();
        if (SSL_has_pending(tls) != 0 || BIO_ctrl_pending(SSL_get_rbio(tls)) != 0) {
            return false;  // records that have left the socket, and were not asked for
        }
    }
    Error error;
    char byte = 0;
    socket_.non_blocking(true, error);
    socket_.receive(boost::asio::buffer(&byte, 1), boost::asio::socket_base::message_peek, error);
    return error == boost::asio::error::would_block;
}

}  // namespace attune::inline ATTUNE_ABI::net::detail
