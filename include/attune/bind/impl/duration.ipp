#pragma once

#include <attune/bind/duration.hpp>
#include <attune/bind/impl/decimal.hpp>

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace attune::inline ATTUNE_ABI::detail {

struct TimeUnit {
    std::string_view name;
    std::int64_t nanoseconds;
};

// From large to small, the order in which they may stand.
inline constexpr std::array<TimeUnit, 7> time_units{{
    {"d", 86'400'000'000'000},
    {"h", 3'600'000'000'000},
    {"m", 60'000'000'000},
    {"s", 1'000'000'000},
    {"ms", 1'000'000},
    {"us", 1'000},
    {"ns", 1},
}};

// Takes numbers with units, each unit smaller than the one before it, and hands them to `add`.
template <class Add>
DurationFault read_terms(std::string_view text, Add&& add) noexcept {
    if (text == "0") {
        return DurationFault::none;
    }
    std::size_t unit = 0;
    do {
        Decimal number;
        if (!take_decimal(text, number)) {
            return DurationFault::malformed;
        }
        const std::string_view name = text.substr(0, text.find_first_of(".0123456789"));
        if (name.empty()) {
            return text.empty() ? DurationFault::malformed : DurationFault::unknown_unit;
        }
        text.remove_prefix(name.size());
        const auto named = [name](const TimeUnit& candidate) { return candidate.name == name; };
        std::size_t found = 0;
        while (found < time_units.size() && !named(time_units[found])) {
            ++found;
        }
        if (found == time_units.size()) {
            return DurationFault::unknown_unit;
        }
        if (found < unit) {
            return DurationFault::malformed;
        }
        unit = found + 1;
        const DurationFault fault = add(number, time_units[found].nanoseconds);
        if (fault != DurationFault::none) {
            return fault;
        }
    } while (!text.empty());
    return DurationFault::none;
}

ATTUNE_DECL DurationFault read_duration(std::string_view text, std::int64_t tick,
                                        Quantity& count) noexcept {
    const bool negative = text.starts_with('-');
    text.remove_prefix(negative ? 1 : 0);
    uint128 sum = 0;
    const DurationFault fault =
        read_terms(text, [&sum](const Decimal& number, std::int64_t unit) noexcept {
            uint128 term = 0;
            switch (scale(number, static_cast<std::uint64_t>(unit), term)) {
            case Scaled::exact: break;
            case Scaled::fraction: return DurationFault::inexact;
            case Scaled::overflow: return DurationFault::overflow;
            }
            if (term > ~uint128{0} - sum) {
                return DurationFault::overflow;
            }
            sum += term;
            return DurationFault::none;
        });
    if (fault != DurationFault::none) {
        return fault;
    }
    const auto divisor = static_cast<std::uint64_t>(tick);
    if (sum % divisor != 0) {
        return DurationFault::inexact;
    }
    sum /= divisor;
    const uint128 most = negative ? uint128{1} << 63 : ~std::uint64_t{0};
    if (sum > most) {
        return DurationFault::overflow;
    }
    const auto magnitude = static_cast<std::uint64_t>(sum);
    count = negative ? Quantity(static_cast<std::int64_t>(-magnitude)) : Quantity(magnitude);
    return DurationFault::none;
}

ATTUNE_DECL DurationFault read_real_duration(std::string_view text, std::int64_t tick,
                                             double& count) noexcept {
    const bool negative = text.starts_with('-');
    text.remove_prefix(negative ? 1 : 0);
    double sum = 0;
    const DurationFault fault =
        read_terms(text, [&sum, tick](const Decimal& number, std::int64_t unit) noexcept {
            double value = 0;
            const char* const end = number.fraction.empty()
                                        ? number.whole.data() + number.whole.size()
                                        : number.fraction.data() + number.fraction.size();
            if (std::from_chars(number.whole.data(), end, value).ec != std::errc{}) {
                return DurationFault::overflow;
            }
            sum += unit == tick ? value
                                : value * static_cast<double>(unit) / static_cast<double>(tick);
            return DurationFault::none;
        });
    count = negative ? -sum : sum;
    return fault != DurationFault::none || std::isfinite(count) ? fault : DurationFault::overflow;
}

// In the largest unit that is not larger than a tick: exact for std::chrono's units up to days.
ATTUNE_DECL std::string write_real_duration(double count, std::int64_t tick) {
    std::size_t unit = 0;
    while (time_units[unit].nanoseconds > tick) {
        ++unit;
    }
    const std::int64_t nanoseconds = time_units[unit].nanoseconds;
    if (nanoseconds != tick) {
        count = count * static_cast<double>(tick) / static_cast<double>(nanoseconds);
    }
    // A double has at most 309 digits before the point and 1074 after it.
    std::array<char, 1400> buffer;
    const std::to_chars_result end = std::to_chars(buffer.data(), buffer.data() + buffer.size(),
                                                   count, std::chars_format::fixed);
    return std::string(buffer.data(), end.ptr).append(time_units[unit].name);
}

ATTUNE_DECL std::string write_duration(const Quantity& count, std::int64_t tick) {
    if (count.is_real()) {
        return write_real_duration(count.real(), tick);
    }
    const std::uint64_t magnitude = count.is_negative() ? -count.bits() : count.bits();
    uint128 rest = uint128{magnitude} * static_cast<std::uint64_t>(tick);
    std::string text;
    if (rest == 0) {
        text = "0s";
    } else if (count.is_negative()) {
        text = "-";
    }
    for (const TimeUnit& unit : time_units) {
        const auto nanoseconds = static_cast<std::uint64_t>(unit.nanoseconds);
        uint128 whole = rest / nanoseconds;
        rest %= nanoseconds;
        if (whole != 0) {
            // std::to_chars does not take 128 bits, and ticks may be longer than a day.
            std::array<char, 40> digits;
            std::size_t first = digits.size();
            for (; whole != 0; whole /= 10) {
                digits[--first] = static_cast<char>('0' + static_cast<int>(whole % 10));
            }
            text.append(digits.data() + first, digits.size() - first).append(unit.name);
        }
    }
    return text;
}

}  // namespace attune::inline ATTUNE_ABI::detail
