#include <attune/store/derive.hpp>

#include <attune/graph/executor.hpp>
#include <attune/store/store.hpp>
#include <attune/transport/memory.hpp>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

// The graph against evaluation from scratch: random graphs with branches, values from a tiny
// domain, so that results are often equal, and functions that sometimes throw.

namespace {

using attune::Change;
using attune::Config;
using attune::Document;
using attune::Path;
using attune::Store;

constexpr int source_count = 5;
constexpr int domain = 3;
constexpr std::size_t most_nodes = 200;

/// What a derived node computes of the nodes it may read, which all come before it.
struct Recipe {
    enum class Form { sum, pick, first, threshold, both } form = Form::sum;
    std::vector<std::size_t> reads;
    int throws_at = -1;  ///< throws where the result would be this
    bool keep = false;
};

struct Thrown : std::runtime_error {
    Thrown() : std::runtime_error("by its recipe") {}
};

/// `value(i)` reads the i-th of the recipe's nodes.
template <class Value>
int compute(const Recipe& recipe, const Value& value) {
    int result = 0;
    switch (recipe.form) {
    case Recipe::Form::sum:
        for (std::size_t i = 0; i != recipe.reads.size(); ++i) {
            result += value(i);
        }
        break;
    case Recipe::Form::pick:  // which node is read depends on a value
        result = value(1 + static_cast<std::size_t>(value(0)) % (recipe.reads.size() - 1));
        break;
    case Recipe::Form::first:  // stops reading at the first that is not 0
        for (std::size_t i = 0; i != recipe.reads.size() && result == 0; ++i) {
            result = value(i);
        }
        break;
    case Recipe::Form::threshold: result = value(0) >= 1 ? 1 : 0; break;
    case Recipe::Form::both: result = value(0) + value(1); break;
    }
    result %= domain;
    if (result == recipe.throws_at) {
        throw Thrown{};
    }
    return result;
}

/// One step of a program that uses a store. The numbers are taken modulo what there is.
struct Step {
    enum class Type { set, set_many, derive, drop, watch, unwatch, same } type = Type::set;
    unsigned a = 0;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;
};

std::ostream& operator<<(std::ostream& out, const Step& step) {
    return out << '{' << static_cast<int>(step.type) << ' ' << step.a << ' ' << step.b << ' '
               << step.c << ' ' << step.d << '}';
}

rc::Gen<Step> any_step() {
    using Type = Step::Type;
    const auto number = rc::gen::inRange(0U, 1000U);
    return rc::gen::construct<Step>(rc::gen::weightedElement<Type>({{6, Type::set},
                                                                    {3, Type::set_many},
                                                                    {12, Type::derive},
                                                                    {2, Type::drop},
                                                                    {2, Type::watch},
                                                                    {1, Type::unwatch},
                                                                    {1, Type::same}}),
                                    number, number, number, number);
}

/// A store with a graph, the same graph evaluated from scratch, and what happened on the way.
class World {
public:
    World() {
        for (int i = 0; i != source_count; ++i) {
            nodes_.push_back(std::make_unique<Item>());
            Item& item = *nodes_.back();
            item.handle = store_.bind<int>(key(static_cast<std::size_t>(i)));
            item.value = 0;
        }
    }
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    void run(const Step& step) {
        switch (step.type) {
        case Step::Type::set:
            write({{step.a % source_count, static_cast<int>(step.b % domain)}});
            break;
        case Step::Type::set_many:
            write({{step.a % source_count, static_cast<int>(step.b % domain)},
                   {step.c % source_count, static_cast<int>(step.d % domain)},
                   {(step.a + step.d) % source_count, static_cast<int>(step.c % domain)}});
            break;
        case Step::Type::same:
            write({{step.a % source_count, *nodes_[step.a % source_count]->value}});
            break;
        case Step::Type::derive: derive(step); break;
        case Step::Type::drop: drop(step.a); break;
        case Step::Type::watch: watch(step.a); break;
        case Step::Type::unwatch:
            if (!watchers_.empty()) {
                watchers_.erase(watchers_.begin() +
                                static_cast<std::ptrdiff_t>(step.a % watchers_.size()));
            }
            break;
        }
    }

private:
    struct Item {
        Config<int> handle;
        std::optional<Recipe> recipe;  // none for a source
        std::optional<int> value;      // by evaluation from scratch
        bool stale = false;
        // Of the run going on or the last one: what was read, and with which result.
        std::map<std::size_t, int> read;
        std::map<std::size_t, int> accepted_read;
        int runs = 0;
        bool alive = true;
    };

    struct Watcher {
        std::size_t node = 0;
        int last = 0;
        attune::Version version = 0;
        attune::Subscription subscription;
    };

    static Path key(std::size_t i) { return Path{{"s" + std::to_string(i)}}; }

