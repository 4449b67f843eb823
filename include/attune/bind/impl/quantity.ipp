#pragma once

#include <attune/bind/quantity.hpp>

#include <array>
#include <charconv>
#include <compare>
#include <string>
#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL std::partial_ordering operator<=>(const Quantity& a, const Quantity& b) noexcept {
    if (a.is_real() || b.is_real()) {
        return a.real() <=> b.real();
    }
    if (a.is_negative() != b.is_negative()) {
        return a.is_negative() ? std::partial_ordering::less : std::partial_ordering::greater;
    }
    // Of one sign, two's complement keeps the order.
    return a.bits() <=> b.bits();
}

ATTUNE_DECL std::string to_text(const Quantity& quantity) {
    std::array<char, 32> buffer;
    char* const first = buffer.data();
    char* const last = first + buffer.size();
    const std::to_chars_result result =
        quantity.is_real() ? std::to_chars(first, last, quantity.real())
        : quantity.is_negative()
            ? std::to_chars(first, last, static_cast<std::int64_t>(quantity.bits()))
            : std::to_chars(first, last, quantity.bits());
    return std::string(first, result.ptr);
}

}  // namespace attune::inline ATTUNE_ABI::detail
