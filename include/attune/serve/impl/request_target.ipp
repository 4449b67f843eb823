#pragma once

#include <attune/serve/detail/request_target.hpp>

#include <algorithm>

namespace attune::inline ATTUNE_ABI::detail {

inline std::optional<std::string> percent_decoded(std::string_view text) {
    const auto digit = [](char c) {
        return c >= '0' && c <= '9'   ? c - '0'
               : c >= 'a' && c <= 'f' ? c - 'a' + 10
               : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                      : -1;
    };
    std::string plain;
    plain.reserve(text.size());
    for (std::size_t i = 0; i != text.size(); ++i) {
        if (text[i] != '%') {
            plain += text[i];
            continue;
        }
        if (text.size() - i < 3 || digit(text[i + 1]) < 0 || digit(text[i + 2]) < 0) {
            return std::nullopt;
        }
        plain += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
        i += 2;
    }
    return plain;
}

/// Without the scheme and the authority of a whole URL.
inline std::string_view origin_form(std::string_view target) noexcept {
    const std::size_t scheme = target.find("://");
    if (target.starts_with('/') || scheme == std::string_view::npos) {
        return target;
    }
    const std::size_t path = target.find('/', scheme + 3);
    return path == std::string_view::npos ? "/" : target.substr(path);
}

ATTUNE_DECL std::optional<RequestTarget> RequestTarget::parse(std::string_view target) {
    target = origin_form(target.substr(0, target.find('#')));
    if (!target.starts_with('/')) {
        return std::nullopt;
    }
    RequestTarget parsed;
    const std::size_t mark = std::min(target.find('?'), target.size());
    std::string_view query = target.substr(std::min(mark + 1, target.size()));
    std::string_view path = target.substr(1, mark - 1);
    for (;;) {
        const std::size_t end = path.find('/');
        auto segment = percent_decoded(path.substr(0, end));
        if (!segment) {
            return std::nullopt;
        }
        parsed.segments.push_back(std::move(*segment));
        if (end == std::string_view::npos) {
            break;
        }
        path.remove_prefix(end + 1);
    }
    while (!query.empty()) {
        const std::size_t end = std::min(query.find('&'), query.size());
        const std::string_view item = query.substr(0, end);
        const std::size_t equals = std::min(item.find('='), item.size());
        auto name = percent_decoded(item.substr(0, equals));
        auto value = percent_decoded(item.substr(std::min(equals + 1, item.size())));
        if (!name || !value) {
            return std::nullopt;
        }
        parsed.query.emplace_back(std::move(*name), std::move(*value));
        query.remove_prefix(std::min(end + 1, query.size()));
    }
    return parsed;
}

ATTUNE_DECL std::optional<std::string_view> RequestTarget::parameter(
    std::string_view name) const noexcept {
    const auto found = std::find_if(query.begin(), query.end(),
                                    [&](const auto& each) { return each.first == name; });
    return found == query.end() ? std::nullopt : std::optional<std::string_view>{found->second};
}

ATTUNE_DECL std::optional<Path> path_of_segments(std::span<const std::string> segments) {
    std::vector<std::string> tokens;
    tokens.reserve(segments.size());
    for (const std::string& segment : segments) {
        std::string token;
        token.reserve(segment.size());
        for (std::size_t i = 0; i != segment.size(); ++i) {
            if (segment[i] != '~') {
                token += segment[i];
                continue;
            }
            if (++i == segment.size() || (segment[i] != '0' && segment[i] != '1')) {
                return std::nullopt;
            }
            token += segment[i] == '0' ? '~' : '/';
        }
        tokens.push_back(std::move(token));
    }
    return Path{std::move(tokens)};
}

}  // namespace attune::inline ATTUNE_ABI::detail
