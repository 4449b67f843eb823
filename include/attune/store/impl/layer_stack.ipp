#pragma once

#include <attune/document/difference.hpp>
#include <attune/document/impl/search.hpp>
#include <attune/document/merge.hpp>
#include <attune/document/reconcile.hpp>
#include <attune/store/layer_stack.hpp>

#include <algorithm>
#include <optional>
#include <span>
#include <string_view>

namespace attune::inline ATTUNE_ABI::detail {

/// What each layer has at one place, before and after.
using LayerDeltas = std::span<const Delta>;

inline std::vector<std::string_view> differing_keys(LayerDeltas deltas) {
    std::vector<std::string_view> keys;
    for (const Delta& delta : deltas) {
        if (delta.same()) {
            continue;
        }
        if (delta.before != nullptr && delta.after != nullptr) {
            for (Differences difference(*delta.before, *delta.after); difference.next();) {
                keys.push_back(difference.key());
            }
        } else {
            const Document& only = delta.before != nullptr ? *delta.before : *delta.after;
            for (const auto& member : only.members()) {
                keys.push_back(member.key);
            }
        }
    }
    std::sort(keys.begin(), keys.end());
    std::size_t kept = 0;
    for (const std::string_view key : keys) {
        if (kept == 0 || key != keys[kept - 1]) {
            keys[kept++] = key;
        }
    }
    keys.resize(kept);
    return keys;
}

/// The deltas of one member, kept in `room`. Those below a layer that masks them are left out: each
/// would be looked up in a document of its own.
inline LayerDeltas deltas_at(std::string_view key, LayerDeltas deltas, std::vector<Delta>& room) {
    std::size_t first = deltas.size();
    while (first != 0) {
        const auto [before, after] = deltas[--first];
        Delta& here = room[first];
        here.after = after != nullptr ? after->find(key) : nullptr;
        here.before = before == after     ? here.after
                      : before != nullptr ? before->find(key)
                                          : nullptr;
        if (here.after != nullptr && !here.after->is_object()) {
            break;
        }
    }
    return LayerDeltas{room}.subspan(first);
}

/// The only layer that has, or had, anything here; null when there are several.
inline const Delta* only_one(LayerDeltas deltas) noexcept {
    const Delta* found = nullptr;
    for (const Delta& delta : deltas) {
        if (delta.before != nullptr || delta.after != nullptr) {
            if (found != nullptr) {
                return nullptr;
            }
            found = &delta;
        }
    }
    return found;
}

/// `merged` is what stood here before, null for nothing; so is the result.
inline std::optional<Document> remerge_at(const Document* merged, LayerDeltas deltas) {
    bool same = true;
    bool gone = true;
    bool objects = merged != nullptr && merged->is_object();
    for (const Delta& delta : deltas) {
        same = same && delta.same();
        gone = gone && delta.after == nullptr;
        objects = objects && (delta.before == nullptr || delta.before->is_object()) &&
                  (delta.after == nullptr || delta.after->is_object());
    }
    if (same) {
        return merged != nullptr ? std::optional{*merged} : std::nullopt;
    }
    if (gone) {
        return std::nullopt;
    }
    if (const Delta* const only = only_one(deltas);
        only != nullptr &&
        (only->before != nullptr ? merged != nullptr && merged->same(*only->before)
                                 : merged == nullptr)) {
        return *only->after;  // shared with the layer, as it was before
    }
    if (objects) {
        Document result = *merged;
        std::vector<Delta> below(deltas.size());
        for (const std::string_view key : differing_keys(deltas)) {
            const LayerDeltas relevant = deltas_at(key, deltas, below);
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
    for (const Delta& delta : deltas) {
        if (delta.after != nullptr) {
            folded = folded ? merge(*folded, *delta.after) : *delta.after;
        }
    }
    return merged != nullptr ? reconcile(*merged, *folded) : *folded;
}

/// `below` with the hold's value from the token `depth` of its path on; null and nothing stand for
/// nothing.
inline std::optional<Document> held(const Document* below, const Hold& hold,
                                    std::size_t depth = 0) {
    if (depth == hold.path.size()) {
        return hold.value;
    }
    const bool is_object = below != nullptr && below->is_object();
    if (!hold.value && !is_object) {
        return below != nullptr ? std::optional{*below} : std::nullopt;
    }
    const Document object = is_object ? *below : Document::object();
    const std::string& token = hold.path.tokens()[depth];
    std::optional<Document> value = held(object.find(token), hold, depth + 1);
    const Path here = Path{} / token;  // whatever is in it
    return value ? object.with(here, *std::move(value)) : object.without(here);
}

/// The stack as plain layers: those with holds and all that lies below become one.
inline LayerStack without_holds(const LayerStack& stack) {
    const auto last = std::find_if(stack.rbegin(), stack.rend(),
                                   [](const auto& layer) { return !layer->holds.empty(); });
    if (last == stack.rend()) {
        return stack;
    }
    std::optional<Document> merged;
    for (auto layer = stack.begin(); layer != last.base(); ++layer) {
        const Document& document = (*layer)->document;
        if (!document.is_null()) {
            merged = merged ? merge(*merged, document) : document;
        }
        for (const Hold& hold : (*layer)->holds) {
            merged = held(merged ? &*merged : nullptr, hold);
        }
    }
    auto plain = std::make_shared<LayerContent>();
    plain->id = (*last)->id;
    plain->document = merged.value_or(Document{});
    LayerStack result{std::move(plain)};
    result.insert(result.end(), last.base(), stack.end());
    return result;
}

inline Document remerge_plain(const Document& merged, const LayerStack& before,
                              const LayerStack& after) {
    const auto contribution = [](const LayerContent& layer) {
        return layer.document.is_null() ? nullptr : &layer.document;
    };
    const auto find = [](const LayerStack& stack, std::uint64_t id) -> const LayerContent* {
        for (const auto& layer : stack) {
            if (layer->id == id) {
                return layer.get();
            }
        }
        return nullptr;
    };
    std::vector<Delta> deltas;
    deltas.reserve(before.size() + after.size());
    for (const auto& layer : after) {
        const LayerContent* const old = find(before, layer->id);
        deltas.push_back({old != nullptr ? contribution(*old) : nullptr, contribution(*layer)});
    }
    for (const auto& layer : before) {
        if (find(after, layer->id) == nullptr) {
            deltas.push_back({contribution(*layer), nullptr});
        }
    }
    // Nothing configured reads as an empty object, so that every path is simply absent.
    const Document* const present = merged.is_object() && merged.size() == 0 ? nullptr : &merged;
    return remerge_at(present, deltas).value_or(Document::object());
}

ATTUNE_DECL Document remerge(const Document& merged, const LayerStack& before,
                             const LayerStack& after) {
    const auto holds = [](const LayerStack& stack) {
        return std::any_of(stack.begin(), stack.end(),
                           [](const auto& layer) { return !layer->holds.empty(); });
    };
    return holds(before) || holds(after)
               ? remerge_plain(merged, without_holds(before), without_holds(after))
               : remerge_plain(merged, before, after);
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
        const Document* const next = child(*value, token);
        if (next == nullptr) {
            return {nullptr, depth, !value->is_object()};
        }
        value = next;
        ++depth;
    }
    return {value, depth, false};
}

/// The hold that decides what is at `path`, or null.
inline const Hold* hold_at(const LayerContent& layer, const Path& path) noexcept {
    for (std::size_t i = layer.holds.size(); i-- != 0;) {
        if (path.starts_with(layer.holds[i].path)) {
            return &layer.holds[i];
        }
    }
    return nullptr;
}

ATTUNE_DECL std::optional<Document> held_below(const LayerContent& layer, const Path& path) {
    std::optional<Document> part;
    for (const Hold& hold : layer.holds) {
        if (hold.path.size() > path.size() && hold.path.starts_with(path)) {
            part = held(part ? &*part : nullptr, hold);
        }
    }
    const Document* const value = part ? part->find(path) : nullptr;
    return value != nullptr ? std::optional{*value} : std::nullopt;
}

ATTUNE_DECL Say say_of(const LayerContent& layer, const Path& path) noexcept {
    if (const Hold* const hold = hold_at(layer, path)) {
        const Document* value = hold->value ? &*hold->value : nullptr;
        for (std::size_t i = hold->path.size(); value != nullptr && i != path.size(); ++i) {
            value = child(*value, path.tokens()[i]);
        }
        return {value, true};
    }
    if (layer.document.is_null()) {
        return {};
    }
    const Descent found = descend(layer.document, path);
    return {found.value, found.masks || (found.value != nullptr && !found.value->is_object())};
}

ATTUNE_DECL const LayerContent* StackProvenance::winner(const Path& path) const noexcept {
    const LayerContent* nearest = nullptr;
    std::size_t nearest_depth = 0;
    for (std::size_t i = stack_.size(); i-- > 0;) {
        const LayerContent* const layer = stack_[i].get();
        if (hold_at(*layer, path) != nullptr) {
            return layer;
        }
        if (layer->document.is_null()) {
            continue;
        }
        const Descent found = descend(layer->document, path);
        if (found.value != nullptr || found.masks) {
            return layer;
        }
        // Where nobody has the value, the layer that comes nearest is where it belongs.
        if (nearest == nullptr || found.depth > nearest_depth) {
            nearest = layer;
            nearest_depth = found.depth;
        }
    }
    return nearest_depth != 0 || stack_.size() == 1 ? nearest : nullptr;
}

ATTUNE_DECL Document overrides_in(const LayerStack& stack) {
    Document before;
    Document set;
    for (const auto& layer : stack) {
        for (const Hold& hold : layer->holds) {
            const Document object = before.is_null() ? Document::object() : before;
            before = hold.path.empty() ? hold.overrides.value_or(Document{})
                     : hold.overrides  ? object.with(hold.path, *hold.overrides)
                                       : before.without(hold.path);
        }
        if (layer->rank == Rank::overrides) {
            set = layer->document;
        }
    }
    return before.is_null() ? set : set.is_null() ? before : merge(before, set);
}

ATTUNE_DECL Origin origin_in(const LayerContent& layer, const Path& path, Part part) {
    Origin origin = layer.source != nullptr ? layer.source->locate(path, part) : Origin{};
    if (const Hold* const hold = hold_at(layer, path)) {
        origin.source = layer.rank == Rank::restored ? "journal, version " : "rollback to version ";
        origin.source += std::to_string(hold->version);
    }
    origin.layer = layer.name;
    origin.revision = layer.content.revision;
    return origin;
}

ATTUNE_DECL Origin StackProvenance::origin(const Path& path, Part part) const {
    const LayerContent* const layer = winner(path);
    if (layer == nullptr) {
        return {};
    }
    return origin_in(*layer, path, part);
}

ATTUNE_DECL UnknownKeys StackProvenance::unknown_keys(const Path& path) const {
    const LayerContent* const layer = winner(path);
    return layer != nullptr ? layer->unknown_keys : UnknownKeys::error;
}

}  // namespace attune::inline ATTUNE_ABI::detail
