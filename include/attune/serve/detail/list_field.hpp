#pragma once

#include <attune/version.hpp>

#include <cstddef>
#include <string_view>

namespace attune::inline ATTUNE_ABI::detail {

/// Takes what stands before the next `separator` outside of quotes off the front of a list.
inline std::string_view take_list_item(std::string_view& list, char separator) noexcept {
    bool quoted = false;
    std::size_t end = 0;
    for (; end != list.size() && (quoted || list[end] != separator); ++end) {
        if (list[end] == '"') {
            quoted = !quoted;
        } else if (quoted && list[end] == '\\' && end + 1 != list.size()) {
            ++end;
        }
    }
    std::string_view item = list.substr(0, end);
    list.remove_prefix(end == list.size() ? end : end + 1);
    while (!item.empty() && (item.front() == ' ' || item.front() == '\t')) {
        item.remove_prefix(1);
    }
    while (!item.empty() && (item.back() == ' ' || item.back() == '\t')) {
        item.remove_suffix(1);
    }
    return item;
}

}  // namespace attune::inline ATTUNE_ABI::detail
