#pragma once

#include <attune/net/http_server.hpp>
#include <attune/net/impl/http_head.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <utility>

namespace attune::inline ATTUNE_ABI::net {

namespace detail {

inline void append_number(std::string& out, std::size_t number) {
    std::array<char, 24> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    out.append(digits.data(), end);
}

// A line break in a value would end the field, and begin what the client takes for the next one.
inline void append_field(std::string& out, std::string_view name, std::string_view value) {
    out.append(name).append(": ");
    const std::size_t begin = out.size();
    out.append(value);
    constexpr std::string_view breaks{"\r\n\0", 3};
    if (value.find_first_of(breaks) != value.npos) {
        std::replace_if(
            out.begin() + static_cast<std::ptrdiff_t>(begin), out.end(),
            [&](char c) { return breaks.find(c) != breaks.npos; }, ' ');
    }
    out.append("\r\n");
}

inline bool is_for_server(std::string_view name) noexcept {
    return same_token(name, "Content-Length") || same_token(name, "Transfer-Encoding") ||
           same_token(name, "Connection");
}

ATTUNE_DECL void append_head(std::string& out, const HttpResponse& response,
                             const HttpHeadExtras& extras) {
    out.append("HTTP/1.1 ");
    append_number(out, response.status);
    out.append(" ").append(reason_phrase(response.status)).append("\r\n");
    for (const auto& [name, value] : response.fields) {
        if (!is_for_server(name)) {
            append_field(out, name, value);
        }
    }
    if (!extras.server.empty()) {
        append_field(out, "Server", extras.server);
    }
    if (!extras.date.empty()) {
        append_field(out, "Date", extras.date);
    }
    if (!extras.connection.empty()) {
        append_field(out, "Connection", extras.connection);
    }
    if (extras.framing == HttpFraming::length) {
        out.append("Content-Length: ");
        append_number(out, extras.length);
        out.append("\r\n");
    } else if (extras.framing == HttpFraming::chunked) {
        out.append("Transfer-Encoding: chunked\r\n");
    }
    out.append("\r\n");
}

ATTUNE_DECL std::string http_date(std::time_t second) {
    static constexpr std::array days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr std::array months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    std::tm utc{};
    gmtime_r(&second, &utc);
    std::string text;
    const auto two = [&](int number) {
        text += static_cast<char>('0' + number / 10);
        text += static_cast<char>('0' + number % 10);
    };
    // Not strftime: its names follow the locale.
    text.append(days.at(static_cast<std::size_t>(utc.tm_wday))).append(", ");
    two(utc.tm_mday);
    text.append(" ").append(months.at(static_cast<std::size_t>(utc.tm_mon))).append(" ");
    append_number(text, static_cast<std::size_t>(utc.tm_year) + 1900);
    text.append(" ");
    two(utc.tm_hour);
    text.append(":");
    two(utc.tm_min);
    text.append(":");
    two(utc.tm_sec);
    text.append(" GMT");
    return text;
}

ATTUNE_DECL std::string_view HttpDate::now() {
    const std::time_t second = std::time(nullptr);
    if (second != second_ || text_.empty()) {
        second_ = second;
        text_ = http_date(second);
    }
    return text_;
}

ATTUNE_DECL HttpResponse problem_response(unsigned status, std::string_view detail) {
    HttpResponse response;
    response.status = status;
    response.fields.add("Content-Type", "application/problem+json");
    response.body.append("{\"type\":\"about:blank\",\"title\":\"")
        .append(reason_phrase(status))
        .append("\",\"status\":");
    append_number(response.body, status);
    if (!detail.empty()) {
        response.body.append(",\"detail\":\"").append(detail).append("\"");
    }
    response.body.append("}\n");
    return response;
}

}  // namespace detail

ATTUNE_DECL std::shared_ptr<const std::string> make_wire(const HttpResponse& response,
                                                         std::chrono::system_clock::time_point now,
                                                         std::string_view server) {
    const bool body = detail::status_has_body(response.status);
    const std::string date = detail::http_date(std::chrono::system_clock::to_time_t(now));
    detail::HttpHeadExtras extras;
    extras.server = server;
    extras.date = date;
    extras.framing = body ? detail::HttpFraming::length : detail::HttpFraming::none;
    extras.length = response.body.size();
    std::string wire;
    wire.reserve(response.body.size() + 512);
    detail::append_head(wire, response, extras);
    if (body) {
        wire += response.body;
    }
    wire.shrink_to_fit();
    return std::make_shared<const std::string>(std::move(wire));
}

// RFC 9110, 15, and RFC 6585.

}  // namespace attune::inline ATTUNE_ABI::net
