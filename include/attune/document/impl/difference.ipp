#pragma once

#include <attune/document/difference.hpp>
#include <attune/document/impl/walk.hpp>

#include <string>
#include <vector>

namespace attune::inline ATTUNE_ABI {

namespace detail {

// Both are objects, or arrays of one length: whatever differs does so further down.
ATTUNE_DECL bool differ_inside(const Document* before, const Document* after) noexcept {
    if (!before || !after) {
        return false;
    }
    if (before->is_object()) {
        return after->is_object();
    }
    return before->is_array() && after->is_array() && before->size() == after->size();
}

}  // namespace detail

ATTUNE_DECL std::vector<Path> changed_paths(const Document& before, const Document& after) {
    if (before.same(after)) {
        return {};
    }
    if (!detail::differ_inside(&before, &after)) {
        return before == after ? std::vector<Path>{} : std::vector<Path>{Path()};
    }
    std::vector<Path> paths;
    std::vector<std::string> tokens;
    std::vector<detail::ChangedEntries> open;
    open.emplace_back(before, after);
    while (!open.empty()) {
        detail::ChangedEntries& entries = open.back();
        tokens.resize(open.size() - 1);
        if (!entries.next()) {
            open.pop_back();
            continue;
        }
        const Document* const old = entries.before();
        const Document* const fresh = entries.after();
        tokens.push_back(entries.token());
        if (detail::differ_inside(old, fresh)) {
            open.emplace_back(*old, *fresh);
        } else if (!old || !fresh || !(*old == *fresh)) {
            paths.emplace_back(tokens);
        }
    }
    return paths;
}

ATTUNE_DECL std::vector<Path> changed_paths(const Document& before, const Document& after,
                                            const Path& within) {
    const Document* old = &before;
    const Document* fresh = &after;
    std::size_t depth = 0;
    while (depth != within.size() && old && fresh && old->is_object() && fresh->is_object()) {
        const std::string& token = within.tokens()[depth++];
        old = old->find(token);
        fresh = fresh->find(token);
    }
    if (depth == within.size() && old && fresh && !detail::differ_inside(old, fresh)) {
        return *old == *fresh ? std::vector<Path>{} : std::vector<Path>{within};
    }
    const auto at = [&](const Path& below) {
        std::vector<std::string> tokens{
            within.tokens().begin(), within.tokens().begin() + static_cast<std::ptrdiff_t>(depth)};
        tokens.insert(tokens.end(), below.tokens().begin(), below.tokens().end());
        return Path{std::move(tokens)};
    };
    std::vector<Path> paths;
    if (old && fresh) {
        for (const Path& below : changed_paths(*old, *fresh)) {
            paths.push_back(at(below));
        }
    } else if (old || fresh) {
        paths.push_back(at({}));
    }
    return paths;
}

}  // namespace attune::inline ATTUNE_ABI
