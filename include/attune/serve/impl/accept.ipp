#pragma once

#include <attune/serve/detail/accept.hpp>

#include <attune/net/http_message.hpp>
#include <attune/serve/detail/list_field.hpp>

namespace attune::inline ATTUNE_ABI::detail {

/// `0.7` in thousandths; 1000 for what is no such number.
inline int quality(std::string_view text) noexcept {
    if (text.empty() || (text.front() != '0' && text.front() != '1')) {
        return 1000;
    }
    int value = (text.front() - '0') * 1000;
    int unit = 100;
    for (std::size_t i = 2; i < text.size() && unit != 0; ++i, unit /= 10) {
        if (text[i] < '0' || text[i] > '9') {
            return 1000;
        }
        value += (text[i] - '0') * unit;
    }
    return value < 1000 ? value : 1000;
}

/// How closely a range fits a type: 3 for the type itself, 1 for everything, 0 not at all.
inline int closeness(std::string_view range, std::string_view type) noexcept {
    const std::string_view family = type.substr(0, type.find('/') + 1);
    return net::same_token(range, type)                                                          ? 3
           : range.ends_with("/*") && net::same_token(range.substr(0, range.size() - 1), family) ? 2
           : range == "*/*"                                                                      ? 1
                            : 0;
}

ATTUNE_DECL std::size_t best_media_type(std::string_view accept,
                                        std::initializer_list<std::string_view> offered) {
    std::size_t best = 0;
    int best_quality = 0;
    std::size_t place = 0;
    for (const std::string_view type : offered) {
        int closest = 0;
        int wanted = 0;
        for (std::string_view list = accept; !list.empty();) {
            std::string_view parameters = take_list_item(list, ',');
            const int close = closeness(take_list_item(parameters, ';'), type);
            int value = 1000;
            while (!parameters.empty()) {
                std::string_view parameter = take_list_item(parameters, ';');
                if (net::same_token(take_list_item(parameter, '='), "q")) {
                    value = quality(parameter);
                }
            }
            if (close > closest) {
                closest = close;
                wanted = value;
            }
        }
        if (wanted > best_quality) {
            best_quality = wanted;
            best = place;
        }
        ++place;
    }
    return best;
}

ATTUNE_DECL bool is_media_type(std::string_view field, std::string_view type) noexcept {
    return net::same_token(take_list_item(field, ';'), type);
}

}  // namespace attune::inline ATTUNE_ABI::detail
