#pragma once

#include <attune/transport/detail/iso_time.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <system_error>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL std::string iso_time(std::chrono::system_clock::time_point time) {
    using namespace std::chrono;
    const auto whole = floor<microseconds>(time);
    const auto day = floor<days>(whole);
    const year_month_day date{day};
    const hh_mm_ss<microseconds> clock{whole - day};
    std::string text;
    const auto number = [&](std::int64_t value, std::size_t width, char end) {
        const std::string digits = std::to_string(value);
        text.append(width > digits.size() ? width - digits.size() : 0, '0');
        text += digits;
        text += end;
    };
    number(int{date.year()}, 4, '-');
    number(unsigned{date.month()}, 2, '-');
    number(unsigned{date.day()}, 2, 'T');
    number(clock.hours().count(), 2, ':');
    number(clock.minutes().count(), 2, ':');
    number(clock.seconds().count(), 2, '.');
    number(clock.subseconds().count(), 6, 'Z');
    return text;
}

ATTUNE_DECL std::optional<std::chrono::system_clock::time_point> iso_time(std::string_view text) {
    using namespace std::chrono;
    const auto number = [&](std::size_t digits, char end) -> std::optional<unsigned> {
        unsigned value = 0;
        const char* const last = text.data() + digits;
        if (text.size() <= digits || text[digits] != end) {
            return std::nullopt;
        }
        const auto [stop, error] = std::from_chars(text.data(), last, value);
        if (error != std::errc{} || stop != last) {
            return std::nullopt;
        }
        text.remove_prefix(digits + 1);
        return value;
    };
    constexpr std::size_t seconds_end = 19;  // of `2026-01-31T23:59:59`
    const bool fractional = text.size() > seconds_end && text[seconds_end] == '.';
    const auto y = number(4, '-');
    const auto mo = y ? number(2, '-') : std::nullopt;
    const auto d = mo ? number(2, 'T') : std::nullopt;
    const auto h = d ? number(2, ':') : std::nullopt;
    const auto mi = h ? number(2, ':') : std::nullopt;
    const auto s = mi ? number(2, fractional ? '.' : 'Z') : std::nullopt;
    if (!s || *h > 23 || *mi > 59 || *s > 60) {
        return std::nullopt;
    }
    const year_month_day date{year{static_cast<int>(*y)}, month{*mo}, day{*d}};
    if (!date.ok()) {
        return std::nullopt;
    }
    std::int64_t micros = 0;
    if (fractional) {
        if (text.size() < 2 || text.back() != 'Z') {
            return std::nullopt;
        }
        text.remove_suffix(1);
        constexpr std::size_t places = 6;
        for (std::size_t i = 0; i < std::max(text.size(), places); ++i) {
            const char c = i < text.size() ? text[i] : '0';
            if (c < '0' || c > '9') {
                return std::nullopt;
            }
            micros = i < places ? micros * 10 + (c - '0') : micros;
        }
    } else if (!text.empty()) {
        return std::nullopt;
    }
    return system_clock::time_point{sys_days{date}} +
           duration_cast<system_clock::duration>(hours{*h} + minutes{*mi} + seconds{*s} +
                                                 microseconds{micros});
}

}  // namespace attune::inline ATTUNE_ABI::detail
