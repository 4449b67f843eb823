#pragma once

#include <attune/serve/detail/access_list.hpp>

#include <attune/net/http_message.hpp>

#include <algorithm>
#include <cstddef>
#include <stdexcept>

#include <openssl/crypto.h>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL bool AccessRights::covers(const Path& path) const noexcept {
    return whole() || std::any_of(paths.begin(), paths.end(),
                                  [&](const Path& place) { return path.starts_with(place); });
}

ATTUNE_DECL AccessList::AccessList(const std::vector<AccessToken>& tokens) {
    for (const AccessToken& each : tokens) {
        if (each.token.empty()) {
            throw std::invalid_argument{
                "the access token \"" + each.name +
                "\" is empty, which everybody could send; make one by `openssl rand -base64 32`"};
        }
        if (find(each.token) != nullptr) {
            throw std::invalid_argument{"the access token \"" + each.name +
                                        "\" is the same as another one; make one for each"};
        }
        entries_.push_back({.hash = sha256_.of(each.token),
                            .rights = {.name = each.name,
                                       .read = each.read,
                                       .write = each.write,
                                       .admin = each.admin,
                                       .secrets = each.secrets,
                                       .paths = each.paths}});
    }
}

ATTUNE_DECL const AccessRights* AccessList::find(std::string_view token) {
    const Hash hash = sha256_.of(token);
    const AccessRights* found = nullptr;
    for (const Entry& entry : entries_) {
        const bool equal = CRYPTO_memcmp(entry.hash.data(), hash.data(), hash.size()) == 0;
        found = equal ? &entry.rights : found;
    }
    return found;
}

ATTUNE_DECL std::optional<std::string_view> bearer_token(std::string_view field) noexcept {
    const std::size_t space = field.find(' ');
    if (space == std::string_view::npos || !net::same_token(field.substr(0, space), "Bearer")) {
        return std::nullopt;
    }
    field.remove_prefix(std::min(field.find_first_not_of(' ', space), field.size()));
    return field;
}

/// `name:port` or `[address]:port` without the port and the brackets.
inline std::string_view host_name(std::string_view field) noexcept {
    if (field.starts_with('[')) {
        const std::size_t end = field.find(']');
        return end == std::string_view::npos ? field : field.substr(1, end - 1);
    }
    return field.substr(0, field.find(':'));
}

/// Is it an IPv4 address in 127.0.0.0/8?
inline bool loopback_address(std::string_view host) noexcept {
    std::size_t dots = 0;
    for (const char c : host) {
        if (c == '.') {
            ++dots;
        } else if (c < '0' || c > '9') {
            return false;
        }
    }
    return dots == 3 && host.starts_with("127.");
}

ATTUNE_DECL bool local_host(std::string_view field, const std::vector<std::string>& allowed) {
    const std::string_view host = host_name(field);
    return net::same_token(host, "localhost") || host == "::1" || loopback_address(host) ||
           std::any_of(allowed.begin(), allowed.end(),
                       [&](const std::string& each) { return net::same_token(host, each); });
}

}  // namespace attune::inline ATTUNE_ABI::detail
