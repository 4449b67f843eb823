#pragma once

#include <attune/net/http_message.hpp>
#include <attune/net/http_timeouts.hpp>
#include <attune/net/tls_client.hpp>
#include <attune/net/url.hpp>
#include <attune/version.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include <boost/asio/any_io_executor.hpp>

namespace attune::inline ATTUNE_ABI::net {

struct HttpClientOptions {
    TlsClientOptions tls = {};
    /// Of this, origin and credentials count. The credentials go to the proxy and to nobody else.
    std::optional<Url> proxy = {};
    HttpTimeouts timeouts = {};
    /// Bytes of a response's line and fields; of a line before a chunk; of trailers.
    std::size_t header = 64 * 1024;
    std::size_t body = 64 * 1024 * 1024;     ///< bytes of a response's body
    unsigned redirects = 5;                  ///< followed for one request
    std::size_t kept = 4;                    ///< connections kept open for later requests
    std::chrono::milliseconds keep{60'000};  ///< and for so long
};

/// What to ask for. `Host`, `Content-Length` and `User-Agent` are the client's to add.
struct ClientRequest {
    std::string method = "GET";
    Url url;
    HttpFields fields = {};
    /// More fields, for the origin of `url` alone: no redirect takes them elsewhere, nor an
    /// `Authorization`, `Cookie` or `Proxy-Authorization` in `fields`.
    HttpFields private_fields = {};
    std::string body = {};
    /// Instead of HttpTimeouts::first_byte.
    std::optional<std::chrono::milliseconds> first_byte = {};
    /// Never over a connection that has been used before: one that has died in the meantime would
    /// leave it open whether the request was received.
    bool fresh = false;
};

struct ClientResponse {
    HttpResponse response;
    Url url;  ///< of the response: elsewhere than asked for, after redirects
};

enum class HttpFault : std::uint8_t {
    request,       ///< cannot be sent: a field with a line break
    resolve,       ///< the host has no address
    connect,       ///< nobody listens, or nobody answers
    proxy,         ///< the proxy refuses, or is not there
    proxy_denied,  ///< it wants other credentials
    tls,           ///< the server is not trusted, or speaks no TLS
    timeout,       ///< too slow
    lost,          ///< closed or reset before the first byte of a response
    truncated,     ///< closed or reset in the middle of one
    malformed,     ///< no HTTP
    too_large,     ///< the header, or the body
    redirect,      ///< too many, or to where none is followed
};

/// Why there is no response. The message is a sentence without its end, begins with the place, and
/// never holds a field, a body, a query or credentials.
struct HttpError {
    HttpFault fault = HttpFault::lost;
    std::string message;
    /// HttpFault::too_large: status and fields, where they had come.
    std::shared_ptr<const HttpResponse> head = {};
};

using ClientResult = std::variant<ClientResponse, HttpError>;

/// One request under way. Destroying it cancels it; it is then not told the result, and what it was
/// to tell it to is destroyed.
class HttpOperation {
public:
    struct State;

    HttpOperation() noexcept = default;
    ATTUNE_DECL explicit HttpOperation(std::shared_ptr<State> state) noexcept;
    ATTUNE_DECL HttpOperation(HttpOperation&& other) noexcept;
    ATTUNE_DECL HttpOperation& operator=(HttpOperation&& other) noexcept;
    ATTUNE_DECL ~HttpOperation();

    ATTUNE_DECL void cancel() noexcept;

private:
    std::shared_ptr<State> state_;
};

/// An HTTP/1.1 client (RFC 9110, 9112): keeps connections, follows redirects, speaks TLS, goes
/// through a proxy if it is told to. Any number of requests at a time, each on a connection of its
/// own.
///
/// All of it, HttpOperation and destruction included, is to be used on its executor, which must run
/// one thing at a time: that of an IoThread, or a strand.
///
/// A request that may be repeated (GET, HEAD, PUT, DELETE, OPTIONS) and finds a kept connection
/// dead is sent once more on a new one. Redirects are followed for any method, never from https to
/// http, and with a body only within an origin; 303, and for POST 301 and 302, go on as GET.
///
/// The environment has no say: neither `http_proxy` nor the like is read.
class HttpClient {
public:
    /// Called once on the executor, never from inside `start`. Must not throw.
    using Done = std::function<void(ClientResult)>;

    /// Throws std::runtime_error that names a file of TlsClientOptions that cannot be used.
    ATTUNE_DECL HttpClient(boost::asio::any_io_executor executor, HttpClientOptions options);
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;
    /// Cancels what is under way.
    ATTUNE_DECL ~HttpClient();

    [[nodiscard]] ATTUNE_DECL HttpOperation start(ClientRequest request, Done done);

private:
    struct State;
    const std::shared_ptr<State> state_;
};

}  // namespace attune::inline ATTUNE_ABI::net

#if ATTUNE_HEADER_ONLY
#include <attune/net/impl/http_client.ipp>
#endif
