#pragma once

#include <attune/store/edit.hpp>

#include <attune/document/difference.hpp>
#include <attune/document/merge.hpp>
#include <attune/document/patch.hpp>

#include <string_view>
#include <vector>

namespace attune::inline ATTUNE_ABI {

ATTUNE_DECL VersionConflict::VersionConflict(Version expected, Version current)
    : std::runtime_error{"version " + std::to_string(expected) + " was expected, but version " +
                         std::to_string(current) +
                         " is current; read it, decide again, and try once more"},
      expected_(expected),
      current_(current) {}

ATTUNE_DECL void Edit::merge(const Document& patch) {
    overrides_ = merge_patch(overrides_.is_null() ? Document::object() : overrides_, patch);
}

namespace detail {

/// Places that a patch has changed: whole values, since layers replace arrays and scalars whole.
struct PatchedPlaces {
    std::vector<std::pair<Path, Document>> put;
    std::vector<Path> removed;
};

inline void find_patched(const Document& before, const Document& after, const Path& path,
                         PatchedPlaces& places) {
    for_each_difference(before, after,
                        [&](std::string_view key, const Document* old, const Document* fresh) {
                            const Path here = path / key;
                            if (fresh == nullptr) {
                                places.removed.push_back(here);
                            } else if (old != nullptr && old->is_object() && fresh->is_object()) {
                                find_patched(*old, *fresh, here, places);
                            } else if (old == nullptr || !(*old == *fresh)) {
                                places.put.emplace_back(here, *fresh);
                            }
                        });
}

}  // namespace detail

ATTUNE_DECL void Edit::patch(const Document& json_patch, const PatchOptions& options) {
    const Document before = document();
    const Document after = apply_patch(before, json_patch, options);
    if (!before.is_object() || !after.is_object()) {
        throw PatchError{"the patch", 0, {}, "the document of a store must stay an object"};
    }
    detail::PatchedPlaces places;
    detail::find_patched(before, after, {}, places);
    for (const auto& [path, value] : places.put) {
        overrides_ = overrides_.with(path, value);
    }
    for (const Path& path : places.removed) {
        overrides_ = overrides_.without(path);
    }
    // What a layer has as well is masked by an explicit null.
    const Document left = places.removed.empty() ? Document{} : document();
    for (const Path& path : places.removed) {
        if (left.find(path) != nullptr) {
            overrides_ = overrides_.with(path, nullptr);
        }
    }
}

}  // namespace attune::inline ATTUNE_ABI
