#pragma once

#include <attune/store/impl/core_state.hpp>

#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL NodeHome& Core::home() const noexcept { return state_->graph.home(); }

ATTUNE_DECL Ref<GraphNode> Core::derive(Ref<DerivedNode> node, std::span<GraphNode* const> inputs,
                                        DeriveOptions options) {
    node->keeps_on_error = options.on_error == OnError::keep;
    if (!options.name.empty()) {
        node->notes = std::make_unique<NodeNotes>();
        node->notes->name = std::move(options.name);
    }
    const auto self = shared_from_this();  // an observer may destroy the store
    Published published;
    {
        const OpenLock lock{*state_};
        node->inputs = EdgeList{inputs, node->room()};
        node->settle_height();
        published =
            state_->publish(*chain_, {.stack = state_->stack, .reason = "derive " + node->name()},
                            {.derived = node.get()});
        if (!inputs.empty()) {
            node->inputs.link(*node);
        }
    }
    finish(published);
    return node;
}

ATTUNE_DECL void Core::require(Ref<DerivedNode> rule, std::span<GraphNode* const> inputs) {
    const auto self = shared_from_this();
    Published published;
    {
        const OpenLock lock{*state_};
        rule->inputs = EdgeList{inputs, rule->room()};
        rule->settle_height();
        published = state_->publish(*chain_, {.stack = state_->stack, .reason = "require"},
                                    {.rule = rule.get()});
        rule->inputs.link(*rule);
        state_->graph.add_rule(std::move(rule));
    }
    finish(published);
}

ATTUNE_DECL std::string Core::name_of(const GraphNode& node) const {
    const CommitLock lock{*state_};
    return node.name();
}

ATTUNE_DECL void Core::rename(GraphNode& node, std::string name) {
    const CommitLock lock{*state_};
    if (node.notes == nullptr) {
        node.notes = std::make_unique<NodeNotes>();
    }
    node.notes->name = std::move(name);
}

ATTUNE_DECL std::optional<Staleness> Core::staleness_of(const GraphNode& node) const {
    const CommitLock lock{*state_};
    return node.stale ? std::optional{describe_staleness(node)} : std::nullopt;
}

ATTUNE_DECL void Core::tidy_graph() noexcept {
    if (state_->committing.load(std::memory_order_relaxed) == std::this_thread::get_id()) {
        return;
    }
    std::unique_lock lock{state_->commit_mutex, std::try_to_lock};
    if (!lock) {
        return;  // whoever holds it looks for abandoned nodes before and after letting go
    }
    GraphNode* const gone = state_->graph.take_abandoned();
    lock.unlock();
    Graph::destroy(gone);
}

ATTUNE_DECL void StoreHome::tidy() noexcept {
    if (const auto owner = core.lock()) {
        owner->tidy_graph();
    }
}

}  // namespace attune::inline ATTUNE_ABI::detail
