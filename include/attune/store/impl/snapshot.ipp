#pragma once

#include <attune/store/snapshot.hpp>

#include <stdexcept>
#include <string>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL void throw_not_in_frame(const GraphNode& node, bool foreign, Version version) {
    const std::string name = '"' + node_name(node) + '"';
    if (foreign) {
        throw std::invalid_argument{"the handle of " + name + " belongs to another store"};
    }
    throw std::out_of_range{"the handle of " + name + " was made after version " +
                            std::to_string(version) + " was looked at"};
}

}  // namespace attune::inline ATTUNE_ABI::detail
