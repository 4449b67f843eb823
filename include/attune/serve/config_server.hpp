#pragma once

#include <attune/document/path.hpp>
#include <attune/fwd.hpp>
#include <attune/net/http_server.hpp>
#include <attune/net/tls_server.hpp>
#include <attune/serve/access.hpp>
#include <attune/serve/client_registry.hpp>
#include <attune/version.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

namespace attune::inline ATTUNE_ABI {

struct ConfigServerOptions {
    std::string address = "127.0.0.1";  ///< numeric, IPv4 or IPv6
    std::uint16_t port = 0;             ///< 0: any that is free, see ConfigServer::port
    std::string prefix = {};            ///< before every path, such as `/settings`
    /// Lets whoever sends it do everything, and see secrets: for `tokens` without a second thought.
    std::string token = {};
    /// Who may do what. Without any token, and without `token`, everybody who can connect may do
    /// everything but see secrets.
    std::vector<AccessToken> tokens = {};
    std::optional<TlsServerOptions> tls = {};
    /// Allows to listen elsewhere than on this machine without TLS, or without a token.
    bool insecure = false;
    HttpLimits limits = {};
    std::size_t watchers = 16'384;      ///< requests held, and streams of events, at a time: 503
    std::chrono::seconds max_wait{55};  ///< how long a request is held at most; proxies cut at 60 s
    /// A name that begins every ETag, such as `prod`, for people who look at them. 10 letters by
    /// chance come after it, `prod-q7xk2mzr4a`, so that nobody takes the ETags and versions of an
    /// earlier run for those of this one. Visible ASCII without `"` and `.`; may be empty.
    std::string instance = {};
    /// Places that are secret though no bound type says so. A number in a path stands for every
    /// element of an array.
    std::vector<Path> secrets = {};
    /// Names under which clients without a token may ask for this server, besides those of
    /// loopback: see docs/http.md on DNS rebinding.
    std::vector<std::string> allowed_hosts = {};
    /// Where everything runs; the store's own thread for the network when it is empty.
    boost::asio::any_io_executor executor = {};
};

/// A server at one moment.
struct ConfigServerStatus {
    std::string instance;              ///< what its ETags begin with
    std::size_t watchers = 0;          ///< requests held right now
    std::size_t streams = 0;           ///< of events, right now
    std::size_t clients = 0;           ///< known, see ConfigServer::clients
    std::uint64_t held = 0;            ///< requests that had to wait
    std::uint64_t writes = 0;          ///< accepted by the store
    std::uint64_t refused_writes = 0;  ///< refused by it
    std::uint64_t conflicts = 0;       ///< writes whose If-Match did not hold
    net::HttpServerCounters http;
};

/// A Store served over HTTP: any client can read it, watch it and, with the right token, change it.
/// docs/http.md describes the endpoints.
///
/// `attune::http` follows it from another process; so do curl and a browser. Requests that wait for
/// a change cost a connection, and no thread; one publication is made into one response for all who
/// wait for the same place.
///
/// Writes go where Store::set writes: above all layers. The store may go before the server, which
/// then answers 503. All functions may be called by any thread.
class ConfigServer {
public:
    /// Listens when it returns. Throws std::invalid_argument for options that would let strangers
    /// in, or contradict each other, and std::system_error when it cannot listen.
    ATTUNE_DECL explicit ConfigServer(const Store& store, ConfigServerOptions options = {});
    ConfigServer(const ConfigServer&) = delete;
    ConfigServer& operator=(const ConfigServer&) = delete;
    /// As stop(0).
    ATTUNE_DECL ~ConfigServer();

    ATTUNE_DECL std::uint16_t port() const noexcept;
    /// Of the server, without an endpoint: `http://127.0.0.1:8080`, and the prefix.
    ATTUNE_DECL const std::string& url() const noexcept;

    /// Takes no more connections, answers whatever is held as if its time were over, and waits up
    /// to `grace` for the rest. Waits, unless it is called on the server's executor. May be called
    /// again.
    ATTUNE_DECL void stop(std::chrono::milliseconds grace = std::chrono::seconds{5});

    /// The clients that have told their ids within the last ten minutes, by id: who runs which
    /// version, and who refused what. Problems at secret places come without what was found.
    ATTUNE_DECL std::vector<ClientReport> clients() const;
    ATTUNE_DECL ConfigServerStatus status() const;

private:
    struct State;
    const std::shared_ptr<State> state_;
};

}  // namespace attune::inline ATTUNE_ABI

#if ATTUNE_HEADER_ONLY
#include <attune/serve/impl/config_server.ipp>
#endif
