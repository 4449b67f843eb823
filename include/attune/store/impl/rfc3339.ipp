#pragma once

#include <attune/store/detail/rfc3339.hpp>

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdio>
#include <system_error>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL std::string rfc3339(std::chrono::system_clock::time_point time) {
    using namespace std::chrono;
    const auto day = floor<days>(time);
    const year_month_day date(day);
    const hh_mm_ss<nanoseconds> clock(duration_cast<nanoseconds>(time - day));
    std::array<char, 64> buffer;
    int size =
        std::snprintf(buffer.data(), buffer.size(), "%04d-%02u-%02uT%02d:%02d:%02d",
                      static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                      static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                      static_cast<int>(clock.minutes().count()),
                      static_cast<int>(clock.seconds().count()));
    std::string text(buffer.data(), static_cast<std::size_t>(size));
    if (clock.subseconds().count() != 0) {
        size = std::snprintf(buffer.data(), buffer.size(), ".%09d",
                             static_cast<int>(clock.subseconds().count()));
        text.append(buffer.data(), static_cast<std::size_t>(size));
        text.erase(text.find_last_not_of('0') + 1);
    }
    return text + 'Z';
}

ATTUNE_DECL std::optional<std::chrono::system_clock::time_point> parse_rfc3339(
    std::string_view text) {
    using namespace std::chrono;
    const auto number = [&](std::size_t at, std::size_t digits) {
        int value = -1;
        const char* const begin = text.data() + at;
        const auto [end, error] = std::from_chars(begin, begin + digits, value);
        return error == std::errc() && end == begin + digits && *begin != '-' ? value : -1;
    };
    constexpr std::string_view form = "0000-00-00T00:00:00";
    if (text.size() <= form.size() || text.back() != 'Z') {
        return std::nullopt;
    }
    for (std::size_t i = 0; i != form.size(); ++i) {
        if (form[i] != '0' && text[i] != form[i]) {
            return std::nullopt;
        }
    }
    const year_month_day date(year(number(0, 4)), month(static_cast<unsigned>(number(5, 2))),
                              day(static_cast<unsigned>(number(8, 2))));
    const int hour = number(11, 2);
    const int minute = number(14, 2);
    const int second = number(17, 2);
    // What nanoseconds in 64 bits can count to.
    constexpr year first{1678};
    constexpr year last{2261};
    if (date.year() < first || date.year() > last || !date.ok() || hour < 0 || hour > 23 ||
        minute < 0 || minute > 59 || second < 0 || second > 59) {
        return std::nullopt;
    }
    nanoseconds fraction{0};
    if (const std::size_t digits = text.size() - form.size() - 2; text[form.size()] == '.') {
        if (digits == 0 || digits > 9 || number(form.size() + 1, digits) < 0) {
            return std::nullopt;
        }
        fraction = nanoseconds(number(form.size() + 1, digits));
        for (std::size_t i = digits; i != 9; ++i) {
            fraction *= 10;
        }
    } else if (text.size() != form.size() + 1) {
        return std::nullopt;
    }
    const auto whole = sys_days(date) + hours(hour) + minutes(minute) + seconds(second);
    return system_clock::time_point(duration_cast<system_clock::duration>(whole.time_since_epoch() +
                                                                          fraction));
}

}  // namespace attune::inline ATTUNE_ABI::detail
