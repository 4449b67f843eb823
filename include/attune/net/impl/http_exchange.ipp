#pragma once

#include <attune/net/impl/http_exchange.hpp>

#include <utility>

#include <boost/asio/post.hpp>

namespace attune::inline ATTUNE_ABI::net::detail {

ATTUNE_DECL HttpConnectionExchange::HttpConnectionExchange(std::weak_ptr<HttpConnection> connection,
                                                           std::shared_ptr<const HttpPeer> peer,
                                                           HttpRequest request)
    : connection_(std::move(connection)), peer_(std::move(peer)), request_(std::move(request)) {}

// The last owner may let go anywhere, even if everything else happens on the strand.
ATTUNE_DECL HttpConnectionExchange::~HttpConnectionExchange() {
    const auto connection = connection_.lock();
    if (connection == nullptr) {
        return;
    }
    if (connection->host().on_strand()) {
        if (const HttpTurn turn{connection->host()}) {
            if (stage_ != Stage::done) {
                connection->dropped();
            }
            connection->host().recycle(std::move(request_));
        }
    } else if (stage_ != Stage::done) {
        boost::asio::post(connection->host().strand(), [connection] {
            if (const HttpTurn turn{connection->host()}) {
                connection->dropped();
            }
        });
    }
}

ATTUNE_DECL void HttpConnectionExchange::release_request() noexcept { request_ = HttpRequest{}; }

ATTUNE_DECL bool HttpConnectionExchange::leave(Stage stage) {
    if (stage_ != stage) {
        return false;
    }
    stage_ = Stage::done;
    gone_ = nullptr;
    return true;
}

ATTUNE_DECL void HttpConnectionExchange::respond(HttpResponse response) {
    if (leave(Stage::waiting)) {
        auto body = response.body.empty()
                        ? nullptr
                        : std::make_shared<const std::string>(std::move(response.body));
        with_connection([&](HttpConnection& connection) {
            connection.answer(response, std::move(body));
        });
    }
}

ATTUNE_DECL void HttpConnectionExchange::respond(HttpResponse head,
                                                 std::shared_ptr<const std::string> body) {
    if (leave(Stage::waiting)) {
        with_connection([&](HttpConnection& connection) {
            connection.answer(head, std::move(body));
        });
    }
}

ATTUNE_DECL void HttpConnectionExchange::respond(std::shared_ptr<const std::string> wire) {
    if (leave(Stage::waiting)) {
        with_connection([&](HttpConnection& connection) { connection.answer(wire); });
    }
}

ATTUNE_DECL void HttpConnectionExchange::begin_stream(HttpResponse head) {
    if (stage_ == Stage::waiting) {
        stage_ = Stage::done;
        with_connection([&](HttpConnection& connection) {
            if (connection.begin_stream(head)) {
                stage_ = Stage::streaming;
            }
        });
        if (stage_ == Stage::done) {
            gone_ = nullptr;
        }
    }
}

ATTUNE_DECL bool HttpConnectionExchange::write(std::shared_ptr<const std::string> chunk) {
    bool written = false;
    if (stage_ == Stage::streaming) {
        with_connection([&](HttpConnection& connection) {
            written = connection.write_stream(chunk);
        });
    }
    return written;
}

ATTUNE_DECL void HttpConnectionExchange::end_stream() {
    if (leave(Stage::streaming)) {
        with_connection([&](HttpConnection& connection) { connection.end_stream(); });
    }
}

ATTUNE_DECL void HttpConnectionExchange::on_gone(std::function<void()> gone) {
    if (stage_ != Stage::done) {
        gone_ = std::move(gone);
    }
}

ATTUNE_DECL void HttpConnectionExchange::fail() {
    if (stage_ != Stage::done) {
        stage_ = Stage::done;
        gone_ = nullptr;
        with_connection([&](HttpConnection& connection) { connection.dropped(); });
    }
}

ATTUNE_DECL void HttpConnectionExchange::client_gone() {
    if (stage_ != Stage::done) {
        stage_ = Stage::done;
        if (const auto gone = std::exchange(gone_, nullptr)) {
            gone();
        }
    }
}

}  // namespace attune::inline ATTUNE_ABI::net::detail
