#pragma once

#include "common.hpp"

#include <attune/bind/schema.hpp>

namespace traefik {

struct ForwardedHeaders {
    bool insecure = false;
    Strings trustedIPs;
    Strings connection;
};

struct RedirectTo {
    std::string to;
    std::string scheme = "https";
    bool permanent = true;
    int priority = 0;
};

struct Redirections {
    std::optional<RedirectTo> entryPoint;
};

struct EntryPointHttp {
    std::optional<Redirections> redirections;
    Strings middlewares;
    std::optional<RouterTls> tls;
    bool encodeQuerySemicolons = false;
    int maxHeaderBytes = 1 << 20;
};

struct Http2 {
    int maxConcurrentStreams = 250;
};

struct Http3 {
    std::uint16_t advertisedPort = 0;
};

struct Observability {
    bool accessLogs = true;
    bool metrics = true;
    bool tracing = true;
};

struct TrustedProxies {
    bool insecure = false;
    Strings trustedIPs;
};

struct LifeCycle {
    Duration requestAcceptGraceTimeout{0};
    Duration graceTimeOut = std::chrono::seconds{10};
};

struct RespondingTimeouts {
    Duration readTimeout = std::chrono::seconds{60};
    Duration writeTimeout{0};
    Duration idleTimeout = std::chrono::seconds{180};
};

struct EntryPointTransport {
    LifeCycle lifeCycle;
    RespondingTimeouts respondingTimeouts;
    int keepAliveMaxRequests = 0;
    Duration keepAliveMaxTime{0};
};

struct EntryPointUdp {
    Duration timeout = std::chrono::seconds{3};
};

struct EntryPoint {
    std::string address;
    bool allowACMEByPass = false;
    bool reusePort = false;
    bool asDefault = false;
    EntryPointTransport transport;
    std::optional<TrustedProxies> proxyProtocol;
    ForwardedHeaders forwardedHeaders;
    EntryPointHttp http;
    Http2 http2;
    std::optional<Http3> http3;
    EntryPointUdp udp;
    Observability observability;
};

inline void describe(attune::Schema<EntryPoint>& s) {
    s.doc("A port that Traefik listens on");
    s.field(&EntryPoint::address).required().doc("host and port, such as :443 or 10.0.0.1:80/udp");
}

using EntryPoints = std::map<std::string, EntryPoint>;

}  // namespace traefik
