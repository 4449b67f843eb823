#pragma once

#include "common.hpp"
#include "entry_points.hpp"
#include "providers.hpp"
#include "services.hpp"
#include "telemetry.hpp"

#include <attune/bind/secret.hpp>

/// Traefik's static configuration: what it reads once, when it starts.
namespace traefik {

struct Global {
    bool checkNewVersion = true;
    bool sendAnonymousUsage = false;
};

struct Api {
    std::string basePath = "/";
    bool insecure = false;
    bool dashboard = true;
    bool debug = false;
    bool disableDashboardAd = false;
};

struct Ping {
    std::string entryPoint = "traefik";
    bool manualRouting = false;
    int terminatingStatusCode = 503;
};

struct HostResolver {
    bool cnameFlattening = false;
    std::string resolvConfig = "/etc/resolv.conf";
    int resolvDepth = 5;
};

struct ExternalAccount {
    std::string kid;
    attune::Secret<std::string> hmacEncoded;
};

struct Propagation {
    bool disableChecks = false;
    bool disableANSChecks = false;
    bool requireAllRNS = false;
    Duration delayBeforeChecks{0};
};

struct DnsChallenge {
    std::string provider;
    Strings resolvers;
    Propagation propagation;
    Duration delayBeforeCheck{0};
    bool disablePropagationCheck = false;
};

struct HttpChallenge {
    std::string entryPoint;
    Duration delay{0};
};

struct TlsChallenge {
    Duration delay{0};
};

struct Acme {
    std::string email;
    std::string caServer = "https://acme-v02.api.letsencrypt.org/directory";
    std::string preferredChain;
    std::string profile;
    Strings emailAddresses;
    bool disableCommonName = false;
    std::string storage = "acme.json";
    std::string keyType = "RSA4096";
    std::optional<ExternalAccount> eab;
    int certificatesDuration = 2160;  // in hours
    Duration clientTimeout = std::chrono::minutes{2};
    Duration clientResponseHeaderTimeout = std::chrono::seconds{30};
    Strings caCertificates;
    bool caSystemCertPool = false;
    std::string caServerName;
    std::optional<DnsChallenge> dnsChallenge;
    std::optional<HttpChallenge> httpChallenge;
    std::optional<TlsChallenge> tlsChallenge;
};

struct CertificateResolver {
    std::optional<Acme> acme;
    std::optional<Present> tailscale;
};

struct PluginSettings {
    Strings envs;
    Strings mounts;
};

struct Plugin {
    std::string moduleName;
    std::string version;
    PluginSettings settings;
};

struct LocalPlugin {
    std::string moduleName;
    PluginSettings settings;
};

struct FastProxy {
    bool debug = false;
};

struct Experimental {
    std::map<std::string, Plugin> plugins;
    std::map<std::string, LocalPlugin> localPlugins;
    bool abortOnPluginFailure = false;
    std::optional<FastProxy> fastProxy;
    bool otlpLogs = false;
    bool kubernetesGateway = false;
};

struct Core {
    std::string defaultRuleSyntax = "v3";
};

struct WorkloadApi {
    std::string workloadAPIAddr;
};

/// The whole file.
struct Installation {
    Global global;
    EntryPoints entryPoints;
    Providers providers;
    std::optional<Api> api;
    std::optional<Ping> ping;
    Log log;
    std::optional<AccessLog> accessLog;
    std::optional<Metrics> metrics;
    std::optional<Tracing> tracing;
    std::optional<HostResolver> hostResolver;
    std::map<std::string, CertificateResolver> certificatesResolvers;
    std::optional<ServersTransport> serversTransport;
    std::optional<TcpServersTransport> tcpServersTransport;
    std::optional<WorkloadApi> spiffe;
    std::optional<Experimental> experimental;
    std::optional<Core> core;
};

}  // namespace traefik
