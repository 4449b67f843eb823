#pragma once

#include <attune/document/impl/build.hpp>
#include <attune/document/impl/node.hpp>
#include <attune/document/impl/search.hpp>
#include <attune/document/impl/tree.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <numeric>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

// Entries in the order they will have; moved from when they are taken.
struct Entries {
    Document* slots;
    std::size_t count;
    std::size_t stride;
    const std::size_t* order;  // null: as they are

    Document* entry(std::size_t index) const noexcept {
        return slots + (order ? order[index] : index) * stride;
    }
};

ATTUNE_DECL NodeRef take_leaf(const Entries& entries, std::size_t first, std::size_t used) {
    const std::size_t stride = entries.stride;
    Node* const node = allocate_node(0, stride, used);
    auto* slot = static_cast<Document*>(node->storage());
    for (std::size_t i = first; i < first + used; ++i) {
        Document* const entry = entries.entry(i);
        for (std::size_t part = 0; part < stride; ++part) {
            new (slot++) Document(std::move(entry[part]));
        }
    }
    return NodeRef(node);
}

// A tree with its nodes filled evenly, so that none is less than half full.
ATTUNE_DECL Document build(Tag tag, const Entries& entries) {
    if (entries.count == 0) {
        return Access::adopt(container(tag, nullptr));
    }
    if (entries.count <= node_capacity) {
        return Access::adopt(container(tag, take_leaf(entries, 0, entries.count).surrender()));
    }

    std::vector<NodeRef> nodes;
    std::size_t done = 0;
    const auto make_level = [&](std::size_t count, const auto& make) {
        const std::size_t wanted = (count + node_capacity - 1) / node_capacity;
        std::vector<NodeRef> level;
        level.reserve(wanted);
        done = 0;
        for (std::size_t i = 0; i < wanted; ++i) {
            const std::size_t used = count / wanted + (i < count % wanted ? 1 : 0);
            level.push_back(make(done, used));
            done += used;
        }
        nodes = std::move(level);
    };

    make_level(entries.count, [&](std::size_t first, std::size_t used) {
        return take_leaf(entries, first, used);
    });
    for (std::size_t height = 1; nodes.size() > 1; ++height) {
        make_level(nodes.size(), [&](std::size_t first, std::size_t used) {
            std::array<Child, node_capacity> list;
            for (std::size_t i = 0; i < used; ++i) {
                list[i] = child_of(nodes[first + i].get());
            }
            return make_inner(list.data(), height, entries.stride, used);
        });
    }
    return Access::adopt(container(tag, nodes.front().surrender()));
}

ATTUNE_DECL bool is_sorted_and_unique(const Document* slots, std::size_t count) noexcept {
    for (std::size_t i = 1; i < count; ++i) {
        if (compare_keys(Access::cell(slots[2 * i - 2]), Access::cell(slots[2 * i])) >= 0) {
            return false;
        }
    }
    return true;
}

ATTUNE_DECL Document make_array(Document* elements, std::size_t count) {
    return build(Tag::array, {elements, count, 1, nullptr});
}

ATTUNE_DECL Document make_object(Document* slots, std::size_t count, Repeated* repeated) {
    if (is_sorted_and_unique(slots, count)) {
        return build(Tag::object, {slots, count, 2, nullptr});
    }

    std::array<std::size_t, 2 * node_capacity> few;
    std::vector<std::size_t> many(count > few.size() ? count : 0);
    std::size_t* const order = many.empty() ? few.data() : many.data();
    std::iota(order, order + count, std::size_t{0});
    const auto compare = [&](std::size_t a, std::size_t b) {
        return compare_keys(Access::cell(slots[2 * a]), Access::cell(slots[2 * b]));
    };
    std::sort(order, order + count, [&](std::size_t a, std::size_t b) {
        const int keys = compare(a, b);
        return keys != 0 ? keys < 0 : a < b;
    });

    std::size_t kept = 0;
    bool found = false;
    for (std::size_t i = 0, end = 0; i < count; i = end) {
        for (end = i + 1; end < count && compare(order[i], order[end]) == 0;) {
            ++end;
        }
        if (repeated && end - i > 1 && (!found || order[i + 1] < repeated->second)) {
            *repeated = {order[i], order[i + 1]};
            found = true;
        }
        order[kept++] = order[end - 1];
    }
    if (found) {
        return {};
    }
    return build(Tag::object, {slots, kept, 2, order});
}

// Cheaper than building anew: each edit copies about as much as eight members take.
ATTUNE_DECL bool are_few(std::size_t edits, std::size_t size) noexcept { return edits <= size / 8; }

ATTUNE_DECL Document edited(const Document& object, const Edit* edits, std::size_t count) {
    if (are_few(count, object.size())) {
        Document result = object;
        for (const Edit* edit = edits; edit != edits + count; ++edit) {
            const Found found = find_key(root_of(result), Probe(edit->key.as_string()));
            if (edit->erase) {
                if (found.slot) {
                    result = erased(result, found.index);
                }
            } else if (found.slot) {
                result = replaced(result, found.index, edit->value);
            } else {
                result = inserted(result, found.index, edit->key, edit->value);
            }
        }
        return result;
    }

    std::vector<Document> slots;
    slots.reserve(2 * (object.size() + count));
    const Edit* const last = edits + count;
    const auto add = [&] {
        if (!edits->erase) {
            slots.push_back(edits->key);
            slots.push_back(edits->value);
        }
        ++edits;
    };
    for (Cursor member(object); !member.done(); member.advance()) {
        const Cell& key = Access::cell(member[0]);
        while (edits != last && compare_keys(Access::cell(edits->key), key) < 0) {
            add();
        }
        if (edits != last && compare_keys(Access::cell(edits->key), key) == 0) {
            add();
        } else {
            slots.push_back(member[0]);
            slots.push_back(member[1]);
        }
    }
    while (edits != last) {
        add();
    }
    return make_object(slots.data(), slots.size() / 2);
}

}  // namespace attune::inline ATTUNE_ABI::detail
