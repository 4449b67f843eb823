#pragma once

#include <attune/net/url.hpp>

#include <algorithm>
#include <charconv>
#include <system_error>

#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>
#include <boost/url/url_view.hpp>

namespace attune::inline ATTUNE_ABI::net {

namespace detail {

/// The text, for an error: without what could be credentials, and short.
inline std::string shown_url(std::string_view text) {
    constexpr std::size_t longest = 200;
    const std::size_t scheme = text.find("//");
    const std::size_t begin = scheme == std::string_view::npos ? 0 : scheme + 2;
    const std::size_t at = text.rfind('@');
    std::string shown{text.substr(0, begin)};
    shown += at == std::string_view::npos || at < begin ? text.substr(begin) : text.substr(at + 1);
    if (const auto query = shown.find('?'); query != std::string::npos) {
        shown.replace(query, std::string::npos, "?...");
    }
    for (char& c : shown) {
        c = static_cast<unsigned char>(c) < ' ' || c == '\x7f' ? '?' : c;
    }
    return shown.size() > longest ? shown.substr(0, longest) + "..." : shown;
}

inline Url url_of(const boost::urls::url_view_base& parsed, std::string_view text) {
    const auto refuse = [&](const std::string& why) -> UrlError {
        return UrlError('"' + shown_url(text) + "\" " + why);
    };
    const auto scheme = parsed.scheme_id();
    if (scheme != boost::urls::scheme::http && scheme != boost::urls::scheme::https) {
        throw refuse("does not begin with http:// or https://");
    }
    Url url;
    url.tls = scheme == boost::urls::scheme::https;
    url.host = parsed.host_address();
    if (url.host.empty()) {
        throw refuse("names no host");
    }
    std::transform(url.host.begin(), url.host.end(), url.host.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    const auto plain = [](char c) { return static_cast<unsigned char>(c) > ' ' && c != '\x7f'; };
    if (!std::all_of(url.host.begin(), url.host.end(), plain)) {
        throw refuse("names a host with a blank or a control character");
    }
    url.port = url.tls ? 443 : 80;
    if (parsed.has_port() && !parsed.port().empty()) {
        // Not port_number(): Boost.URL 1.81 makes another number of one that is too large.
        const std::string digits = parsed.port();
        const char* const end = digits.data() + digits.size();
        const auto [stop, error] = std::from_chars(digits.data(), end, url.port);
        if (error != std::errc{} || stop != end || url.port == 0) {
            throw refuse("names a port that is not in [1, 65535]");
        }
    }
    if (const auto path = parsed.encoded_path(); !path.empty()) {
        url.path.assign(path.data(), path.size());
        if (url.path.front() != '/') {
            // Boost.URL 1.81 takes what follows a port that is no number for the path.
            throw refuse("names a port that is no number");
        }
    }
    if (parsed.has_query()) {
        const auto query = parsed.encoded_query();
        url.query.assign(1, '?').append(query.data(), query.size());
    }
    if (parsed.has_userinfo()) {
        url.credentials = parsed.user() + ':' + parsed.password();
    }
    return url;
}

}  // namespace detail

ATTUNE_DECL std::string Url::authority() const {
    std::string text = host.find(':') == std::string::npos ? host : '[' + host + ']';
    if (port != (tls ? 443 : 80)) {
        text += ':' + std::to_string(port);
    }
    return text;
}

ATTUNE_DECL Url parse_url(std::string_view text) {
    const auto parsed = boost::urls::parse_uri(boost::urls::string_view(text.data(), text.size()));
    if (!parsed) {
        throw UrlError('"' + detail::shown_url(text) +
                       "\" is no URL; write it like http://127.0.0.1:8080/v1/config");
    }
    return detail::url_of(*parsed, text);
}

ATTUNE_DECL Url resolve(const Url& base, std::string_view reference) {
    const auto relative = boost::urls::parse_uri_reference(
        boost::urls::string_view(reference.data(), reference.size()));
    const std::string base_text = base.origin() + base.target();
    const auto parsed_base = boost::urls::parse_uri(base_text);
    boost::urls::url whole;
    if (!relative || !parsed_base || !boost::urls::resolve(*parsed_base, *relative, whole)) {
        throw UrlError('"' + detail::shown_url(reference) + "\" is no URL");
    }
    Url url = detail::url_of(whole, reference);
    url.credentials.clear();
    return url;
}

}  // namespace attune::inline ATTUNE_ABI::net
