// Reading a file of 100,000 values again, when nothing in it has changed and when one value has.

#include "services.hpp"
#include "support.hpp"

#include <attune/store/store.hpp>
#include <attune/transport/file.hpp>

#include <cstddef>
#include <string>

#include <nlohmann/json.hpp>

namespace {

using namespace bench;

struct Loaded {
    Loaded() { save(path, services_text()); }

    Folder folder;
    std::filesystem::path path = folder / "services.json";
};

struct Followed : Loaded {
    attune::Store store;
    attune::Layer layer = store.add(attune::file(path, {.watch = false}));
    attune::Config<Service> service =
        store.bind<Service>(attune::Path{"services"} / service_name(4242));
};

void unchanged(benchmark::State& state) {
    Followed followed;
    const attune::Version before = followed.store.version();
    for (auto _ : state) {
        followed.layer.reload();
    }
    if (followed.store.version() != before) {
        state.SkipWithError("an unchanged file made a version");
    }
}

void one_changed(benchmark::State& state) {
    Followed followed;
    const std::string texts[] = {services_text(), services_text(1)};
    std::size_t step = 0;
    for (auto _ : state) {
        state.PauseTiming();
        save(followed.path, texts[++step % 2]);
        const attune::Snapshot before = followed.store.snapshot();
        state.ResumeTiming();
        followed.layer.reload();
        state.PauseTiming();
        const attune::Snapshot after = followed.store.snapshot();
        const attune::Document& old = before.document().at("services");
        std::size_t changed = 0;
        for (const auto& member : after.document().at("services").members()) {
            changed += old.find(member.key)->same(member.value) ? 0 : 1;
        }
        if (after.version() != before.version() + 1 || changed != 1) {
            state.SkipWithError("not one version in which one service is new");
        }
        state.counters["new_services"] = static_cast<double>(changed);
        state.ResumeTiming();
    }
}

/// What a program without attune does: parse, and compare with what it has.
void nlohmann_reload(benchmark::State& state) {
    Loaded loaded;
    const nlohmann::json before = nlohmann::json::parse(load(loaded.path));
    for (auto _ : state) {
        const nlohmann::json after = nlohmann::json::parse(load(loaded.path));
        if (before != after) {
            state.SkipWithError("an unchanged file differs");
        }
    }
}

BENCHMARK(unchanged)->Name("reload/unchanged")->MeasureProcessCPUTime();
BENCHMARK(one_changed)->Name("reload/one changed")->MeasureProcessCPUTime();
BENCHMARK(nlohmann_reload)->Name("reload/nlohmann")->MeasureProcessCPUTime();

}  // namespace
