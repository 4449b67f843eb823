#pragma once

#include <attune/graph/node.hpp>
#include <attune/graph/ref.hpp>
#include <attune/graph/value_cell.hpp>
#include <attune/version.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

class NodeInputs;

/// The edges of one node. Holds on to the inputs; becomes part of the graph by link().
class EdgeList {
public:
    EdgeList() noexcept = default;
    /// In `room`, if there is one: as many edges, which outlive the list.
    ATTUNE_DECL explicit EdgeList(std::span<GraphNode* const> inputs, Edge* room = nullptr);
    EdgeList(EdgeList&& other) noexcept
        : edges_(std::exchange(other.edges_, nullptr)),
          size_(std::exchange(other.size_, 0)),
          in_room_(other.in_room_) {}
    EdgeList& operator=(EdgeList&& other) noexcept {
        const EdgeList before{std::move(*this)};
        edges_ = std::exchange(other.edges_, nullptr);
        size_ = std::exchange(other.size_, 0);
        in_room_ = other.in_room_;
        return *this;
    }
    /// Unlinks and lets go of the inputs.
    ATTUNE_DECL ~EdgeList();

    std::uint32_t size() const noexcept { return size_; }
    GraphNode& input(std::size_t i) const noexcept { return *edges_[i].input; }
    ATTUNE_DECL void link(DerivedNode& reader) noexcept;
    ATTUNE_DECL void unlink() noexcept;

private:
    Edge* edges_ = nullptr;
    std::uint32_t size_ = 0;
    bool in_room_ = false;
};

/// Room for the edges of a node that always reads the same handles, next to the node: a base of it,
/// before DerivedNode, so that it is there for as long as DerivedNode::inputs.
template <std::size_t N>
struct EdgeRoom {
    Edge edges[N];
};

/// A node whose value is what a function makes of the values of other nodes. Also a rule, which has
/// no value, only a verdict.
class DerivedNode : public GraphNode {
public:
    using GraphNode::GraphNode;

    /// Runs the user's function and returns a cell with the result; empty when it equals the value
    /// in `before`, which is null at the first run. Throws what the function throws.
    /// `now` is an Evaluation, unless the node reads the same each time.
    virtual CellPtr compute(NodeInputs& now, const CellBase* before) = 0;

    /// See EdgeRoom; null for none.
    virtual Edge* room() noexcept { return nullptr; }

    /// Sets the height above all inputs, and lifts the readers above this node, and so on.
    ATTUNE_DECL void settle_height();

    // The propagation's.
    std::uint64_t mark = 0;
    DerivedNode* next_queued = nullptr;

    EdgeList inputs;
    std::uint64_t runs = 0;
    std::uint32_t cut_offs = 0;     ///< runs that gave the same value again
    std::uint32_t nanoseconds = 0;  ///< of the last run that was timed

protected:
    ATTUNE_DECL std::string default_name() const override;
};

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/graph/impl/derived_node.ipp>
#endif
