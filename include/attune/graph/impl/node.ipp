#pragma once

#include <attune/graph/node.hpp>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL void NodeHome::abandon(GraphNode* node) noexcept {
    acquire();  // the node may be the last to know this home, and go
    bool closed = false;
    {
        const std::scoped_lock lock{mutex_};
        closed = closed_;
        if (!closed) {
            node->next_abandoned = abandoned_.load(std::memory_order_relaxed);
            abandoned_.store(node, std::memory_order_relaxed);
        }
    }
    if (closed) {
        delete node;
    } else {
        tidy();
    }
    release();
}

ATTUNE_DECL GraphNode* NodeHome::take_abandoned() noexcept {
    const std::scoped_lock lock{mutex_};
    return abandoned_.exchange(nullptr, std::memory_order_relaxed);
}

ATTUNE_DECL void NodeHome::close() noexcept {
    const std::scoped_lock lock{mutex_};
    closed_ = true;
}

}  // namespace attune::inline ATTUNE_ABI::detail
