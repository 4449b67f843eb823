#pragma once

#include <attune/net/http_message.hpp>

#include <algorithm>

namespace attune::inline ATTUNE_ABI::net {

ATTUNE_DECL bool same_token(std::string_view a, std::string_view b) noexcept {
    const auto lower = [](char c) noexcept {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    };
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [&](char x, char y) { return lower(x) == lower(y); });
}

ATTUNE_DECL std::optional<std::string_view> HttpFields::find(std::string_view name) const noexcept {
    for (const Field& field : fields_) {
        if (same_token(field.first, name)) {
            return field.second;
        }
    }
    return std::nullopt;
}

ATTUNE_DECL std::string HttpFields::joined(std::string_view name) const {
    std::string all;
    bool is_first = true;
    for (const Field& field : fields_) {
        if (same_token(field.first, name)) {
            all += is_first ? "" : ", ";
            all += field.second;
            is_first = false;
        }
    }
    return all;
}

ATTUNE_DECL void HttpFields::set(std::string_view name, std::string value) {
    std::erase_if(fields_, [&](const Field& field) { return same_token(field.first, name); });
    fields_.emplace_back(name, std::move(value));
}

ATTUNE_DECL std::string_view reason_phrase(unsigned status) noexcept {
    switch (status) {
    case 100: return "Continue";
    case 101: return "Switching Protocols";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 203: return "Non-Authoritative Information";
    case 204: return "No Content";
    case 205: return "Reset Content";
    case 206: return "Partial Content";
    case 300: return "Multiple Choices";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 402: return "Payment Required";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 407: return "Proxy Authentication Required";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 426: return "Upgrade Required";
    case 428: return "Precondition Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return {};
    }
}

}  // namespace attune::inline ATTUNE_ABI::net
