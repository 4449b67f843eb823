#pragma once

#include <attune/store/impl/core_state.hpp>
#include <attune/store/impl/decode_node.hpp>

#include <attune/document/difference.hpp>
#include <attune/document/reconcile.hpp>
#include <attune/store/journal.hpp>
#include <attune/store/placement.hpp>

#include <algorithm>
#include <exception>
#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

#if defined(ATTUNE_CHAOS)
ATTUNE_DECL void Core::State::shake(FrameChain& chain) {
    // Most of them: a value that is spared once is kept by the history for long.
    const auto replaces = [&] {  // xorshift64, G. Marsaglia 2003
        chaos ^= chaos << 13;
        chaos ^= chaos >> 7;
        chaos ^= chaos << 17;
        return (chaos >> 32) % 8 != 0;
    };
    FrameDraft draft{chain.current()};
    for (const GraphNode* const node : graph.nodes()) {
        if (node != nullptr && node->kind.copy != nullptr && replaces()) {
            draft.set(node->slot, node->kind.copy(*chain.current()->cell(node->slot)));
        }
    }
    chain.publish(draft);
}
#endif

ATTUNE_DECL void Core::State::note_overrides(const FrameChain& chain, const Candidate& candidate,
                                             Version version) {
    overrides_log.note(overrides_in(stack), overrides_in(candidate.stack), candidate.within,
                       version);
    if (overrides_log.size() > 2 * options.history) {
        overrides_log.forget_before(chain.oldest());
    }
}

ATTUNE_DECL void Core::State::take_stack(LayerStack next) noexcept {
    stack = std::move(next);
    if (restored != 0 && content_of(restored) == nullptr) {
        restored = 0;
    }
}

ATTUNE_DECL Core::Published Core::State::publish(FrameChain& chain, Candidate candidate,
                                                 Addition addition) {
#if defined(ATTUNE_CHAOS)
    shake(chain);
#endif
    const bool ends_restored = restored != 0 && !candidate.adds_layer;
    if (ends_restored) {
        // The program has put back what it wanted to.
        std::erase_if(candidate.stack,
                      [](const auto& layer) { return layer->rank == Rank::restored; });
        candidate.within = nullptr;
    }
    // Only a writer replaces the current frame, and that is us: it stays while we look at it.
    const Frame& current = *chain.current();
    Published result{.version = current.version,
                     .before = current.document,
                     .after = remerge(current.document, stack, candidate.stack),
                     .elsewhere = ends_restored,
                     .observers = {},
                     .due = {}};
    if (!result.changed() && !addition.any()) {
        if (candidate.save) {
            candidate.save();
        }
        record(current, current.document, candidate.stack, nullptr);
        note_overrides(chain, candidate, current.version);
        take_stack(std::move(candidate.stack));  // positions may have moved
        return result;
    }

    const StackProvenance provenance{candidate.stack};
    std::vector<Problem> problems;
    const auto refuse_problems = [&] {
        if (!problems.empty()) {
            throw Rejected{{.problems = std::move(problems),
                            .reason = std::move(candidate.reason),
                            .version = current.version}};
        }
    };
    std::vector<NodeUpdate> updates;
    for (BoundNode* node : index.affected(result.before, result.after, candidate.within)) {
        updates.push_back(decode_node(*node, result.after, provenance, problems));
    }
    NodeUpdate first{nullptr, {}, {}};
    if (addition.bound != nullptr) {
        first = decode_node(*addition.bound, result.after, provenance, problems);
    }
    refuse_problems();

    FrameDraft draft{&current, result.changed() ? FrameDraft::Of::next : FrameDraft::Of::version};
    graph.sweep(draft);
    Propagation propagation{draft, graph.queue};
    for (NodeUpdate& update : updates) {
        const BoundNode& node = *update.node;
        if (!node.kind.equal(*current.cell(node.slot), *update.cell.get())) {
            draft.set(node.slot, std::move(update.cell));
            propagation.changed(*update.node);
        }
    }
    propagation.run();
    if (DerivedNode* const derived =
            addition.derived != nullptr ? addition.derived : addition.rule) {
        first.cell = propagation.first_value(*derived);
    }
    if (!propagation.failures().empty()) {
        problems = problems_of(propagation.failures(), provenance);
        refuse_problems();
    }
    GraphNode* const added =
        addition.bound != nullptr ? static_cast<GraphNode*>(addition.bound) : addition.derived;
    if (added != nullptr) {
        graph.place(*added, draft, std::move(first.cell));
    }
    Frame& frame = draft.frame();
    if (result.changed()) {
        frame.version = result.version = std::max(result.version, last_journaled) + 1;
        frame.time = now();
        frame.reason = std::move(candidate.reason);
        frame.layer = std::move(candidate.layer);
        frame.document = result.after;
        frame.before = result.before;
    }
    if (candidate.save) {
        candidate.save();
    }
    record(frame, result.before, candidate.stack, candidate.within);
    note_overrides(chain, candidate, result.version);
    chain.publish(draft);

    take_stack(std::move(candidate.stack));
    commits += result.changed() ? 1 : 0;
    result.waiting = result.changed() &&
                     std::any_of(layers.begin(), layers.end(),
                                 [](const auto& layer) { return layer->refused.has_value(); });
    if (added != nullptr) {
        graph.placed(*added);
    }
    graph.sweep_done();
    if (addition.bound != nullptr) {
        addition.bound->warnings = std::move(first.warnings);
    }
    for (NodeUpdate& update : updates) {
        update.node->warnings = std::move(update.warnings);
    }
    propagation.finish(result.version, frame.time);
    offer(frame, propagation.observed_nodes(), result);
    return result;
}

