#pragma once

#include <attune/version.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

// Decimal numbers with units, computed exactly: what durations and sizes have in common.

namespace attune::inline ATTUNE_ABI::detail {

__extension__ typedef unsigned __int128 uint128;

/// `12.50`: the digits before the point, and after it without zeros at the end.
struct Decimal {
    std::string_view whole;
    std::string_view fraction;
};

/// Takes digits, and a point with more digits, off the front of the text.
constexpr bool take_decimal(std::string_view& text, Decimal& decimal) noexcept {
    const auto take_digits = [&text] {
        std::size_t count = 0;
        while (count < text.size() && text[count] >= '0' && text[count] <= '9') {
            ++count;
        }
        const std::string_view digits = text.substr(0, count);
        text.remove_prefix(count);
        return digits;
    };
    decimal.whole = take_digits();
    decimal.fraction = {};
    if (decimal.whole.empty()) {
        return false;
    }
    if (text.starts_with('.')) {
        text.remove_prefix(1);
        decimal.fraction = take_digits();
        if (decimal.fraction.empty()) {
            return false;
        }
        const std::size_t last = decimal.fraction.find_last_not_of('0');
        decimal.fraction = decimal.fraction.substr(0, last + 1);
    }
    return true;
}

enum class Scaled : std::uint8_t { exact, fraction, overflow };

/// The decimal times the unit, when that is a whole number below 2^128.
constexpr Scaled scale(const Decimal& decimal, std::uint64_t unit, uint128& result) noexcept {
    constexpr uint128 most = ~uint128{0};
    result = 0;
    for (const char digit : decimal.whole) {
        const auto value = static_cast<unsigned>(digit - '0');
        if (result > (most - value) / 10) {
            return Scaled::overflow;
        }
        result = result * 10 + value;
    }
    if (result > most / unit) {
        return Scaled::overflow;
    }
    result *= unit;

    // Eighteen digits keep the product below 2^128, and nobody writes more.
    if (decimal.fraction.size() > 18) {
        return Scaled::fraction;
    }
    uint128 part = unit;
    std::uint64_t numerator = 0;
    std::uint64_t denominator = 1;
    for (const char digit : decimal.fraction) {
        numerator = numerator * 10 + static_cast<unsigned>(digit - '0');
        denominator *= 10;
    }
    part *= numerator;
    if (part % denominator != 0) {
        return Scaled::fraction;
    }
    part /= denominator;
    if (result > most - part) {
        return Scaled::overflow;
    }
    result += part;
    return Scaled::exact;
}

}  // namespace attune::inline ATTUNE_ABI::detail
