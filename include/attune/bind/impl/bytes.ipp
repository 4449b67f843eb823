#pragma once

#include <attune/bind/bytes.hpp>
#include <attune/bind/impl/decimal.hpp>

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace attune::inline ATTUNE_ABI {

namespace detail {

struct SizeUnit {
    std::string_view name;
    std::uint64_t bytes;
};

// The largest of each family first: to_string takes the first that fits.
inline constexpr std::array<SizeUnit, 13> size_units{{
    {"EiB", 1ull << 60},
    {"PiB", 1ull << 50},
    {"TiB", 1ull << 40},
    {"GiB", 1ull << 30},
    {"MiB", 1ull << 20},
    {"KiB", 1ull << 10},
    {"EB", 1'000'000'000'000'000'000ull},
    {"PB", 1'000'000'000'000'000ull},
    {"TB", 1'000'000'000'000ull},
    {"GB", 1'000'000'000ull},
    {"MB", 1'000'000ull},
    {"kB", 1'000ull},
    {"B", 1ull},
}};

ATTUNE_DECL SizeFault read_bytes(std::string_view text, std::uint64_t& count) noexcept {
    Decimal number;
    if (!take_decimal(text, number)) {
        return SizeFault::malformed;
    }
    std::uint64_t unit = 0;
    for (const SizeUnit& candidate : size_units) {
        if (text == candidate.name) {
            unit = candidate.bytes;
        }
    }
    if (text.empty()) {
        unit = 1;
    }
    if (unit == 0) {
        return SizeFault::unknown_unit;
    }
    uint128 exact = 0;
    const Scaled scaled = scale(number, unit, exact);
    if (scaled == Scaled::fraction) {
        return SizeFault::fraction;
    }
    if (scaled == Scaled::overflow || exact > std::numeric_limits<std::uint64_t>::max()) {
        return SizeFault::overflow;
    }
    count = static_cast<std::uint64_t>(exact);
    return SizeFault::none;
}

}  // namespace detail

ATTUNE_DECL std::string to_string(Bytes bytes) {
    for (const detail::SizeUnit& unit : detail::size_units) {
        if (bytes.count != 0 && bytes.count % unit.bytes == 0) {
            return std::to_string(bytes.count / unit.bytes).append(unit.name);
        }
    }
    return "0B";
}

ATTUNE_DECL std::optional<Bytes> parse_bytes(std::string_view text) noexcept {
    Bytes bytes;
    if (detail::read_bytes(text, bytes.count) != detail::SizeFault::none) {
        return std::nullopt;
    }
    return bytes;
}

}  // namespace attune::inline ATTUNE_ABI
