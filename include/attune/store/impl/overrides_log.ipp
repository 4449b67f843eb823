#pragma once

#include <attune/store/overrides_log.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL void OverridesLog::note(const Document& before, const Document& after,
                                    const Path* within, Version version) {
    if (before.same(after)) {
        return;
    }
    Undo undo{version, {}, before};
    if (within != nullptr && before.is_object() && after.is_object()) {
        // Objects that were made on the way go again with what is in them.
        const Document* value = &before;
        std::size_t depth = 0;
        while (depth != within->size() && value != nullptr && value->is_object()) {
            value = value->find(within->tokens()[depth++]);
        }
        const auto end = within->tokens().begin() + static_cast<std::ptrdiff_t>(depth);
        undo.path = Path{std::vector<std::string>(within->tokens().begin(), end)};
        undo.value = value != nullptr ? std::optional{*value} : std::nullopt;
    }
    undos_.push_back(std::move(undo));
}

ATTUNE_DECL void OverridesLog::forget_before(Version oldest) {
    while (!undos_.empty() && undos_.front().version <= oldest) {
        first_ = std::max(first_, undos_.front().version);
        undos_.pop_front();
    }
}

ATTUNE_DECL std::optional<Document> OverridesLog::at(Version version, const Document& now) const {
    if (const auto kept = kept_.find(version); kept != kept_.end()) {
        return kept->second;
    }
    if (version < first_) {
        return std::nullopt;
    }
    Document set = now;
    for (auto undo = undos_.rbegin(); undo != undos_.rend() && undo->version > version; ++undo) {
        set = undo->value ? set.with(undo->path, *undo->value) : set.without(undo->path);
    }
    return set;
}

ATTUNE_DECL void OverridesLog::keep(Version version, const Document& now) {
    if (std::optional<Document> set = at(version, now)) {
        kept_.try_emplace(version, *std::move(set));
    }
}

}  // namespace attune::inline ATTUNE_ABI::detail
