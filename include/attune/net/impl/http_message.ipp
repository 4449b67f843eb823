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

}  // namespace attune::inline ATTUNE_ABI::net
