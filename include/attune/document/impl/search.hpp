#pragma once

#include <attune/document/document.hpp>
#include <attune/document/impl/cell.hpp>
#include <attune/document/impl/node.hpp>
#include <attune/version.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace attune::inline ATTUNE_ABI::detail {

// By bytes, as std::string_view does. Both are strings, and neither is text.
ATTUNE_DECL int compare_keys(const Cell& a, const Cell& b) noexcept;

// A key to search for, without a copy of its characters: lives as long as they do.
class Probe {
public:
    ATTUNE_DECL explicit Probe(std::string_view key) noexcept;

    // Below, at or above zero when this key is before, equal to or after `other`.
    ATTUNE_DECL int compare(const Cell& other) const noexcept;

private:
    std::string_view key_;
    Cell short_;
};

struct Found {
    const Document* slot = nullptr;  // the key, followed by its value; null when there is none
    std::size_t index = 0;           // where it is, or would be
};

ATTUNE_DECL Found find_key(const Node* root, const Probe& probe) noexcept;

// The slots from entry `index` to the end of its leaf.
struct Run {
    const Document* first = nullptr;
    const Document* last = nullptr;
};

// The child whose entries include `index`, or the last one.
ATTUNE_DECL std::size_t child_at(const Node& node, std::size_t index) noexcept;

// The index must be below the size.
ATTUNE_DECL Run run_at(const Node* root, std::size_t index) noexcept;

// The value one level down; null when there is none.
ATTUNE_DECL const Document* child(const Document& document, std::string_view token) noexcept;

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/document/impl/search.ipp>
#endif
