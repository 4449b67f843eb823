#pragma once

#include "common.hpp"

#include <attune/bind/schema.hpp>
#include <attune/bind/secret.hpp>
#include <attune/document/document.hpp>

/// Where Traefik gets its dynamic configuration from.
namespace traefik {

using SecretString = attune::Secret<std::string>;

struct FileProvider {
    std::string directory;
    std::string filename;
    bool watch = true;
    bool debugLogGeneratedTemplate = false;
};

struct HttpProvider {
    std::string endpoint;
    Duration pollInterval = std::chrono::seconds{5};
    Duration pollTimeout = std::chrono::seconds{5};
    Labels headers;
    std::optional<ClientTls> tls;
};

struct DockerProvider {
    bool exposedByDefault = true;
    std::string constraints;
    bool allowEmptyServices = false;
    std::string network;
    bool useBindPortIP = false;
    bool watch = true;
    std::string defaultRule;
    std::string username;
    SecretString password;
    std::string endpoint;
    std::optional<ClientTls> tls;
    Duration httpClientTimeout{0};
};

struct SwarmProvider {
    bool exposedByDefault = true;
    std::string constraints;
    bool allowEmptyServices = false;
    std::string network;
    bool useBindPortIP = false;
    bool watch = true;
    std::string defaultRule;
    std::string username;
    SecretString password;
    std::string endpoint;
    std::optional<ClientTls> tls;
    Duration httpClientTimeout{0};
    Duration refreshSeconds = std::chrono::seconds{15};
};

struct EcsProvider {
    std::string constraints;
    bool exposedByDefault = true;
    int refreshSeconds = 15;
    std::string defaultRule;
    Strings clusters;
    bool autoDiscoverClusters = false;
    bool healthyTasksOnly = false;
    bool ecsAnywhere = false;
    std::string region;
    std::string accessKeyID;
    SecretString secretAccessKey;
};

struct HttpAuth {
    std::string username;
    SecretString password;
};

struct CatalogEndpoint {
    std::string address;
    std::string scheme;
    std::string datacenter;
    SecretString token;
    std::optional<ClientTls> tls;
    std::optional<HttpAuth> httpAuth;
    Duration endpointWaitTime{0};
};

struct ConsulCatalog {
    std::string constraints;
    std::string prefix = "traefik";
    Duration refreshInterval = std::chrono::seconds{15};
    bool requireConsistent = false;
    bool stale = false;
    bool cache = false;
    bool exposedByDefault = true;
    std::string defaultRule;
    bool connectAware = false;
    bool connectByDefault = false;
    std::string serviceName = "traefik";
    bool watch = false;
    Strings strictChecks;
    Strings namespaces;
    CatalogEndpoint endpoint;
};

struct NomadEndpoint {
    std::string address;
    std::string region;
    SecretString token;
    std::optional<ClientTls> tls;
    Duration endpointWaitTime{0};
};

struct NomadProvider {
    std::string constraints;
    std::string prefix = "traefik";
    bool stale = false;
    bool exposedByDefault = true;
    bool allowEmptyServices = false;
    bool watch = false;
    std::string defaultRule;
    Duration refreshInterval = std::chrono::seconds{15};
    Duration throttleDuration{0};
    Strings namespaces;
    NomadEndpoint endpoint;
};

struct Consul {
    std::string rootKey = "traefik";
    Strings endpoints;
    Strings namespaces;
    SecretString token;
    std::optional<ClientTls> tls;
};

/// etcd and ZooKeeper.
struct KeyValueStore {
    std::string rootKey = "traefik";
    Strings endpoints;
    std::string username;
    SecretString password;
    std::optional<ClientTls> tls;
};

struct RedisSentinel {
    std::string masterName;
    std::string username;
    SecretString password;
    bool latencyStrategy = false;
    bool randomStrategy = false;
    bool replicaStrategy = false;
    bool useDisconnectedReplicas = false;
};

struct Redis {
    std::string rootKey = "traefik";
    Strings endpoints;
    std::string username;
    SecretString password;
    int db = 0;
    std::optional<ClientTls> tls;
    std::optional<RedisSentinel> sentinel;
};

struct IngressEndpoint {
    std::string ip;
    std::string hostname;
    std::string publishedService;
};

/// kubernetesIngress and kubernetesCRD.
struct Kubernetes {
    std::string endpoint;
    SecretString token;
    std::string certAuthFilePath;
    Strings namespaces;
    std::string labelSelector;
    std::string ingressClass;
    std::optional<IngressEndpoint> ingressEndpoint;
    Duration throttleDuration{0};
    bool allowCrossNamespace = false;
    bool allowEmptyServices = false;
    bool allowExternalNameServices = false;
    bool disableIngressClassLookup = false;
    bool disableClusterScopeResources = false;
    bool nativeLBByDefault = false;
};

struct ServiceReference {
    std::string name;
    std::string space;
};

inline void describe(attune::Schema<ServiceReference>& s) {
    s.field(&ServiceReference::space).name("namespace");
}

struct StatusAddress {
    std::string ip;
    std::string hostname;
    std::optional<ServiceReference> service;
};

struct KubernetesGateway {
    std::string endpoint;
    SecretString token;
    std::string certAuthFilePath;
    Strings namespaces;
    std::string labelSelector;
    Duration throttleDuration{0};
    bool experimentalChannel = false;
    bool nativeLBByDefault = false;
    std::optional<StatusAddress> statusAddress;
};

struct RestProvider {
    bool insecure = false;
};

struct Providers {
    Duration providersThrottleDuration = std::chrono::seconds{2};
    std::optional<FileProvider> file;
    std::optional<HttpProvider> http;
    std::optional<DockerProvider> docker;
    std::optional<SwarmProvider> swarm;
    std::optional<EcsProvider> ecs;
    std::optional<ConsulCatalog> consulCatalog;
    std::optional<NomadProvider> nomad;
    std::optional<Consul> consul;
    std::optional<KeyValueStore> etcd;
    std::optional<KeyValueStore> zooKeeper;
    std::optional<Redis> redis;
    std::optional<Kubernetes> kubernetesIngress;
    std::optional<Kubernetes> kubernetesCRD;
    std::optional<KubernetesGateway> kubernetesGateway;
    std::optional<RestProvider> rest;
    std::map<std::string, attune::Document> plugin;
};

}  // namespace traefik
