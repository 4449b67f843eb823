#pragma once

#include "common.hpp"

#include <attune/bind/secret.hpp>

/// Logs, metrics and traces.
namespace traefik {

struct OtlpGrpc {
    std::string endpoint;
    bool insecure = false;
    std::optional<ClientTls> tls;
    Labels headers;
};

struct OtlpHttp {
    std::string endpoint;
    std::optional<ClientTls> tls;
    Labels headers;
};

struct OtlpLogs {
    std::string serviceName = "traefik";
    Labels resourceAttributes;
    std::optional<OtlpGrpc> grpc;
    std::optional<OtlpHttp> http;
};

struct Log {
    std::string level = "ERROR";
    std::string format = "common";
    bool noColor = false;
    std::string filePath;
    int maxSize = 0;
    int maxAge = 0;
    int maxBackups = 0;
    bool compress = false;
    std::optional<OtlpLogs> otlp;
};

struct AccessLogFilters {
    Strings statusCodes;
    bool retryAttempts = false;
    Duration minDuration{0};
};

struct FieldModes {
    std::string defaultMode;
    Labels names;
};

struct AccessLogFields {
    std::string defaultMode = "keep";
    Labels names;
    FieldModes headers;
};

struct AccessLog {
    std::string filePath;
    std::string format = "common";
    std::int64_t bufferingSize = 0;
    bool addInternals = false;
    AccessLogFilters filters;
    AccessLogFields fields;
    std::optional<OtlpLogs> otlp;
};

struct Prometheus {
    std::vector<double> buckets{0.1, 0.3, 1.2, 5.0};
    bool addEntryPointsLabels = true;
    bool addRoutersLabels = false;
    bool addServicesLabels = true;
    std::string entryPoint = "traefik";
    bool manualRouting = false;
    Labels headerLabels;
};

/// Datadog and StatsD.
struct PushedMetrics {
    std::string address;
    Duration pushInterval = std::chrono::seconds{10};
    bool addEntryPointsLabels = true;
    bool addRoutersLabels = false;
    bool addServicesLabels = true;
    std::string prefix = "traefik";
};

struct InfluxDb2 {
    std::string address;
    attune::Secret<std::string> token;
    Duration pushInterval = std::chrono::seconds{10};
    std::string org;
    std::string bucket;
    bool addEntryPointsLabels = true;
    bool addRoutersLabels = false;
    bool addServicesLabels = true;
    Labels additionalLabels;
};

struct OtlpMetrics {
    std::string serviceName = "traefik";
    std::optional<OtlpGrpc> grpc;
    std::optional<OtlpHttp> http;
    bool addEntryPointsLabels = true;
    bool addRoutersLabels = false;
    bool addServicesLabels = true;
    std::vector<double> explicitBoundaries;
    Duration pushInterval = std::chrono::seconds{10};
};

struct Metrics {
    bool addInternals = false;
    std::optional<Prometheus> prometheus;
    std::optional<PushedMetrics> datadog;
    std::optional<PushedMetrics> statsD;
    std::optional<InfluxDb2> influxDB2;
    std::optional<OtlpMetrics> otlp;
};

struct OtlpTraces {
    std::optional<OtlpGrpc> grpc;
    std::optional<OtlpHttp> http;
};

struct Tracing {
    std::string serviceName = "traefik";
    Labels resourceAttributes;
    Labels globalAttributes;
    Strings capturedRequestHeaders;
    Strings capturedResponseHeaders;
    Strings safeQueryParams;
    double sampleRate = 1.0;
    bool addInternals = false;
    std::optional<OtlpTraces> otlp;
};

}  // namespace traefik
