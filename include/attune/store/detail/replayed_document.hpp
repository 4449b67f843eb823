#pragma once

#include <attune/document/document.hpp>
#include <attune/version.hpp>

#include <cstddef>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

/// A document that many patches are applied to, one after the other, while only few of the
/// documents in between are of interest. Replacing one scalar by another, which is what most
/// patches in a journal do, is put off until somebody looks: mostly it is replaced again before.
class ReplayedDocument {
public:
    /// Begins from null.
    void clear() {
        document_ = {};
        forget_pending();
    }

    /// Throws PatchError; perhaps for a patch before this one, whose turn has come only now.
    ATTUNE_DECL void apply(const Document& patch);

    /// After all patches so far. Throws PatchError.
    ATTUNE_DECL const Document& now();

    /// The same document in the place of `now()`.
    void replace(Document equal) { document_ = std::move(equal); }

private:
    void forget_pending() {
        pending_.clear();
        places_.clear();
    }

    Document document_;
    // In the order in which their paths came first. As long as scalars take the place of scalars,
    // no path is within another, unless the shorter one came last.
    std::vector<std::pair<std::string, Document>> pending_;
    std::unordered_map<std::string, std::size_t> places_;
};

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/store/impl/replayed_document.ipp>
#endif
