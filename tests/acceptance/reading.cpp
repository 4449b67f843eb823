// What readers may rely on while others write.

#include "support.hpp"

#include <atomic>
#include <map>
#include <thread>

namespace {

using acceptance::patience;

struct Left {
    std::uint64_t number = 0;
    std::string text = "0";
};
struct Right {
    std::uint64_t number = 0;
    std::vector<std::uint64_t> numbers{0};
};

attune::Document numbered(std::uint64_t n) {
    return {{"left", {{"number", n}, {"text", std::to_string(n)}}},
            {"right", {{"number", n}, {"numbers", attune::Document::array().with("-", n)}}}};
}

bool is_one(const Left& left) { return left.text == std::to_string(left.number); }
bool is_one(const Right& right) {
    return right.numbers == std::vector<std::uint64_t>{right.number};
}

TEST(Readers, see_one_version_through_a_view_while_threads_write) {
    attune::Store store;
    attune::Layer layer = store.add(attune::memory(numbered(0)));
    const auto left = store.bind<Left>("left");
    const auto right = store.bind<Right>("right");

    constexpr std::uint64_t versions = 2000;
    std::atomic<bool> done{false};
    std::atomic<std::uint64_t> torn{0};
    std::vector<std::thread> readers;
    for (int i = 0; i < 2; ++i) {
        readers.emplace_back([&] {
            std::uint64_t newest = 0;
            do {
                const auto view = store.view();
                const Left& a = view[left];
                const Right& b = view[right];
                const bool whole = is_one(a) && is_one(b) && a.number == b.number;
                if (!whole || a.number < newest) {
                    ++torn;
                }
                newest = a.number;
            } while (!done);
        });
    }
    for (std::uint64_t n = 1; n <= versions; ++n) {
        layer.set(numbered(n));
    }
    done = true;
    for (std::thread& reader : readers) {
        reader.join();
    }
    EXPECT_EQ(torn, 0U);
    EXPECT_EQ(left.get(&Left::number), versions);
}

TEST(Readers, keep_what_they_hold) {
    attune::Store store{{.history = 2}};
    attune::Layer layer = store.add(attune::memory(numbered(0)));
    const auto left = store.bind<Left>("left");
    const auto right = store.bind<Right>("right");

    const auto pinned = left.pin();
    const attune::Snapshot first = store.snapshot();
    const auto reading = right.read();
    for (std::uint64_t n = 1; n <= 100; ++n) {
        layer.set(numbered(n));
    }
    EXPECT_TRUE(is_one(*pinned));
    EXPECT_EQ(pinned->number, 0U);
    EXPECT_EQ(first[left].number, first[right].number);
    EXPECT_EQ(first[left].number, 0U);
    EXPECT_EQ(reading->number, 0U);
    EXPECT_THROW(static_cast<void>(store.snapshot(first.version())), std::out_of_range);
    EXPECT_NO_THROW(static_cast<void>(store.snapshot(store.version() - 1)));
}

TEST(Readers, in_threads_that_come_and_go_never_meet_a_freed_value) {
    attune::Store store;
    attune::Layer layer = store.add(attune::memory(numbered(0)));
    const auto left = store.bind<Left>("left");
    std::atomic<std::uint64_t> bad{0};
    for (std::uint64_t n = 1; n <= 100; ++n) {
        std::thread reader{[&] {
            const auto now = left.read();
            if (!is_one(*now)) {
                ++bad;
            }
        }};
        layer.set(numbered(n));
        reader.join();
    }
    EXPECT_EQ(bad, 0U);
}

TEST(Readers, of_one_store_cannot_use_the_handles_of_another) {
    attune::Store one;
    attune::Store other;
    const auto left = one.bind<Left>("left");
    const auto view = other.view();
    EXPECT_THROW(static_cast<void>(view[left]), std::invalid_argument);
}

TEST(Writers, in_many_threads_lose_nothing) {
    attune::Store store;
    const auto values = store.bind<std::map<std::string, int>>("values");
    std::vector<std::thread> writers;
    for (int i = 0; i < 4; ++i) {
        writers.emplace_back([&store, i] {
            for (int n = 0; n < 50; ++n) {
                store.set(attune::Path{"values"} / (std::to_string(i) + "-" + std::to_string(n)),
                          n);
            }
        });
    }
    for (std::thread& writer : writers) {
        writer.join();
    }
    EXPECT_EQ(values.with([](const auto& all) { return all.size(); }), 200U);
    EXPECT_EQ(store.status().commits, store.version());
}

}  // namespace
