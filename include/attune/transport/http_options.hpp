#pragma once

#include <attune/bind/secret.hpp>
#include <attune/document/parse.hpp>
#include <attune/net/back_off.hpp>
#include <attune/net/http_timeouts.hpp>
#include <attune/net/tls_client.hpp>
#include <attune/version.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI {

/// A proxy for HTTP, reached in the clear; servers behind it may speak TLS.
struct HttpProxy {
    std::string url;  ///< `http://proxy.example:3128`
    std::string user{};
    Secret<std::string> password{};
};

/// How a layer that http() makes speaks with its servers.
struct HttpOptions {
    /// Sent as `Authorization: Bearer`, to the origin of the URL and not where it redirects to.
    Secret<std::string> token{};
    /// A missing document (404) is an empty one instead of a problem.
    bool optional = false;
    /// How long the server is asked to hold a request until something changes. Zero: do not ask,
    /// and poll. A server, or a proxy before it, that cuts a request off earlier does no harm.
    std::chrono::seconds wait{30};
    /// How often a server is polled that does not hold requests.
    std::chrono::milliseconds interval{10'000};
    /// By so much of it, more or less, chosen at random each time.
    double jitter = 0.25;
    TlsClientOptions tls{};
    /// No proxy when unset, whatever the environment says.
    std::optional<HttpProxy> proxy = std::nullopt;
    HttpTimeouts timeouts{};
    /// Between attempts after failures.
    BackOffLimits back_off{};
    std::size_t max_header = std::size_t{64} << 10;
    std::size_t max_body = std::size_t{64} << 20;
    std::size_t max_depth = 128;
    Duplicates duplicates = Duplicates::refuse;
    /// Allow comments and trailing commas. By default only where the path ends in `.jsonc`.
    std::optional<bool> comments = std::nullopt;
    /// Tell a ConfigServer which versions are applied and which are refused, and why.
    bool report = true;
    /// What it calls this program; by default `host/program[pid]`.
    std::string client_name{};
    /// Sent with every request, as secret as the token, and like it to no other origin.
    std::vector<std::pair<std::string, std::string>> fields{};
};

}  // namespace attune::inline ATTUNE_ABI
