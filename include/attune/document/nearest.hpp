#pragma once

#include <attune/version.hpp>

#include <span>
#include <string>
#include <string_view>

namespace attune::inline ATTUNE_ABI {

/// The name that somebody who wrote `word` most likely meant; empty when none is near.
///
/// Near is an optimal string alignment distance (insert, erase, replace, swap neighbours; ASCII
/// letters match in either case) of at most a third of the word's length, and at least one. The
/// first of several equally near names wins. O(names * length^2).
ATTUNE_DECL std::string nearest(std::string_view word, std::span<const std::string_view> names);

}  // namespace attune::inline ATTUNE_ABI

#if ATTUNE_HEADER_ONLY
#include <attune/document/impl/nearest.ipp>
#endif
