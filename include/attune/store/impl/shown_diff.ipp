#pragma once

#include <attune/store/detail/shown_diff.hpp>

#include <attune/document/difference.hpp>
#include <attune/document/patch.hpp>
#include <attune/document/text.hpp>

#include <cstddef>
#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL Document shown_patch(const Document& before, const Document& after,
                                 const ShowValue& show) {
    const Document patch = make_patch(before, after);
    Document shown = patch;
    for (std::size_t i = 0; i != patch.size(); ++i) {
        const Document& operation = *patch.find(i);
        if (const Document* const value = operation.find("value")) {
            Document safe = show(*value, Path{operation.find("path")->as_string()});
            if (!safe.same(*value)) {
                shown = shown.with(Path{{std::to_string(i), "value"}}, std::move(safe));
            }
        }
    }
    return shown;
}

ATTUNE_DECL std::string shown_changes(const Document& before, const Document& after,
                                      const ShowValue& show) {
    const auto shown = [&](const Document* value, const Path& path) -> std::string {
        return value == nullptr ? "nothing" : to_text(show(*value, path));
    };
    std::string text;
    for (const Path& path : changed_paths(before, after)) {
        text += path.empty() ? "(everything)" : to_string(path);
        text += ": " + shown(before.find(path), path) + " -> " + shown(after.find(path), path);
        text += '\n';
    }
    return text;
}

}  // namespace attune::inline ATTUNE_ABI::detail
