#pragma once

#include <attune/bind/quantity.hpp>
#include <attune/version.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <ratio>
#include <string>
#include <string_view>
#include <type_traits>

// Durations as text: `250ms`, `1h30m`, `1.5s`, `-5s`, `0`. Numbers with a unit, from large units to
// small ones and without spaces; the units are d, h, m, s, ms, us, ns. A number without a unit is
// refused, since somebody would read it otherwise.

namespace attune::inline ATTUNE_ABI {

namespace detail {

enum class DurationFault : std::uint8_t {
    none,
    malformed,
    unknown_unit,
    inexact,   ///< not a whole number of ticks
    overflow,  ///< more ticks than 64 bits can count
};

/// Durations count ticks of so many nanoseconds. `count` becomes an integer.
ATTUNE_DECL DurationFault read_duration(std::string_view text, std::int64_t tick,
                                        Quantity& count) noexcept;

/// The same for durations that count in fractions: `count` is real, and rounded.
ATTUNE_DECL DurationFault read_real_duration(std::string_view text, std::int64_t tick,
                                             double& count) noexcept;

/// The text that reads back as the same count.
ATTUNE_DECL std::string write_duration(const Quantity& count, std::int64_t tick);

template <class D>
inline constexpr bool is_duration = false;

template <class Rep, class Period>
inline constexpr bool is_duration<std::chrono::duration<Rep, Period>> = true;

template <class D>
concept Duration = is_duration<D>;

/// Nanoseconds in one tick; 0 when that is no whole number or exceeds 64 bits.
template <class Period>
inline constexpr std::int64_t tick_of = [] {
    constexpr std::intmax_t per_second = 1'000'000'000;
    if (per_second % Period::den != 0 ||
        Period::num > std::numeric_limits<std::int64_t>::max() / (per_second / Period::den)) {
        return std::int64_t{0};
    }
    return std::int64_t{Period::num * (per_second / Period::den)};
}();

}  // namespace detail

/// `1h30m`, `250ms`, `0s`: exact for integral counts; a real count is in the unit of its type.
template <class Rep, class Period>
std::string to_text(const std::chrono::duration<Rep, Period>& duration) {
    if constexpr (std::is_floating_point_v<Rep>) {
        return detail::write_duration(static_cast<double>(duration.count()),
                                      detail::tick_of<Period>);
    } else {
        return detail::write_duration(duration.count(), detail::tick_of<Period>);
    }
}

/// Nothing when the text is not a duration, or not one that D can hold exactly.
template <detail::Duration D>
std::optional<D> parse_duration(std::string_view text) noexcept {
    using Rep = typename D::rep;
    constexpr std::int64_t tick = detail::tick_of<typename D::period>;
    if constexpr (std::is_floating_point_v<Rep>) {
        double count = 0;
        if (detail::read_real_duration(text, tick, count) != detail::DurationFault::none) {
            return std::nullopt;
        }
        return D(static_cast<Rep>(count));
    } else {
        detail::Quantity count;
        if (detail::read_duration(text, tick, count) != detail::DurationFault::none ||
            count < std::numeric_limits<Rep>::min() || count > std::numeric_limits<Rep>::max()) {
            return std::nullopt;
        }
        return D(static_cast<Rep>(count.bits()));
    }
}

}  // namespace attune::inline ATTUNE_ABI

#if ATTUNE_HEADER_ONLY
#include <attune/bind/impl/duration.ipp>
#endif
