// Reading allocates nothing, whatever the type. Counts what this thread allocates.

#include "support.hpp"

#include <cstdint>
#include <cstdlib>
#include <map>
#include <new>

#if defined(__SANITIZE_ADDRESS__)
#define ACCEPTANCE_COUNTS 0  // AddressSanitizer has its own operators
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ACCEPTANCE_COUNTS 0
#endif
#endif
#ifndef ACCEPTANCE_COUNTS
#define ACCEPTANCE_COUNTS 1
#endif

namespace {

thread_local std::uint64_t allocations = 0;

}  // namespace

#if ACCEPTANCE_COUNTS
// Not inlined: the compiler would take one half of a pair for a mismatch with the other.
[[gnu::noinline]] void* operator new(std::size_t size) {
    ++allocations;
    if (void* const memory = std::malloc(size == 0 ? 1 : size)) {
        return memory;
    }
    throw std::bad_alloc{};
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
#endif

namespace {

struct Large {
    std::string text = "longer than what a string holds inside itself, by a good deal";
    std::vector<std::string> list{text, text};
    std::map<std::string, int> map{{text, 1}};
};

TEST(Reading, allocates_nothing) {
    if (!ACCEPTANCE_COUNTS) {
        GTEST_SKIP() << "AddressSanitizer counts for itself";
    }
    attune::Store store;
    const auto large = store.bind<Large>("large");
    const auto number = store.bind<int>("number");
    static_cast<void>(large.read());  // the first of a thread claims its slot

    std::size_t seen = 0;
    const std::uint64_t before = allocations;
    for (int i = 0; i < 1000; ++i) {
        const auto now = large.read();
        seen += now->list.size();
        const auto view = store.view();
        seen += view[large].map.size() + static_cast<std::size_t>(view[number]);
        seen += large.with([](const Large& l) { return l.text.size(); });
        seen += static_cast<std::size_t>(number.get());
    }
    EXPECT_EQ(allocations - before, 0U);
    EXPECT_GT(seen, 0U);
    EXPECT_GT(before, 0U);
}

}  // namespace
