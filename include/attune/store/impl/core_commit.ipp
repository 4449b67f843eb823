#pragma once

#include <attune/store/impl/core_state.hpp>

#include <attune/document/difference.hpp>
#include <attune/document/reconcile.hpp>
#include <attune/store/placement.hpp>

#include <algorithm>
#include <exception>
#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

inline bool has_error(const std::vector<Problem>& problems) noexcept {
    return std::any_of(problems.begin(), problems.end(),
                       [](const Problem& problem) { return problem.severity == Severity::error; });
}

/// A value decoded for a candidate.
struct NodeUpdate {
    GraphNode* node;
    CellPtr cell;
    std::vector<Problem> warnings;
};

/// Decodes the node's subtree. Errors go to `problems`; whatever the user's code throws is one.
inline NodeUpdate decode_node(GraphNode& node, const Document& document,
                              const StackProvenance& provenance, std::vector<Problem>& problems) {
    NodeUpdate update{&node, {}, {}};
    std::vector<Problem> found;
    try {
        update.cell = node.kind.make();
        decode(node.kind.type(), node.kind.fresh(*update.cell.get()), document.find(node.path),
               node.path, provenance, found);
    } catch (const std::exception& thrown) {
        found.push_back({.path = node.path,
                         .origin = provenance.origin(node.path, Part::value),
                         .message = std::string{"decoding threw: "} + thrown.what()});
    }
    for (Problem& problem : found) {
        (problem.severity == Severity::warning ? update.warnings : problems)
            .push_back(std::move(problem));
    }
    return update;
}

ATTUNE_DECL Core::Published Core::State::publish(FrameChain& chain, Candidate candidate,
                                                 GraphNode* added) {
    // Only a writer replaces the current frame, and that is us: it stays while we look at it.
    const Frame& current = *chain.current();
    Published result{.version = current.version,
                     .before = current.document,
                     .after = remerge(current.document, stack, candidate.stack),
                     .due = {}};
    if (!result.changed() && added == nullptr) {
        stack = std::move(candidate.stack);  // positions may have moved
        return result;
    }

    const StackProvenance provenance{candidate.stack};
    std::vector<Problem> problems;
    std::vector<NodeUpdate> updates;
    for (GraphNode* node : index.affected(result.before, result.after)) {
        updates.push_back(decode_node(*node, result.after, provenance, problems));
    }
    NodeUpdate first{nullptr, {}, {}};
    if (added != nullptr) {
        first = decode_node(*added, result.after, provenance, problems);
    }
    if (!problems.empty()) {
        throw Rejected{{.problems = std::move(problems),
                        .reason = std::move(candidate.reason),
                        .version = current.version}};
    }

    FrameDraft draft{&current};
    if (result.changed()) {
        draft.frame().version = ++result.version;
        draft.frame().time = now();
        draft.frame().reason = std::move(candidate.reason);
        draft.frame().document = result.after;
    }
    for (NodeUpdate& update : updates) {
        if (update.node->kind.equal(*current.cell(update.node->slot), *update.cell.get())) {
            update.cell = {};
        } else {
            draft.set(update.node->slot, update.cell);
        }
    }
    if (added != nullptr) {
        added->slot = draft.append(std::move(first.cell));
        added->warnings = std::move(first.warnings);
    }
    chain.publish(draft);

    stack = std::move(candidate.stack);
    commits += result.changed() ? 1 : 0;
    for (NodeUpdate& update : updates) {
        GraphNode& node = *update.node;
        node.warnings = std::move(update.warnings);
        if (!update.cell || node.observers.empty()) {
            continue;
        }
        std::erase_if(node.observers, [](const auto& observer) { return observer->cancelled(); });
        for (const auto& observer : node.observers) {
            if (observer->offer_value(result.version, update.cell)) {
                result.due.push_back(observer);
            }
        }
    }
    return result;
}

ATTUNE_DECL std::shared_ptr<const LayerContent> Core::State::prepare(
    const LayerEntry& entry, Content content, std::vector<Problem>& problems) const {
    auto layer = std::make_shared<LayerContent>();
    layer->id = entry.id;
    layer->name = entry.name;
    layer->unknown_keys = entry.unknown_keys;
    layer->content = std::move(content);
    if (layer->content.texts.empty()) {
        layer->document = layer->content.document;
        layer->source = layer->content.source;
        return layer;
    }
    for (const auto& node : nodes) {
        find_places(*layer, {node->path, &node->kind.type()});
    }
    place_texts(*layer, problems);
    if (const LayerContent* const before = content_of(entry.id)) {
        layer->document = reconcile(before->document, layer->document);
    }
    return layer;
}

ATTUNE_DECL LayerStack Core::State::stack_with(std::shared_ptr<const LayerContent> layer) const {
    LayerStack changed = stack;
    const auto same = [&](const auto& other) { return other->id == layer->id; };
    const auto found = std::find_if(changed.begin(), changed.end(), same);
    if (found != changed.end()) {
        *found = std::move(layer);
        return changed;
    }
    const bool below = overrides != 0 && layer->id != overrides && !changed.empty() &&
                       changed.back()->id == overrides;
    changed.insert(below ? changed.end() - 1 : changed.end(), std::move(layer));
    return changed;
}

ATTUNE_DECL Content Core::State::reconciled(const LayerEntry& entry, Content content) const {
    if (const LayerContent* const before = content_of(entry.id)) {
        content.document = reconcile(before->content.document, content.document);
    }
    return content;
}

ATTUNE_DECL Core::Published Core::State::accept(FrameChain& chain, LayerEntry& entry,
                                                Content content, std::string reason) {
    std::vector<Problem> problems;
    auto layer = prepare(entry, std::move(content), problems);
    if (has_error(problems)) {
        throw Rejected{{.problems = std::move(problems),
                        .reason = std::move(reason),
                        .version = chain.current()->version}};
    }
    const std::string revision = layer->content.revision;
    Published result = publish(chain, {stack_with(std::move(layer)), std::move(reason)}, nullptr);
    note_success(entry, revision);
    return result;
}

ATTUNE_DECL void Core::finish(Published& published) {
    hub_->bell().ring();
    for (const auto& delivery : published.due) {
        delivery->dispatch();
    }
    published.due.clear();
    report_notices();
    tidy();
}

// Reclaiming costs a membarrier, which interrupts the readers' cores: a writer that commits often
// must not do it each time. A single commit reclaims what it replaced before it returns; in a burst
// the notifier does it, a millisecond later.
ATTUNE_DECL void Core::tidy() {
#if !defined(ATTUNE_LOCKED_CELLS)
    constexpr auto pause = std::chrono::milliseconds{1};
    const auto now = std::chrono::steady_clock::now();
    auto last = last_collect_.load(std::memory_order_relaxed);
    const bool due = now.time_since_epoch() - last >= pause &&
                     last_collect_.compare_exchange_strong(last, now.time_since_epoch(),
                                                           std::memory_order_relaxed);
    if (!due || epoch_collect() != 0) {
        hub_->notifier().collect_soon();
    }
#endif
}

ATTUNE_DECL Commit Core::ticket(const Published& published) const {
    Commit commit;
    commit.version = published.version;
    commit.hub_ = hub_;
    if (published.changed()) {
        commit.changed = changed_paths(published.before, published.after);
    }
    return commit;
}

}  // namespace attune::inline ATTUNE_ABI::detail
