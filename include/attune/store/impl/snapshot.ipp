#pragma once

#include <attune/store/snapshot.hpp>

#include <stdexcept>
#include <string>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL void throw_foreign(const GraphNode& node) {
    throw std::invalid_argument{"the handle of \"" + node_name(node) +
                                "\" belongs to another store"};
}

ATTUNE_DECL const CellBase& past_cell(const GraphNode& node, const Frame& frame) {
    if (const auto core = core_of(node).lock()) {
        return core->past_cell(node, frame);
    }
    throw std::logic_error{"the handle of \"" + node_name(node) + "\" was made after version " +
                           std::to_string(frame.version) +
                           ", and the store that could work out its value is closed"};
}

}  // namespace attune::inline ATTUNE_ABI::detail
