#include "handles.hpp"

#include <chrono>
#include <cstddef>
#include <stop_token>
#include <thread>

namespace bench {

Handles::Handles() {
    handles.reserve(value_count);
    const std::size_t bytes_before = heap_bytes();
    const auto begin = Clock::now();
    for (int i = 0; i < value_count; ++i) {
        handles.push_back(store.bind<int>(key_path(i)));
    }
    const std::chrono::duration<double, std::nano> elapsed = Clock::now() - begin;
    build_ns = elapsed.count() / value_count;
    bytes = static_cast<double>(heap_bytes() - bytes_before) / value_count;
}

Handles& handles() {
    static Handles made;
    return made;
}

int next_number() {
    static int number = value_count;
    return ++number;
}

void until_read(benchmark::State& state, attune::Store& store,
                const std::vector<attune::Path>& paths) {
    const OnFirstCore here;
    Arrival seen;
    const std::jthread reader{
        [&store, &seen, last = store.version()](const std::stop_token& stop) mutable {
            stay_on_core(1);
            while (!stop.stop_requested()) {
                const attune::Version version = store.version();
                if (version != last) {
                    last = version;
                    seen.came(version);
                }
            }
        }};
    Durations durations;
    for (auto _ : state) {
        const int number = next_number();
        const attune::Path& path = paths[static_cast<std::size_t>(number) % paths.size()];
        const auto begin = Clock::now();
        const attune::Version version = store.set(path, number).version;
        durations.add(seen.of(version) - begin);
    }
    durations.report(state);
}

}  // namespace bench
