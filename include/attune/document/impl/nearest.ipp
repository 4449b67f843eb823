#pragma once

#include <attune/document/nearest.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI {

namespace detail {

ATTUNE_DECL char lower_case(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Optimal string alignment, three rows of the table at a time.
ATTUNE_DECL std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before_last(b.size() + 1);
    std::vector<std::size_t> last(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) {
        row[j] = j;
    }

    const auto equal = [&](std::size_t i, std::size_t j) {
        return lower_case(a[i]) == lower_case(b[j]);
    };
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::swap(before_last, last);
        std::swap(last, row);
        row[0] = i + 1;
        for (std::size_t j = 0; j < b.size(); ++j) {
            row[j + 1] = std::min({last[j] + (equal(i, j) ? 0 : 1), last[j + 1] + 1, row[j] + 1});
            if (i > 0 && j > 0 && equal(i, j - 1) && equal(i - 1, j)) {
                row[j + 1] = std::min(row[j + 1], before_last[j - 1] + 1);
            }
        }
    }
    return row[b.size()];
}

}  // namespace detail

ATTUNE_DECL std::string nearest(std::string_view word, std::span<const std::string_view> names) {
    const std::size_t limit = std::max<std::size_t>(1, word.size() / 3);
    std::size_t best = limit + 1;
    std::string_view found;
    for (const std::string_view name : names) {
        const std::size_t longer = std::max(word.size(), name.size());
        const std::size_t shorter = std::min(word.size(), name.size());
        if (longer - shorter >= best) {
            continue;
        }
        const std::size_t distance = detail::edit_distance(word, name);
        // Where every letter would have to change, nothing is alike.
        if (distance < best && distance < longer) {
            best = distance;
            found = name;
        }
    }
    return std::string(found);
}

}  // namespace attune::inline ATTUNE_ABI
