#pragma once

#include <attune/net/impl/http_connection.hpp>
#include <attune/net/impl/http_host.hpp>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <new>
#include <system_error>

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>

namespace attune::inline ATTUNE_ABI::net::detail {

ATTUNE_DECL HttpHost::HttpHost(boost::asio::any_io_executor executor, HttpServerOptions options,
                               HttpHandler handler)
    : options_(std::move(options)),
      executor_(executor),
      strand_(boost::asio::make_strand(std::move(executor))),
      tls_(options_.tls ? make_server_context(*options_.tls) : nullptr),
      handler_(std::move(handler)),
      acceptor_(strand_),
      ticker_(strand_),
      pause_(strand_),
      deadlines_(options_.limits),
      input_(std::make_unique<std::array<char, input_size>>()) {
    listen();
}

ATTUNE_DECL HttpHost::~HttpHost() = default;

ATTUNE_DECL void HttpHost::listen() {
    namespace asio = boost::asio;
    const auto check = [&](const boost::system::error_code& error) {
        if (error) {
            throw std::system_error{error, "cannot listen on " + options_.address + " port " +
                                               std::to_string(options_.port)};
        }
    };
    boost::system::error_code error;
    const auto address = asio::ip::make_address(options_.address, error);
    check(error);
    const asio::ip::tcp::endpoint endpoint{address, options_.port};
    acceptor_.open(endpoint.protocol(), error);
    check(error);
    ::fcntl(acceptor_.native_handle(), F_SETFD, FD_CLOEXEC);  // a child would keep the port
    acceptor_.set_option(asio::socket_base::reuse_address{true}, error);
    check(error);
    acceptor_.bind(endpoint, error);
    check(error);
    acceptor_.listen(std::numeric_limits<int>::max(), error);  // the kernel has a limit of its own
    check(error);
    acceptor_.non_blocking(true, error);
    check(error);
    const auto bound = acceptor_.local_endpoint(error);
    check(error);
    port_ = bound.port();
}

ATTUNE_DECL void HttpHost::start() {
    boost::asio::dispatch(strand_, [self = shared_from_this()] {
        if (const HttpTurn turn{*self}) {
            self->await_connections();
        }
    });
}

ATTUNE_DECL void HttpHost::await_connections() {
    if (acceptor_.is_open()) {
        acceptor_.async_wait(boost::asio::socket_base::wait_read,
                             [self = shared_from_this()](const boost::system::error_code&) {
                                 if (const HttpTurn turn{*self}) {
                                     self->accept();
                                 }
                             });
    }
}

ATTUNE_DECL void HttpHost::accept() {
    if (!acceptor_.is_open()) {
        return;
    }
    constexpr int at_once = 64;  // then the others have a turn
    for (int i = 0; i < at_once; ++i) {
        if (accept_one()) {
            continue;
        }
        if (errno == EAGAIN) {
            break;
        }
        if (errno == ECONNABORTED || errno == EINTR || errno == EPROTO) {
            continue;
        }
        // No descriptors, no memory: trying again at once would only keep others from giving back.
        pause_.expires_after(std::chrono::milliseconds{100});
        pause_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
            if (const HttpTurn turn{*self}; turn && !error) {
                self->accept();
            }
        });
        return;
    }
    await_connections();
}

/// False with errno.
ATTUNE_DECL bool HttpHost::accept_one() try {
    namespace asio = boost::asio;
    asio::ip::tcp::endpoint from;
    auto length = static_cast<socklen_t>(from.capacity());
    const int descriptor =
        ::accept4(acceptor_.native_handle(), from.data(), &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor < 0) {
        return false;
    }
    from.resize(length);
    const int on = 1;
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    HttpChannel::Socket socket{strand_};
    boost::system::error_code error;
    socket.assign(from.protocol(), descriptor, error);
    if (error) {
        ::close(descriptor);
        errno = ENOMEM;
        return false;
    }
    accepted_.add(1);

    auto address = from.address();
    if (address.is_v6() && address.to_v6().is_v4_mapped()) {
        address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
    }
    HttpPeer peer{.address = address.to_string(), .port = from.port(), .tls = tls_ != nullptr};
    constexpr std::size_t most_turned_away = 64;
    const bool beyond = open_.get() - turned_away_ >= options_.limits.connections;
    if (beyond) {
        over_limit.add(1);
        // In TLS there is nobody yet whom one could answer.
        if (tls_ != nullptr || turned_away_ >= most_turned_away) {
            return true;
        }
    }
    const auto connection = std::make_shared<HttpConnection>(shared_from_this(), std::move(socket),
                                                             std::move(peer), tls_.get());
    open_.add(1);
    connections_.push_back(*connection);
    if (beyond) {
        ++turned_away_;
        connection->turn_away();
    } else {
        connection->start();
    }
    return true;
} catch (const std::bad_alloc&) {
    errno = ENOMEM;
    return false;
}

