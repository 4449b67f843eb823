#include <attune/bind/equal.hpp>

#include <attune/bind/bytes.hpp>
#include <attune/bind/secret.hpp>
#include <attune/document/document.hpp>

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace {

template <class T>
bool equal(const T& a, const T& b) {
    return attune::detail::equal(attune::detail::type_of<T>(), &a, &b);
}

struct Inner {
    int a = 1;
    std::string b = "x";
};

struct Outer {
    Inner inner;
    std::vector<Inner> list{{}, {}};
    std::map<std::string, Inner> map{{"k", {}}};
    std::unordered_map<std::string, int> hash_map{{"k", 1}};
    std::optional<Inner> optional = Inner{};
    std::unique_ptr<Inner> pointer = std::make_unique<Inner>();
    std::variant<int, std::string> variant = 1;
    std::array<Inner, 2> array;
    std::vector<bool> flags{true, false};
    std::filesystem::path path = "/a";
    std::chrono::seconds duration{1};
    attune::Bytes bytes{1};
    attune::Secret<Inner> secret;
    attune::Document document = 1;
};

// Each change makes a difference, and only then.
TEST(Equal, is_deep_without_any_operator) {
    EXPECT_TRUE(equal(Outer{}, Outer{}));
    void (*const changes[])(Outer&) = {
        [](Outer& o) { o.inner.a = 2; },
        [](Outer& o) { o.list[1].b = "y"; },
        [](Outer& o) { o.list.emplace_back(); },
        [](Outer& o) { o.map["k"].a = 2; },
        [](Outer& o) { o.map["l"]; },
        [](Outer& o) { o.map = {{"l", {}}}; },
        [](Outer& o) { o.hash_map["k"] = 2; },
        [](Outer& o) { o.hash_map = {{"l", 1}}; },
        [](Outer& o) { o.optional->a = 2; },
        [](Outer& o) { o.optional.reset(); },
        [](Outer& o) { o.pointer->a = 2; },
        [](Outer& o) { o.pointer.reset(); },
        [](Outer& o) { o.variant = 2; },
        [](Outer& o) { o.variant = "1"; },
        [](Outer& o) { o.array[1].a = 2; },
        [](Outer& o) { o.flags[1] = true; },
        [](Outer& o) { o.flags.push_back(true); },
        [](Outer& o) { o.path = "/a/"; },
        [](Outer& o) { o.duration += std::chrono::seconds(1); },
        [](Outer& o) { o.bytes.count = 2; },
        [](Outer& o) { o.secret.reveal().a = 2; },
        [](Outer& o) { o.document = 1.0; },
    };
    for (const auto change : changes) {
        Outer changed;
        change(changed);
        EXPECT_FALSE(equal(Outer{}, changed)) << &change - &changes[0];
        EXPECT_FALSE(equal(changed, Outer{})) << &change - &changes[0];
        EXPECT_TRUE(equal(changed, changed));
    }
}

template <class T>
void expect_real_rules() {
    const T nan = std::numeric_limits<T>::quiet_NaN();
    EXPECT_TRUE(equal(nan, nan));
    EXPECT_TRUE(equal(nan, T{-nan}));
    EXPECT_FALSE(equal(nan, T{1}));
    EXPECT_TRUE(equal(T{0}, T{-0.0f}));
    EXPECT_FALSE(equal(T{1}, T{1} + std::numeric_limits<T>::epsilon()));
}

TEST(Equal, takes_nan_for_equal_to_nan) {
    expect_real_rules<float>();
    expect_real_rules<double>();
    expect_real_rules<long double>();
    using Seconds = std::chrono::duration<double>;
    const Seconds nan(std::numeric_limits<double>::quiet_NaN());
    const Seconds also_nan = nan;
    EXPECT_TRUE(equal(nan, also_nan));
}

TEST(Equal, tells_integers_of_each_sign_apart) {
    EXPECT_FALSE(equal(std::int8_t{-1}, std::int8_t{1}));
    EXPECT_FALSE(equal(std::numeric_limits<std::int64_t>::min(), std::int64_t{0}));
    EXPECT_FALSE(equal(~std::uint64_t{0}, ~std::uint64_t{0} - 1));
}

}  // namespace
