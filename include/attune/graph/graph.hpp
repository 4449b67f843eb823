#pragma once

#include <attune/graph/derived_node.hpp>
#include <attune/graph/frame.hpp>
#include <attune/graph/node.hpp>
#include <attune/graph/propagation.hpp>
#include <attune/graph/ref.hpp>
#include <attune/version.hpp>

#include <cstdint>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

/// All nodes of one store, and their slots in its frames. The writer's, under its mutex.
class Graph {
public:
    explicit Graph(Ref<NodeHome> home) noexcept : home_(std::move(home)) {}

    NodeHome& home() const noexcept { return *home_; }
    /// By slot; null where a slot is empty.
    const std::vector<GraphNode*>& nodes() const noexcept { return nodes_; }
    const std::vector<Ref<DerivedNode>>& rules() const noexcept { return rules_; }

    /// Gives a new node a slot and its first cell in the draft. It is in the graph once the draft
    /// has been published, and placed() was called.
    ATTUNE_DECL void place(GraphNode& node, FrameDraft& draft, CellPtr cell);
    ATTUNE_DECL void placed(GraphNode& node);
    void add_rule(Ref<DerivedNode> rule) { rules_.push_back(std::move(rule)); }

    /// Empties the slots of nodes that are gone; sweep_done() after the draft was published, and
    /// after placed().
    ATTUNE_DECL void sweep(FrameDraft& draft);
    ATTUNE_DECL void sweep_done();

    /// Takes out the nodes nobody refers to, and those that only these referred to. To be destroyed
    /// by destroy(), outside the mutex: what a function holds is the user's.
    ATTUNE_DECL GraphNode* take_abandoned() noexcept;
    ATTUNE_DECL static void destroy(GraphNode* list) noexcept;

    /// Ends the graph: no node derives from another any more, and none is known here.
    ATTUNE_DECL void dissolve() noexcept;

    PropagationQueue queue;

private:
    const Ref<NodeHome> home_;
    std::vector<GraphNode*> nodes_;
    std::vector<Ref<DerivedNode>> rules_;
    std::vector<std::uint32_t> vacated_;  // still filled in the current frame
    std::vector<std::uint32_t> free_;
};

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/graph/impl/graph.ipp>
#endif