ATTUNE_DECL void HttpHost::closed(HttpOpen& connection, bool turned_away) noexcept {
    connections_.erase(connections_.iterator_to(connection));
    open_.add(static_cast<std::uint64_t>(-1));
    if (turned_away) {
        --turned_away_;
    }
    if (connections_.empty() && draining_) {
        pause_.cancel();
        all_closed_.notify_all();
    }
}

ATTUNE_DECL void HttpHost::tick() {
    ticking_ = true;
    ticker_.expires_after(deadlines_.tick());
    ticker_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
        if (const HttpTurn turn{*self}; turn && !error) {
            self->deadlines_.serve();
            if (self->deadlines_.empty()) {
                self->ticking_ = false;
            } else {
                self->tick();
            }
        }
    });
}

ATTUNE_DECL std::unique_ptr<HttpRequestParser> HttpHost::make_parser() {
    return std::make_unique<HttpRequestParser>(limits(), std::exchange(spare_, HttpRequest{}));
}

ATTUNE_DECL void HttpHost::recycle(HttpRequest request) noexcept {
    constexpr std::size_t worth_keeping = 16 * 1024;
    if (request.body.capacity() <= worth_keeping && request.target.capacity() <= worth_keeping) {
        spare_ = std::move(request);
    }
}

ATTUNE_DECL void HttpHost::handle(const std::shared_ptr<HttpExchange>& exchange) {
    handler_(exchange);
}

ATTUNE_DECL HttpServerCounters HttpHost::counters() const noexcept {
    return {.connections = accepted_.get(),
            .open = open_.get(),
            .requests = requests.get(),
            .over_limit = over_limit.get(),
            .malformed = malformed.get()};
}

ATTUNE_DECL void HttpHost::drain(const std::function<void()>& draining) {
    if (!draining_) {
        draining_ = true;
        boost::system::error_code ignored;
        acceptor_.close(ignored);
        pause_.cancel();
    }
    if (draining) {
        draining();
    }
    for (auto each = connections_.begin(); each != connections_.end();) {
        (each++)->drain();
    }
}

/// Would waiting here be waiting for ourselves?
ATTUNE_DECL bool HttpHost::on_executor() const noexcept {
    namespace asio = boost::asio;
    if (on_strand()) {
        return true;
    }
    if (const auto* const context = executor_.target<asio::io_context::executor_type>()) {
        return context->running_in_this_thread();
    }
    if (const auto* const strand =
            executor_.target<asio::strand<asio::io_context::executor_type>>()) {
        return strand->running_in_this_thread();
    }
    if (const auto* const strand = executor_.target<HttpStrand>()) {
        return strand->running_in_this_thread();
    }
    return false;
}

ATTUNE_DECL void HttpHost::stop(std::chrono::milliseconds grace, std::function<void()> draining) {
    grace = std::min(grace, http_longest);
    const auto self = shared_from_this();
    const auto begun = std::make_shared<bool>(false);  // under the gate
    boost::asio::dispatch(strand_, [self, begun, draining = std::move(draining)] {
        if (const HttpTurn turn{*self}) {
            self->drain(draining);
            *begun = true;
            self->all_closed_.notify_all();
        }
    });
    if (!on_executor()) {
        std::unique_lock lock{gate_};
        all_closed_.wait_for(lock, grace,
                             [&] { return ended_ || (*begun && connections_.empty()); });
        cut_all();
        return;
    }
    boost::asio::dispatch(strand_, [self, grace] {
        if (const HttpTurn turn{*self}; turn && !self->connections_.empty()) {
            self->pause_.expires_after(grace);
            self->pause_.async_wait([self](const boost::system::error_code& error) {
                if (const HttpTurn over{*self}; over && !error) {
                    self->cut_all();
                }
            });
        }
    });
}

ATTUNE_DECL void HttpHost::cut_all() noexcept {
    draining_ = true;
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    while (!connections_.empty()) {
        connections_.front().close();
    }
}

ATTUNE_DECL void HttpHost::end() noexcept {
    // In a turn of our own already: whoever is further up finds that it is over.
    std::unique_lock lock{gate_, std::defer_lock};
    const bool inside = on_strand() && depth_ > 0;
    if (!inside) {
        lock.lock();
    }
    ended_ = true;
    cut_all();
    ticker_.cancel();
    pause_.cancel();
    if (!inside) {
        const HttpHandler handler = std::move(handler_);
        lock.unlock();  // what it holds may end anything
    }
}

}  // namespace attune::inline ATTUNE_ABI::net::detail
