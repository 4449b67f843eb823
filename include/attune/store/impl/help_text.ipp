#pragma once

#include <attune/bind/spelling.hpp>
#include <attune/store/help_text.hpp>

#include <algorithm>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL std::string Spellings::of(const Path& path, const Type& type) const {
    std::string list;
    const auto also = [&list](const std::string& spelling) {
        list += (list.empty() ? "" : ", ") + spelling;
    };
    const bool map = type.shape == Shape::map;
    if (options) {
        const std::string name = to_string(path);
        also("--" + name);
        if (type.shape == Shape::boolean) {
            also("--no-" + name);
        } else if (map) {
            also("--" + name + ".<key>");
        }
    }
    for (const std::string& prefix : variable_prefixes) {
        const std::string name = prefix + variable_name(path);
        also(name);
        if (map) {
            also(name + "_<KEY>");
        }
    }
    return list;
}

ATTUNE_DECL std::vector<std::string> wrapped(std::string_view words, std::size_t width) {
    std::vector<std::string> lines;
    while (!words.empty()) {
        const std::size_t end = std::min(words.find_first_of(" \t\r\n"), words.size());
        const std::string_view word = words.substr(0, end);
        words.remove_prefix(std::min(end + 1, words.size()));
        if (word.empty()) {
            continue;
        }
        if (lines.empty() || lines.back().size() + 1 + word.size() > width) {
            lines.emplace_back(word);
        } else {
            lines.back().append(1, ' ').append(word);
        }
    }
    return lines;
}

}  // namespace attune::inline ATTUNE_ABI::detail
