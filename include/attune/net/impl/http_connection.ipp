#pragma once

#include <attune/net/impl/http_connection.hpp>
#include <attune/net/impl/http_exchange.hpp>

#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>

namespace attune::inline ATTUNE_ABI::net::detail {

ATTUNE_DECL HttpConnection::HttpConnection(std::shared_ptr<HttpHost> host,
                                           HttpChannel::Socket socket, HttpPeer peer, SSL_CTX* tls)
    : host_(std::move(host)),
      peer_(std::make_shared<HttpPeer>(std::move(peer))),
      channel_(std::move(socket), tls),
      tokens_(host_->limits().burst) {}

ATTUNE_DECL void HttpConnection::start() {
    self_ = shared_from_this();
    if (channel_.is_tls()) {
        phase_ = Phase::handshake;
        set_deadline(host_->limits().request);
    } else {
        set_deadline(host_->limits().idle);
    }
    await_read();
}

ATTUNE_DECL void HttpConnection::turn_away() {
    self_ = shared_from_this();
    turned_away_ = true;
    refuse({503, "there are as many connections as this server allows"});
}

ATTUNE_DECL void HttpConnection::close() noexcept {
    if (phase_ == Phase::closed) {
        return;
    }
    phase_ = Phase::closed;
    HttpDeadlines::remove(*this);
    channel_.close();
    drop_parser();
    pending_ = {};
    output_ = {};
    backlog_ = 0;
    host_->closed(*this, turned_away_);
    const auto self = std::move(self_);
}

ATTUNE_DECL void HttpConnection::expire() {
    switch (phase_) {
    case Phase::head: return refuse({408, "the request line and the fields took too long"});
    case Phase::body: return refuse({408, "the body took too long"});
    case Phase::stream: host_->over_limit.add(1); return ended_by_peer(true);
    case Phase::flushing: host_->over_limit.add(1); [[fallthrough]];
    default: return close();
    }
}

ATTUNE_DECL void HttpConnection::drain() {
    if (phase_ == Phase::handshake || phase_ == Phase::idle) {
        channel_.shut();
        close();
    }
}

ATTUNE_DECL void HttpConnection::await_read() {
    if (!awaits_read_) {
        awaits_read_ = true;
        channel_.socket().async_wait(boost::asio::socket_base::wait_read,
                                     [self = shared_from_this()](const boost::system::error_code&) {
                                         self->awaits_read_ = false;
                                         self->enter([&] { self->on_readable(); });
                                     });
    }
}

// There is more to read than is wanted now; a reset would still be noticed.
ATTUNE_DECL void HttpConnection::await_error() {
    if (!awaits_error_) {
        awaits_error_ = true;
        channel_.socket().async_wait(
            boost::asio::socket_base::wait_error,
            [self = shared_from_this()](const boost::system::error_code& error) {
                self->awaits_error_ = false;
                if (!error) {
                    self->enter([&] { self->ended_by_peer(true); });
                }
            });
    }
}

ATTUNE_DECL void HttpConnection::on_readable() {
    if (write_wants_read_) {
        write_wants_read_ = false;
        flush();
    }
    switch (phase_) {
    case Phase::handshake: return handshake();
    case Phase::lingering: return discard();
    case Phase::closed: return;
    default: return is_receiving() ? receive() : read_ahead();
    }
}

ATTUNE_DECL void HttpConnection::handshake() {
    switch (channel_.handshake().outcome) {
    case HttpChannel::Outcome::done:
        peer_->certificate = channel_.peer_certificate();
        phase_ = Phase::idle;
        set_deadline(host_->limits().idle);
        return receive();
    case HttpChannel::Outcome::wants_read: return await_read();
    case HttpChannel::Outcome::wants_write: return await_write();
    default:
        host_->malformed.add(1);
        channel_.shut();
        return close();
    }
}

ATTUNE_DECL void HttpConnection::receive() {
    constexpr int at_once = 16;  // then the others have a turn
    for (int i = 0; i < at_once && is_receiving(); ++i) {
        const auto room = host_->input();
        const auto got = channel_.read(room);
        switch (got.outcome) {
        case HttpChannel::Outcome::wants_read: return await_read();
        case HttpChannel::Outcome::wants_write: read_wants_write_ = true; return await_write();
        case HttpChannel::Outcome::ended: return ended_by_peer(false);
        case HttpChannel::Outcome::failed: return ended_by_peer(true);
        case HttpChannel::Outcome::done: break;
        }
        if (pending_.empty()) {
            consume({room.data(), got.bytes});
        } else {
            pending_.append(room.data(), got.bytes);
            consume(pending_);
        }
        if (got.bytes < room.size() && !channel_.is_tls()) {
            break;  // that was all
        }
        if (i + 1 == at_once && is_receiving()) {
            return resume();
        }
    }
    if (phase_ != Phase::closed && phase_ != Phase::lingering) {
        await_read();
    }
}

// Not at once: another connection may be at work, whose handler has answered for this one.
ATTUNE_DECL void HttpConnection::resume() {
    boost::asio::post(host_->strand(), [self = shared_from_this()] {
        self->enter([&] {
            if (self->is_receiving() && !self->pending_.empty()) {
                self->consume(self->pending_);
            }
            if (self->is_receiving()) {
                self->receive();
            }
        });
    });
}

/// `bytes` is all there is, and may be `pending_`; afterwards `pending_` is what is left.
ATTUNE_DECL void HttpConnection::consume(std::string_view bytes) {
    const std::size_t size = bytes.size();
    const bool was_pending = bytes.data() == pending_.data();
    consuming_ = true;
    while (is_receiving() && !bytes.empty()) {
        if (phase_ == Phase::idle) {
            // Empty lines before a request are ignored (RFC 9112, 2.2).
            if (bytes.starts_with("\r\n")) {
                bytes.remove_prefix(2);
                continue;
            }
            if (bytes == "\r") {
                break;
            }
            begin_request();
        }
        bytes.remove_prefix(parser_->feed(bytes));
        const std::size_t body = parser_->request().body.size();
        host_->bodies += body - std::exchange(body_, body);
        if (const auto& refusal = parser_->refusal()) {
            refuse(*refusal);
        } else if (host_->bodies > host_->limits().bodies) {
            refuse({503, "the bodies that have come in part are all this server keeps"});
        } else if (parser_->done()) {
            dispatch();
        } else if (phase_ == Phase::head && parser_->head_done()) {
            head_done(!bytes.empty());
        } else {
            break;
        }
    }
    consuming_ = false;
    if (phase_ == Phase::closed) {
        return;
    }
    if (was_pending) {
        pending_.erase(0, size - bytes.size());
    } else {
        pending_.assign(bytes);
    }
    if (pending_.empty()) {
        pending_ = std::string{};
    }
    if (phase_ == Phase::body) {
        set_deadline(host_->limits().between);
    }
}

ATTUNE_DECL void HttpConnection::begin_request() {
    phase_ = Phase::head;
    parser_ = host_->make_parser();
    head_only_ = false;
    set_deadline(host_->limits().request);
}

ATTUNE_DECL void HttpConnection::head_done(bool body_has_come) {
    phase_ = Phase::body;
    if (parser_->expects_continue() && !body_has_come) {
        complete(send("HTTP/1.1 100 Continue\r\n\r\n", nullptr, {}));
    }
}

ATTUNE_DECL void HttpConnection::dispatch() {
    phase_ = Phase::held;
    HttpDeadlines::clear(*this);
    keep_alive_ = parser_->keep_alive();
    http_1_0_ = parser_->http_1_0();
    head_only_ = parser_->request().method == "HEAD";
    HttpRequest request = std::move(parser_->request());
    drop_parser();
    if (!within_rate()) {
        return refuse({429, "there are more requests on this connection than this server allows"});
    }
    host_->requests.add(1);
    const auto exchange =
        std::make_shared<HttpConnectionExchange>(weak_from_this(), peer_, std::move(request));
    exchange_ = exchange;
    try {
        host_->handle(exchange);
    } catch (...) {
        exchange->fail();
    }
}

ATTUNE_DECL void HttpConnection::drop_parser() noexcept {
    parser_.reset();
    host_->bodies -= std::exchange(body_, 0);
}

ATTUNE_DECL bool HttpConnection::within_rate() {
    const HttpLimits& limits = host_->limits();
    if (limits.rate == 0) {
        return true;
    }
    const auto now = std::chrono::steady_clock::now();
    if (refilled_ != std::chrono::steady_clock::time_point{}) {
        const std::chrono::duration<double> passed = now - refilled_;
        tokens_ = std::min<double>(limits.burst, tokens_ + passed.count() * limits.rate);
    }
    refilled_ = now;
    if (tokens_ < 1) {
        return false;
    }
    tokens_ -= 1;
    return true;
}

// The answer is not there yet, or not sent: what comes now is kept, up to a bound, for the sake of
// noticing the end.
ATTUNE_DECL void HttpConnection::read_ahead() {
    const auto room = host_->input();
    while (pending_.size() < room.size()) {
        const auto space = room.first(room.size() - pending_.size());
        const auto got = channel_.read(space);
        switch (got.outcome) {
        case HttpChannel::Outcome::wants_read: return await_read();
        case HttpChannel::Outcome::wants_write: read_wants_write_ = true; return await_write();
        case HttpChannel::Outcome::ended: return ended_by_peer(false);
        case HttpChannel::Outcome::failed: return ended_by_peer(true);
        case HttpChannel::Outcome::done: pending_.append(space.data(), got.bytes);
        }
    }
    await_error();
}

ATTUNE_DECL void HttpConnection::discard() {
    const auto room = host_->input();
    constexpr int at_once = 16;
    for (int i = 0; i < at_once; ++i) {
        const auto got = channel_.read(room);
        if (got.outcome == HttpChannel::Outcome::wants_read) {
            break;
        }
        if (got.outcome != HttpChannel::Outcome::done) {
            return close();
        }
    }
    await_read();
}

ATTUNE_DECL void HttpConnection::ended_by_peer(bool failed) {
    if (phase_ == Phase::flushing && !failed) {
        end_read_ = true;  // it may still want to read
        return;
    }
    const auto exchange = exchange_.lock();
    const bool held = phase_ == Phase::held || phase_ == Phase::stream;
    close();
    if (held && exchange != nullptr) {
        exchange->client_gone();
    }
}

}  // namespace attune::inline ATTUNE_ABI::net::detail
