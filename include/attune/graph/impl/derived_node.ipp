#pragma once

#include <attune/graph/derived_node.hpp>

#include <algorithm>
#include <string>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL EdgeList::EdgeList(std::span<GraphNode* const> inputs, Edge* room)
    : edges_(room != nullptr || inputs.empty() ? room : new Edge[inputs.size()]),
      size_(static_cast<std::uint32_t>(inputs.size())),
      in_room_(room != nullptr) {
    for (std::size_t i = 0; i != inputs.size(); ++i) {
        inputs[i]->acquire();
        edges_[i].input = inputs[i];
    }
}

ATTUNE_DECL EdgeList::~EdgeList() {
    unlink();
    for (std::size_t i = 0; i != size_; ++i) {
        edges_[i].input->release();
    }
    if (!in_room_) {
        delete[] edges_;
    }
}

ATTUNE_DECL void EdgeList::link(DerivedNode& reader) noexcept {
    for (std::size_t i = 0; i != size_; ++i) {
        Edge& edge = edges_[i];
        edge.reader = &reader;
        edge.link = &edge.input->readers;
        edge.next = *edge.link;
        if (edge.next != nullptr) {
            edge.next->link = &edge.next;
        }
        *edge.link = &edge;
    }
}

ATTUNE_DECL void EdgeList::unlink() noexcept {
    for (std::size_t i = 0; i != size_; ++i) {
        Edge& edge = edges_[i];
        if (edge.link == nullptr) {
            continue;
        }
        *edge.link = edge.next;
        if (edge.next != nullptr) {
            edge.next->link = edge.link;
        }
        edge.link = nullptr;
    }
}

// Lowest first: what is lifted for two reasons is then looked at once.
ATTUNE_DECL void DerivedNode::settle_height() {
    const auto higher = [](const DerivedNode* a, const DerivedNode* b) {
        return a->height > b->height;
    };
    std::vector<DerivedNode*> lifted{this};
    while (!lifted.empty()) {
        std::pop_heap(lifted.begin(), lifted.end(), higher);
        DerivedNode& node = *lifted.back();
        lifted.pop_back();
        std::uint32_t above = 0;
        for (std::size_t i = 0; i != node.inputs.size(); ++i) {
            above = std::max(above, node.inputs.input(i).height);
        }
        node.height = above + 1;
        for (const Edge* edge = node.readers; edge != nullptr; edge = edge->next) {
            if (edge->reader->height <= node.height) {
                lifted.push_back(edge->reader);
                std::push_heap(lifted.begin(), lifted.end(), higher);
            }
        }
    }
}

ATTUNE_DECL std::string DerivedNode::default_name() const {
    return slot == no_slot ? "rule" : "derived #" + std::to_string(slot);
}

}  // namespace attune::inline ATTUNE_ABI::detail
