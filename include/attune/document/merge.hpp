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

/// A JSON Merge Patch that makes `after` of `before`: `merge_patch(before, make_merge_patch(before,
/// after))` equals `after`. A merge patch cannot put a null into an object: where `after` has one
/// that `before` has not, its member is removed instead. `make_patch` has no such limit.
///
/// What both documents share is not looked at: O(change * log n) between neighbouring versions. Any
/// depth.
ATTUNE_DECL Document make_merge_patch(const Document& before, const Document& after);

}  // namespace attune::inline ATTUNE_ABI

#if ATTUNE_HEADER_ONLY
#include <attune/document/impl/make_merge_patch.ipp>
#include <attune/document/impl/merge.ipp>
#endif
