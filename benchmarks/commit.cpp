// Whole commits through Store::set, on stores with 100,000 values: the document is changed, the
// bound values it concerns are decoded and compared, the version is published and the one before
// is retired.

#include "handles.hpp"
#include "services.hpp"
#include "support.hpp"

#include <attune/document/parse.hpp>
#include <attune/graph/executor.hpp>
#include <attune/store/store.hpp>
#include <attune/transport/memory.hpp>

#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace {

using namespace bench;
using attune::Path;

constexpr std::size_t place_count = 1024;

std::vector<Path> scattered_ports() {
    std::vector<Path> paths;
    for (const int number : scattered(place_count, service_count)) {
        paths.push_back(port_path(number));
    }
    return paths;
}

Path service_path(int number) {
    return Path{std::vector<std::string>{"services", service_name(number)}};
}

struct Services {
    attune::Store store;
    attune::Layer layer = store.add(attune::memory(attune::parse(services_text())));
};

/// Sets one place after the other, each time to a new number.
void set_numbers(benchmark::State& state, attune::Store& store, const std::vector<Path>& paths) {
    const attune::Version before = store.version();
    Durations durations;
    for (auto _ : state) {
        const int number = next_number();
        const Path& path = paths[static_cast<std::size_t>(number) % paths.size()];
        durations.measure([&] { store.set(path, number); });
    }
    if (store.version() - before != static_cast<attune::Version>(state.iterations())) {
        state.SkipWithError("a commit made no version");
    }
    durations.report(state);
}

void one_bound_service(benchmark::State& state) {
    struct Bound : Services {
        attune::Config<Service> service = store.bind<Service>(service_path(4242));
    };
    static Bound bound;
    set_numbers(state, bound.store, {port_path(4242)});
}

void all_bound_one_by_one(benchmark::State& state) {
    struct Bound : Services {
        Bound() {
            for (int i = 0; i < service_count; ++i) {
                services.push_back(store.bind<Service>(service_path(i)));
            }
        }
        std::vector<attune::Config<Service>> services;
    };
    static Bound bound;
    static const std::vector<Path> paths = scattered_ports();
    set_numbers(state, bound.store, paths);
}

void all_bound_as_one_map(benchmark::State& state) {
    struct Bound : Services {
        attune::Config<std::map<std::string, Service>> services =
            store.bind<std::map<std::string, Service>>("services");
    };
    static Bound bound;
    static const std::vector<Path> paths = scattered_ports();
    set_numbers(state, bound.store, paths);
}

void build_handles(benchmark::State& state) {
    for (auto _ : state) {
        const Handles made;
        state.counters["build_ns"] = made.build_ns;
        state.counters["bytes"] = made.bytes;
    }
}

std::vector<Path> scattered_keys() {
    std::vector<Path> paths;
    for (const int number : scattered(place_count, value_count)) {
        paths.push_back(key_path(number));
    }
    return paths;
}

void one_handle(benchmark::State& state) {
    static const std::vector<Path> paths = scattered_keys();
    set_numbers(state, handles().store, paths);
}

void same_handle(benchmark::State& state) { set_numbers(state, handles().store, {key_path(4242)}); }

/// From the beginning of the commit until an observer is called, on the same thread: everything up
/// to the publication, and the way to whoever waits for it.
void one_handle_observed(benchmark::State& state) {
    Handles& all = handles();
    const std::vector<Path> paths = scattered_keys();
    Clock::time_point seen_at{};
    std::vector<attune::Subscription> observers;
    for (const int number : scattered(place_count, value_count)) {
        observers.push_back(all.handles[static_cast<std::size_t>(number)].on_change(
            attune::inline_executor, [&](const auto&) { seen_at = Clock::now(); }));
    }
    Durations durations;
    for (auto _ : state) {
        const int number = next_number();
        const Path& path = paths[static_cast<std::size_t>(number) % paths.size()];
        const auto begin = Clock::now();
        all.store.set(path, number);
        durations.add(seen_at - begin);
    }
    durations.report(state);
}

void one_handle_published(benchmark::State& state) {
    static const std::vector<Path> paths = scattered_keys();
    until_read(state, handles().store, paths);
}

BENCHMARK(one_bound_service)->Name("commit/one bound service");
BENCHMARK(all_bound_one_by_one)->Name("commit/10000 bound services");
BENCHMARK(all_bound_as_one_map)->Name("commit/map of 10000 services")->Iterations(20);
BENCHMARK(one_handle)->Name("commit/one of 100000 handles");
BENCHMARK(same_handle)->Name("commit/the same of 100000 handles");
BENCHMARK(one_handle_observed)->Name("commit/one of 100000 handles to observer");
BENCHMARK(one_handle_published)->Name("commit/one of 100000 handles to reader");
BENCHMARK(build_handles)->Name("commit/build 100000 handles")->Iterations(1);

}  // namespace
