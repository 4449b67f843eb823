#pragma once

#include <attune/version.hpp>

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace attune::inline ATTUNE_ABI {

/// A number of bytes. In configuration `"64MiB"`, `"10kB"`, `"1.5GiB"`, or a bare number of bytes:
/// kB, MB, GB, TB, PB, EB are powers of 1000; KiB, MiB, GiB, TiB, PiB, EiB powers of 1024; B is
/// one. Upper and lower case are told apart, as the standards do.
struct Bytes {
    std::uint64_t count = 0;

    friend constexpr bool operator==(const Bytes&, const Bytes&) = default;
    friend constexpr auto operator<=>(const Bytes&, const Bytes&) = default;
};

/// The shortest exact text that `parse_bytes` reads back: `64MiB`, `10kB`, `1500B`.
ATTUNE_DECL std::string to_string(Bytes bytes);

/// Nothing when the text is not a size, is not a whole number of bytes, or exceeds 2^64 - 1.
ATTUNE_DECL std::optional<Bytes> parse_bytes(std::string_view text) noexcept;

/// `64_MiB`
namespace literals {

constexpr Bytes operator""_B(unsigned long long n) noexcept { return {n}; }
constexpr Bytes operator""_kB(unsigned long long n) noexcept { return {n * 1000}; }
constexpr Bytes operator""_MB(unsigned long long n) noexcept { return {n * 1000'000}; }
constexpr Bytes operator""_GB(unsigned long long n) noexcept { return {n * 1000'000'000}; }
constexpr Bytes operator""_KiB(unsigned long long n) noexcept { return {n << 10}; }
constexpr Bytes operator""_MiB(unsigned long long n) noexcept { return {n << 20}; }
constexpr Bytes operator""_GiB(unsigned long long n) noexcept { return {n << 30}; }

}  // namespace literals

namespace detail {

enum class SizeFault : std::uint8_t { none, malformed, unknown_unit, fraction, overflow };

ATTUNE_DECL SizeFault read_bytes(std::string_view text, std::uint64_t& count) noexcept;

}  // namespace detail

}  // namespace attune::inline ATTUNE_ABI

#if ATTUNE_HEADER_ONLY
#include <attune/bind/impl/bytes.ipp>
#endif
