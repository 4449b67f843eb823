#pragma once

#include <attune/net/impl/http_connection.hpp>
#include <attune/net/impl/http_exchange.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <boost/asio/post.hpp>

namespace attune::inline ATTUNE_ABI::net::detail {

/// Up to here one copy costs less than another piece.
inline constexpr std::size_t http_copied = 16 * 1024;

ATTUNE_DECL void HttpConnection::await_write() {
    if (!awaits_write_) {
        awaits_write_ = true;
        channel_.socket().async_wait(boost::asio::socket_base::wait_write,
                                     [self = shared_from_this()](const boost::system::error_code&) {
                                         self->awaits_write_ = false;
                                         self->enter([&] { self->on_writable(); });
                                     });
    }
}

ATTUNE_DECL void HttpConnection::on_writable() {
    if (phase_ == Phase::handshake) {
        return handshake();
    }
    if (!output_.empty()) {
        flush();
    }
    if (std::exchange(read_wants_write_, false)) {
        on_readable();
    }
}

/// Sends what goes at once and keeps the rest: of `second` a share, of the others a copy. False
/// when the client is gone.
ATTUNE_DECL bool HttpConnection::send(std::string_view first,
                                      const std::shared_ptr<const std::string>& second,
                                      std::string_view third) {
    const std::array<std::string_view, 3> all{
        first, second == nullptr ? std::string_view{} : std::string_view{*second}, third};
    std::array<std::string_view, 3> pieces{};
    const auto end = std::copy_if(all.begin(), all.end(), pieces.begin(),
                                  [](std::string_view piece) { return !piece.empty(); });
    std::size_t sent = 0;
    if (output_.empty() && end != pieces.begin()) {
        const auto result = channel_.write({pieces.begin(), end});
        if (result.outcome == HttpChannel::Outcome::failed ||
            result.outcome == HttpChannel::Outcome::ended) {
            return false;
        }
        sent = result.bytes;
        write_wants_read_ = result.outcome == HttpChannel::Outcome::wants_read;
    }
    const bool was_empty = output_.empty();
    for (std::size_t i = 0; i < all.size(); ++i) {
        const std::size_t skipped = std::min(sent, all.at(i).size());
        sent -= skipped;
        if (const auto rest = all.at(i).substr(skipped); !rest.empty()) {
            output_.push_back(i == 1 ? Piece{second, skipped}
                                     : Piece{std::make_shared<const std::string>(rest), 0});
            backlog_ += rest.size();
        }
    }
    if (!output_.empty() && was_empty) {
        set_deadline(host_->limits().between);
        if (!write_wants_read_) {
            await_write();
        }
    }
    return true;
}

ATTUNE_DECL void HttpConnection::flush() {
    while (!output_.empty()) {
        std::array<std::string_view, 8> pieces{};
        const std::size_t count = std::min(pieces.size(), output_.size());
        for (std::size_t i = 0; i < count; ++i) {
            pieces.at(i) = std::string_view{*output_[i].bytes}.substr(output_[i].from);
        }
        const auto result = channel_.write({pieces.data(), count});
        switch (result.outcome) {
        case HttpChannel::Outcome::wants_read: write_wants_read_ = true; return await_read();
        case HttpChannel::Outcome::wants_write: return await_write();
        case HttpChannel::Outcome::ended:
        case HttpChannel::Outcome::failed: return ended_by_peer(true);
        case HttpChannel::Outcome::done: break;
        }
        std::size_t sent = result.bytes;
        backlog_ -= sent;
        std::size_t gone = 0;
        while (gone < count && sent >= pieces.at(gone).size()) {
            sent -= pieces.at(gone).size();
            ++gone;
        }
        if (gone < count) {
            output_[gone].from += sent;
        }
        output_.erase(output_.begin(), output_.begin() + static_cast<std::ptrdiff_t>(gone));
        set_deadline(host_->limits().between);
    }
    output_ = {};
    if (phase_ == Phase::flushing) {
        finish();
    } else if (phase_ == Phase::stream) {
        HttpDeadlines::clear(*this);
    }
}

/// The answer is complete, if `sent` says that the client is there.
ATTUNE_DECL void HttpConnection::complete(bool sent) {
    if (!sent) {
        return close();
    }
    if (phase_ == Phase::body) {
        return;  // that was no answer, only encouragement
    }
    if (output_.empty()) {
        finish();
    } else {
        phase_ = Phase::flushing;
    }
}

ATTUNE_DECL void HttpConnection::finish() {
    if (lingers_) {
        // Closing with bytes unread would reset the connection, and the answer with it.
        channel_.shut();
        phase_ = Phase::lingering;
        set_deadline(std::min(host_->limits().between, std::chrono::milliseconds{2'000}));
        return await_read();
    }
    if (!keep_alive_ || host_->draining() || end_read_) {
        if (!pending_.empty()) {
            lingers_ = true;
            return finish();
        }
        channel_.shut();
        return close();
    }
    phase_ = Phase::idle;
    set_deadline(host_->limits().idle);
    if (consuming_) {
        return;
    }
    if (pending_.empty() && !channel_.has_more()) {
        await_read();
    } else {
        resume();
    }
}

ATTUNE_DECL void HttpConnection::refuse(HttpRefusal refusal) {
    const bool is_limit = refusal.status == 408 || refusal.status == 413 || refusal.status == 429 ||
                          refusal.status == 431 || refusal.status == 503;
    if (!turned_away_) {
        (is_limit ? host_->over_limit : host_->malformed).add(1);
    }
    HttpResponse response = problem_response(refusal.status, refusal.detail);
    if (refusal.status == 429 || refusal.status == 503) {
        response.fields.add("Retry-After", "1");
    }
    keep_alive_ = false;
    lingers_ = true;
    drop_parser();
    phase_ = Phase::held;
    auto body = std::make_shared<const std::string>(std::move(response.body));
    answer(response, std::move(body));
}

ATTUNE_DECL void HttpConnection::answer(const HttpResponse& head,
                                        std::shared_ptr<const std::string> body) {
    if (phase_ != Phase::held) {
        return;
    }
    const bool has_body = status_has_body(head.status);
    const bool closes = !keep_alive_ || host_->draining();
    HttpHeadExtras extras;
    extras.server = host_->name();
    extras.date = host_->date().now();
    extras.connection = closes ? "close" : http_1_0_ ? "keep-alive" : "";
    extras.framing = has_body ? HttpFraming::length : HttpFraming::none;
    extras.length = body == nullptr ? 0 : body->size();
    std::string& out = host_->output();
    append_head(out, head, extras);
    if (!has_body || head_only_ || body == nullptr) {
        return complete(send(out, nullptr, {}));
    }
    if (out.size() + body->size() <= http_copied) {
        out += *body;
        return complete(send(out, nullptr, {}));
    }
    complete(send(out, body, {}));
}

ATTUNE_DECL void HttpConnection::answer(const std::shared_ptr<const std::string>& wire) {
    if (phase_ != Phase::held) {
        return;
    }
    if (http_1_0_) {
        keep_alive_ = false;  // which the wire would have had to confirm
    }
    if (head_only_) {
        const std::size_t end = wire->find("\r\n\r\n");
        return complete(send(std::string_view{*wire}.substr(0, end + 4), nullptr, {}));
    }
    complete(send({}, wire, {}));
}

ATTUNE_DECL bool HttpConnection::begin_stream(const HttpResponse& head) {
    if (phase_ != Phase::held) {
        return false;
    }
    if (head_only_ || !status_has_body(head.status)) {
        answer(head, nullptr);
        return false;
    }
    framing_ = http_1_0_ ? HttpFraming::close : HttpFraming::chunked;
    keep_alive_ = keep_alive_ && !http_1_0_;
    HttpHeadExtras extras;
    extras.server = host_->name();
    extras.date = host_->date().now();
    extras.connection = !keep_alive_ || host_->draining() ? "close" : "";
    extras.framing = framing_;
    std::string& out = host_->output();
    append_head(out, head, extras);
    phase_ = Phase::stream;
    if (!send(out, nullptr, {})) {
        lost();
    }
    return phase_ == Phase::stream;
}

ATTUNE_DECL bool HttpConnection::write_stream(const std::shared_ptr<const std::string>& chunk) {
    if (phase_ != Phase::stream) {
        return false;
    }
    if (chunk == nullptr || chunk->empty()) {
        return true;  // an empty chunk would be the last
    }
    bool sent = false;
    if (framing_ == HttpFraming::close) {
        sent = send({}, chunk, {});
    } else {
        std::array<char, 20> size{};
        const auto end =
            std::to_chars(size.data(), size.data() + size.size() - 2, chunk->size(), 16).ptr;
        end[0] = '\r';
        end[1] = '\n';
        const std::string_view line{size.data(), static_cast<std::size_t>(end + 2 - size.data())};
        if (chunk->size() <= http_copied) {
            std::string& out = host_->output();
            out.append(line).append(*chunk).append("\r\n");
            sent = send(out, nullptr, {});
        } else {
            sent = send(line, chunk, "\r\n");
        }
    }
    if (sent && backlog_ > host_->limits().backlog) {
        host_->over_limit.add(1);
        sent = false;
    }
    if (!sent) {
        lost();
    }
    return sent;
}

ATTUNE_DECL void HttpConnection::end_stream() {
    if (phase_ == Phase::stream) {
        complete(framing_ == HttpFraming::close || send("0\r\n\r\n", nullptr, {}));
    }
}

/// The client went while a handler was writing: it is told so by the result, and, once it is out of
/// here, by what it gave to `on_gone`.
ATTUNE_DECL void HttpConnection::lost() {
    close();
    boost::asio::post(host_->strand(), [self = shared_from_this()] {
        if (const HttpTurn turn{*self->host_}) {
            if (const auto exchange = self->exchange_.lock()) {
                exchange->client_gone();
            }
        }
    });
}

ATTUNE_DECL void HttpConnection::dropped() {
    if (phase_ == Phase::stream) {
        close();  // without its end the stream is cut off, which the client can tell
    } else if (phase_ == Phase::held) {
        HttpResponse response = problem_response(500, {});
        auto body = std::make_shared<const std::string>(std::move(response.body));
        answer(response, std::move(body));
    }
}

}  // namespace attune::inline ATTUNE_ABI::net::detail
