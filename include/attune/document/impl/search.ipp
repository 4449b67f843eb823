#pragma once

#include <attune/document/impl/search.hpp>

#include <bit>
#include <cstring>
#include <optional>

namespace attune::inline ATTUNE_ABI::detail {

inline std::uint64_t big_endian(const unsigned char* bytes) noexcept {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes, sizeof word);
    if constexpr (std::endian::native == std::endian::big) {
        return word;
    }
    word = (word & 0x00000000FFFFFFFF) << 32 | word >> 32;
    word = (word & 0x0000FFFF0000FFFF) << 16 | (word >> 16 & 0x0000FFFF0000FFFF);
    return (word & 0x00FF00FF00FF00FF) << 8 | (word >> 8 & 0x00FF00FF00FF00FF);
}

inline int compare_short(const Cell& a, const Cell& b) noexcept {
    std::uint64_t x = big_endian(a.bytes);
    std::uint64_t y = big_endian(b.bytes);
    if (x == y) {
        x = big_endian(reinterpret_cast<const unsigned char*>(&a) + 8);
        y = big_endian(reinterpret_cast<const unsigned char*>(&b) + 8);
    }
    return x < y ? -1 : x > y ? 1 : 0;
}

ATTUNE_DECL int compare_keys(const Cell& a, const Cell& b) noexcept {
    if (a.same(b)) {
        return 0;
    }
    if (!a.counted() && !b.counted()) {
        return compare_short(a, b);
    }
    return view(a).compare(view(b));
}

ATTUNE_DECL Probe::Probe(std::string_view key) noexcept : key_(key) {
    if (key.size() <= Cell::short_capacity) {
        short_ = Cell::short_string(Tag::string, key);
    }
}

ATTUNE_DECL int Probe::compare(const Cell& other) const noexcept {
    if (short_.tag == Tag::string && !other.counted()) {
        return compare_short(short_, other);
    }
    return key_.compare(view(other));
}

ATTUNE_DECL Found find_key(const Node* root, const Probe& probe) noexcept {
    if (!root) {
        return {};
    }
    const Node* node = root;
    std::size_t index = 0;
    while (node->level > 0) {
        // The last child whose first key is not after the probe.
        std::size_t low = 0;
        std::size_t high = node->used;
        while (high - low > 1) {
            const std::size_t middle = (low + high) / 2;
            (probe.compare(node->keys()[middle]) < 0 ? high : low) = middle;
        }
        index += node->start(low);
        node = node->children()[low];
    }

    std::size_t low = 0;
    std::size_t high = node->used;
    while (low < high) {
        const std::size_t middle = (low + high) / 2;
        const Document* const slot = node->slots() + 2 * middle;
        const int order = probe.compare(Access::cell(*slot));
        if (order == 0) {
            return {slot, index + middle};
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return {nullptr, index + low};
}

ATTUNE_DECL std::size_t child_at(const Node& node, std::size_t index) noexcept {
    const std::size_t* const ends = node.ends();
    std::size_t child = 0;
    while (child + 1 < node.used && ends[child] <= index) {
        ++child;
    }
    return child;
}

ATTUNE_DECL Run run_at(const Node* root, std::size_t index) noexcept {
    const Node* node = root;
    while (node->level > 0) {
        const std::size_t child = child_at(*node, index);
        index -= node->start(child);
        node = node->children()[child];
    }
    return {node->slots() + index * node->stride,
            node->slots() + std::size_t{node->used} * node->stride};
}

ATTUNE_DECL const Document* child(const Document& document, std::string_view token) noexcept {
    if (!document.is_array()) {
        return document.find(token);
    }
    const std::optional<std::size_t> index = element_index(token);
    return index ? document.find(*index) : nullptr;
}

}  // namespace attune::inline ATTUNE_ABI::detail
