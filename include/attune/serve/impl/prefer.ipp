#pragma once

#include <attune/serve/detail/prefer.hpp>

#include <attune/net/http_message.hpp>
#include <attune/serve/detail/list_field.hpp>

#include <charconv>
#include <system_error>

namespace attune::inline ATTUNE_ABI::detail {

inline std::optional<std::uint32_t> delta_seconds(std::string_view text) noexcept {
    std::uint32_t seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (text.empty() || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return error == std::errc::result_out_of_range ? UINT32_MAX : seconds;
}

ATTUNE_DECL Preferences Preferences::parse(std::string_view field) {
    Preferences preferences;
    bool secrets_seen = false;
    bool wait_seen = false;
    while (!field.empty()) {
        std::string_view parameters = take_list_item(field, ',');
        std::string_view value = take_list_item(parameters, ';');
        const std::string_view name = take_list_item(value, '=');
        value = take_list_item(value, '=');
        if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
            value = value.substr(1, value.size() - 2);
        }
        if (net::same_token(name, "wait") && !wait_seen) {
            wait_seen = true;
            preferences.wait = delta_seconds(value);
        } else if (net::same_token(name, "secrets") && !secrets_seen) {
            secrets_seen = true;
            preferences.omit_secrets = value == "omit";
        }
    }
    return preferences;
}

}  // namespace attune::inline ATTUNE_ABI::detail
