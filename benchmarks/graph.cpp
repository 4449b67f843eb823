// Derived values and observers: what a node, an observer and a commit cost. Nothing is subtracted:
// the commit around them is in what each of them costs.

#include "handles.hpp"
#include "support.hpp"

#include <attune/document/document.hpp>
#include <attune/graph/executor.hpp>
#include <attune/store/derive.hpp>
#include <attune/store/store.hpp>

#include <algorithm>
#include <atomic>
#include <bit>
#include <chrono>
#include <concepts>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#if defined(ATTUNE_BENCH_BOOST)
#include <boost/signals2/signal.hpp>
#endif
#if defined(ATTUNE_BENCH_SIGC)
#include <sigc++/signal.h>
#endif

namespace {

using namespace bench;
using attune::Config;
using attune::Path;

constexpr std::size_t width = 1000;

/// What one would write by hand: nodes in the order of their dependencies, each with a function and
/// the numbers of those that read it, a bit for each that is due, and a stop where the value stays
/// the same. With an int for a value, nothing can be read meanwhile, or kept; with a shared
/// pointer, other threads can hold the values of one point in time. Nothing can be taken back or
/// observed.
template <class Value>
class Loop {
public:
    std::size_t add(int value) {
        nodes_.push_back({{}, {}, make(value)});
        due_.resize(nodes_.size() / word + 1);
        return nodes_.size() - 1;
    }
    std::size_t add(const std::vector<std::size_t>& inputs,
                    std::function<int(const Loop&)> function) {
        const std::size_t node = add(0);
        nodes_[node].function = std::move(function);
        for (const std::size_t input : inputs) {
            nodes_[input].readers.push_back(node);
        }
        return node;
    }
    int value(std::size_t node) const { return number(nodes_[node].value); }
    void set(std::size_t source, int value) {
        last_ = source;
        change(nodes_[source], value);
        for (std::size_t i = source / word; i <= last_ / word; ++i) {
            while (due_[i] != 0) {
                const auto bit = static_cast<std::size_t>(std::countr_zero(due_[i]));
                due_[i] &= due_[i] - 1;
                Node& node = nodes_[i * word + bit];
                change(node, node.function(*this));
            }
        }
        if constexpr (shared) {
            auto values = std::make_shared<std::vector<Value>>();
            values->reserve(nodes_.size());
            for (const Node& node : nodes_) {
                values->push_back(node.value);
            }
            published_.store(std::move(values));
        }
    }

private:
    struct Node {
        std::function<int(const Loop&)> function;
        std::vector<std::size_t> readers;
        Value value;
    };
    static constexpr std::size_t word = 64;
    static constexpr bool shared = !std::same_as<Value, int>;

    static Value make(int value) {
        if constexpr (shared) {
            return std::make_shared<const int>(value);
        } else {
            return value;
        }
    }
    static int number(const Value& value) {
        if constexpr (shared) {
            return *value;
        } else {
            return value;
        }
    }
    void change(Node& node, int value) {
        if (number(node.value) == value) {
            return;
        }
        node.value = make(value);
        for (const std::size_t reader : node.readers) {
            due_[reader / word] |= std::uint64_t{1} << reader % word;
            last_ = std::max(last_, reader);
        }
    }

    std::vector<Node> nodes_;
    std::vector<std::uint64_t> due_;
    std::size_t last_ = 0;  // no node beyond is due
    std::atomic<std::shared_ptr<const std::vector<Value>>> published_;
};

struct Source {
    attune::Store store;
    Config<int> source = store.bind<int>("source");
    int number = 0;
    void set() { store.set("source", ++number); }
};

/// Runs the loop of a benchmark, and reports what each of `count` costs as `each_ns`: the library's
/// own rates are printed in seconds.
template <class F>
void measure_each(benchmark::State& state, std::size_t count, F&& once) {
    const double before = thread_cpu_ns();
    for (auto _ : state) {
        once();
    }
    state.counters["each_ns"] =
        benchmark::Counter((thread_cpu_ns() - before) / static_cast<double>(count),
                           benchmark::Counter::kAvgIterations);
}

void source_only(benchmark::State& state) {
    Source world;
    for (auto _ : state) {
        world.set();
    }
}

// The graphs are made twice: with bare functions to be timed, and with functions that count.

struct Bare {
    template <class F>
    F operator()(F function) const {
        return function;
    }
};

template <class F>
struct Counting {
    std::uint64_t* runs;
    F function;

    template <class... A>
        requires std::invocable<const F&, A...>
    auto operator()(A&&... inputs) const {
        ++*runs;
        return function(std::forward<A>(inputs)...);
    }
};

struct Counted {
    std::uint64_t* runs;

    template <class F>
    Counting<F> operator()(F function) const {
        return {runs, std::move(function)};
    }
};

struct Chain {
    static constexpr std::size_t nodes = width;

    /// The last node.
    template <class Wrap>
    static Config<int> make(Source& world, Wrap wrap) {
        Config<int> last = world.source;
        for (std::size_t i = 0; i != width; ++i) {
            last = last.map(wrap([](int value) { return value + 1; }));
        }
        return last;
    }
    static int expected(int source) { return source + static_cast<int>(width); }
};

struct Diamond {
    static constexpr std::size_t nodes = width + 1;

