#pragma once

#include <attune/store/config.hpp>

#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

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
