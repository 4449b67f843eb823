#include <attune/store/store.hpp>

#include <attune/bind/schema.hpp>
#include <attune/bind/secret.hpp>
#include <attune/document/difference.hpp>
#include <attune/transport/memory.hpp>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace sample {

/// Keys and values from a tiny domain, so that layers often meet.
struct Leaf {
    int x = 1;
    int y = 2;
    friend bool operator==(const Leaf&, const Leaf&) = default;
};
struct Tree {
    Leaf a;
    Leaf b;
    std::vector<int> list;
    std::map<std::string, int> map;
    friend bool operator==(const Tree&, const Tree&) = default;
};

}  // namespace sample

namespace {

using attune::Document;
using attune::Path;
using attune::Store;
using sample::Leaf;
using sample::Tree;

Document any_leaf_value() {
    switch (*rc::gen::inRange(0, 6)) {
    case 0: return nullptr;
    case 1: return "wrong";
    default: return *rc::gen::inRange(0, 4);
    }
}

/// A place in the world of Tree and a value that may fit there.
std::pair<Path, Document> any_edit() {
    switch (*rc::gen::inRange(0, 8)) {
    case 0: return {"t.a.x", any_leaf_value()};
    case 1: return {"t.a.y", any_leaf_value()};
    case 2: return {"t.b.x", any_leaf_value()};
    case 3: {
        Document list = Document::array();
        const int count = *rc::gen::inRange(0, 3);
        for (int i = 0; i != count; ++i) {
            list = list.with("-", i);
        }
        return {"t.list", list};
    }
    case 4:
        return {Path{"t.map"} / std::string(1, static_cast<char>('k' + *rc::gen::inRange(0, 3))),
                any_leaf_value()};
    case 5: return {"t.b", nullptr};
    case 6: return {"u", any_leaf_value()};
    default: return {"t.a", Document{{"x", any_leaf_value()}}};
    }
}

Document fold(const std::vector<Document>& layers) {
    Document merged = Document::object();
    for (const Document& layer : layers) {
        merged = attune::merge(merged, layer);
    }
    return merged;
}

template <class T>
std::optional<T> decoded(const Document& document, const Path& path) {
    try {
        return attune::decode<T>(document, path);
    } catch (const attune::Rejected&) {
        return std::nullopt;
    }
}

// Whatever is written to whichever layer: the store shows the fold of its layers, decoded from
// scratch, or refuses the write and shows what it showed before.
RC_GTEST_PROP(StoreLaws, shows_the_fold_of_its_layers_or_refuses, ()) {
    Store store;
    std::vector<Document> model(4, Document::object());
    std::vector<attune::Layer> layers;
    for (int i = 0; i != 3; ++i) {
        layers.push_back(store.add(attune::memory(Document::object())));
    }
    const auto tree = store.bind<Tree>("t");
    const auto leaf = store.bind<Leaf>("t.a");
    const auto x = store.bind<int>("t.a.x");
    attune::Version last = store.version();
    std::vector<Tree> told;
    const auto observer =
        tree.on_change(attune::inline_executor, [&](const attune::Change<Tree>& change) {
            RC_ASSERT(!(*change.before == *change.after));
            RC_ASSERT((told.empty() || told.back() == *change.before));
            told.push_back(*change.after);
        });
    const int steps = *rc::gen::inRange(1, 40);
    for (int step = 0; step != steps; ++step) {
        auto candidate = model;
        const auto which = *rc::gen::inRange<std::size_t>(0, 4);
        const auto [path, value] = any_edit();
        const bool erase = which == 3 && *rc::gen::inRange(0, 3) == 0;
        candidate[which] = erase ? model[which].without(path) : model[which].with(path, value);
        const Document wanted = fold(candidate);
        const bool acceptable = decoded<Tree>(wanted, "t") && decoded<Leaf>(wanted, "t.a") &&
                                decoded<int>(wanted, "t.a.x");
        std::optional<attune::Commit> commit;
        try {
            commit = which != 3 ? layers[which].set(path, value)
                     : erase    ? store.erase(path)
                                : store.set(path, value);
        } catch (const attune::Rejected&) {
        }
        RC_ASSERT(commit.has_value() == acceptable);
        const Document before = fold(model);
        if (commit) {
            model = candidate;
            RC_ASSERT(commit->changed == attune::changed_paths(before, wanted));
            RC_ASSERT(store.version() == last + (before == wanted ? 0 : 1));
        }
        const Document merged = fold(model);
        const auto snapshot = store.snapshot();
        RC_ASSERT(snapshot.document() == merged);
        RC_ASSERT(snapshot[tree] == *decoded<Tree>(merged, "t"));
        RC_ASSERT(snapshot[leaf] == *decoded<Leaf>(merged, "t.a"));
        RC_ASSERT(snapshot[x] == *decoded<int>(merged, "t.a.x"));
        RC_ASSERT(store.version() >= last);
        last = store.version();
    }
    RC_ASSERT((told.empty() || told.back() == tree.get()));
}

// Readers in other threads: every view is a cut, versions never run backwards.
TEST(StoreThreads, every_view_is_one_version_while_writers_commit) {
    Store store;
    const auto a = store.bind<int>("a");
    const auto b = store.bind<int>("b");
    std::atomic<bool> stop{false};
    std::atomic<int> torn{0};
    std::vector<std::thread> readers;
    for (int r = 0; r != 2; ++r) {
        readers.emplace_back([&] {
            attune::Version last = 0;
            while (!stop.load(std::memory_order_relaxed)) {
                const auto view = store.view();
                if (view[a] != view[b] || view.version() < last) {
                    ++torn;
                }
                last = view.version();
                const auto snapshot = store.snapshot();
                if (snapshot[a] != snapshot[b] || snapshot.version() < last) {
                    ++torn;
                }
                if (*a.pin() > b.get()) {
                    ++torn;
                }
            }
        });
    }
    std::vector<std::thread> writers;
    std::mutex turn;  // so that the values grow with the versions
    int next = 1;
    for (int w = 0; w != 2; ++w) {
        writers.emplace_back([&] {
            for (int i = 0; i != 300; ++i) {
                const std::scoped_lock lock{turn};
                const int value = next++;
                store.merge({{"a", value}, {"b", value}});
            }
        });
    }
    for (auto& writer : writers) {
        writer.join();
    }
    stop = true;
    for (auto& reader : readers) {
        reader.join();
    }
    EXPECT_EQ(torn, 0);
    EXPECT_EQ(store.version(), 600u);
}

TEST(StoreThreads, after_a_write_every_thread_that_learns_of_it_reads_it) {
    Store store;
    const auto a = store.bind<int>("a");
    std::atomic<int> written{0};
    std::atomic<int> stale{0};
    std::thread reader{[&] {
        int seen = 0;
        while (seen != 1000) {
            seen = written.load(std::memory_order_acquire);
            if (a.get() < seen) {
                ++stale;
            }
        }
    }};
    for (int i = 1; i <= 1000; ++i) {
        store.set("a", i);
        written.store(i, std::memory_order_release);
    }
    reader.join();
    EXPECT_EQ(stale, 0);
}

TEST(StoreThreads, subscribing_cancelling_and_writing_at_once_neither_hangs_nor_calls_late) {
    Store store;
    const auto a = store.bind<int>("a");
    std::atomic<bool> stop{false};
    std::atomic<int> late{0};
    std::vector<std::thread> subscribers;
    for (int s = 0; s != 2; ++s) {
        subscribers.emplace_back([&, s] {
            while (!stop.load(std::memory_order_relaxed)) {
                std::atomic<bool> ended{false};
                std::atomic<int> last{-1};
                const auto look = [&](const int& value) {
                    if (ended || value < last) {
                        ++late;
                    }
                    last = value;
                };
                auto subscription =
                    s == 0 ? a.apply(look) : a.on_change([&](const attune::Change<int>& change) {
                        look(*change.after);
                    });
                subscription.cancel();
                ended = true;
            }
        });
    }
    for (int i = 1; i != 500; ++i) {
        store.set("a", i);
    }
    stop = true;
    for (auto& subscriber : subscribers) {
        subscriber.join();
    }
    EXPECT_EQ(late, 0);
}

TEST(StoreThreads, a_store_may_be_destroyed_by_its_own_observer) {
    for (int i = 0; i != 20; ++i) {
        auto store = std::make_unique<Store>();
        const auto a = store->bind<int>("a");
        std::atomic<bool> gone{false};
        // Held by the callback alone, so that the callback destroys it.
        auto held = std::make_shared<std::unique_ptr<Store>>();
        const auto subscription = a.on_change([held, &gone](const attune::Change<int>&) {
            held->reset();
            gone = true;
            gone.notify_all();
        });
        Store* const raw = store.get();
        {
            // The observer runs on the notifier only after this commit has returned.
            *held = std::move(store);
            auto commit = raw->set("a", 1);
            (void)commit;
        }
        gone.wait(false);
        EXPECT_EQ(a.get(), 1);
    }
}

}  // namespace
