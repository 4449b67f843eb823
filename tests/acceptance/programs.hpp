#pragma once

#include <attune/attune.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

/// The configuration files of programs, as structs that know every key of the files they are tried
/// on.
namespace programs {

using Strings = std::vector<std::string>;
using Labels = std::map<std::string, std::string>;

namespace compile_commands {

struct Command {
    std::string directory;
    std::string file;
    std::string command;
    Strings arguments;
    std::string output;
};

inline void describe(attune::Schema<Command>& s) {
    s.field(&Command::directory).required();
    s.field(&Command::file).required();
    s.check([](const Command& c) { return c.command.empty() != c.arguments.empty(); },
            "either command or arguments");
}

using File = std::vector<Command>;

}  // namespace compile_commands

namespace google_cloud_build {

struct Step {
    std::string name;
    std::string entrypoint;
    Strings args;
    Strings env;
    std::chrono::seconds timeout{600};
};

struct File {
    std::vector<Step> steps;
    std::string logsBucket;
    std::string serviceAccount;
};

}  // namespace google_cloud_build

namespace dependabot {

enum class Interval { daily, weekly, monthly, quarterly, semiannually, yearly, cron };

struct Schedule {
    Interval interval = Interval::weekly;
    std::string day;
    std::string time;
};

struct BranchName {
    std::string separator = "/";
};

struct Update {
    std::string ecosystem;
    std::string directory;
    Schedule schedule;
    BranchName branch_name;
};

inline void describe(attune::Schema<Update>& s) {
    s.field(&Update::ecosystem).name("package-ecosystem").required();
    s.field(&Update::branch_name).name("pull-request-branch-name");
}

inline void describe(attune::Schema<BranchName>& s) {
    s.field(&BranchName::separator).one_of({"-", "_", "/"});
}

struct File {
    int version = 0;
    std::vector<Update> updates;
};

inline void describe(attune::Schema<File>& s) { s.field(&File::version).required().between(1, 2); }

}  // namespace dependabot

namespace dotnet_tools {

struct Tool {
    std::string version;
    Strings commands;
    bool rollForward = false;
};

struct File {
    int version = 1;
    bool isRoot = false;
    std::map<std::string, Tool> tools;
};

}  // namespace dotnet_tools

namespace launch_settings {

struct Site {
    std::string applicationUrl;
    std::uint16_t sslPort = 0;
};

struct Iis {
    bool windowsAuthentication = false;
    bool anonymousAuthentication = true;
    std::optional<Site> iis;
    std::optional<Site> iisExpress;
};

enum class Command { Project, IIS, IISExpress, Executable, DebugRoslynComponent };

struct Profile {
    Command commandName = Command::Project;
    bool launchBrowser = false;
    std::string applicationUrl;
    Labels environmentVariables;
};

struct File {
    std::optional<Iis> iisSettings;
    std::map<std::string, Profile> profiles;
};

}  // namespace launch_settings

namespace ocelot {

struct HostAndPort {
    std::string Host;
    std::uint16_t Port = 0;
};

struct Authentication {
    std::string AuthenticationProviderKey;
    Strings AllowedScopes;
};

struct FileCache {
    int TtlSeconds = 0;
    std::string Region;
};

struct HttpHandler {
    bool AllowAutoRedirect = false;
    bool UseCookieContainer = false;
    bool UseTracing = false;
};

struct Quality {
    int ExceptionsAllowedBeforeBreaking = 0;
    int DurationOfBreak = 0;
    int TimeoutValue = 0;
};

struct RateLimit {
    Strings ClientWhitelist;
    bool EnableRateLimiting = false;
    std::string Period;
    double PeriodTimespan = 0;
    int Limit = 0;
};

struct Route {
    std::string DownstreamPathTemplate;
    std::string DownstreamScheme;
    std::vector<HostAndPort> DownstreamHostAndPorts;
    std::string UpstreamPathTemplate;
    Strings UpstreamHttpMethod;
    Labels AddHeadersToRequest;
    Labels AddClaimsToRequest;
    Labels AddQueriesToRequest;
    Labels RouteClaimsRequirement;
    std::string RequestIdKey;
    FileCache FileCacheOptions;
    bool RouteIsCaseSensitive = false;
    std::string ServiceName;
    std::string LoadBalancer;
    Quality QoSOptions;
    RateLimit RateLimitOptions;
    Authentication AuthenticationOptions;
    HttpHandler HttpHandlerOptions;
    bool DangerousAcceptAnyServerCertificateValidator = false;
};

struct Global {
    std::string RequestIdKey;
};

struct File {
    std::vector<Route> Routes;
    Global GlobalConfiguration;
};

}  // namespace ocelot

namespace nest {

struct Plugin {
    std::string name;
    std::map<std::string, attune::Document> options;
};

struct Compiler {
    std::string tsConfigPath;
    bool webpack = false;
    std::vector<Plugin> plugins;
};

struct Generate {
    std::map<std::string, bool> spec;
    bool flat = false;
    std::string baseDir;
};

struct Project {
    std::string type;
    std::string root;
    std::string entryFile;
    std::string sourceRoot;
    Compiler compilerOptions;
    Generate generateOptions;
};

struct File {
    std::string collection;
    std::string defaultLibraryPrefix;
    bool monorepo = false;
    std::string root;
    std::string sourceRoot;
    Compiler compilerOptions;
    Generate generateOptions;
    std::map<std::string, Project> projects;
};

}  // namespace nest

namespace flatpak {

enum class BuildSystem { autotools, meson, cmake, simple, qmake };

struct Source {
    std::string type;
    std::string url;
    std::string branch;
    std::string sha256;
};

struct Module {
    std::string name;
    BuildSystem buildsystem = BuildSystem::autotools;
    std::vector<Source> sources;
    std::vector<Module> modules;
    Strings only_arches;
    Strings skip_arches;
};

inline void describe(attune::Schema<Module>& s) {
    s.field(&Module::name).required();
    s.field(&Module::only_arches).name("only-arches");
    s.field(&Module::skip_arches).name("skip-arches");
}

struct Flags {
    std::string cflags;
    std::string cxxflags;
};

struct BuildOptions {
    std::string cflags;
    std::string cxxflags;
    std::map<std::string, Flags> arch;
};

struct File {
    std::string id;
    std::string branch;
    std::string runtime;
    std::string runtime_version;
    std::string sdk;
    Strings sdk_extensions;
    Strings inherit_extensions;
    bool build_runtime = false;
    bool writable_sdk = false;
    std::string id_platform;
    std::string metadata_platform;
    Strings platform_extensions;
    Strings cleanup_platform;
    Strings cleanup_platform_commands;
    Strings prepare_platform_commands;
    BuildOptions build_options;
    std::vector<Module> modules;
};

inline void describe(attune::Schema<File>& s) {
    s.field(&File::id).required();
    s.field(&File::runtime_version).name("runtime-version");
    s.field(&File::sdk_extensions).name("sdk-extensions");
    s.field(&File::inherit_extensions).name("inherit-extensions");
    s.field(&File::build_runtime).name("build-runtime");
    s.field(&File::writable_sdk).name("writable-sdk");
    s.field(&File::id_platform).name("id-platform");
    s.field(&File::metadata_platform).name("metadata-platform");
    s.field(&File::platform_extensions).name("platform-extensions");
    s.field(&File::cleanup_platform).name("cleanup-platform");
    s.field(&File::cleanup_platform_commands).name("cleanup-platform-commands");
    s.field(&File::prepare_platform_commands).name("prepare-platform-commands");
    s.field(&File::build_options).name("build-options");
}

}  // namespace flatpak

namespace sil_kit {

struct Controller {
    std::string Name;
    std::string Network;
    Strings UseTraceSinks;
};

struct Publisher {
    std::string Name;
    std::string Topic;
};

struct Function {
    std::string Name;
    std::string FunctionName;
};

struct TxBuffer {
    std::string channels;
    int slotId = 0;
    int offset = 0;
    int repetition = 0;
    bool PPindicator = false;
    int headerCrc = 0;
    std::string transmissionMode;
};

struct FlexrayController {
    std::string Name;
    std::string Network;
    std::map<std::string, int> ClusterParameters;
    std::map<std::string, std::variant<int, std::string>> NodeParameters;
    std::vector<TxBuffer> TxBufferConfigurations;
};

enum class Level { Critical, Error, Warn, Info, Debug, Trace, Off };

struct Sink {
    std::string Type;
    Level Level_ = Level::Info;
    std::string LogName;
};

inline void describe(attune::Schema<Sink>& s) {
    s.field(&Sink::Level_).name("Level");
    s.field(&Sink::Type).required().one_of({"File", "Stdout", "Remote"});
}

struct Logging {
    bool LogFromRemotes = false;
    Level FlushLevel = Level::Off;
    std::vector<Sink> Sinks;
};

struct TraceSink {
    std::string Name;
    std::string OutputPath;
};

struct Tracing {
    std::vector<TraceSink> TraceSinks;
};

struct Health {
    unsigned SoftResponseTimeout = 0;
    unsigned HardResponseTimeout = 0;
};

struct Inclusion {
    Strings Files;
    Strings SearchPathHints;
};

struct File {
    std::string schema;
    int schemaVersion = 0;
    std::string Description;
    std::string ParticipantName;
    Inclusion Includes;
    std::vector<Controller> CanControllers;
    std::vector<Controller> LinControllers;
    std::vector<Controller> EthernetControllers;
    std::vector<FlexrayController> FlexrayControllers;
    std::vector<Publisher> DataPublishers;
    std::vector<Publisher> DataSubscribers;
    std::vector<Function> RpcClients;
    std::vector<Function> RpcServers;
    struct Logging Logging;
    Health HealthCheck;
    struct Tracing Tracing;
};

inline void describe(attune::Schema<File>& s) { s.field(&File::schema).name("$schema"); }

}  // namespace sil_kit

}  // namespace programs
