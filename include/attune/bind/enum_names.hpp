#pragma once

#include <attune/bind/impl/names.hpp>
#include <attune/version.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI {

/// The values among which the enumerators of `E` are looked for: an enumerator outside has no name.
/// Specialise it for an enumeration with others; each value in the range costs compile time.
///
/// ```cpp
/// template <>
/// struct attune::EnumRange<Status> {
///     static constexpr int min = 100, max = 599;
/// };
/// ```
template <class E>
struct EnumRange {
    static constexpr int min = -1;
    static constexpr int max = 64;
};

namespace detail {

struct Enumerator {
    std::string_view name;
    std::int64_t value;
};

/// The enumerators of one type that have a name, by rising value.
using Enumerators = std::vector<Enumerator>;

// Values that are no enumerators are well defined only where the underlying type is fixed.
template <class E>
concept FixedEnum = std::is_enum_v<E> && requires {
    E{0};
};

template <class E>
struct EnumScan {
    static_assert(FixedEnum<E>,
                  "attune cannot bind this enumeration: it needs a fixed underlying type; write "
                  "`enum class E` or `enum E : int`");
    static_assert(EnumRange<E>::min <= EnumRange<E>::max, "attune::EnumRange<E> is empty");

    using Underlying = std::underlying_type_t<E>;
    using Limits = std::numeric_limits<Underlying>;

    // The range, cut to what the underlying type can hold.
    static constexpr std::int64_t first =
        EnumRange<E>::min < 0 && !Limits::is_signed ? 0 : EnumRange<E>::min;
    static constexpr std::int64_t top =
        Limits::digits < 31 ? static_cast<std::int64_t>(Limits::max()) : EnumRange<E>::max;
    static constexpr std::int64_t last = EnumRange<E>::max < top ? EnumRange<E>::max : top;
    static_assert(first <= last, "attune::EnumRange<E> lies outside the underlying type");

    template <E... V>
    static constexpr std::string_view spell() noexcept {
        return pack_text(__PRETTY_FUNCTION__);
    }

    template <std::size_t... I>
    static constexpr std::string_view spell_range(std::index_sequence<I...>) noexcept {
        return spell<static_cast<E>(first + static_cast<std::int64_t>(I))...>();
    }

    static constexpr std::string_view text =
        spell_range(std::make_index_sequence<static_cast<std::size_t>(last - first + 1)>{});

    static_assert(has_enumerator(text),
                  "attune cannot bind this enumeration: no enumerator lies in the range of "
                  "attune::EnumRange<E>");
};

/// Never destroyed, since objects of static storage may use it to their end.
ATTUNE_DECL const Enumerators& read_enumerators(std::string_view text, std::int64_t first);

/// Read once, when first asked for.
template <class E>
const Enumerators& enumerators() {
    static const Enumerators& found = read_enumerators(EnumScan<E>::text, EnumScan<E>::first);
    return found;
}

}  // namespace detail

}  // namespace attune::inline ATTUNE_ABI

#if ATTUNE_HEADER_ONLY
#include <attune/bind/impl/enum_names.ipp>
#endif
