#pragma once

#include <attune/document/difference.hpp>
#include <attune/document/merge.hpp>
#include <attune/document/reconcile.hpp>
#include <attune/store/layer_stack.hpp>

#include <algorithm>
#include <optional>
#include <span>
#include <string_view>

namespace attune::inline ATTUNE_ABI::detail {

/// What one layer has at one place, before and after; null where it has nothing.
struct LayerDelta {
    const Document* before;
    const Document* after;

    bool same() const noexcept {
        return before == after || (before != nullptr && after != nullptr && before->same(*after));
    }
};

inline std::vector<std::string_view> differing_keys(std::span<const LayerDelta> deltas) {
    std::vector<std::string_view> keys;
    for (const LayerDelta& delta : deltas) {
        if (delta.same()) {
            continue;
        }
        if (delta.before != nullptr && delta.after != nullptr) {
            for_each_difference(*delta.before, *delta.after,
                                [&](std::string_view key, const Document*, const Document*) {
                                    keys.push_back(key);
                                });
        } else {
            const Document& only = delta.before != nullptr ? *delta.before : *delta.after;
            for (const auto& member : only.members()) {
                keys.push_back(member.key);
            }
        }
    }
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    return keys;
}

/// The deltas of one member, kept in `room`. Those below a layer that masks them are left out: each
/// would be looked up in a document of its own.
inline std::span<const LayerDelta> deltas_at(std::string_view key,
                                             std::span<const LayerDelta> deltas,
                                             std::vector<LayerDelta>& room) {
    std::size_t first = deltas.size();
    while (first != 0) {
        const auto [before, after] = deltas[--first];
        LayerDelta& here = room[first];
        here.after = after != nullptr ? after->find(key) : nullptr;
        here.before = before == after     ? here.after
                      : before != nullptr ? before->find(key)
                                          : nullptr;
        if (here.after != nullptr && !here.after->is_object()) {
            break;
        }
    }
    return std::span{room}.subspan(first);
}

/// `merged` is what stood here before, null for nothing; so is the result.
inline std::optional<Document> remerge_at(const Document* merged,
                                          std::span<const LayerDelta> deltas) {
    const auto same = [](const LayerDelta& delta) { return delta.same(); };
    if (std::all_of(deltas.begin(), deltas.end(), same)) {
        return merged != nullptr ? std::optional{*merged} : std::nullopt;
    }
    const auto gone = [](const LayerDelta& delta) { return delta.after == nullptr; };
    if (std::all_of(deltas.begin(), deltas.end(), gone)) {
        return std::nullopt;
    }
    const auto object_or_nothing = [](const LayerDelta& delta) {
        return (delta.before == nullptr || delta.before->is_object()) &&
               (delta.after == nullptr || delta.after->is_object());
    };
    if (merged != nullptr && merged->is_object() &&
        std::all_of(deltas.begin(), deltas.end(), object_or_nothing)) {
        Document result = *merged;
        std::vector<LayerDelta> below(deltas.size());
        for (const std::string_view key : differing_keys(deltas)) {
            const std::span<const LayerDelta> relevant = deltas_at(key, deltas, below);
            const Document* const old = merged->find(key);
            std::optional<Document> fresh = remerge_at(old, relevant);
            if (!fresh) {
                if (old != nullptr) {
                    result = result.without(Path{} / key);
                }
            } else if (old == nullptr || !old->same(*fresh)) {
                result = result.with(Path{} / key, std::move(*fresh));
            }
        }
        return result;
    }
    std::optional<Document> folded;
    for (const LayerDelta& delta : deltas) {
        if (delta.after != nullptr) {
            folded = folded ? merge(*folded, *delta.after) : *delta.after;
        }
    }
    return merged != nullptr ? reconcile(*merged, *folded) : *folded;
}

ATTUNE_DECL Document remerge(const Document& merged, const LayerStack& before,
                             const LayerStack& after) {
    const auto contribution = [](const LayerContent& layer) {
        return layer.document.is_null() ? nullptr : &layer.document;
    };
    std::vector<LayerDelta> deltas;
    deltas.reserve(before.size() + after.size());
    for (const auto& layer : after) {
        const auto old = std::find_if(before.begin(), before.end(),
                                      [&](const auto& other) { return other->id == layer->id; });
        deltas.push_back({old != before.end() ? contribution(**old) : nullptr,
                          contribution(*layer)});
    }
    for (const auto& layer : before) {
        if (std::none_of(after.begin(), after.end(),
                         [&](const auto& other) { return other->id == layer->id; })) {
            deltas.push_back({contribution(*layer), nullptr});
        }
    }
    // Nothing configured reads as an empty object, so that every path is simply absent.
    return remerge_at(&merged, deltas).value_or(Document::object());
}

/// How far `path` leads into `document`.
struct Descent {
    const Document* value;  ///< null when the path ends before its last token
    std::size_t depth;      ///< tokens followed
    bool masks;             ///< something that is no object stands in the way
};

inline Descent descend(const Document& document, const Path& path) noexcept {
    const Document* value = &document;
    std::size_t depth = 0;
    for (const std::string& token : path.tokens()) {
        const Document* const next = value->find(Path{{token}});
        if (next == nullptr) {
            return {nullptr, depth, !value->is_object()};
        }
        value = next;
        ++depth;
    }
    return {value, depth, false};
}

ATTUNE_DECL const LayerContent* StackProvenance::winner(const Path& path) const noexcept {
    const LayerContent* nearest = nullptr;
    std::size_t nearest_depth = 0;
    for (auto layer = stack_.rbegin(); layer != stack_.rend(); ++layer) {
        if ((*layer)->document.is_null()) {
            continue;
        }
        const Descent found = descend((*layer)->document, path);
        if (found.value != nullptr || found.masks) {
            return layer->get();
        }
        // Where nobody has the value, the layer that comes nearest is where it belongs.
        if (nearest == nullptr || found.depth > nearest_depth) {
            nearest = layer->get();
            nearest_depth = found.depth;
        }
    }
    return nearest_depth != 0 || stack_.size() == 1 ? nearest : nullptr;
}

ATTUNE_DECL Origin StackProvenance::origin(const Path& path, Part part) const {
    const LayerContent* const layer = winner(path);
    if (layer == nullptr) {
        return {};
    }
    Origin origin = layer->source != nullptr ? layer->source->locate(path, part) : Origin{};
    origin.layer = layer->name;
    origin.revision = layer->content.revision;
    return origin;
}

ATTUNE_DECL UnknownKeys StackProvenance::unknown_keys(const Path& path) const {
    const LayerContent* const layer = winner(path);
    return layer != nullptr ? layer->unknown_keys : UnknownKeys::error;
}

}  // namespace attune::inline ATTUNE_ABI::detail
