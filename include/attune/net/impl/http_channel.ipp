#pragma once

#include <attune/net/impl/http_channel.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <new>
#include <utility>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/uio.h>

namespace attune::inline ATTUNE_ABI::net::detail {

ATTUNE_DECL HttpChannel::HttpChannel(Socket socket, SSL_CTX* tls) : socket_(std::move(socket)) {
    if (tls != nullptr) {
        tls_ = make_server_session(*tls, socket_.native_handle());
        if (tls_ == nullptr) {
            throw std::bad_alloc{};
        }
    }
}

ATTUNE_DECL HttpChannel::Result HttpChannel::tls_result(int returned) noexcept {
    switch (SSL_get_error(tls_.get(), returned)) {
    case SSL_ERROR_WANT_READ: return {Outcome::wants_read, 0};
    case SSL_ERROR_WANT_WRITE: return {Outcome::wants_write, 0};
    case SSL_ERROR_ZERO_RETURN: return {Outcome::ended, 0};
    default:
        tls_broken_ = true;
        ERR_clear_error();
        return {Outcome::failed, 0};
    }
}

ATTUNE_DECL HttpChannel::Result HttpChannel::handshake() noexcept {
    ERR_clear_error();
    const int returned = SSL_do_handshake(tls_.get());
    return returned == 1 ? Result{Outcome::done, 0} : tls_result(returned);
}

ATTUNE_DECL std::string HttpChannel::peer_certificate() const { return peer_subject(*tls_); }

ATTUNE_DECL HttpChannel::Result HttpChannel::read(std::span<char> to) noexcept {
    if (tls_ != nullptr) {
        ERR_clear_error();
        std::size_t got = 0;
        const int returned = SSL_read_ex(tls_.get(), to.data(), to.size(), &got);
        return returned == 1 ? Result{Outcome::done, got} : tls_result(returned);
    }
    for (;;) {
        const auto got = ::recv(socket_.native_handle(), to.data(), to.size(), 0);
        if (got > 0) {
            return {Outcome::done, static_cast<std::size_t>(got)};
        }
        if (got == 0) {
            return {Outcome::ended, 0};
        }
        if (errno != EINTR) {
            return {errno == EAGAIN ? Outcome::wants_read : Outcome::failed, 0};
        }
    }
}

ATTUNE_DECL bool HttpChannel::has_more() const noexcept {
    return tls_ != nullptr && SSL_pending(tls_.get()) > 0;
}

ATTUNE_DECL HttpChannel::Result HttpChannel::write(
    std::span<const std::string_view> pieces) noexcept {
    if (tls_ != nullptr) {
        return write_tls(pieces);
    }
    std::array<iovec, 8> vectors{};
    const std::size_t count = std::min(pieces.size(), vectors.size());
    for (std::size_t i = 0; i < count; ++i) {
        vectors.at(i) = {const_cast<char*>(pieces[i].data()), pieces[i].size()};
    }
    msghdr message{};
    message.msg_iov = vectors.data();
    message.msg_iovlen = count;
    for (;;) {
        const auto sent = count == 1 ? ::send(socket_.native_handle(), pieces[0].data(),
                                              pieces[0].size(), MSG_NOSIGNAL)
                                     : ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL);
        if (sent >= 0) {
            return {Outcome::done, static_cast<std::size_t>(sent)};
        }
        if (errno != EINTR) {
            return {errno == EAGAIN ? Outcome::wants_write : Outcome::failed, 0};
        }
    }
}

ATTUNE_DECL HttpChannel::Result HttpChannel::write_tls(
    std::span<const std::string_view> pieces) noexcept {
    std::size_t sent = 0;
    for (std::string_view piece : pieces) {
        while (!piece.empty()) {
            ERR_clear_error();
            std::size_t step = 0;
            const int returned = SSL_write_ex(tls_.get(), piece.data(), piece.size(), &step);
            if (returned != 1) {
                const Result result = tls_result(returned);
                return sent > 0 && result.outcome != Outcome::failed ? Result{Outcome::done, sent}
                                                                     : result;
            }
            sent += step;
            piece.remove_prefix(step);
        }
    }
    return {Outcome::done, sent};
}

ATTUNE_DECL void HttpChannel::shut() noexcept {
    if (tls_ != nullptr && !tls_broken_ && SSL_is_init_finished(tls_.get()) == 1) {
        ERR_clear_error();
        SSL_shutdown(tls_.get());
        ERR_clear_error();
    }
    boost::system::error_code ignored;
    socket_.shutdown(boost::asio::socket_base::shutdown_send, ignored);
}

ATTUNE_DECL void HttpChannel::close() noexcept {
    tls_.reset();
    boost::system::error_code ignored;
    socket_.close(ignored);
}

}  // namespace attune::inline ATTUNE_ABI::net::detail
