#pragma once

#include <attune/document/document.hpp>
#include <attune/version.hpp>

namespace attune::inline ATTUNE_ABI {

/// `upper` laid over `lower`, as layers of configuration are: two objects are merged key by key, in
/// any other case `upper` is the result. A null in `upper` is a value like any other: it masks what
/// is below it.
///
/// What `upper` does not touch is shared with `lower`, subtrees that exist only in `upper` with
/// `upper`. O(m log n) for m members of `upper` at the places where both are objects; any depth.
ATTUNE_DECL Document merge(const Document& lower, const Document& upper);

/// JSON Merge Patch (RFC 7396): as `merge`, but a null in `patch` removes the member.
ATTUNE_DECL Document merge_patch(const Document& target, const Document& patch);

}  // namespace attune::inline ATTUNE_ABI

#if ATTUNE_HEADER_ONLY
#include <attune/document/impl/merge.ipp>
#endif
