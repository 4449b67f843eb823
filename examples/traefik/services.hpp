#pragma once

#include "common.hpp"

#include <attune/bind/schema.hpp>

namespace traefik {

struct HealthCheck {
    std::string scheme;
    std::string mode;
    std::string path;
    std::string method;
    std::string hostname;
    std::optional<std::uint16_t> port;
    std::optional<int> status;
    Duration interval = std::chrono::seconds{30};
    Duration timeout = std::chrono::seconds{5};
    bool followRedirects = true;
    Labels headers;
};

inline void describe(attune::Schema<HealthCheck>& s) {
    s.field(&HealthCheck::port).doc("TCP port, when it is not the server's own").at_least(1);
    s.field(&HealthCheck::interval).doc("time between two checks");
    s.check([](const HealthCheck& check) { return check.timeout <= check.interval; },
            "the timeout must not be longer than the interval");
}

struct Server {
    std::string url;
    std::optional<int> weight;
    bool preservePath = false;
};

inline void describe(attune::Schema<Server>& s) {
    s.field(&Server::url).required();
    s.field(&Server::weight).at_least(0);
}

struct ResponseForwarding {
    Duration flushInterval = std::chrono::milliseconds{100};
};

struct LoadBalancer {
    std::vector<Server> servers;
    std::optional<HealthCheck> healthCheck;
    std::optional<Sticky> sticky;
    bool passHostHeader = true;
    std::optional<ResponseForwarding> responseForwarding;
    std::string serversTransport;
};

struct Weighted {
    std::vector<WeightedPart> services;
    std::optional<Sticky> sticky;
    std::optional<Present> healthCheck;
};

struct Mirror {
    std::string name;
    int percent = 0;
};

inline void describe(attune::Schema<Mirror>& s) {
    s.field(&Mirror::name).required();
    s.field(&Mirror::percent).between(0, 100);
}

struct Mirroring {
    std::string service;
    std::vector<Mirror> mirrors;
    bool mirrorBody = true;
    std::int64_t maxBodySize = -1;
    std::optional<Present> healthCheck;
};

struct Failover {
    std::string service;
    std::string fallback;
    std::optional<Present> healthCheck;
};

/// Exactly one of the four.
struct Service {
    std::optional<LoadBalancer> loadBalancer;
    std::optional<Weighted> weighted;
    std::optional<Mirroring> mirroring;
    std::optional<Failover> failover;
};

inline void describe(attune::Schema<Service>& s) {
    s.check(
        [](const Service& service) {
            return int{service.loadBalancer.has_value()} + int{service.weighted.has_value()} +
                       int{service.mirroring.has_value()} + int{service.failover.has_value()} ==
                   1;
        },
        "a service is exactly one of loadBalancer, weighted, mirroring and failover");
}

struct ForwardingTimeouts {
    Duration dialTimeout = std::chrono::seconds{30};
    Duration responseHeaderTimeout{0};
    Duration idleConnTimeout = std::chrono::seconds{90};
    Duration readIdleTimeout{0};
    Duration pingTimeout = std::chrono::seconds{15};
};

struct ServersTransport {
    std::string serverName;
    bool insecureSkipVerify = false;
    Strings rootCAs;
    std::vector<CertificateFiles> certificates;
    int maxIdleConnsPerHost = 200;
    std::optional<ForwardingTimeouts> forwardingTimeouts;
    bool disableHTTP2 = false;
    std::string peerCertURI;
    std::optional<Spiffe> spiffe;
};

struct TcpTransportTls {
    std::string serverName;
    bool insecureSkipVerify = false;
    Strings rootCAs;
    std::vector<CertificateFiles> certificates;
    std::string peerCertURI;
    std::optional<Spiffe> spiffe;
};

struct TcpServersTransport {
    Duration dialKeepAlive = std::chrono::seconds{15};
    Duration dialTimeout = std::chrono::seconds{30};
    Duration terminationDelay = std::chrono::milliseconds{100};
    std::optional<TcpTransportTls> tls;
};

}  // namespace traefik
