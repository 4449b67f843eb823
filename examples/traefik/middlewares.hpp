#pragma once

#include "common.hpp"

#include <attune/bind/schema.hpp>
#include <attune/bind/secret.hpp>
#include <attune/document/document.hpp>

namespace traefik {

struct AddPrefix {
    std::string prefix;
};

/// basicAuth and digestAuth.
struct UserAuth {
    attune::Secret<Strings> users;
    std::string usersFile;
    std::string realm;
    bool removeHeader = false;
    std::string headerField;
};

struct Buffering {
    std::int64_t maxRequestBodyBytes = 0;
    std::int64_t memRequestBodyBytes = 0;
    std::int64_t maxResponseBodyBytes = 0;
    std::int64_t memResponseBodyBytes = 0;
    std::string retryExpression;
};

struct Chain {
    Strings middlewares;
};

struct CircuitBreaker {
    std::string expression;
    Duration checkPeriod = std::chrono::milliseconds{100};
    Duration fallbackDuration = std::chrono::seconds{10};
    Duration recoveryDuration = std::chrono::seconds{10};
    int responseCode = 503;
};

struct Compress {
    Strings excludedContentTypes;
    Strings includedContentTypes;
    int minResponseBodyBytes = 1024;
    Strings encodings;
    std::string defaultEncoding;
};

struct ContentType {
    bool autoDetect = false;
};

struct Errors {
    Strings status;
    std::string service;
    std::string query;
};

struct ForwardAuth {
    std::string address;
    std::optional<ClientTls> tls;
    bool trustForwardHeader = false;
    Strings authResponseHeaders;
    std::string authResponseHeadersRegex;
    Strings authRequestHeaders;
    Strings addAuthCookiesToResponse;
};

struct GrpcWeb {
    Strings allowOrigins;
};

struct Headers {
    Labels customRequestHeaders;
    Labels customResponseHeaders;
    bool accessControlAllowCredentials = false;
    Strings accessControlAllowHeaders;
    Strings accessControlAllowMethods;
    Strings accessControlAllowOriginList;
    Strings accessControlAllowOriginListRegex;
    Strings accessControlExposeHeaders;
    std::int64_t accessControlMaxAge = 0;
    bool addVaryHeader = false;
    Strings allowedHosts;
    Strings hostsProxyHeaders;
    Labels sslProxyHeaders;
    bool sslRedirect = false;
    bool sslTemporaryRedirect = false;
    std::string sslHost;
    bool sslForceHost = false;
    std::int64_t stsSeconds = 0;
    bool stsIncludeSubdomains = false;
    bool stsPreload = false;
    bool forceSTSHeader = false;
    bool frameDeny = false;
    std::string customFrameOptionsValue;
    bool contentTypeNosniff = false;
    bool browserXssFilter = false;
    std::string customBrowserXSSValue;
    std::string contentSecurityPolicy;
    std::string contentSecurityPolicyReportOnly;
    std::string publicKey;
    std::string referrerPolicy;
    std::string featurePolicy;
    std::string permissionsPolicy;
    bool isDevelopment = false;
};

struct SourceCriterion {
    std::optional<IpStrategy> ipStrategy;
    std::string requestHeaderName;
    bool requestHost = false;
};

/// ipAllowList, and the older ipWhiteList.
struct IpList {
    Strings sourceRange;
    std::optional<IpStrategy> ipStrategy;
    std::optional<int> rejectStatusCode;
};

struct InFlightReq {
    std::int64_t amount = 0;
    std::optional<SourceCriterion> sourceCriterion;
};

struct CertificateName {
    bool commonName = false;
    bool country = false;
    bool domainComponent = false;
    bool locality = false;
    bool organization = false;
    bool organizationalUnit = false;
    bool province = false;
    bool serialNumber = false;
};

struct CertificateInfo {
    bool notAfter = false;
    bool notBefore = false;
    bool sans = false;
    bool serialNumber = false;
    std::optional<CertificateName> subject;
    std::optional<CertificateName> issuer;
};

struct PassClientCertificate {
    bool pem = false;
    std::optional<CertificateInfo> info;
};

struct RateLimit {
    std::int64_t average = 0;
    std::int64_t burst = 1;
    Duration period = std::chrono::seconds{1};
    std::optional<SourceCriterion> sourceCriterion;
};

inline void describe(attune::Schema<RateLimit>& s) {
    s.field(&RateLimit::average).at_least(0);
    s.field(&RateLimit::burst).at_least(0);
    s.field(&RateLimit::period).at_least(std::chrono::nanoseconds{1});
}

/// redirectRegex and, without `permanent`, replacePathRegex.
struct Rewrite {
    std::string regex;
    std::string replacement;
    bool permanent = false;
};

struct RedirectScheme {
    std::string scheme;
    std::string port;
    bool permanent = false;
};

struct ReplacePath {
    std::string path;
};

struct Retry {
    int attempts = 0;
    Duration initialInterval{0};
};

struct StripPrefix {
    Strings prefixes;
    bool forceSlash = true;
};

struct StripPrefixRegex {
    Strings regex;
};

/// Exactly one of them. What a plugin reads is the plugin's business: a Document takes it as it is.
struct Middleware {
    std::optional<AddPrefix> addPrefix;
    std::optional<UserAuth> basicAuth;
    std::optional<Buffering> buffering;
    std::optional<Chain> chain;
    std::optional<CircuitBreaker> circuitBreaker;
    std::optional<Compress> compress;
    std::optional<ContentType> contentType;
    std::optional<UserAuth> digestAuth;
    std::optional<Errors> errors;
    std::optional<ForwardAuth> forwardAuth;
    std::optional<GrpcWeb> grpcWeb;
    std::optional<Headers> headers;
    std::optional<IpList> ipAllowList;
    std::optional<IpList> ipWhiteList;
    std::optional<InFlightReq> inFlightReq;
    std::optional<PassClientCertificate> passTLSClientCert;
    std::map<std::string, attune::Document> plugin;
    std::optional<RateLimit> rateLimit;
    std::optional<Rewrite> redirectRegex;
    std::optional<RedirectScheme> redirectScheme;
    std::optional<ReplacePath> replacePath;
    std::optional<Rewrite> replacePathRegex;
    std::optional<Retry> retry;
    std::optional<StripPrefix> stripPrefix;
    std::optional<StripPrefixRegex> stripPrefixRegex;
};

}  // namespace traefik
