#pragma once

#include <attune/document/path.hpp>

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <system_error>

namespace attune::inline ATTUNE_ABI {

namespace detail {

// One token of a JSON Pointer; `~1` is a slash, `~0` a tilde.
ATTUNE_DECL std::string unescape_token(std::string_view token) {
    std::string plain;
    plain.reserve(token.size());
    for (std::size_t i = 0; i < token.size(); ++i) {
        if (token[i] != '~') {
            plain += token[i];
            continue;
        }
        const char escaped = ++i < token.size() ? token[i] : '\0';
        if (escaped != '0' && escaped != '1') {
            throw std::invalid_argument(
                "expected \"~0\" or \"~1\" in a JSON Pointer, found another \"~\"");
        }
        plain += escaped == '0' ? '~' : '/';
    }
    return plain;
}

// Reads back as itself between dots, and can be told apart by eye.
ATTUNE_DECL bool is_plain_token(std::string_view token) noexcept {
    for (const char c : token) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte <= 0x20 || byte == 0x7F || c == '.' || c == '/' || c == '~' || c == '"') {
            return false;
        }
    }
    return !token.empty();
}

ATTUNE_DECL std::optional<std::size_t> element_index(std::string_view token) noexcept {
    if (token.empty() || (token.size() > 1 && token.front() == '0')) {
        return std::nullopt;
    }
    std::size_t index = 0;
    const char* const end = token.data() + token.size();
    const auto [stop, error] = std::from_chars(token.data(), end, index);
    if (error != std::errc() || stop != end) {
        return std::nullopt;
    }
    return index;
}

}  // namespace detail

ATTUNE_DECL Path::Path(std::string_view text) {
    if (text.empty()) {
        return;
    }
    const bool pointer = text.front() == '/';
    const char separator = pointer ? '/' : '.';
    if (pointer) {
        text.remove_prefix(1);
    }
    for (;;) {
        const std::size_t end = text.find(separator);
        const std::string_view token = text.substr(0, end);
        tokens_.push_back(pointer ? detail::unescape_token(token) : std::string(token));
        if (end == std::string_view::npos) {
            return;
        }
        text.remove_prefix(end + 1);
    }
}

ATTUNE_DECL Path Path::operator/(std::string_view token) const {
    Path path;
    path.tokens_.reserve(tokens_.size() + 1);
    path.tokens_ = tokens_;
    path.tokens_.emplace_back(token);
    return path;
}

ATTUNE_DECL Path Path::operator/(const Path& below) const {
    Path path;
    path.tokens_.reserve(tokens_.size() + below.tokens_.size());
    path.tokens_ = tokens_;
    path.tokens_.insert(path.tokens_.end(), below.tokens_.begin(), below.tokens_.end());
    return path;
}

ATTUNE_DECL Path Path::parent() const {
    if (tokens_.empty()) {
        return {};
    }
    return Path(std::vector<std::string>(tokens_.begin(), tokens_.end() - 1));
}

ATTUNE_DECL bool Path::starts_with(const Path& ancestor) const noexcept {
    return ancestor.size() <= size() &&
           std::equal(ancestor.tokens_.begin(), ancestor.tokens_.end(), tokens_.begin());
}

ATTUNE_DECL std::string Path::pointer() const {
    std::string text;
    for (const std::string& token : tokens_) {
        text += '/';
        for (const char c : token) {
            if (c == '~') {
                text += "~0";
            } else if (c == '/') {
                text += "~1";
            } else {
                text += c;
            }
        }
    }
    return text;
}

ATTUNE_DECL std::string to_string(const Path& path) {
    std::string text;
    for (const std::string& token : path.tokens()) {
        if (!detail::is_plain_token(token)) {
            return path.pointer();
        }
        if (!text.empty()) {
            text += '.';
        }
        text += token;
    }
    return text;
}

}  // namespace attune::inline ATTUNE_ABI