    void write(const std::map<std::size_t, int>& values) {
        Document patch = Document::object();
        for (const auto& [i, value] : values) {
            patch = patch.with(key(i), value);
        }
        begin();
        const attune::Version before = store_.version();
        bool refused = false;
        try {
            store_.merge(patch);
        } catch (const attune::Rejected&) {
            refused = true;
        }
        // From scratch, in the order in which they were made: nobody reads a later one.
        std::vector<std::optional<int>> expected;
        std::vector<char> stale;
        bool veto = false;
        for (std::size_t i = 0; i != nodes_.size(); ++i) {
            const Item& item = *nodes_[i];
            std::optional<int> value = item.value;
            bool is_stale = false;
            if (!item.recipe) {
                const auto set = values.find(i);
                value = set != values.end() ? set->second : *item.value;
            } else if (item.alive && !veto) {
                try {
                    value = compute(*item.recipe, [&](std::size_t read) {
                        return *expected[item.recipe->reads[read]];
                    });
                } catch (const Thrown&) {
                    veto = veto || !item.recipe->keep;
                    is_stale = true;
                }
            }
            expected.push_back(value);
            stale.push_back(is_stale ? 1 : 0);
        }
        RC_ASSERT(refused == veto);
        if (refused) {
            RC_ASSERT(store_.version() == before);
        }
        for (const auto& item : nodes_) {
            RC_ASSERT(item->runs <= 1);
        }
        if (!refused) {
            check_runs(expected);
            for (std::size_t i = 0; i != nodes_.size(); ++i) {
                nodes_[i]->value = expected[i];
                nodes_[i]->stale = stale[i] != 0;
            }
        }
        check_values();
    }

    /// A node may have run only for a change of something that it read in its last run.
    void check_runs(const std::vector<std::optional<int>>& expected) {
        for (const auto& item : nodes_) {
            if (item->runs == 0) {
                continue;
            }
            bool changed = false;
            for (const auto& [node, value] : item->accepted_read) {
                changed = changed || *expected[node] != value;
            }
            RC_ASSERT(changed);
            item->accepted_read = item->read;
        }
    }

    void check_values() {
        const auto view = store_.view();
        for (const auto& item : nodes_) {
            if (item->alive) {
                RC_ASSERT(view[item->handle] == *item->value);
                RC_ASSERT(item->handle.get() == *item->value);
                RC_ASSERT(item->handle.stale().has_value() == item->stale);
            }
        }
        for (const auto& watcher : watchers_) {
            RC_ASSERT(watcher->last == *nodes_[watcher->node]->value);
        }
    }

    void begin() {
        for (const auto& item : nodes_) {
            item->runs = 0;
            item->read.clear();
        }
    }

    void derive(const Step& step) {
        if (nodes_.size() == most_nodes) {
            return;
        }
        Recipe recipe;
        recipe.form = static_cast<Recipe::Form>(step.a % 5);
        const std::size_t count = 2 + step.b % 3;
        for (std::size_t i = 0; i != count; ++i) {
            // Near ones make long chains, far ones wide graphs.
            const std::size_t back = (step.c + i * (1 + step.d % 7)) % nodes_.size();
            const std::size_t node =
                step.b % 2 == 0 ? nodes_.size() - 1 - back % 6 % nodes_.size() : back;
            if (nodes_[node]->alive) {
                recipe.reads.push_back(node);
            }
        }
        if (recipe.reads.size() < 2) {
            recipe.reads = {step.c % source_count, step.d % source_count};
        }
        recipe.throws_at = step.d % 5 == 0 ? static_cast<int>(step.c % domain) : -1;
        recipe.keep = step.d % 2 == 0;

        auto made = std::make_unique<Item>();
        Item* const item = made.get();
        item->recipe = recipe;
        std::vector<Config<int>> handles;
        for (const std::size_t node : recipe.reads) {
            handles.push_back(nodes_[node]->handle);
        }
        const auto note = [item](std::size_t node, int value) { return item->read[node] = value; };
        const attune::DeriveOptions options{
            .name = {}, .on_error = recipe.keep ? attune::OnError::keep : attune::OnError::veto};
        try {
            if (recipe.form == Recipe::Form::threshold) {
                item->handle = attune::derive(
                    options,
                    [item, recipe, note](int a) {
                        ++item->runs;
                        return compute(recipe,
                                       [&](std::size_t) { return note(recipe.reads[0], a); });
                    },
                    handles[0]);
            } else if (recipe.form == Recipe::Form::both) {
                item->handle = attune::derive(
                    options,
                    [item, recipe, note](int a, int b) {
                        ++item->runs;
                        return compute(recipe, [&](std::size_t i) {
                            return note(recipe.reads[i], i == 0 ? a : b);
                        });
                    },
                    handles[0], handles[1]);
            } else {
                item->handle = attune::derive(
                    store_,
                    [item, recipe, note, handles](attune::Track& use) {
                        ++item->runs;
                        return compute(recipe, [&](std::size_t i) {
                            return note(recipe.reads[i], use(handles[i]));
                        });
                    },
                    options);
            }
        } catch (const attune::Rejected&) {
            bool throws = false;
            try {
                compute(recipe, [&](std::size_t i) { return *nodes_[recipe.reads[i]]->value; });
            } catch (const Thrown&) {
                throws = true;
            }
            RC_ASSERT(throws);
            return;
        }
        RC_ASSERT(item->runs == 1);
        item->value =
            compute(recipe, [&](std::size_t i) { return *nodes_[recipe.reads[i]]->value; });
        item->accepted_read = item->read;
        nodes_.push_back(std::move(made));
        check_values();
    }

