#pragma once

#include <attune/bind/quantity.hpp>
#include <attune/bind/structure.hpp>
#include <attune/bind/type.hpp>
#include <attune/version.hpp>

#include <optional>
#include <string>
#include <string_view>

// What a type and its rules accept, for error texts and for lists of options.

namespace attune::inline ATTUNE_ABI::detail {

/// `an integer in [1, 65535]`, `one of primary, replica`, `a duration such as "250ms"`. The rules
/// may be null.
ATTUNE_DECL std::string expected(const Type& type, const Rules* rules);

/// The numbers that a type with numeric bounds can hold and its rules allow; an absent bound is no
/// bound.
struct Range {
    std::optional<Quantity> least;
    std::optional<Quantity> most;

    bool contains(const Quantity& value) const noexcept {
        // Written so that NaN is inside only where there is no bound.
        return (!least || value >= *least) && (!most || value <= *most);
    }
};
ATTUNE_DECL Range range_of(const Type& type, const Rules* rules);

/// `an integer in [1, 9]`, `a size of at least 1kB`: a noun and a range of the described type.
ATTUNE_DECL std::string in_range(const Type& type, std::string_view noun, const Range& range);

/// A number of the described type as its rules compare it, and as text.
ATTUNE_DECL Quantity load(const Type& type, const void* object) noexcept;
ATTUNE_DECL std::string number_text(const Type& type, const Quantity& number);

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/bind/impl/expected.ipp>
#endif
