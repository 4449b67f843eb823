#pragma once

#include <attune/bind/enum_names.hpp>

#include <cstdint>
#include <memory>
#include <string_view>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL const Enumerators& read_enumerators(std::string_view text, std::int64_t first) {
    auto found = std::make_unique<Enumerators>();
    for (std::int64_t value = first; !text.empty(); ++value) {
        const std::string_view name = enumerator_name(next_argument(text));
        if (!name.empty()) {
            found->push_back({name, value});
        }
    }
    return *found.release();
}

}  // namespace attune::inline ATTUNE_ABI::detail
