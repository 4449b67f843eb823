#pragma once

#include <attune/bind/impl/names.hpp>
#include <attune/bind/impl/tie.hpp>
#include <attune/version.hpp>

#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>

// What C++20 lets a library find out about a plain struct without a macro: how many members it has,
// where they are, and what they are called. All that depends on how compilers spell things is in
// this file and in impl/names.hpp.

namespace attune::inline ATTUNE_ABI::detail {

inline constexpr std::size_t max_fields = 64;

// Converts to whatever a member is, where only types matter. Never called; it has a body because
// Clang misses one for types without linkage.
struct AnyValue {
    template <class U>
    operator U() const {
        __builtin_trap();
    }
};

template <std::size_t>
using AnyAt = AnyValue;

// Converts to the bases of T alone.
template <class T>
struct AnyBase {
    template <class U>
        requires(std::is_base_of_v<U, T> && !std::is_same_v<U, T>)
    operator U() const { __builtin_trap(); }
};

template <class T>
concept HasBase = requires {
    T{AnyBase<T>{}};
};

template <class T, class... V>
concept TakesValues = requires {
    T{V{}...};
};

template <class T, std::size_t... I>
constexpr bool takes(std::index_sequence<I...>) noexcept {
    return TakesValues<T, AnyAt<I>...>;
}

// The largest number of values T can be initialised by. Since T{} is valid, every member can be
// left out, and so `takes` holds up to that number and for none above it.
template <class T, std::size_t Low = 0, std::size_t High = max_fields + 2>
constexpr std::size_t count_values() noexcept {
    if constexpr (Low + 1 == High) {
        return Low;
    } else {
        // Most structs are small: double first, then halve.
        constexpr std::size_t doubled = Low == 0 ? 4 : 2 * Low;
        constexpr std::size_t middle =
            High == max_fields + 2 && doubled < High ? doubled : Low + (High - Low) / 2;
        if constexpr (takes<T>(std::make_index_sequence<middle>{})) {
            return count_values<T, middle, High>();
        } else {
            return count_values<T, Low, middle>();
        }
    }
}

// Can the members at Width places, which are 1, 2 or 8, be initialised by empty braces, with single
// values before and after them?
template <class T, std::size_t Width, std::size_t... B, std::size_t... A>
constexpr bool takes_braces(std::index_sequence<B...>, std::index_sequence<A...>) noexcept {
    if constexpr (Width == 1) {
        return requires { T{AnyAt<B>{}..., {}, AnyAt<A>{}...}; };
    } else if constexpr (Width == 2) {
        return requires { T{AnyAt<B>{}..., {}, {}, AnyAt<A>{}...}; };
    } else {
        return requires { T{AnyAt<B>{}..., {}, {}, {}, {}, {}, {}, {}, {}, AnyAt<A>{}...}; };
    }
}

// The same for one place and a pair of values in braces.
template <class T, std::size_t... B, std::size_t... A>
constexpr bool takes_pair(std::index_sequence<B...>, std::index_sequence<A...>) noexcept {
    return requires { T{AnyAt<B>{}..., {AnyValue{}, AnyValue{}}, AnyAt<A>{}...}; };
}

// Is there a C array among the members at Width places? N is the number of values T takes.
//
// No value converts to an array, so an array takes as many values as it has elements; in braces it
// takes one place and leaves too many values for the members after it. A member that empty braces
// cannot initialise fails in the same way, but a pair of values in braces tells the two apart.
template <class T, std::size_t N, std::size_t At, std::size_t Width>
constexpr bool has_array_at() noexcept {
    constexpr std::make_index_sequence<At> before;
    constexpr std::make_index_sequence<N - At - Width> after;
    if constexpr (takes_braces<T, Width>(before, after)) {
        return false;
    } else if constexpr (Width == 1) {
        return takes_pair<T>(before, std::index_sequence<>{}) && !takes_pair<T>(before, after);
    } else {
        const auto one_by_one = []<std::size_t... I>(std::index_sequence<I...>) {
            return (has_array_at<T, N, At + I, 1>() || ...);
        };
        return one_by_one(std::make_index_sequence<Width>{});
    }
}

template <class T, std::size_t N, std::size_t At = 0>
constexpr bool has_array() noexcept {
    if constexpr (At == N) {
        return false;
    } else {
        constexpr std::size_t width = N - At >= 8 ? 8 : N - At >= 2 ? 2 : 1;
        return has_array_at<T, N, At, width>() || has_array<T, N, At + width>();
    }
}

// What must hold for the members to be counted rightly. A member that is overlooked is a setting
// that is lost, so whatever cannot be told apart is an error that says why.
template <class T>
constexpr std::size_t count_fields() noexcept {
    static_assert(std::is_aggregate_v<T>,
                  "attune cannot bind this type: it is not a plain struct, since it has private "
                  "members, constructors, virtual functions or virtual bases");
    static_assert(TakesValues<T>,
                  "attune cannot bind this struct: T{} is not valid; every member needs a default "
                  "value, and a reference cannot have one");
    if constexpr (std::is_aggregate_v<T> && TakesValues<T>) {
        static_assert(!HasBase<T>,
                      "attune cannot bind this struct: it has a base class; make the base a "
                      "member");
        constexpr std::size_t count = count_values<T>();
        static_assert(count > 0 || std::is_empty_v<T>,
                      "attune cannot bind this struct: its first member is a reference, or of a "
                      "type that cannot be initialised");
        static_assert(!has_array<T, count>(),
                      "attune cannot bind this struct: it has a C array; use std::array");
        static_assert(count <= max_fields,
                      "attune cannot bind this struct: it has more than 64 members; group them in "
                      "structs of their own");
        return count;
    }
    return 0;
}

template <class T>
inline constexpr std::size_t field_count = count_fields<T>();

/// The members of `object`, in their order. `T` may be const.
template <class T>
constexpr auto members_of(T& object) noexcept {
    return Tie<field_count<std::remove_const_t<T>>>::members(object);
}

// An object that is never made: only the addresses of its members are used, as template arguments.
template <class T>
struct Nowhere {
    T value;
};

#if defined(__clang__)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wundefined-var-template"
#pragma clang diagnostic ignored "-Wundefined-internal"
#endif

template <class T>
extern Nowhere<T> nowhere;

// Clang takes the address of a member as a template argument only as part of a class.
template <class P>
struct Spelled {
    P address;
};

template <auto... V>
consteval std::string_view spell_members() {
    return pack_text(__PRETTY_FUNCTION__);
}

template <class T, std::size_t... I, class... P>
consteval std::string_view spell_fields(MembersOver<std::index_sequence<I...>, P...>*) {
    [[maybe_unused]] constexpr auto members = members_of(nowhere<T>.value);
    return spell_members<Spelled<P>{static_cast<const MemberPointer<I, P>&>(members).address}...>();
}

/// The names of the members of T, for next_argument and member_name to take apart.
template <class T>
inline constexpr std::string_view field_text =
    spell_fields<T>(static_cast<decltype(members_of(nowhere<T>.value))*>(nullptr));

#if defined(__clang__)
#pragma clang diagnostic pop
#endif

// The spelling of names is no part of the language: a compiler that does it in another way must
// fail here, not at run time.
namespace probe {

enum class Colour : unsigned char { red, green = 3 };

struct Sample {
    int first;
    Colour second;
    struct {
        bool inner;
    } third;
};

constexpr bool spells(std::string_view text, std::string_view a, std::string_view b,
                      std::string_view c) noexcept {
    return member_name(next_argument(text)) == a && member_name(next_argument(text)) == b &&
           member_name(next_argument(text)) == c && text.empty();
}

static_assert(spells(field_text<Sample>, "first", "second", "third"),
              "attune does not know how this compiler spells the names of members");

}  // namespace probe

}  // namespace attune::inline ATTUNE_ABI::detail
