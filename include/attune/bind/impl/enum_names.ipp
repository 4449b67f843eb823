#pragma once

#include <attune/bind/enum_names.hpp>

#include <cstdint>
#include <string_view>
#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL const Enumerators& read_enumerators(std::string_view text, std::int64_t first) {
    Enumerators found;
    for (std::int64_t value = first; !text.empty(); ++value) {
        const std::string_view name = enumerator_name(next_argument(text));
        if (!name.empty()) {
            found.push_back({name, value});
        }
    }
    return *new Enumerators(std::move(found));
}

}  // namespace attune::inline ATTUNE_ABI::detail
