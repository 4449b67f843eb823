// What a journal adds to a commit, beside what the disk itself takes; and how fast it is read.
// Always one value of 100,000 changes.

#include "services.hpp"
#include "support.hpp"

#include <attune/document/parse.hpp>
#include <attune/store/journal.hpp>
#include <attune/store/store.hpp>
#include <attune/transport/memory.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace {

using namespace bench;
using attune::Document;
using attune::JournalOptions;
using attune::Path;
using attune::Version;

const Document& services() {
    static const Document all = attune::parse(services_text());
    return all;
}

/// Where the changes go, in an order without a pattern.
const std::vector<Path>& ports() {
    static const std::vector<Path> paths = [] {
        std::vector<Path> made;
        for (const int number : scattered(1024, service_count)) {
            made.push_back(port_path(number));
        }
        return made;
    }();
    return paths;
}

/// A sink, and who changes one value after the other as Store::set does.
class Appender {
public:
    Appender(const std::filesystem::path& directory, const JournalOptions& options)
        : sink_(attune::Journal(directory, options).open()) {
        sink_->restore(64);
        sink_->append({++version_, now(), "start", "service.json", Document(), merged_, own_,
                       own_});
    }

    /// Makes the documents of the next version, which is the work of others.
    void prepare() {
        path_ = &ports()[version_ % ports().size()];
        next_merged_ = merged_.with(*path_, version_);
        next_own_ = own_.with(*path_, version_);
    }
    void append() {
        sink_->append({++version_, now(), "set", "overrides", merged_, next_merged_, own_,
                       next_own_, path_});
        merged_ = next_merged_;
        own_ = next_own_;
    }

private:
    static std::chrono::system_clock::time_point now() { return std::chrono::system_clock::now(); }

    std::unique_ptr<attune::detail::JournalSink> sink_;
    Version version_ = 0;
    Document merged_ = services();
    Document own_ = Document::object();
    Document next_merged_;
    Document next_own_;
    const Path* path_ = nullptr;
};

void append(benchmark::State& state, bool sync) {
    const Folder folder;
    Appender appender(folder / "journal", {.sync = sync});
    Durations durations;
    for (auto _ : state) {
        appender.prepare();
        const auto begin = Clock::now();
        appender.append();
        const auto took = Clock::now() - begin;
        durations.add(took);
        state.SetIterationTime(std::chrono::duration<double>(took).count());
    }
    durations.report(state);
}

/// What the disk takes for records of that length, and nothing else.
void bare_flush(benchmark::State& state) {
    constexpr std::size_t room = std::size_t{4} << 20;
    const std::string record(280, 'x');
    const Folder folder;
    const int file = open((folder / "bare").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    const std::string zeros(room, '\0');
    if (file < 0 || pwrite(file, zeros.data(), room, 0) != static_cast<ssize_t>(room) ||
        fsync(file) != 0) {
        throw std::runtime_error{"cannot write to the temporary folder"};
    }
    std::size_t at = 0;
    for (auto _ : state) {
        const auto begin = Clock::now();
        if (pwrite(file, record.data(), record.size(), static_cast<off_t>(at)) < 0 ||
            fdatasync(file) != 0) {
            state.SkipWithError("cannot flush");
        }
        state.SetIterationTime(std::chrono::duration<double>(Clock::now() - begin).count());
        at = at + 2 * record.size() > room ? 0 : at + record.size();
    }
    close(file);
}

void first_version(benchmark::State& state) {
    for (auto _ : state) {
        const Folder folder;
        const auto begin = Clock::now();
        const Appender appender(folder / "journal", {});
        state.SetIterationTime(std::chrono::duration<double>(Clock::now() - begin).count());
    }
}

void replay(benchmark::State& state) {
    constexpr int versions = 100'000;
    const Folder folder;
    {
        Appender appender(folder / "journal",
                          {.sync = false, .segment_bytes = std::size_t{1} << 30});
        for (int i = 0; i != versions; ++i) {
            appender.prepare();
            appender.append();
        }
    }
    double bytes = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder / "journal")) {
        bytes += static_cast<double>(entry.file_size());
    }
    double seconds = 0;
    for (auto _ : state) {
        const auto sink = attune::Journal(folder / "journal").open();
        const auto begin = Clock::now();
        const auto restored = sink->restore(64);
        const double took = std::chrono::duration<double>(Clock::now() - begin).count();
        seconds += took;
        state.SetIterationTime(took);
        if (restored.versions.back().version != versions + 1) {
            state.SkipWithError("a version is missing");
        }
    }
    state.counters["mb_per_s"] = bytes * static_cast<double>(state.iterations()) / seconds / 1e6;
    state.counters["bytes_per_version"] = bytes / versions;
}

/// A whole commit, as in commit.cpp; without sync when there is a journal.
void commit(benchmark::State& state, bool journal) {
    const Folder folder;
    attune::StoreOptions store_options;
    if (journal) {
        store_options.journal = {folder / "journal", {.sync = false}};
    }
    attune::Store store{store_options};
    store.add(attune::memory(services()));
    const auto service =
        store.bind<Service>(Path{std::vector<std::string>{"services", service_name(4242)}});
    int number = 0;
    const Path path = port_path(4242);
    for (auto _ : state) {
        store.set(path, ++number);
    }
}

/// One of 1,000 values, each bound, as in graph.cpp.
void commit_among_handles(benchmark::State& state) {
    constexpr int count = 1'000;
    const Folder folder;
    attune::Store store{{.journal = {folder / "journal", {.sync = false}}}};
    std::vector<attune::Config<int>> handles;
    std::vector<Path> paths;
    for (int i = 0; i != count; ++i) {
        paths.push_back(Path{std::vector<std::string>{key_name(i)}});
        handles.push_back(store.bind<int>(paths.back()));
    }
    int number = 0;
    for (auto _ : state) {
        ++number;
        store.set(paths[static_cast<std::size_t>(number) * 7919 % count], number);
    }
    state.SetItemsProcessed(state.iterations());
}

BENCHMARK_CAPTURE(append, unsynced, false)->Name("journal/append without sync")->UseManualTime();
BENCHMARK_CAPTURE(append, synced, true)->Name("journal/append")->UseManualTime();
BENCHMARK(bare_flush)->Name("journal/bare fdatasync")->UseManualTime();
BENCHMARK(first_version)->Name("journal/first version")->Iterations(10)->UseManualTime();
BENCHMARK(replay)->Name("journal/replay")->Iterations(3)->UseManualTime();
BENCHMARK_CAPTURE(commit, without, false)->Name("journal/commit without journal")->UseRealTime();
BENCHMARK(commit_among_handles)->Name("journal/commits among 1000 handles")->UseRealTime();
BENCHMARK_CAPTURE(commit, unsynced, true)->Name("journal/commit without sync")->UseRealTime();

}  // namespace