ATTUNE_DECL void Core::State::offer(const Frame& frame, std::span<GraphNode* const> observed,
                                    Published& result) {
    for (GraphNode* const node : observed) {
        if (node->observers->all.empty()) {
            continue;
        }
        const auto& observers = node->observers->all;
        result.observers.emplace_back(node->observers);
        const CellOwner value = CellPtr::share(frame.cell(node->slot)).own();
        // A share for each, at once; those who need none leave it to be given back.
        std::size_t unused = observers.size() + 1;
        DeliveryHub::Debt& debt = hub.open(result.version, unused);
        bool tidy = false;
        for (const auto& observer : observers) {
            if (observer->offer_value(result.version, value, debt)) {
                result.due.push_back(observer.get());
                --unused;
            } else {
                tidy = tidy || observer->over();
            }
        }
        hub.close(debt, unused);
        if (tidy) {
            (void)tidy_observers(*node);
        }
    }
}

ATTUNE_DECL std::shared_ptr<LayerContent> Core::State::prepare(
    const LayerEntry& entry, Content content, std::vector<Problem>& problems) const {
    auto layer = std::make_shared<LayerContent>();
    layer->id = entry.id;
    layer->rank = entry.rank;
    layer->name = entry.name;
    layer->unknown_keys = entry.unknown_keys;
    layer->content = std::move(content);
    if (layer->content.texts.empty()) {
        layer->document = layer->content.document;
        layer->source = layer->content.source;
        return layer;
    }
    for (const BoundNode* node : bound) {
        find_places(*layer, {node->path, &node->bound_kind.type()});
    }
    place_texts(*layer, problems);
    if (const LayerContent* const before = content_of(entry.id)) {
        layer->document = reconcile(before->document, layer->document);
    }
    return layer;
}

ATTUNE_DECL LayerStack Core::State::with_layer(LayerStack changed,
                                               std::shared_ptr<const LayerContent> layer) {
    const auto same = [&](const auto& other) { return other->id == layer->id; };
    const auto found = std::find_if(changed.begin(), changed.end(), same);
    if (found != changed.end()) {
        *found = std::move(layer);
        return changed;
    }
    const auto above = std::find_if(changed.begin(), changed.end(),
                                    [&](const auto& other) { return other->rank > layer->rank; });
    changed.insert(above, std::move(layer));
    return changed;
}

ATTUNE_DECL Content Core::State::reconciled(const LayerEntry& entry, Content content) const {
    if (const LayerContent* const before = content_of(entry.id)) {
        content.document = reconcile(before->content.document, content.document);
    }
    return content;
}

ATTUNE_DECL Core::Published Core::State::accept(FrameChain& chain, LayerEntry& entry,
                                                Content content, Proposal proposal) {
    std::vector<Problem> problems;
    const auto layer = prepare(entry, std::move(content), problems);
    if (has_error(problems)) {
        throw Rejected{{.problems = std::move(problems),
                        .reason = std::move(proposal.reason),
                        .version = chain.current()->version}};
    }
    Candidate candidate{.stack = stack_with(layer),
                        .reason = std::move(proposal.reason),
                        .within = proposal.within,
                        .layer = entry.name,
                        .adds_layer = proposal.first};
    if (proposal.written && entry.transport != nullptr) {
        candidate.save = [&] {
            Content& saved = layer->content;
            saved.revision = entry.transport->save(saved.document, saved.revision);
        };
    }
    try {
        Published result = publish(chain, std::move(candidate));
        note_success(entry, layer->content, result.version);
        return result;
    } catch (const JournalError&) {
        if (proposal.written && entry.transport != nullptr) {
            // Its transport has kept it, and nothing would bring it again.
            entry.refused = layer->content;
            retry_later();
        }
        throw;
    }
}

ATTUNE_DECL void Core::finish(Published& published) {
    hub_->bell().ring();
    for (Delivery* const delivery : published.due) {
        delivery->dispatch();
    }
    published.due.clear();
    published.observers.clear();
    if (state_->tells.load(std::memory_order_relaxed) &&
        state_->tells.exchange(false, std::memory_order_relaxed)) {
        tell_accepted();
    }
    report_notices();
    tidy();
}

// Reclaiming costs a membarrier, which interrupts the readers' cores: a writer that commits often
// must not do it each time. A single commit reclaims what it replaced before it returns, a burst
// once in a while; what is left at its end is the notifier's.
ATTUNE_DECL void Core::tidy() {
#if !defined(ATTUNE_LOCKED_CELLS)
    if (!epoch_collect_after(collect_pause)) {
        hub_->notifier().collect_soon();
    }
#endif
}

ATTUNE_DECL Commit Core::ticket(const Published& published, const Path* within) const {
    Commit commit;
    commit.version = published.version;
    commit.hub_ = hub_;
    if (published.changed()) {
        commit.changed = within != nullptr && !published.elsewhere
                             ? changed_paths(published.before, published.after, *within)
                             : changed_paths(published.before, published.after);
    }
    return commit;
}

}  // namespace attune::inline ATTUNE_ABI::detail
