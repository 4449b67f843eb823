#pragma once

#include <attune/graph/graph.hpp>

#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL void Graph::place(GraphNode& node, FrameDraft& draft, CellPtr cell) {
    if (nodes_.size() == nodes_.capacity()) {
        nodes_.reserve(2 * nodes_.size() + 1);  // so that placed() cannot throw
    }
    if (free_.empty()) {
        node.slot = draft.append(std::move(cell));
    } else {
        node.slot = free_.back();
        draft.set(node.slot, std::move(cell));
    }
    node.born = draft.frame().serial();
}

ATTUNE_DECL void Graph::placed(GraphNode& node) {
    if (node.slot == nodes_.size()) {
        nodes_.push_back(&node);
    } else {
        free_.pop_back();
        nodes_[node.slot] = &node;
    }
}

ATTUNE_DECL void Graph::sweep(FrameDraft& draft) {
    for (const std::uint32_t slot : vacated_) {
        draft.clear(slot);
    }
}

ATTUNE_DECL void Graph::sweep_done() {
    if (!vacated_.empty()) {
        free_.insert(free_.end(), vacated_.begin(), vacated_.end());
        vacated_.clear();
    }
}

ATTUNE_DECL GraphNode* Graph::take_abandoned() noexcept {
    GraphNode* gone = nullptr;
    while (GraphNode* node = home_->take_abandoned()) {
        while (node != nullptr) {
            GraphNode* const next = node->next_abandoned;
            // Letting go of the inputs may abandon these, which the outer loop takes up.
            if (node->height != 0) {
                static_cast<DerivedNode*>(node)->inputs = EdgeList{};
            }
            if (node->slot != GraphNode::no_slot && node->slot < nodes_.size() &&
                nodes_[node->slot] == node) {
                nodes_[node->slot] = nullptr;
                vacated_.push_back(node->slot);
            }
            node->next_abandoned = std::exchange(gone, node);
            node = next;
        }
    }
    return gone;
}

ATTUNE_DECL void Graph::destroy(GraphNode* list) noexcept {
    while (list != nullptr) {
        delete std::exchange(list, list->next_abandoned);
    }
}

ATTUNE_DECL void Graph::dissolve() noexcept {
    for (GraphNode* const node : nodes_) {
        if (node != nullptr && node->height != 0) {
            static_cast<DerivedNode*>(node)->inputs = EdgeList{};
        }
    }
    rules_.clear();
    nodes_.clear();
}

}  // namespace attune::inline ATTUNE_ABI::detail
