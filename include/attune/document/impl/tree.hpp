#pragma once

#include <attune/document/document.hpp>
#include <attune/version.hpp>

#include <cstddef>

namespace attune::inline ATTUNE_ABI::detail {

// A container with one entry changed. `key` must stand for a member and be null for an element.
ATTUNE_DECL Document replaced(const Document& container, std::size_t index, const Document& value);
ATTUNE_DECL Document inserted(const Document& container, std::size_t index, const Document& key,
                              const Document& value);
ATTUNE_DECL Document erased(const Document& container, std::size_t index);

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/document/impl/tree.ipp>
#endif
