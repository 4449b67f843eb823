// Configuration files of real programs, bound whole, every key known.

#include "programs.hpp"
#include "support.hpp"

#include "../../examples/prometheus/rules.hpp"
#include "../../examples/traefik/traefik.hpp"

#include <variant>

namespace {

using acceptance::rejection_of;

template <class F>
struct Real;  // where the file is, and one value in it to look at

template <class F>
class RealFile : public testing::Test {
protected:
    void SetUp() override {
        path = std::filesystem::path{ATTUNE_TEST_DATA} / "real-configs" / Real<F>::path;
        if (!std::filesystem::exists(path)) {
            GTEST_SKIP() << "there is no " << path;
        }
        store.add(attune::file(path));
    }

    std::filesystem::path path;
    attune::Store store;
};

TYPED_TEST_SUITE_P(RealFile);

TYPED_TEST_P(RealFile, binds_with_every_key_known) {
    const auto file = this->store.template bind<TypeParam>();
    EXPECT_NO_THROW(this->store.check());
    EXPECT_TRUE(file.with([](const TypeParam& f) { return Real<TypeParam>::holds(f); }));
}

TYPED_TEST_P(RealFile, survives_the_way_to_a_document_and_back) {
    const auto file = this->store.template bind<TypeParam>();
    const auto now = file.read();
    const attune::Document document = attune::encode(*now);
    const TypeParam again = attune::decode<TypeParam>(document);
    EXPECT_EQ(attune::encode(again), document);
}

TYPED_TEST_P(RealFile, refuses_a_misspelt_key) {
    static_cast<void>(this->store.template bind<TypeParam>());
    const attune::Path key = Real<TypeParam>::key;
    const attune::Path misspelt = key.parent() / (key.back() + "x");
    const std::string text = rejection_of([&] {
        this->store.add(attune::memory(this->store.snapshot().document().with(misspelt, 1)));
    });
    EXPECT_THAT(text, testing::HasSubstr(to_string(misspelt) + ": unknown key"));
    EXPECT_THAT(text, testing::HasSubstr("did you mean \"" + key.back() + "\"?"));
}

REGISTER_TYPED_TEST_SUITE_P(RealFile, binds_with_every_key_known,
                            survives_the_way_to_a_document_and_back, refuses_a_misspelt_key);

template <>
struct Real<traefik::Installation> {
    static constexpr const char* path = "traefik-v3/example.json";
    static constexpr const char* key = "entryPoints.EntryPoint0.address";
    static bool holds(const traefik::Installation& f) {
        return f.entryPoints.at("EntryPoint0").transport.lifeCycle.graceTimeOut ==
                   std::chrono::seconds{42} &&
               f.providers.docker->password.reveal() == "foobar" &&
               f.certificatesResolvers.size() == 2;
    }
};

template <>
struct Real<traefik::Routing> {
    static constexpr const char* path = "traefik-v3-file-provider/example.json";
    static constexpr const char* key = "http.services.Service02.loadBalancer.healthCheck.interval";
    static bool holds(const traefik::Routing& f) {
        return f.http.middlewares.size() == 25 &&
               f.http.services.at("Service02").loadBalancer->healthCheck->interval ==
                   std::chrono::seconds{42} &&
               f.http.services.at("Service03").mirroring->mirrors.at(1).percent == 42 &&
               f.udp.services.at("UDPService01").loadBalancer->servers.size() == 2;
    }
};

template <>
struct Real<prometheus::RulesFile> {
    static constexpr const char* path = "prometheus.rules/rules.json";
    static constexpr const char* key = "groups.0.query_offset";
    static bool holds(const prometheus::RulesFile& f) {
        const auto& rule = std::get<prometheus::AlertingRule>(f.groups.at(0).rules.at(1));
        return rule.holds == std::chrono::seconds{90} &&
               rule.keep_firing_for == std::chrono::seconds{150};
    }
};

template <>
struct Real<programs::compile_commands::File> {
    static constexpr const char* path = "compile-commands/compile_commands.json";
    static constexpr const char* key = "0.directory";
    static bool holds(const programs::compile_commands::File& f) {
        return f.size() == 2 && f[0].arguments.size() == 4 && f[1].command == "c++ foo.cpp -o foo";
    }
};

template <>
struct Real<programs::google_cloud_build::File> {
    static constexpr const char* path = "cloudbuild/test-1.json";
    static constexpr const char* key = "steps.0.name";
    static bool holds(const programs::google_cloud_build::File& f) {
        return f.steps.size() == 3 && f.steps[2].timeout == std::chrono::minutes{4};
    }
};

template <>
struct Real<programs::dependabot::File> {
    static constexpr const char* path = "dependabot-2.0/pull-request-branch-name.json";
    static constexpr const char* key = "updates.1.pull-request-branch-name.separator";
    static bool holds(const programs::dependabot::File& f) {
        return f.updates.size() == 3 && f.updates[2].branch_name.separator == "_" &&
               f.updates[0].schedule.interval == programs::dependabot::Interval::daily;
    }
};

template <>
struct Real<programs::dotnet_tools::File> {
    static constexpr const char* path = "dotnet-tools/dotnet-tools.json";
    static constexpr const char* key = "tools.dotnet-ef.commands";
    static bool holds(const programs::dotnet_tools::File& f) {
        return f.isRoot && f.tools.at("dotnet-ef").version == "8.0.1";
    }
};

template <>
struct Real<programs::launch_settings::File> {
    static constexpr const char* path = "launchsettings/iisSettings.json";
    static constexpr const char* key = "iisSettings.iisExpress.sslPort";
    static bool holds(const programs::launch_settings::File& f) {
        return f.iisSettings->iisExpress->sslPort == 44331 &&
               f.profiles.at("IIS Express").commandName ==
                   programs::launch_settings::Command::IISExpress;
    }
};

template <>
struct Real<programs::ocelot::File> {
    static constexpr const char* path = "ocelot/ocelot.json";
    static constexpr const char* key = "GlobalConfiguration.RequestIdKey";
    static bool holds(const programs::ocelot::File& f) {
        return f.Routes.at(0).DownstreamHostAndPorts.at(0).Port == 51876;
    }
};

template <>
struct Real<programs::nest::File> {
    static constexpr const char* path = "nest-cli/nest-cli-generateOptions.json";
    static constexpr const char* key = "projects.my-app.entryFile";
    static bool holds(const programs::nest::File& f) {
        return f.monorepo && f.projects.at("my-app").generateOptions.baseDir == "modules" &&
               f.compilerOptions.plugins.at(0).options.at("introspectComments").as_bool();
    }
};

template <>
struct Real<programs::flatpak::File> {
    static constexpr const char* path = "flatpak-manifest/org.example.Sdk.json";
    static constexpr const char* key = "runtime-version";
    static bool holds(const programs::flatpak::File& f) {
        return f.modules.at(0).modules.at(0).buildsystem == programs::flatpak::BuildSystem::meson &&
               f.build_options.arch.at("x86_64").cflags == "-O2 -march=x86-64";
    }
};

template <>
struct Real<programs::sil_kit::File> {
    static constexpr const char* path = "sil-kit-participant-configuration/full.silkit.json";
    static constexpr const char* key = "HealthCheck.HardResponseTimeout";
    static bool holds(const programs::sil_kit::File& f) {
        const auto& nodes = f.FlexrayControllers.at(0).NodeParameters;
        return std::get<std::string>(nodes.at("pdMicrotick")) == "12.5ns" &&
               std::get<int>(nodes.at("pMicroPerCycle")) == 960 &&
               f.Logging.Sinks.at(0).Level_ == programs::sil_kit::Level::Trace;
    }
};

using Files =
    testing::Types<traefik::Installation, traefik::Routing, prometheus::RulesFile,
                   programs::compile_commands::File, programs::google_cloud_build::File,
                   programs::dependabot::File, programs::dotnet_tools::File,
                   programs::launch_settings::File, programs::ocelot::File, programs::nest::File,
                   programs::flatpak::File, programs::sil_kit::File>;
INSTANTIATE_TYPED_TEST_SUITE_P(Programs, RealFile, Files);

// The samples that come with the library, which need no test data.

TEST(Samples, of_traefik_and_prometheus_bind_with_every_key_known) {
    const std::filesystem::path data{ATTUNE_SOURCE_DIR "/examples/data"};
    attune::Store installation;
    installation.add(attune::file(data / "traefik/traefik.json"));
    EXPECT_EQ(installation.bind<traefik::Installation>().get().entryPoints.size(), 3U);
    attune::Store routing;
    routing.add(attune::file(data / "traefik/routing.json"));
    EXPECT_EQ(routing.bind<traefik::Routing>().get().http.routers.size(), 3U);
    attune::Store rules;
    rules.add(attune::file(data / "prometheus/rules.json"));
    EXPECT_EQ(rules.bind<prometheus::RulesFile>().get().groups.size(), 2U);
}

template <class T>
void expect_sample_to_be_the_defaults() {
    attune::Store store;
    static_cast<void>(store.bind<T>("program"));
    attune::Store fresh;
    fresh.add(attune::memory(attune::parse(store.reference(), {.comments = true})));
    const auto sample = fresh.bind<T>("program");
    EXPECT_NO_THROW(fresh.check());
    EXPECT_EQ(attune::encode(sample.get()), attune::encode(T{}));
}

TEST(Samples, that_are_written_for_traefik_and_prometheus_are_their_defaults) {
    expect_sample_to_be_the_defaults<traefik::Installation>();
    expect_sample_to_be_the_defaults<traefik::Routing>();
    expect_sample_to_be_the_defaults<prometheus::RulesFile>();
}

TEST(Samples, refuse_what_traefik_and_prometheus_could_not_mean) {
    attune::Store store;
    attune::Layer layer = store.add(attune::memory());
    static_cast<void>(store.bind<traefik::Routing>());
    static_cast<void>(store.bind<prometheus::Groups>("groups"));
    EXPECT_THAT(rejection_of([&] { layer.set("http.services.a", attune::Document::object()); }),
                testing::HasSubstr("exactly one of loadBalancer, weighted"));
    EXPECT_THAT(rejection_of([&] {
                    layer.set("http.services.a.loadBalancer.healthCheck",
                              {{"interval", "1s"}, {"timeout", "2s"}, {"port", 80800}});
                }),
                testing::HasSubstr("port: expected an integer in [1, 65535], found 80800"));
}

}  // namespace
