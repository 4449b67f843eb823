// Versions of 100,000 values: what one more costs, comparing neighbours, and explaining a value.

#include "services.hpp"
#include "support.hpp"

#include <attune/store/store.hpp>
#include <attune/transport/file.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace {

using namespace bench;
using attune::Path;

Path service_path(int number) {
    return Path{std::vector<std::string>{"services", service_name(number)}};
}

/// 10,000 services in a file, some of them bound.
struct Versions {
    Versions(std::size_t history, int bound) : store{{.history = history}} {
        save(folder / "services.json", services_text());
        store.add(attune::file(folder / "services.json", {.watch = false}));
        for (int i = 0; i < bound; ++i) {
            services.push_back(store.bind<Service>(service_path(i)));
        }
    }

    Folder folder;
    attune::Store store;
    std::vector<attune::Config<Service>> services;
    std::vector<int> numbers = scattered(1024, service_count);

    /// A version that sets the port of one service.
    void commit(int step) {
        store.set(port_path(numbers[static_cast<std::size_t>(step) % numbers.size()]), -step);
    }
};

Versions& versions() {
    static Versions made{64, service_count};
    return made;
}

void retained(benchmark::State& state, int bound) {
    constexpr int count = 10'000;
    for (auto _ : state) {
        Versions made{2 * count, bound};
        for (int step = 1; step <= 1024; ++step) {
            made.commit(step);  // the overrides have all their members from here on
        }
        const std::size_t before = heap_bytes();
        for (int step = 1; step <= count; ++step) {
            made.commit(1024 + step);
        }
        state.counters["bytes"] =
            static_cast<double>(heap_bytes() - before) / static_cast<double>(count);
    }
}

/// A deep copy of one version, which is what keeping it takes there.
void retained_nlohmann(benchmark::State& state) {
    const auto document = nlohmann::json::parse(services_text());
    for (auto _ : state) {
        const std::size_t before = heap_bytes();
        const nlohmann::json copy = document;
        state.counters["bytes"] = static_cast<double>(heap_bytes() - before);
        benchmark::DoNotOptimize(&copy);
    }
}

void diff(benchmark::State& state) {
    Versions& made = versions();
    for (int step = 1; step <= 128; ++step) {
        made.commit(step);
    }
    const attune::Version last = made.store.version();
    for (auto _ : state) {
        benchmark::DoNotOptimize(made.store.diff(last - 1, last));
    }
}

void diff_nlohmann(benchmark::State& state) {
    const auto before = nlohmann::json::parse(services_text());
    const auto after = nlohmann::json::parse(services_text(-1));
    for (auto _ : state) {
        benchmark::DoNotOptimize(nlohmann::json::diff(before, after));
    }
}

void explain(benchmark::State& state) {
    Versions& made = versions();
    for (int step = 1; step <= 128; ++step) {
        made.commit(step);
    }
    std::vector<Path> paths;
    for (const int number : scattered(1024, service_count)) {
        paths.push_back(port_path(number));
    }
    for (const Path& path : paths) {
        benchmark::DoNotOptimize(made.store.explain(path));  // reads the text once
    }
    std::size_t next = 0;
    for (auto _ : state) {
        benchmark::DoNotOptimize(made.store.explain(paths[next++ % paths.size()]));
    }
}

void list(benchmark::State& state) {
    Versions& made = versions();
    for (auto _ : state) {
        benchmark::DoNotOptimize(made.store.history());
    }
}

BENCHMARK_CAPTURE(retained, one, 1)->Name("version/retained")->Iterations(1);
BENCHMARK_CAPTURE(retained, all, service_count)->Name("version/retained, all bound")->Iterations(1);
BENCHMARK(retained_nlohmann)->Name("version/retained nlohmann");
BENCHMARK(diff)->Name("version/diff");
BENCHMARK(diff_nlohmann)->Name("version/diff nlohmann");
BENCHMARK(explain)->Name("version/explain");
BENCHMARK(list)->Name("version/history");

}  // namespace
