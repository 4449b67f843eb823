#pragma once

#include <attune/store/snapshot.hpp>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL void throw_not_in_frame(const GraphNode& node, const FrameChain& chain,
                                    const Frame& frame) {
    const std::string path = to_string(node.path);
    if (node.chain.get() != &chain) {
        throw std::invalid_argument{"the handle of \"" + path + "\" belongs to another store"};
    }
    throw std::out_of_range{"the handle of \"" + path + "\" was bound after version " +
                            std::to_string(frame.version) + " was looked at"};
}

}  // namespace attune::inline ATTUNE_ABI::detail
