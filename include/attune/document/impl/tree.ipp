#pragma once

#include <attune/document/impl/node.hpp>
#include <attune/document/impl/search.hpp>
#include <attune/document/impl/tree.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

// What stands in the place of one node after a change: nothing, one node, or two.
struct Nodes {
    NodeRef first;
    NodeRef second;
};

struct Change {
    enum class Type : std::uint8_t { replace, insert, erase } type;
    Cell key;
    Cell value;
};

ATTUNE_DECL Nodes pack_leaf(const Cell* cells, std::size_t stride, std::size_t count) {
    Nodes nodes;
    if (count == 0) {
        return nodes;
    }
    const std::size_t half = count <= node_capacity ? count : count - count / 2;
    nodes.first = make_leaf(cells, stride, half);
    if (half != count) {
        nodes.second = make_leaf(cells + half * stride, stride, count - half);
    }
    return nodes;
}

ATTUNE_DECL Nodes pack_inner(const Child* list, std::size_t level, std::size_t stride,
                             std::size_t count) {
    Nodes nodes;
    if (count == 0) {
        return nodes;
    }
    const std::size_t half = count <= node_capacity ? count : count - count / 2;
    nodes.first = make_inner(list, level, stride, half);
    if (half != count) {
        nodes.second = make_inner(list + half, level, stride, count - half);
    }
    return nodes;
}

ATTUNE_DECL Child* list_children(const Node& node, std::size_t from, std::size_t to,
                                 Child* out) noexcept {
    for (std::size_t i = from; i < to; ++i) {
        *out++ = {node.children()[i], node.ends()[i] - node.start(i),
                  node.stride == 2 ? node.keys()[i] : Cell{}};
    }
    return out;
}

ATTUNE_DECL Cell* list_cells(const Node& leaf, std::size_t from, std::size_t to,
                             Cell* out) noexcept {
    for (std::size_t i = from * leaf.stride; i < to * leaf.stride; ++i) {
        *out++ = Access::cell(leaf.slots()[i]);
    }
    return out;
}

// Two neighbours as one node, or as two that are both half full.
ATTUNE_DECL Nodes join(const Node& left, const Node& right) {
    const std::size_t count = std::size_t{left.used} + right.used;
    if (left.level == 0) {
        std::array<Cell, 4 * node_capacity> cells;
        list_cells(right, 0, right.used, list_cells(left, 0, left.used, cells.data()));
        return pack_leaf(cells.data(), left.stride, count);
    }
    std::array<Child, 2 * node_capacity> list;
    list_children(right, 0, right.used, list_children(left, 0, left.used, list.data()));
    return pack_inner(list.data(), left.level, left.stride, count);
}

ATTUNE_DECL Nodes change_leaf(const Node& leaf, std::size_t index, const Change& change) {
    std::array<Cell, 2 * (node_capacity + 1)> cells;
    Cell* out = list_cells(leaf, 0, index, cells.data());
    const bool insert = change.type == Change::Type::insert;
    if (change.type != Change::Type::erase) {
        if (leaf.stride == 2) {
            *out++ = insert ? change.key : Access::cell(leaf.slots()[index * 2]);
        }
        *out++ = change.value;
    }
    out = list_cells(leaf, index + (insert ? 0 : 1), leaf.used, out);
    const auto count = static_cast<std::size_t>(out - cells.data());
    return pack_leaf(cells.data(), leaf.stride, count / leaf.stride);
}

// The tree below `node` with the change at entry `index`, copying the path to it and no more.
ATTUNE_DECL Nodes change_node(const Node& node, std::size_t index, const Change& change) {
    if (node.level == 0) {
        return change_leaf(node, index, change);
    }

    std::size_t first = child_at(node, index);
    std::size_t last = first + 1;
    Nodes fresh = change_node(*node.children()[first], index - node.start(first), change);
    if (fresh.first && !fresh.second && fresh.first->used < node_minimum && node.used > 1) {
        if (first > 0) {
            --first;
            fresh = join(*node.children()[first], *fresh.first.get());
        } else {
            ++last;
            fresh = join(*fresh.first.get(), *node.children()[first + 1]);
        }
    }

    std::array<Child, node_capacity + 1> list;
    Child* out = list_children(node, 0, first, list.data());
    if (fresh.first) {
        *out++ = child_of(fresh.first.get());
    }
    if (fresh.second) {
        *out++ = child_of(fresh.second.get());
    }
    out = list_children(node, last, node.used, out);
    return pack_inner(list.data(), node.level, node.stride,
                      static_cast<std::size_t>(out - list.data()));
}

ATTUNE_DECL Document changed(const Document& document, std::size_t index, const Change& change) {
    const Tag tag = Access::cell(document).tag;
    const Node* const root = root_of(document);
    if (!root) {
        const std::array<Cell, 2> entry{change.key, change.value};
        const std::size_t stride = tag == Tag::object ? 2 : 1;
        return Access::adopt(
            container(tag, make_leaf(entry.data() + (2 - stride), stride, 1).surrender()));
    }

    Nodes nodes = change_node(*root, index, change);
    if (nodes.second) {
        const std::array<Child, 2> list{child_of(nodes.first.get()), child_of(nodes.second.get())};
        nodes.first = make_inner(list.data(), nodes.first->level + 1u, nodes.first->stride, 2);
    }
    while (nodes.first && nodes.first->level > 0 && nodes.first->used == 1) {
        const Node* const only = nodes.first->children()[0];
        only->references.fetch_add(1, std::memory_order_relaxed);
        nodes.first = NodeRef(only);
    }
    return Access::adopt(container(tag, nodes.first.surrender()));
}

ATTUNE_DECL Document replaced(const Document& container, std::size_t index, const Document& value) {
    return changed(container, index, {Change::Type::replace, {}, Access::cell(value)});
}

ATTUNE_DECL Document inserted(const Document& container, std::size_t index, const Document& key,
                              const Document& value) {
    return changed(container, index,
                   {Change::Type::insert, Access::cell(key), Access::cell(value)});
}

ATTUNE_DECL Document erased(const Document& container, std::size_t index) {
    return changed(container, index, {Change::Type::erase, {}, {}});
}

}  // namespace attune::inline ATTUNE_ABI::detail
