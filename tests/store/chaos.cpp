#include <attune/store/store.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <string>

// With ATTUNE_CHAOS and AddressSanitizer, which the tests run with together.
#if defined(ATTUNE_CHAOS) && defined(__SANITIZE_ADDRESS__)

namespace {

TEST(ChaosDeathTest, a_reference_kept_beyond_its_reading_is_found) {
    const auto keep_too_long = [] {
        attune::Store store{{.history = 1}};  // or an old version keeps the value
        const auto text = store.bind<std::string>("text");
        store.set("text", std::string(100, 'x'));
        const std::string* kept = nullptr;
        {
            const auto now = text.read();
            kept = &*now;
        }
        for (int i = 0; i != 40; ++i) {
            store.set("other", i);
            store.settle(std::chrono::seconds{10});
        }
        volatile const auto size = kept->size();  // is looked at, whoever needs it
        (void)size;
    };
    EXPECT_DEATH(keep_too_long(), "heap-use-after-free");
}

}  // namespace

#endif
