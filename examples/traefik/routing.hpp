#pragma once

#include "common.hpp"
#include "middlewares.hpp"
#include "services.hpp"

#include <attune/bind/schema.hpp>

/// Traefik's dynamic configuration, as its file provider reads it.
namespace traefik {

struct Router {
    Strings entryPoints;
    Strings middlewares;
    std::string rule;
    std::string ruleSyntax;
    int priority = 0;
    std::string service;
    std::optional<RouterTls> tls;
};

inline void describe(attune::Schema<Router>& s) {
    s.doc("Decides which requests go to which service");
    s.field(&Router::rule).required().doc("which requests, such as Host(`example.org`)");
    s.field(&Router::service).required().doc("the name of a service");
}

using Routers = std::map<std::string, Router>;
using Services = std::map<std::string, Service>;
using Middlewares = std::map<std::string, Middleware>;

struct Http {
    Routers routers;
    Services services;
    Middlewares middlewares;
    std::map<std::string, ServersTransport> serversTransports;
};

struct TcpRouterTls {
    bool passthrough = false;
    std::string certResolver;
    std::vector<Domain> domains;
    std::string options;
};

struct TcpRouter {
    Strings entryPoints;
    Strings middlewares;
    std::string rule;
    std::string ruleSyntax;
    int priority = 0;
    std::string service;
    std::optional<TcpRouterTls> tls;
};

struct TcpServer {
    std::string address;
    bool tls = false;
};

struct ProxyProtocol {
    int version = 2;
};

struct TcpLoadBalancer {
    std::vector<TcpServer> servers;
    std::string serversTransport;
    std::optional<ProxyProtocol> proxyProtocol;
    std::optional<int> terminationDelay;  // in milliseconds, an old form
};

struct PlainWeighted {
    std::vector<WeightedPart> services;
};

struct TcpService {
    std::optional<TcpLoadBalancer> loadBalancer;
    std::optional<PlainWeighted> weighted;
};

struct TcpIpList {
    Strings sourceRange;
};

struct InFlightConn {
    std::int64_t amount = 0;
};

struct TcpMiddleware {
    std::optional<TcpIpList> ipAllowList;
    std::optional<TcpIpList> ipWhiteList;
    std::optional<InFlightConn> inFlightConn;
};

struct Tcp {
    std::map<std::string, TcpRouter> routers;
    std::map<std::string, TcpService> services;
    std::map<std::string, TcpMiddleware> middlewares;
    std::map<std::string, TcpServersTransport> serversTransports;
};

struct UdpRouter {
    Strings entryPoints;
    std::string service;
};

struct UdpServer {
    std::string address;
};

struct UdpLoadBalancer {
    std::vector<UdpServer> servers;
};

struct UdpService {
    std::optional<UdpLoadBalancer> loadBalancer;
    std::optional<PlainWeighted> weighted;
};

struct Udp {
    std::map<std::string, UdpRouter> routers;
    std::map<std::string, UdpService> services;
};

struct StoredCertificate {
    std::string certFile;
    std::string keyFile;
    Strings stores;
};

struct ClientAuth {
    Strings caFiles;
    std::string clientAuthType;
};

struct TlsOptions {
    std::string minVersion;
    std::string maxVersion;
    Strings cipherSuites;
    Strings curvePreferences;
    std::optional<ClientAuth> clientAuth;
    bool sniStrict = false;
    bool preferServerCipherSuites = false;
    Strings alpnProtocols;
};

struct GeneratedCertificate {
    std::string resolver;
    std::optional<Domain> domain;
};

struct TlsStore {
    std::optional<CertificateFiles> defaultCertificate;
    std::optional<GeneratedCertificate> defaultGeneratedCert;
};

struct Tls {
    std::vector<StoredCertificate> certificates;
    std::map<std::string, TlsOptions> options;
    std::map<std::string, TlsStore> stores;
};

/// The whole file.
struct Routing {
    Http http;
    Tcp tcp;
    Udp udp;
    Tls tls;
};

}  // namespace traefik
