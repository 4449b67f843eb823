#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

/// Traefik v3's configuration as plain structs. Members are spelt as in the file, so that nothing
/// needs renaming; std::optional stands where Traefik tells "absent" from "empty".
namespace traefik {

/// Counted as Go counts; written "42s", "1m30s", "250ms".
using Duration = std::chrono::nanoseconds;
using Strings = std::vector<std::string>;
using Labels = std::map<std::string, std::string>;

struct Domain {
    std::string main;
    Strings sans;
};

/// TLS as a client: of a provider, an exporter, a forwarding middleware.
struct ClientTls {
    std::string ca;
    bool caOptional = false;
    std::string cert;
    std::string key;
    bool insecureSkipVerify = false;
};

struct CertificateFiles {
    std::string certFile;
    std::string keyFile;
};

struct Spiffe {
    Strings ids;
    std::string trustDomain;
};

/// TLS of a router.
struct RouterTls {
    std::string certResolver;
    std::vector<Domain> domains;
    std::string options;
};

struct IpStrategy {
    int depth = 0;
    Strings excludedIPs;
};

struct Cookie {
    std::string name;
    bool secure = false;
    bool httpOnly = false;
    std::string sameSite;
    int maxAge = 0;
};

struct Sticky {
    std::optional<Cookie> cookie;
};

/// A section that is switched on by being there.
struct Present {};

struct WeightedPart {
    std::string name;
    std::optional<int> weight;
};

}  // namespace traefik
