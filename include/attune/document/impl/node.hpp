#pragma once

#include <attune/document/document.hpp>
#include <attune/document/impl/cell.hpp>
#include <attune/version.hpp>

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

// Objects and arrays are one structure: a persistent B+-tree over a sequence of entries, found by
// their index. An entry is one slot in an array (the element) and two in an object (key, value);
// the entries of an object are sorted by key, which makes them searchable as well.
//
// A container is the root node, or null when empty. Nodes never change once they are made. All
// leaves are on one level, and every node but the root is at least half full.

namespace attune::inline ATTUNE_ABI::detail {

// Entries of a leaf, children of an inner node. Smaller nodes make an edit copy fewer slots and
// touch fewer reference counts, larger ones make the tree flatter.
inline constexpr std::size_t node_capacity = 16;
inline constexpr std::size_t node_minimum = node_capacity / 2;

// Header of a node. What follows it in memory:
//   leaf:        Document slots[used * stride]
//   inner node:  const Node* children[used]; size_t ends[used]; Cell keys[used] if stride is 2
// `ends` is the number of entries up to and including a child. `keys` are the first keys of the
// children, borrowed from their leaves.
struct alignas(8) Node : Counted {
    Node(std::size_t level_, std::size_t stride_, std::size_t used_) noexcept
        : used(static_cast<std::uint16_t>(used_)),
          level(static_cast<std::uint8_t>(level_)),
          stride(static_cast<std::uint8_t>(stride_)) {}

    std::uint16_t used;
    std::uint8_t level;  // 0 is a leaf
    std::uint8_t stride;

    void* storage() noexcept { return this + 1; }
    const void* storage() const noexcept { return this + 1; }

    const Document* slots() const noexcept {
        return std::launder(static_cast<const Document*>(storage()));
    }
    const Node* const* children() const noexcept {
        return std::launder(static_cast<const Node* const*>(storage()));
    }
    const std::size_t* ends() const noexcept {
        return std::launder(reinterpret_cast<const std::size_t*>(children() + used));
    }
    const Cell* keys() const noexcept {
        return std::launder(reinterpret_cast<const Cell*>(ends() + used));
    }

    std::size_t size() const noexcept { return level == 0 ? used : ends()[used - 1]; }

    // Index of the first entry below a child.
    std::size_t start(std::size_t child) const noexcept {
        return child == 0 ? 0 : ends()[child - 1];
    }

    // Nodes of objects only.
    const Cell& first_key() const noexcept {
        return level == 0 ? Access::cell(slots()[0]) : keys()[0];
    }
};

inline Cell container(Tag tag, const Node* root) noexcept {
    return Cell::of(tag, static_cast<const Counted*>(root));
}

// The root of an array or object.
inline const Node* root_of(const Cell& cell) noexcept {
    return static_cast<const Node*>(cell.block());
}

inline const Node* root_of(const Document& container) noexcept {
    return root_of(Access::cell(container));
}

inline bool is_container(const Document& document) noexcept {
    return Access::cell(document).tag >= Tag::array;
}

// An owning pointer to a node, or null.
class NodeRef {
public:
    NodeRef() noexcept = default;
    explicit NodeRef(const Node* adopted) noexcept : node_(adopted) {}
    NodeRef(NodeRef&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
    NodeRef(const NodeRef&) = delete;
    NodeRef& operator=(const NodeRef&) = delete;
    NodeRef& operator=(NodeRef&& other) noexcept {
        std::swap(node_, other.node_);
        return *this;
    }
    ~NodeRef() { release(container(Tag::array, node_)); }

    const Node* operator->() const noexcept { return node_; }
    const Node* get() const noexcept { return node_; }
    explicit operator bool() const noexcept { return node_ != nullptr; }
    const Node* surrender() noexcept { return std::exchange(node_, nullptr); }

private:
    const Node* node_ = nullptr;
};

// A child with what its parent knows about it, so that nobody has to look at the child.
struct Child {
    const Node* node;
    std::size_t size;
    Cell key;
};

ATTUNE_DECL std::size_t node_bytes(std::size_t level, std::size_t stride,
                                   std::size_t used) noexcept;

// A node whose contents are still to be made, in full and without an exception.
ATTUNE_DECL Node* allocate_node(std::size_t level, std::size_t stride, std::size_t used);

// A leaf that shares what the cells hold.
ATTUNE_DECL NodeRef make_leaf(const Cell* cells, std::size_t stride, std::size_t used);

// An inner node that shares the children.
ATTUNE_DECL NodeRef make_inner(const Child* list, std::size_t level, std::size_t stride,
                               std::size_t used);

ATTUNE_DECL Child child_of(const Node* node) noexcept;

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/document/impl/node.ipp>
#endif
