#pragma once

#include <attune/document/document.hpp>
#include <attune/document/impl/walk.hpp>
#include <attune/document/path.hpp>
#include <attune/version.hpp>

#include <string_view>
#include <vector>

namespace attune::inline ATTUNE_ABI {

/// Calls `f(std::string_view key, const Document* before, const Document* after)` for each member
/// that differs between two objects, in key order; the missing side is null. What is not an object
/// counts as one without members.
///
/// Members differ when they are not `same`: two equal subtrees that share nothing are reported, and
/// so is a long string that was written again. After `reconcile` that does not happen. Nodes that
/// both documents share are skipped unseen: O(change * log n) between neighbouring versions.
template <class F>
void for_each_difference(const Document& before, const Document& after, F&& f) {
    for (detail::Differences difference(before, after); difference.next();) {
        f(difference.key(), difference.before(), difference.after());
    }
}

/// The deepest paths at which two documents differ, in order. A member that exists on one side only
/// is named itself, not what is inside it; so is an array whose length has changed. Equal subtrees
/// are never named, shared or not. Empty when the documents are equal.
ATTUNE_DECL std::vector<Path> changed_paths(const Document& before, const Document& after);
/// The same for documents that differ at `within`, or below or above it, and nowhere else, as after
/// one `with` or `without`: looks at nothing beside the path.
ATTUNE_DECL std::vector<Path> changed_paths(const Document& before, const Document& after,
                                            const Path& within);

}  // namespace attune::inline ATTUNE_ABI

#if ATTUNE_HEADER_ONLY
#include <attune/document/impl/difference.ipp>
#endif
