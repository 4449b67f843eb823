#pragma once

#include <attune/net/http_server.hpp>
#include <attune/net/impl/http_host.hpp>

#include <utility>

namespace attune::inline ATTUNE_ABI::net {

struct HttpServer::State final : detail::HttpHost {
    using HttpHost::HttpHost;
};

ATTUNE_DECL HttpServer::HttpServer(boost::asio::any_io_executor executor, HttpServerOptions options,
                                   HttpHandler handler)
    : state_(std::make_shared<State>(std::move(executor), std::move(options), std::move(handler))) {
    state_->start();
}

ATTUNE_DECL HttpServer::~HttpServer() { state_->end(); }

ATTUNE_DECL std::uint16_t HttpServer::port() const noexcept { return state_->port(); }

ATTUNE_DECL boost::asio::any_io_executor HttpServer::executor() const noexcept {
    return state_->strand();
}

ATTUNE_DECL void HttpServer::stop(std::chrono::milliseconds grace, std::function<void()> draining) {
    state_->stop(grace, std::move(draining));
}

ATTUNE_DECL HttpServerCounters HttpServer::counters() const noexcept { return state_->counters(); }

}  // namespace attune::inline ATTUNE_ABI::net
