#pragma once

#include <attune/store/derive.hpp>

#include <stdexcept>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL void throw_empty_handle() {
    throw std::logic_error{"an empty Config was read; bind or derive it first"};
}

ATTUNE_DECL void throw_broken_rule() { throw BrokenRule{}; }

ATTUNE_DECL std::shared_ptr<Core> common_core(std::span<GraphNode* const> nodes) {
    for (const GraphNode* const node : nodes) {
        if (node == nullptr) {
            throw std::invalid_argument{"an empty Config cannot be derived from"};
        }
        if (&node->home != &nodes.front()->home) {
            throw std::invalid_argument{"\"" + node_name(*nodes.front()) + "\" and \"" +
                                        node_name(*node) +
                                        "\" belong to two stores; a value derives from handles of "
                                        "one store"};
        }
    }
    auto core = core_of(*nodes.front()).lock();
    if (core == nullptr) {
        throw std::logic_error{"the store has been closed"};
    }
    return core;
}

ATTUNE_DECL std::string node_name(const GraphNode& node) {
    const auto core = core_of(node).lock();
    return core != nullptr ? core->name_of(node) : node.name();
}

ATTUNE_DECL void rename_node(GraphNode& node, std::string name) {
    if (const auto core = core_of(node).lock()) {
        core->rename(node, std::move(name));
    }
}

ATTUNE_DECL std::optional<Staleness> staleness_of(const GraphNode& node) {
    const auto core = core_of(node).lock();
    return core != nullptr ? core->staleness_of(node) : std::nullopt;
}

}  // namespace attune::inline ATTUNE_ABI::detail