    /// Lets go of a node that nothing refers to.
    void drop(unsigned number) {
        std::set<std::size_t> needed;
        for (const auto& item : nodes_) {
            if (item->alive && item->recipe) {
                needed.insert(item->recipe->reads.begin(), item->recipe->reads.end());
            }
        }
        for (const auto& watcher : watchers_) {
            needed.insert(watcher->node);
        }
        const std::size_t start = number % nodes_.size();
        for (std::size_t i = 0; i != nodes_.size(); ++i) {
            const std::size_t node = (start + i) % nodes_.size();
            Item& item = *nodes_[node];
            if (item.recipe && item.alive && needed.count(node) == 0) {
                item.handle = {};
                item.alive = false;
                return;
            }
        }
    }

    void watch(unsigned number) {
        const std::size_t node = number % nodes_.size();
        if (!nodes_[node]->alive) {
            return;
        }
        auto watcher = std::make_unique<Watcher>();
        watcher->node = node;
        watcher->last = *nodes_[node]->value;
        watcher->version = store_.version();
        watcher->subscription =
            nodes_[node]->handle.on_change(attune::inline_executor,
                                           [told = watcher.get()](const Change<int>& change) {
                                               RC_ASSERT(*change.before == told->last);
                                               RC_ASSERT(*change.after != told->last);
                                               RC_ASSERT(change.version > told->version);
                                               told->last = *change.after;
                                               told->version = change.version;
                                           });
        watchers_.push_back(std::move(watcher));
    }

    Store store_;
    std::vector<std::unique_ptr<Item>> nodes_;
    std::vector<std::unique_ptr<Watcher>> watchers_;
};

/// As many cases as 100 laws have elsewhere: RC_PARAMS scales it.
template <class Testable>
void check_often(const Testable& law) {
    rc::detail::TestParams params = rc::detail::configuration().testParams;
    params.maxSuccess *= 100;
    const rc::detail::TestMetadata metadata{};
    const auto result = rc::detail::checkTestable(law, metadata, params);
    if (!result.template is<rc::detail::SuccessResult>()) {
        std::ostringstream text;
        rc::detail::printResultMessage(result, text);
        FAIL() << text.str();
    }
}

TEST(GraphLaws, every_node_equals_evaluation_from_scratch_and_runs_only_for_a_reason) {
    check_often([] {
        const auto steps = *rc::gen::container<std::vector<Step>>(any_step()).as("steps");
        World world;
        for (const Step& step : steps) {
            world.run(step);
        }
    });
}

TEST(GraphLaws, views_and_snapshots_of_concurrent_readers_are_cuts) {
    Store store;
    std::vector<Config<int>> sources;
    for (int i = 0; i != 4; ++i) {
        sources.push_back(store.bind<int>(Path{{"s" + std::to_string(i)}}));
    }
    // Every node is a function of all sources, by different ways.
    const auto sum = attune::derive([](int a, int b, int c, int d) { return a + b + c + d; },
                                    sources[0], sources[1], sources[2], sources[3]);
    const auto left = attune::derive([](int a, int b) { return a + b; }, sources[0], sources[1]);
    const auto right = attune::derive(store, [=](attune::Track& use) {
        return use(left) % 2 == 0 ? use(sources[2]) + use(sources[3]) : use(sum) - use(left);
    });
    const auto joined = attune::derive([](int a, int b) { return a + b; }, left, right);

    std::atomic<bool> stop{false};
    std::atomic<int> wrong{0};
    const auto look = [&](auto take) {
        while (!stop.load(std::memory_order_relaxed)) {
            const auto& now = take();
            const int expected =
                now[sources[0]] + now[sources[1]] + now[sources[2]] + now[sources[3]];
            if (now[sum] != expected || now[joined] != expected) {
                wrong.fetch_add(1);
            }
        }
    };
    std::thread views{[&] {
        while (!stop.load(std::memory_order_relaxed)) {
            const auto now = store.view();
            const int expected =
                now[sources[0]] + now[sources[1]] + now[sources[2]] + now[sources[3]];
            if (now[sum] != expected || now[joined] != expected) {
                wrong.fetch_add(1);
            }
        }
    }};
    std::thread snapshots{[&] {
        std::optional<attune::Snapshot> kept;
        look([&]() -> const attune::Snapshot& { return kept.emplace(store.snapshot()); });
    }};
    for (int i = 0; i != 3000; ++i) {
        store.merge({{"s" + std::to_string(i % 4), i}, {"s" + std::to_string((i + 1) % 4), -i}});
    }
    stop = true;
    views.join();
    snapshots.join();
    EXPECT_EQ(wrong.load(), 0);
}

}  // namespace
