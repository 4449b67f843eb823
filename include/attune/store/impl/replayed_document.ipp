#pragma once

#include <attune/document/impl/node.hpp>
#include <attune/document/patch.hpp>
#include <attune/document/path.hpp>
#include <attune/store/detail/exact_patch.hpp>
#include <attune/store/detail/replayed_document.hpp>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL void ReplayedDocument::apply(const Document& patch) {
    constexpr std::size_t most_pending = 4096;
    const Document* const only = patch.size() == 1 ? patch.find(std::size_t{0}) : nullptr;
    const Document* const operation = only != nullptr ? only->find("op") : nullptr;
    const Document* const pointer = only != nullptr ? only->find("path") : nullptr;
    const Document* const value = only != nullptr ? only->find("value") : nullptr;
    const bool scalar = operation != nullptr && operation->is_string() &&
                        operation->as_string() == "replace" && pointer != nullptr &&
                        pointer->is_string() && pointer->as_string().starts_with('/') &&
                        value != nullptr && !is_container(*value) && only->find("as") == nullptr;
    if (!scalar) {
        document_ = apply_exact(now(), patch);
        return;
    }
    const auto [place, fresh] =
        places_.try_emplace(std::string(pointer->as_string()), pending_.size());
    if (!fresh) {
        pending_[place->second].second = *value;
        return;
    }
    pending_.emplace_back(place->first, *value);
    if (pending_.size() == most_pending) {
        (void)now();
    }
}

ATTUNE_DECL const Document& ReplayedDocument::now() {
    if (!pending_.empty()) {
        for (const auto& [pointer, value] : pending_) {
            const Path path(pointer);
            if (document_.find(path) == nullptr) {
                throw PatchError("replace " + pointer, 0, path, "there is nothing to replace");
            }
            document_ = document_.with(path, value);
        }
        forget_pending();
    }
    return document_;
}

}  // namespace attune::inline ATTUNE_ABI::detail
