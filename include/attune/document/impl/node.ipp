#pragma once

#include <attune/document/impl/node.hpp>

#include <atomic>
#include <cstring>
#include <new>
#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL std::size_t node_bytes(std::size_t level, std::size_t stride,
                                   std::size_t used) noexcept {
    const std::size_t leaf_entry = stride * sizeof(Document);
    const std::size_t inner_entry =
        sizeof(Node*) + sizeof(std::size_t) + (stride == 2 ? sizeof(Cell) : 0);
    return sizeof(Node) + used * (level == 0 ? leaf_entry : inner_entry);
}

ATTUNE_DECL Node* allocate_node(std::size_t level, std::size_t stride, std::size_t used) {
    return new (::operator new(node_bytes(level, stride, used))) Node(level, stride, used);
}

// Reference counts of cold blocks are cache misses that a locked increment would take one by one.
inline void prefetch(const Counted* block) noexcept {
#if defined(__GNUC__)
    __builtin_prefetch(block, 1);
#else
    static_cast<void>(block);
#endif
}

ATTUNE_DECL void prefetch(const Cell* cells, std::size_t count) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
        if (cells[i].counted()) {
            prefetch(cells[i].block());
        }
    }
}

ATTUNE_DECL NodeRef make_leaf(const Cell* cells, std::size_t stride, std::size_t used) {
    Node* const node = allocate_node(0, stride, used);
    prefetch(cells, used * stride);
    auto* const slots = static_cast<Document*>(node->storage());
    for (std::size_t i = 0; i < used * stride; ++i) {
        retain(cells[i]);
        new (slots + i) Document(Access::adopt(cells[i]));
    }
    return NodeRef(node);
}

ATTUNE_DECL NodeRef make_inner(const Child* list, std::size_t level, std::size_t stride,
                               std::size_t used) {
    Node* const node = allocate_node(level, stride, used);
    for (std::size_t i = 0; i < used; ++i) {
        prefetch(list[i].node);
    }
    auto* const children = static_cast<const Node**>(node->storage());
    auto* const ends = reinterpret_cast<std::size_t*>(children + used);
    auto* const keys = reinterpret_cast<Cell*>(ends + used);
    std::size_t end = 0;
    for (std::size_t i = 0; i < used; ++i) {
        list[i].node->references.fetch_add(1, std::memory_order_relaxed);
        end += list[i].size;
        new (children + i) const Node*(list[i].node);
        new (ends + i) std::size_t(end);
        if (stride == 2) {
            new (keys + i) Cell(list[i].key);
        }
    }
    return NodeRef(node);
}

ATTUNE_DECL Child child_of(const Node* node) noexcept {
    return {node, node->size(), node->stride == 2 ? node->first_key() : Cell{}};
}

// Gives up one reference to a block; true when it was the last one.
inline bool drop(const Counted* block) noexcept {
    return block->references.fetch_sub(1, std::memory_order_acq_rel) == 1;
}

// The places in a node that may refer to blocks: slots of a leaf, children of an inner node.
inline std::size_t places(const Node& node) noexcept {
    return node.level == 0 ? std::size_t{node.used} * node.stride : node.used;
}

// Where a dead node keeps a pointer: in the place of a child it no longer has.
inline void* link_at(Node* node, std::size_t place) noexcept {
    auto* const base = static_cast<unsigned char*>(node->storage());
    return base + place * (node->level == 0 ? sizeof(Document) : sizeof(Node*));
}

ATTUNE_DECL void prefetch_places(const Node& node) noexcept {
    if (node.level == 0) {
        for (std::size_t i = 0; i < places(node); ++i) {
            const Cell& cell = Access::cell(node.slots()[i]);
            if (cell.counted()) {
                prefetch(cell.block());
            }
        }
    } else {
        for (std::size_t i = 0; i < node.used; ++i) {
            prefetch(node.children()[i]);
        }
    }
}

// Gives up what the places from `place` on hold, up to the first node that dies of it: that one is
// returned, and `place` is the one after it. Null at the end.
ATTUNE_DECL Node* next_dead_child(Node& node, std::uint32_t& place) noexcept {
    while (place < places(node)) {
        if (node.level > 0) {
            const Node* const child = node.children()[place++];
            if (drop(child)) {
                return const_cast<Node*>(child);
            }
            continue;
        }
        const Cell cell = Access::cell(node.slots()[place++]);
        if (!cell.counted() || !cell.block() || !drop(cell.block())) {
            continue;
        }
        if (cell.tag >= Tag::array) {
            return const_cast<Node*>(root_of(cell));
        }
        ::operator delete(const_cast<Counted*>(cell.block()));
    }
    return nullptr;
}

// Documents can be nested deeper than the stack. A dead node remembers how far it is emptied in its
// reference count, and its parent in the place of the child that is being emptied.
ATTUNE_DECL void destroy(Cell cell) noexcept {
    if (cell.tag < Tag::array) {
        return ::operator delete(const_cast<Counted*>(cell.block()));
    }

    Node* parent = nullptr;
    Node* node = const_cast<Node*>(root_of(cell));
    std::uint32_t place = 0;
    prefetch_places(*node);
    for (;;) {
        if (Node* const child = next_dead_child(*node, place)) {
            std::memcpy(link_at(node, place - 1), &parent, sizeof parent);
            node->references.store(place, std::memory_order_relaxed);
            parent = std::exchange(node, child);
            place = 0;
            prefetch_places(*node);
            continue;
        }
        ::operator delete(node);
        if (!parent) {
            return;
        }
        node = parent;
        place = node->references.load(std::memory_order_relaxed);
        std::memcpy(&parent, link_at(node, place - 1), sizeof parent);
    }
}

}  // namespace attune::inline ATTUNE_ABI::detail
