#include <attune/bind/enum_names.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace elsewhere {

template <class A, class B>
struct Outer {
    enum class Nested { one, two };
    Nested nested = Nested::one;
};

enum class Status { ok = 200, missing = 404 };

}  // namespace elsewhere

template <>
struct attune::EnumRange<elsewhere::Status> {
    static constexpr int min = 100, max = 599;
};

namespace {

using attune::detail::enumerators;

using Names = std::vector<std::pair<std::string, std::int64_t>>;

template <class E>
Names names_of() {
    Names names;
    for (const attune::detail::Enumerator& enumerator : enumerators<E>()) {
        names.emplace_back(enumerator.name, enumerator.value);
    }
    return names;
}

enum class Plain { primary, replica, größe };
enum class Gaps { last = 64, first = -1, middle = 7 };
enum class Small : std::uint8_t { low, high = 64 };
enum class Signed : std::int8_t { below = -1, above = 1 };
enum class Flag : bool { off, on };
enum Unscoped : int { red, green };
enum class Aliased { original, same = original, other };

TEST(EnumNames, are_read_by_rising_value) {
    EXPECT_EQ(names_of<Plain>(), (Names{{"primary", 0}, {"replica", 1}, {"größe", 2}}));
    EXPECT_EQ(names_of<Gaps>(), (Names{{"first", -1}, {"middle", 7}, {"last", 64}}));
}

TEST(EnumNames, stay_inside_the_underlying_type) {
    EXPECT_EQ(names_of<Small>(), (Names{{"low", 0}, {"high", 64}}));
    EXPECT_EQ(names_of<Signed>(), (Names{{"below", -1}, {"above", 1}}));
    EXPECT_EQ(names_of<Flag>(), (Names{{"off", 0}, {"on", 1}}));
}

TEST(EnumNames, need_no_scope_when_the_underlying_type_is_fixed) {
    EXPECT_EQ(names_of<Unscoped>(), (Names{{"red", 0}, {"green", 1}}));
}

TEST(EnumNames, of_equal_enumerators_are_the_first) {
    EXPECT_EQ(names_of<Aliased>(), (Names{{"original", 0}, {"other", 1}}));
}

TEST(EnumNames, are_known_for_nested_and_local_types) {
    enum class Local { here };
    EXPECT_EQ(names_of<Local>(), (Names{{"here", 0}}));
    [[maybe_unused]] const elsewhere::Outer<int, std::pair<int, char>> complete;
    EXPECT_EQ((names_of<decltype(complete.nested)>()), (Names{{"one", 0}, {"two", 1}}));
}

TEST(EnumNames, are_found_in_a_wider_range_when_asked_for) {
    EXPECT_EQ(names_of<elsewhere::Status>(), (Names{{"ok", 200}, {"missing", 404}}));
}

}  // namespace
