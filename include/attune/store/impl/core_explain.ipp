#pragma once

#include <attune/store/impl/core_state.hpp>

#include <attune/bind/fallback.hpp>
#include <attune/bind/secrecy.hpp>

#include <algorithm>
#include <span>
#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

/// The newest retained version that changed what is at `path`; 0 when that was longer ago.
inline Version changed_since(const FrameChain& chain, const Path& path) {
    Version found = 0;
    chain.visit_history([&](const Frame& frame) {
        const auto& changed = frame.changed();
        const bool here = std::any_of(changed.begin(), changed.end(), [&](const Path& other) {
            return path.starts_with(other) || other.starts_with(path);
        });
        found = here ? frame.version : 0;
        return !here;
    });
    return found;
}

ATTUNE_DECL std::optional<Document> Core::State::fallback_of(const Path& path) const {
    for (const BoundNode* const node : index.around(path)) {
        if (!path.starts_with(node->path)) {
            continue;
        }
        const Type& type = node->bound_kind.type();
        const CellPtr cell = type.shape == Shape::structure ? CellPtr{} : node->bound_kind.make();
        const void* const object =
            cell.get() != nullptr ? node->bound_kind.object(*cell.get()) : nullptr;
        if (auto fallback =
                fallback_at(type, object, std::span{path.tokens()}.subspan(node->path.size()))) {
            return fallback;
        }
    }
    return std::nullopt;
}

ATTUNE_DECL Explanation Core::State::explain(const FrameChain& chain, const Path& path) const {
    const Document& document = chain.current()->document;
    const std::vector<Bound> roots = bound_roots(index.around(path));
    Explanation explanation{.path = path};
    const auto masked = [&](const Document& value) { return mask_secrets(value, path, roots); };
    if (const Document* const value = document.find(path)) {
        explanation.value = masked(*value);
        explanation.secret = !explanation.value->same(*value) || is_secret(path, roots);
        explanation.since = changed_since(chain, path);
    }
    bool decided = false;
    for (std::size_t i = stack.size(); i-- != 0;) {
        const LayerContent& layer = *stack[i];
        const Say say = say_of(layer, path);
        const std::optional<Document> part = held_below(layer, path);
        if (const Document* const value = part ? &*part : say.value) {
            using Fate = attune::Candidate::Fate;
            explanation.candidates.push_back({.fate = decided ? Fate::shadowed
                                                      : explanation.candidates.empty()
                                                          ? Fate::wins
                                                          : Fate::merged,
                                              .origin = origin_in(layer, path, Part::value),
                                              .value = masked(*value)});
        }
        decided = decided || say.decides;
    }
    explanation.fallback = fallback_of(path);
    return explanation;
}

ATTUNE_DECL Explanation Core::explain(const Path& path) const {
    const OpenLock lock{*state_};
    return state_->explain(*chain_, path);
}

ATTUNE_DECL Explanation Core::State::explain(const FrameChain& chain, const GraphNode& node) const {
    if (node.height == 0) {
        return explain(chain, static_cast<const BoundNode&>(node).path);
    }
    Explanation explanation;
    explanation.derived = node.name();
    const EdgeList& inputs = static_cast<const DerivedNode&>(node).inputs;
    for (std::size_t i = 0; i != inputs.size(); ++i) {
        explanation.inputs.push_back(explain(chain, inputs.input(i)));
    }
    return explanation;
}

ATTUNE_DECL Explanation Core::explain(const GraphNode& node) const {
    const OpenLock lock{*state_};
    return state_->explain(*chain_, node);
}

/// The paths of all values that are no objects, and of empty objects.
inline void collect_leaves(const Document& document, const Path& path, std::vector<Path>& leaves) {
    if (!document.is_object() || document.size() == 0) {
        leaves.push_back(path);
        return;
    }
    for (const auto& member : document.members()) {
        collect_leaves(member.value, path / member.key, leaves);
    }
}

ATTUNE_DECL std::vector<Explanation> Core::explain() const {
    const OpenLock lock{*state_};
    std::vector<Path> leaves;
    collect_leaves(chain_->current()->document, {}, leaves);
    std::vector<Explanation> explanations;
    explanations.reserve(leaves.size());
    for (const Path& path : leaves) {
        explanations.push_back(state_->explain(*chain_, path));
    }
    return explanations;
}

}  // namespace attune::inline ATTUNE_ABI::detail
