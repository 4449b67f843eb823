#pragma once

#include <attune/document/document.hpp>
#include <attune/document/path.hpp>
#include <attune/version.hpp>

#include <string>
#include <string_view>

namespace attune::inline ATTUNE_ABI::detail {

/// Writes JSON Patches (RFC 6902) that give back exactly the document they were made from. What
/// JSON has no text for is said in a further member of the operation, which other readers ignore:
/// `"as"` maps JSON Pointers into the value to `text` (a value without a type), `nan`, `inf` or
/// `-inf`. Bytes in strings that are not UTF-8 become U+FFFD.
///
/// Keeps its buffers, so that a change of one value needs no memory. One thread at a time.
class ExactPatch {
public:
    /// Appends a patch that makes `after` of `before` to `out`: `[]` when they are equal. `within`,
    /// when given, says that they differ there, below or above, and nowhere else. O(change * log n)
    /// where they share what is equal.
    ATTUNE_DECL void write(const Document& before, const Document& after, const Path* within,
                           std::string& out);

private:
    ATTUNE_DECL void enter(std::string_view token);
    ATTUNE_DECL void several(const Document& before, const Document& after, std::string& out);
    ATTUNE_DECL void operation(std::string_view name, std::string_view pointer,
                               const Document* value, std::string& out);

    std::string pointer_;
};

/// `target` after a patch that ExactPatch has written, or any other. Throws PatchError.
ATTUNE_DECL Document apply_exact(const Document& target, const Document& patch);

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/store/impl/exact_patch.ipp>
#endif
