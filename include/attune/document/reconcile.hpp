#pragma once

#include <attune/document/document.hpp>
#include <attune/version.hpp>

namespace attune::inline ATTUNE_ABI {

/// A document that equals `fresh` and shares with `old` every object, array and string that is
/// equal in both at the same place, and the unchanged parts of large containers that are not.
/// Returns `old` itself when both are equal, so that `same` tells at once that nothing has changed.
///
/// O(n) when the two share nothing yet, which is the case after parsing a text again. Sharing ends
/// at 256 levels of depth: a subtree below is taken from `old` only as a whole.
ATTUNE_DECL Document reconcile(const Document& old, const Document& fresh);

}  // namespace attune::inline ATTUNE_ABI

#if ATTUNE_HEADER_ONLY
#include <attune/document/impl/reconcile.ipp>
#endif
