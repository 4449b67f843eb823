#include <attune/bind/reflect.hpp>

#include <gtest/gtest.h>

#include <any>
#include <array>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <variant>
#include <vector>

namespace {

using attune::detail::field_count;
using attune::detail::field_text;
using attune::detail::member_name;
using attune::detail::members_of;
using attune::detail::next_argument;

template <class T>
std::vector<std::string> names_of() {
    std::vector<std::string> names;
    std::string_view text = field_text<T>;
    for (std::size_t i = 0; i < field_count<T>; ++i) {
        names.emplace_back(member_name(next_argument(text)));
    }
    return names;
}

using Names = std::vector<std::string>;

struct Inner {
    int a = 1;
    int b = 2;
};

struct NoDefault {
    explicit NoDefault(int) {}
    NoDefault(NoDefault&&) = delete;
};

template <class T>
struct Generic {
    T value{};
    std::vector<Generic> children;
};

// A member of every sort that has ever been counted wrongly.
struct Everything {
    std::string text;
    std::optional<std::string> optional_text;
    std::optional<Inner> optional_struct;
    std::vector<int> list;
    std::vector<bool> flags;
    std::map<std::string, int> map;
    std::unordered_map<std::string, int> hash_map;
    std::variant<int, std::string> variant;
    std::chrono::milliseconds duration{3};
    std::array<int, 3> array{};
    std::filesystem::path path;
    std::any any;
    std::function<void()> function;
    std::unique_ptr<Everything> itself;
    std::shared_ptr<Inner> shared;
    std::atomic<int> atomic;
    std::mutex mutex;
    const int constant = 1;
    NoDefault no_default{3};
    Inner inner;
    Generic<int> generic;
    long double real = 0;
    std::string_view view;
    const char* pointer = nullptr;
    [[maybe_unused]] static inline int shared_by_all = 0;
};

TEST(Reflect, counts_and_names_members_of_every_sort) {
    EXPECT_EQ(names_of<Everything>(),
              (Names{
                  "text",       "optional_text", "optional_struct", "list",   "flags", "map",
                  "hash_map",   "variant",       "duration",        "array",  "path",  "any",
                  "function",   "itself",        "shared",          "atomic", "mutex", "constant",
                  "no_default", "inner",         "generic",         "real",   "view",  "pointer"}));
}

TEST(Reflect, keeps_names_that_are_not_ascii) {
    struct Umlauts {
        int größe;
        int été;
        int 数;
    };
    EXPECT_EQ(names_of<Umlauts>(), (Names{"größe", "été", "数"}));
}

TEST(Reflect, sees_through_a_single_struct_member) {
    struct One {
        Inner inner;
    };
    EXPECT_EQ(names_of<One>(), Names{"inner"});
}

TEST(Reflect, knows_templates_local_and_unnamed_types) {
    struct Local {
        Local* next;
        struct {
            int deep;
        } nested;
    };
    EXPECT_EQ(names_of<Generic<Inner>>(), (Names{"value", "children"}));
    EXPECT_EQ((names_of<Generic<std::pair<int, Inner>>>()), (Names{"value", "children"}));
    EXPECT_EQ(names_of<Local>(), (Names{"next", "nested"}));
    EXPECT_EQ(names_of<decltype(Local::nested)>(), Names{"deep"});
}

TEST(Reflect, takes_an_empty_struct_for_one) {
    struct Empty {};
    EXPECT_EQ(field_count<Empty>, 0u);
    struct WithEmpty {
        Empty empty;
        int value;
    };
    EXPECT_EQ(names_of<WithEmpty>(), (Names{"empty", "value"}));
}

struct SixtyFour {
    int m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15;
    int m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31;
    int m32, m33, m34, m35, m36, m37, m38, m39, m40, m41, m42, m43, m44, m45, m46, m47;
    int m48, m49, m50, m51, m52, m53, m54, m55, m56, m57, m58, m59, m60, m61, m62, m63;
};

TEST(Reflect, takes_64_members) {
    const Names names = names_of<SixtyFour>();
    ASSERT_EQ(names.size(), 64u);
    for (std::size_t i = 0; i < names.size(); ++i) {
        EXPECT_EQ(names[i], "m" + std::to_string(i));
    }
}

TEST(Reflect, points_at_the_members) {
    Inner inner;
    const auto members = members_of(inner);
    const attune::detail::MemberPointer<1, int*>& second = members;
    EXPECT_EQ(second.address, &inner.b);
}

template <std::size_t N>
struct Some;
template <>
struct Some<1> {
    int a;
};
template <>
struct Some<2> {
    int a, b;
};
template <>
struct Some<3> {
    int a, b, c;
};
template <>
struct Some<7> {
    int a, b, c, d, e, f, g;
};
template <>
struct Some<8> {
    int a, b, c, d, e, f, g, h;
};
template <>
struct Some<9> {
    int a, b, c, d, e, f, g, h, i;
};

// The search for the count goes in steps of powers of two.
static_assert(field_count<Some<1>> == 1 && field_count<Some<2>> == 2 && field_count<Some<3>> == 3);
static_assert(field_count<Some<7>> == 7 && field_count<Some<8>> == 8 && field_count<Some<9>> == 9);

}  // namespace