    /// The node that all others lead to.
    template <class Wrap>
    static Config<int> make(Source& world, Wrap wrap) {
        std::vector<Config<int>> inputs;
        for (std::size_t i = 0; i != width; ++i) {
            inputs.push_back(
                world.source.map(wrap([i](int value) { return value + static_cast<int>(i); })));
        }
        return attune::derive(world.store, wrap([inputs](attune::Track& use) {
                                  int total = 0;
                                  for (const auto& input : inputs) {
                                      total += use(input);
                                  }
                                  return total;
                              }));
    }
    static int expected(int source) {
        return source * static_cast<int>(width) + static_cast<int>(width * (width - 1) / 2);
    }
};

/// Whether one commit runs each node once: the result depends on every node, so that as many runs
/// as there are nodes are one of each.
template <class Shape>
bool each_runs_once() {
    Source world;
    std::uint64_t runs = 0;
    const Config<int> result = Shape::make(world, Counted{&runs});
    runs = 0;
    world.set();
    return runs == Shape::nodes && result.get() == Shape::expected(world.number);
}

template <class Shape>
void derived(benchmark::State& state) {
    if (!each_runs_once<Shape>()) {
        state.SkipWithError("a node ran not once, or to the wrong value");
        return;
    }
    Source world;
    const Config<int> result = Shape::make(world, Bare{});
    measure_each(state, Shape::nodes, [&] { world.set(); });
    if (result.get() != Shape::expected(world.number)) {
        state.SkipWithError("wrong result");
    }
}

/// `result` is the node to look at.
template <class Value>
void by_hand(benchmark::State& state, Loop<Value>& loop, std::size_t source, std::size_t result,
             std::size_t nodes, int (*expected)(int)) {
    int number = 0;
    measure_each(state, nodes, [&] {
        loop.set(source, ++number);
        benchmark::DoNotOptimize(loop.value(result));
    });
    if (loop.value(result) != expected(number)) {
        state.SkipWithError("wrong result");
    }
}

using SharedInt = std::shared_ptr<const int>;

template <class Value>
void chain_by_hand(benchmark::State& state) {
    Loop<Value> loop;
    const std::size_t source = loop.add(0);
    std::size_t last = source;
    for (std::size_t i = 0; i != width; ++i) {
        last = loop.add(std::vector{last}, [last](const auto& now) { return now.value(last) + 1; });
    }
    by_hand(state, loop, source, last, Chain::nodes, Chain::expected);
}

template <class Value>
void diamond_by_hand(benchmark::State& state) {
    Loop<Value> loop;
    const std::size_t source = loop.add(0);
    std::vector<std::size_t> nodes;
    for (std::size_t i = 0; i != width; ++i) {
        nodes.push_back(loop.add(std::vector{source}, [source, i](const auto& now) {
            return now.value(source) + static_cast<int>(i);
        }));
    }
    const std::size_t sum = loop.add(nodes, [nodes](const auto& now) {
        int total = 0;
        for (const std::size_t node : nodes) {
            total += now.value(node);
        }
        return total;
    });
    by_hand(state, loop, source, sum, Diamond::nodes, Diamond::expected);
}

/// The first node stays the same: the thousand that derive from it must cost nothing.
void cut_off(benchmark::State& state) {
    Source world;
    std::uint64_t runs = 0;
    Config<int> last = world.source.map([](int) { return 7; });
    for (std::size_t i = 0; i != width; ++i) {
        last = last.map([&runs](int value) {
            ++runs;
            return value + 1;
        });
    }
    runs = 0;
    for (auto _ : state) {
        world.set();
    }
    if (runs != 0) {
        state.SkipWithError("a node ran beyond the cut-off");
    }
}

/// Always the same handle: what is measured is a commit with a hundred nodes on it, not the misses
/// of looking for a handle among many, which is in commit.cpp.
void hundred_nodes_published(benchmark::State& state) {
    constexpr int source = 4242;
    Handles& all = handles();
    std::vector<Config<int>> nodes;
    for (int i = 0; i != 100; ++i) {
        nodes.push_back(all.handles[source].map([i](int value) { return value + i; }));
    }
    until_read(state, all.store, {key_path(source)});
    if (nodes.back().get() != all.handles[source].get() + 99) {
        state.SkipWithError("a node did not follow");
    }
}

// Whoever is told, it is by the same function of the same argument.

using IntChange = attune::Change<int>;

auto counting(std::uint64_t& calls) {
    return [&calls](const IntChange&) { ++calls; };
}

template <class F>
void measure_calls(benchmark::State& state, const std::uint64_t& calls, F&& once) {
    measure_each(state, width, once);
    if (calls != static_cast<std::uint64_t>(state.iterations()) * width) {
        state.SkipWithError("not each was called once");
    }
}

void observers(benchmark::State& state) {
    Source world;
    std::uint64_t calls = 0;
    std::vector<attune::Subscription> subscriptions;
    for (std::size_t i = 0; i != width; ++i) {
        subscriptions.push_back(world.source.on_change(attune::inline_executor, counting(calls)));
    }
    measure_calls(state, calls, [&] { world.set(); });
}

template <class Signal>
void slots(benchmark::State& state) {
    Signal signal;
    std::uint64_t calls = 0;
    for (std::size_t i = 0; i != width; ++i) {
        signal.connect(counting(calls));
    }
    const IntChange change;
    measure_calls(state, calls, [&] { signal(change); });
}

/// Asleep again, as it is in a program that commits now and then: a thread that has just been woken
/// would find the next piece of work without going to sleep.
void let_sleep() {
    const auto end = Clock::now() + std::chrono::microseconds{50};
    while (Clock::now() < end) {
    }
}

/// `send` makes another thread tell `arrival` of the number it is given.
template <class F>
void measure_arrivals(benchmark::State& state, const Arrival& arrival, F&& send) {
    const OnFirstCore here;
    Durations durations;
    std::uint64_t number = 0;
    for (auto _ : state) {
        let_sleep();
        ++number;
        const auto begin = Clock::now();
        send(number);
        durations.add(arrival.of(number) - begin);
    }
    durations.report(state);
}

void to_notifier_thread(benchmark::State& state) {
    Source world;
    Arrival arrival;
    const attune::Subscription observer =
        world.source.on_change([&arrival, moved = false](const IntChange& change) mutable {
            if (!std::exchange(moved, true)) {
                stay_on_core(1);  // the notifier thread, which nobody else has a hold of
            }
            arrival.came(static_cast<std::uint64_t>(*change.after));
        });
    measure_arrivals(state, arrival, [&](std::uint64_t) { world.set(); });
}

/// The least that it takes to tell a thread that sleeps.
void bare_wake_up(benchmark::State& state) {
    constexpr std::uint64_t end = ~std::uint64_t{0};
    Arrival arrival;
    std::mutex mutex;
    std::condition_variable wake;
    std::uint64_t sent = 0;
    const std::jthread sleeper{[&] {
        stay_on_core(1);
        std::unique_lock lock{mutex};
        for (std::uint64_t seen = 0; seen != end;) {
            wake.wait(lock, [&] { return sent != seen; });
            seen = sent;
            lock.unlock();
            arrival.came(seen);
            lock.lock();
        }
    }};
    const auto send = [&](std::uint64_t number) {
        {
            const std::scoped_lock lock{mutex};
            sent = number;
        }
        wake.notify_one();
    };
    measure_arrivals(state, arrival, send);
    send(end);
}

void commits_among_handles(benchmark::State& state) {
    attune::Store store;
    std::vector<Config<int>> handles;
    std::vector<Path> paths;
    for (std::size_t i = 0; i != width; ++i) {
        paths.push_back(Path{{"key" + std::to_string(i)}});
        handles.push_back(store.bind<int>(paths.back()));
        store.set(paths.back(), -1);  // the document has its full size from the first commit on
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

/// One piece of code for both, so that where it happens to lie makes no difference between them.
[[gnu::noinline]] void read(benchmark::State& state, const Config<int>& config) {
    for (auto _ : state) {
        const auto now = config.read();
        benchmark::DoNotOptimize(*now);
    }
}

void read_bound(benchmark::State& state) {
    const Source world;
    read(state, world.source);
}

void read_derived(benchmark::State& state) {
    const Source world;
    read(state, world.source.map([](int value) { return value + 1; }));
}

BENCHMARK(source_only)->Name("graph/source only");
BENCHMARK(derived<Chain>)->Name("graph/chain");
BENCHMARK(chain_by_hand<int>)->Name("graph/chain by hand");
BENCHMARK(chain_by_hand<SharedInt>)->Name("graph/chain by hand, shared");
BENCHMARK(derived<Diamond>)->Name("graph/diamond");
BENCHMARK(diamond_by_hand<int>)->Name("graph/diamond by hand");
BENCHMARK(diamond_by_hand<SharedInt>)->Name("graph/diamond by hand, shared");
BENCHMARK(cut_off)->Name("graph/cut off");
BENCHMARK(hundred_nodes_published)->Name("graph/100 nodes of 100000 handles to reader");
BENCHMARK(observers)->Name("graph/observers");
#if defined(ATTUNE_BENCH_BOOST)
BENCHMARK(slots<boost::signals2::signal<void(const IntChange&)>>)->Name("graph/slots signals2");
#endif
#if defined(ATTUNE_BENCH_SIGC)
BENCHMARK(slots<sigc::signal<void(const IntChange&)>>)->Name("graph/slots sigc");
#endif
BENCHMARK(to_notifier_thread)->Name("graph/to notifier thread");
BENCHMARK(bare_wake_up)->Name("graph/bare wake-up");
BENCHMARK(commits_among_handles)->Name("graph/commits among 1000 handles");
BENCHMARK(memory)->Name("graph/memory of 100000 nodes")->Iterations(1);
BENCHMARK(read_bound)->Name("graph/read bound");
BENCHMARK(read_derived)->Name("graph/read derived");

}  // namespace
