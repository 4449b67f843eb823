#pragma once

#include <attune/bind/reflect.hpp>
#include <attune/version.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

// How two values of a derived node are compared: by `==`, else by their members, else they count
// as different. Standard containers have an `==` whatever their elements are, and it does not
// compile when these have none: so one has to look at the elements first.

namespace attune::inline ATTUNE_ABI::detail {

template <class T>
constexpr bool has_equality() noexcept;

template <class T>
inline constexpr bool elements_have_equality = true;
template <class A, class B>
inline constexpr bool elements_have_equality<std::pair<A, B>> =
    has_equality<A>() && has_equality<B>();
template <class... A>
inline constexpr bool elements_have_equality<std::tuple<A...>> = (has_equality<A>() && ...);
template <class... A>
inline constexpr bool elements_have_equality<std::variant<A...>> = (has_equality<A>() && ...);
template <class A>
inline constexpr bool elements_have_equality<std::optional<A>> = has_equality<A>();

template <class T>
concept ValueRange = requires(const T& range) {
    typename T::value_type;
    range.begin();
    range.end();
    range.size();
} && !std::same_as<typename T::value_type, T>;

template <class T>
constexpr bool has_equality() noexcept {
    if constexpr (ValueRange<T>) {
        if constexpr (!has_equality<std::remove_cv_t<typename T::value_type>>()) {
            return false;
        }
    }
    if constexpr (elements_have_equality<T>) {
        return std::equality_comparable<T>;
    } else {
        return false;
    }
}

// A plain struct whose members can be taken apart; what bind refuses is refused here silently.
template <class T>
constexpr bool has_members() noexcept {
    if constexpr (std::is_class_v<T> && std::is_aggregate_v<T> && TakesValues<T> && !HasBase<T>) {
        constexpr std::size_t count = count_values<T>();
        if constexpr (count > 0 && count <= max_fields) {
            return !has_array<T, count>();
        }
    }
    return false;
}

template <class T>
bool value_equal(const T& a, const T& b);

template <std::size_t... I, class... P>
bool members_equal(const MembersOver<std::index_sequence<I...>, P...>& a,
                   const MembersOver<std::index_sequence<I...>, P...>& b) {
    return (value_equal(*static_cast<const MemberPointer<I, P>&>(a).address,
                        *static_cast<const MemberPointer<I, P>&>(b).address) &&
            ...);
}

template <class T>
bool value_equal(const T& a, const T& b) {
    if constexpr (std::is_floating_point_v<T>) {
        return a == b || (a != a && b != b);  // not a number stays what it is
    } else if constexpr (has_equality<T>()) {
        return a == b;
    } else if constexpr (ValueRange<T>) {
        return a.size() == b.size() &&
               std::equal(a.begin(), a.end(), b.begin(),
                          [](const auto& x, const auto& y) { return value_equal(x, y); });
    } else if constexpr (has_members<T>()) {
        return members_equal(members_of(a), members_of(b));
    } else {
        return false;
    }
}

template <class A, class B>
bool value_equal(const std::pair<A, B>& a, const std::pair<A, B>& b) {
    return value_equal(a.first, b.first) && value_equal(a.second, b.second);
}

template <class T>
bool value_equal(const std::optional<T>& a, const std::optional<T>& b) {
    return a.has_value() == b.has_value() && (!a || value_equal(*a, *b));
}

}  // namespace attune::inline ATTUNE_ABI::detail
