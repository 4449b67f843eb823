#pragma once

#include <attune/net/http_message.hpp>
#include <attune/net/tls_server.hpp>
#include <attune/version.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>

namespace attune::inline ATTUNE_ABI {

/// What a server lets a client do. Beyond a limit it answers 413, 431, 408, 429 or 503 where it
/// still can, with Retry-After where waiting helps, and closes the connection.
struct HttpLimits {
    std::size_t header = 16 * 1024;          ///< bytes of a request's line and fields: 431
    std::size_t body = 64 * 1024 * 1024;     ///< bytes of a request's body: 413
    std::size_t bodies = 256 * 1024 * 1024;  ///< bytes of all bodies that have come in part: 503
    std::size_t connections = 16 * 1024;     ///< open at a time: 503
    std::size_t backlog = 8 * 1024 * 1024;  ///< bytes a client of a stream may leave unread: closed
    /// From a connection, or the end of the last response, to the first byte of a request: closed.
    std::chrono::milliseconds idle{75'000};
    std::chrono::milliseconds request{10'000};  ///< from its first byte to its header's last: 408
    std::chrono::milliseconds between{10'000};  ///< between two bytes of a body, either way: 408
    /// Requests per second on one connection, on average and at once: 429. 0 is no limit.
    std::uint32_t rate = 0;
    std::uint32_t burst = 100;
};

namespace net {

/// Who asks.
struct HttpPeer {
    std::string address;  ///< such as `127.0.0.1`
    std::uint16_t port = 0;
    bool tls = false;
    std::string certificate = {};  ///< subject of a client certificate that was verified, or empty
};

/// One request that waits for its answer. A handler answers now or later, on the server's executor;
/// one that lets go of it without an answer, wherever that happens, has answered 500. What follows
/// an answer, or the end of the client, is ignored.
class HttpExchange {
public:
    virtual ~HttpExchange() = default;

    /// Gone with `release_request`.
    virtual const HttpRequest& request() const noexcept = 0;
    /// Frees the request: for one that is held for long and has been read.
    virtual void release_request() noexcept = 0;
    virtual const HttpPeer& peer() const noexcept = 0;

    /// Answers, once. To HEAD, only the header goes out; to a 304 or 204 there is no body.
    virtual void respond(HttpResponse response) = 0;
    /// The same with a body that many answers share, and which is not copied.
    virtual void respond(HttpResponse head, std::shared_ptr<const std::string> body) = 0;
    /// The same with a whole response that `make_wire` has made. The quickest: one system call.
    virtual void respond(std::shared_ptr<const std::string> wire) = 0;

    /// Answers by a stream without an end of its own: Server-Sent Events. `head` goes out at once.
    virtual void begin_stream(HttpResponse head) = 0;
    /// False when the client is gone, or reads too slowly; the stream is then over.
    virtual bool write(std::shared_ptr<const std::string> chunk) = 0;
    virtual void end_stream() = 0;

    /// Called once, on the server's executor, when the client has gone before the answer, or the
    /// end of the stream; not after either, and not when the server stops. A client that only shuts
    /// down its sending side counts as gone. Must not throw. Replaces an earlier one.
    virtual void on_gone(std::function<void()> gone) = 0;
};

/// Called on the server's executor. What it throws is answered by 500, and not shown to the client.
using HttpHandler = std::function<void(std::shared_ptr<HttpExchange>)>;

/// The field `Server`, unless another one is given.
inline constexpr std::string_view http_server_name = "attune";

struct HttpServerOptions {
    std::string address = "127.0.0.1";  ///< numeric, IPv4 or IPv6
    std::uint16_t port = 0;             ///< 0: any that is free, see HttpServer::port
    std::optional<TlsServerOptions> tls = {};
    HttpLimits limits = {};
    std::string name{http_server_name};  ///< the field `Server`
};

/// What a server has done so far.
struct HttpServerCounters {
    std::uint64_t connections = 0;  ///< accepted
    std::uint64_t open = 0;         ///< right now
    std::uint64_t requests = 0;
    std::uint64_t over_limit = 0;  ///< refused by HttpLimits
    std::uint64_t malformed = 0;   ///< refused as no HTTP
};

/// An HTTP/1.1 server (RFC 9110, 9112) that hands each request to one handler. Keep-alive,
/// pipelining (answers go out in order), chunked bodies, `Expect: 100-continue`, IPv6, TLS.
///
/// Everything runs on one executor, one thing at a time: a strand of the executor that was given,
/// see `executor`. What that runs on, such as an io_context or an IoThread, outlives the server. A
/// held request costs its connection, and no thread.
class HttpServer {
public:
    /// Listens when it returns. Throws std::system_error with the address in its text.
    ATTUNE_DECL HttpServer(boost::asio::any_io_executor executor, HttpServerOptions options,
                           HttpHandler handler);
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;
    /// As stop(0), and waits until the handler is not called any more, unless called from it.
    ATTUNE_DECL ~HttpServer();

    ATTUNE_DECL std::uint16_t port() const noexcept;
    /// The strand: where the handler is called, and where exchanges are used.
    ATTUNE_DECL boost::asio::any_io_executor executor() const noexcept;

    /// Takes no more connections, answers what is under way and closes; what is not answered within
    /// `grace` is cut off. Calls `draining` first, on the executor, where whoever holds requests
    /// answers them; it must not throw. Waits, unless called on the executor.
    ATTUNE_DECL void stop(std::chrono::milliseconds grace, std::function<void()> draining = {});

    ATTUNE_DECL HttpServerCounters counters() const noexcept;

private:
    struct State;
    const std::shared_ptr<State> state_;
};

/// A response as it goes over the wire, for HttpExchange::respond. To HEAD only its header goes
/// out. Its field `Date` says `now` (RFC 9110, 6.6.1): one that is sent in a later second is made
/// anew.
ATTUNE_DECL std::shared_ptr<const std::string> make_wire(
    const HttpResponse& response,
    std::chrono::system_clock::time_point now = std::chrono::system_clock::now(),
    std::string_view server = http_server_name);

}  // namespace net
}  // namespace attune::inline ATTUNE_ABI

#if ATTUNE_HEADER_ONLY
#include <attune/net/impl/http_server.ipp>
#endif
