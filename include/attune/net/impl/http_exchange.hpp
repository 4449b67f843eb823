#pragma once

#include <attune/net/http_server.hpp>
#include <attune/net/impl/http_connection.hpp>
#include <attune/version.hpp>

#include <functional>
#include <memory>
#include <string>

namespace attune::inline ATTUNE_ABI::net::detail {

/// What a handler gets. It belongs to the handler; the connection only knows of it.
class HttpConnectionExchange final : public HttpExchange {
public:
    ATTUNE_DECL HttpConnectionExchange(std::weak_ptr<HttpConnection> connection,
                                       std::shared_ptr<const HttpPeer> peer, HttpRequest request);
    HttpConnectionExchange(const HttpConnectionExchange&) = delete;
    HttpConnectionExchange& operator=(const HttpConnectionExchange&) = delete;
    ATTUNE_DECL ~HttpConnectionExchange() override;

    const HttpRequest& request() const noexcept override { return request_; }
    ATTUNE_DECL void release_request() noexcept override;
    const HttpPeer& peer() const noexcept override { return *peer_; }
    ATTUNE_DECL void respond(HttpResponse response) override;
    ATTUNE_DECL void respond(HttpResponse head, std::shared_ptr<const std::string> body) override;
    ATTUNE_DECL void respond(std::shared_ptr<const std::string> wire) override;
    ATTUNE_DECL void begin_stream(HttpResponse head) override;
    ATTUNE_DECL bool write(std::shared_ptr<const std::string> chunk) override;
    ATTUNE_DECL void end_stream() override;
    ATTUNE_DECL void on_gone(std::function<void()> gone) override;

    /// The handler has thrown.
    ATTUNE_DECL void fail();
    ATTUNE_DECL void client_gone();

private:
    enum class Stage : unsigned char { waiting, streaming, done };

    /// Calls `f` with the connection, in a turn, if there is one still.
    template <class F>
    void with_connection(F&& f) {
        if (const auto connection = connection_.lock()) {
            if (const HttpTurn turn{connection->host()}) {
                std::forward<F>(f)(*connection);
            }
        }
    }
    ATTUNE_DECL bool leave(Stage stage);

    const std::weak_ptr<HttpConnection> connection_;
    const std::shared_ptr<const HttpPeer> peer_;
    HttpRequest request_;
    std::function<void()> gone_;
    Stage stage_ = Stage::waiting;
};

}  // namespace attune::inline ATTUNE_ABI::net::detail

#if ATTUNE_HEADER_ONLY
#include <attune/net/impl/http_exchange.ipp>
#endif
