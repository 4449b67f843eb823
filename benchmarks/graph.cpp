// Derived values and observers: what a node, an observer and a commit cost.

#include "support.hpp"

#include <attune/document/document.hpp>
#include <attune/graph/executor.hpp>
#include <attune/store/derive.hpp>
#include <attune/store/store.hpp>
#include <attune/transport/memory.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace bench;
using attune::Config;
using attune::Path;

constexpr std::size_t width = 1000;

/// libstdc++ counts references without atomics until a process has started a thread.
const bool threaded = [] {
    std::thread{[] {}}.join();
    return true;
}();

/// What one would write by hand: the nodes in the order of their dependencies, each with a function
/// and its inputs, and a stop where the value stays the same. Nothing can be read meanwhile, kept,
/// taken back or observed.
class Loop {
public:
    int add_source(int value) {
        nodes_.push_back({{}, {}, value, false});
        return static_cast<int>(nodes_.size()) - 1;
    }
    int add(std::vector<int> inputs, std::function<int(const Loop&)> function) {
        nodes_.push_back({std::move(inputs), std::move(function), 0, false});
        return static_cast<int>(nodes_.size()) - 1;
    }
    int value(int node) const { return nodes_[static_cast<std::size_t>(node)].value; }
    void set(int source, int value) {
        for (Entry& node : nodes_) {
            node.changed = false;
        }
        Entry& start = nodes_[static_cast<std::size_t>(source)];
        start.changed = start.value != value;
        start.value = value;
        for (Entry& node : nodes_) {
            bool due = false;
            for (const int input : node.inputs) {
                due = due || nodes_[static_cast<std::size_t>(input)].changed;
            }
            if (due) {
                const int fresh = node.function(*this);
                node.changed = fresh != node.value;
                node.value = fresh;
            }
        }
    }

private:
    struct Entry {
        std::vector<int> inputs;
        std::function<int(const Loop&)> function;
        int value;
        bool changed;
    };
    std::vector<Entry> nodes_;
};

struct Source {
    attune::Store store;
    Config<int> source = store.bind<int>("source");
    int number = 0;
    void set() { store.set("source", ++number); }
};

/// The cost of a commit that concerns the source alone, to be taken off.
void per_node(benchmark::State& state, double nodes) {
    state.counters["per_node_ns"] = benchmark::Counter(
        nodes * 1e-9, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void source_only(benchmark::State& state) {
    Source world;
    for (auto _ : state) {
        world.set();
    }
}

void chain(benchmark::State& state) {
    Source world;
    std::vector<Config<int>> nodes{world.source};
    for (std::size_t i = 0; i != width; ++i) {
        nodes.push_back(nodes.back().map([](int value) { return value + 1; }));
    }
    for (auto _ : state) {
        world.set();
    }
    if (nodes.back().get() != world.number + static_cast<int>(width)) {
        state.SkipWithError("wrong value at the end of the chain");
    }
    per_node(state, width);
}

void chain_by_hand(benchmark::State& state) {
    Loop loop;
    const int source = loop.add_source(0);
    int last = source;
    for (std::size_t i = 0; i != width; ++i) {
        last = loop.add({last}, [last](const Loop& now) { return now.value(last) + 1; });
    }
    int number = 0;
    for (auto _ : state) {
        loop.set(source, ++number);
        benchmark::DoNotOptimize(loop.value(last));
    }
    per_node(state, width);
}

void diamond(benchmark::State& state) {
    Source world;
    std::vector<Config<int>> nodes;
    for (std::size_t i = 0; i != width; ++i) {
        nodes.push_back(world.source.map([i](int value) { return value + static_cast<int>(i); }));
    }
    const auto sum = attune::derive(world.store, [nodes](attune::Track& use) {
        std::int64_t total = 0;
        for (const auto& node : nodes) {
            total += use(node);
        }
        return total;
    });
    for (auto _ : state) {
        world.set();
    }
    if (sum.get() != std::int64_t{world.number} * static_cast<int>(width) + 499500) {
        state.SkipWithError("wrong sum");
    }
    per_node(state, width + 1);
}

void diamond_by_hand(benchmark::State& state) {
    Loop loop;
    const int source = loop.add_source(0);
    std::vector<int> nodes;
    for (std::size_t i = 0; i != width; ++i) {
        nodes.push_back(loop.add({source}, [source, i](const Loop& now) {
            return now.value(source) + static_cast<int>(i);
        }));
    }
    const int sum = loop.add(nodes, [nodes](const Loop& now) {
        int total = 0;
        for (const int node : nodes) {
            total += now.value(node);
        }
        return total;
    });
    int number = 0;
    for (auto _ : state) {
        loop.set(source, ++number);
        benchmark::DoNotOptimize(loop.value(sum));
    }
    per_node(state, width + 1);
}

void cut_off(benchmark::State& state) {
    Source world;
    std::uint64_t runs = 0;
    std::vector<Config<int>> nodes{world.source.map([](int) { return 7; })};
    for (std::size_t i = 0; i != width; ++i) {
        nodes.push_back(nodes.back().map([&runs](int value) {
            ++runs;
            return value + 1;
        }));
    }
    runs = 0;
    for (auto _ : state) {
        world.set();
    }
    state.counters["runs"] = static_cast<double>(runs);
}

void observers(benchmark::State& state) {
    Source world;
    std::uint64_t calls = 0;
    std::vector<attune::Subscription> subscriptions;
    for (std::size_t i = 0; i != width; ++i) {
        subscriptions.push_back(world.source.on_change(
            attune::inline_executor, [&calls](const attune::Change<int>&) { ++calls; }));
    }
    for (auto _ : state) {
        world.set();
    }
    if (calls != static_cast<std::uint64_t>(state.iterations()) * width) {
        state.SkipWithError("an observer missed a version");
    }
    per_node(state, width);
}

void commits_among_handles(benchmark::State& state) {
    attune::Store store;
    std::vector<Config<int>> handles;
    std::vector<Path> paths;
    for (std::size_t i = 0; i != width; ++i) {
        paths.push_back(Path{{"key" + std::to_string(i)}});
        handles.push_back(store.bind<int>(paths.back()));
    }
    int number = 0;
    for (auto _ : state) {
        ++number;
        store.set(paths[static_cast<std::size_t>(number) * 7 % width], number);
    }
    state.SetItemsProcessed(state.iterations());
}

void memory(benchmark::State& state) {
    constexpr std::size_t count = 100'000;
    for (auto _ : state) {
        Source world;
        std::vector<Config<int>> nodes;
        nodes.reserve(count);
        const std::size_t before = heap_bytes();
        for (std::size_t i = 0; i != count; ++i) {
            nodes.push_back(world.source.map([](int value) { return value; }));
        }
        world.store.settle(std::chrono::seconds{1});  // and what was replaced is reclaimed
        state.counters["bytes"] = static_cast<double>(heap_bytes() - before) / count;
    }
}

BENCHMARK(source_only)->Name("graph/source only");
BENCHMARK(chain)->Name("graph/chain");
BENCHMARK(chain_by_hand)->Name("graph/chain by hand");
BENCHMARK(diamond)->Name("graph/diamond");
BENCHMARK(diamond_by_hand)->Name("graph/diamond by hand");
BENCHMARK(cut_off)->Name("graph/cut off");
BENCHMARK(observers)->Name("graph/observers");
BENCHMARK(commits_among_handles)->Name("graph/commits among 1000 handles");
BENCHMARK(memory)->Name("graph/memory of 100000 nodes")->Iterations(1);

}  // namespace
