// From the rename that ends a save to the observer, beyond the time a file must be quiet.

#include "services.hpp"
#include "support.hpp"

#include <attune/store/store.hpp>
#include <attune/transport/file.hpp>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>
#include <thread>

#include <sys/inotify.h>
#include <unistd.h>

namespace {

using namespace bench;
using namespace std::chrono_literals;

/// Where an observer leaves what it saw, and when.
class Sighting {
public:
    void set(int value) {
        at_ = Clock::now();
        value_.store(value, std::memory_order_release);
        value_.notify_one();
    }

    Clock::time_point wait_for(int value) const {
        for (int now = 0; (now = value_.load(std::memory_order_acquire)) != value;) {
            value_.wait(now);
        }
        return at_;
    }

private:
    Clock::time_point at_{};
    std::atomic<int> value_{0};
};

std::string text_with(int port) {
    return "{\"service\": {\"host\": \"a.internal\", \"port\": " + std::to_string(port) + "}}\n";
}

/// Saves with a new port, and waits until it has been seen; the time between, without `quiet`.
void save_and_wait(benchmark::State& state, const std::filesystem::path& path,
                   const Sighting& sighting, Clock::duration quiet) {
    int port = 1;
    Durations durations;
    for (auto _ : state) {
        const std::string text = text_with(++port);
        auto beside = path;
        beside += "~";
        save(beside, text);
        const auto begin = Clock::now();
        std::filesystem::rename(beside, path);
        durations.add(sighting.wait_for(port) - begin - quiet);
    }
    durations.report(state);
}

void observer(benchmark::State& state, std::chrono::milliseconds quiet) {
    const Folder folder;
    const auto path = folder / "service.json";
    save(path, text_with(1));
    Sighting sighting;
    attune::Store store;
    store.add(attune::file(path, {.quiet = quiet}));
    const auto service = store.bind<Service>("service");
    const attune::Subscription watching = service.on_change(
        [&](const attune::Change<Service>& change) { sighting.set(change.after->port); });
    save_and_wait(state, path, sighting, quiet);
}

/// The floor: a thread that waits for inotify and reads the file, without any debounce.
void raw_inotify(benchmark::State& state) {
    const Folder folder;
    const auto path = folder / "service.json";
    save(path, text_with(1));
    Sighting sighting;
    const int watch = inotify_init1(IN_CLOEXEC);
    if (watch < 0 || inotify_add_watch(watch, folder.path().c_str(), IN_MOVED_TO) < 0) {
        throw std::system_error{errno, std::generic_category(), "inotify"};
    }
    std::thread reader{[&] {
        alignas(inotify_event) char events[4096];
        for (int port = 1; port != 0;) {
            if (read(watch, events, sizeof events) <= 0) {
                break;
            }
            const std::string text = load(path);
            port = std::atoi(text.c_str() + text.find_last_of(' '));
            sighting.set(port);
        }
    }};
    save_and_wait(state, path, sighting, 0ms);
    save(path, text_with(0));
    reader.join();
    close(watch);
}

BENCHMARK_CAPTURE(observer, quiet 5 ms, 5ms)
    ->Name("save/observer quiet 5 ms")
    ->Iterations(200)
    ->UseRealTime();
BENCHMARK_CAPTURE(observer, quiet 50 ms, 50ms)
    ->Name("save/observer quiet 50 ms")
    ->Iterations(100)
    ->UseRealTime();
BENCHMARK(raw_inotify)->Name("save/raw inotify")->Iterations(200)->UseRealTime();

}  // namespace
