#pragma once

#include <attune/document/document.hpp>
#include <attune/document/path.hpp>
#include <attune/version.hpp>

#include <cstddef>
#include <limits>
#include <stdexcept>
#include <string>

namespace attune::inline ATTUNE_ABI {

/// A JSON Patch that cannot be applied: an operation of it is malformed, or the document is not
/// what the operation expects. The message names members and kinds, never a value of the document
/// or of the patch.
class PatchError : public std::runtime_error {
public:
    ATTUNE_DECL PatchError(std::string place, std::size_t operation, Path path,
                           std::string message);

    /// The operation that failed, counted from 0 as in a JSON Pointer into the patch; 0 when the
    /// patch is no array at all.
    std::size_t operation() const noexcept { return operation_; }

    /// The `path` of that operation, or its `from` when that is what failed; the root when the
    /// operation does not get as far as naming one.
    const Path& path() const noexcept { return path_; }

    /// What is wrong, without the place. `what()` is `operation 2: replace /server/prot: message`.
    const std::string& message() const noexcept { return message_; }

private:
    std::size_t operation_;
    Path path_;
    std::string message_;
};

/// The copies of a JSON Patch are larger than PatchOptions::max_copied.
class PatchTooLarge : public PatchError {
public:
    using PatchError::PatchError;
};

struct PatchOptions {
    /// Bytes that all `copy` operations of a patch may add to the text of the document. A copy
    /// shares its memory with the original, so that thirty operations which each double an array
    /// take next to none; what writes, hashes or compares the document pays for all of it.
    std::size_t max_copied = std::numeric_limits<std::size_t>::max();
};

/// JSON Patch (RFC 6902): `target` after all operations of `patch`, in their order. Throws
/// PatchError at the first one that fails, and PatchTooLarge: all or nothing.
///
/// As the RFC has it, unknown members of an operation are ignored, and `test` compares numbers by
/// their value: 1 equals 1.0. A text value equals the string with the same characters. Removing
/// the root leaves null.
///
/// Each operation takes O(log n) at each level of its path, in time and in new memory, also where
/// the elements of an array move up or down; a `test` compares besides, skipping what is shared,
/// and under a limit a `copy` counts what it copies. Any depth.
ATTUNE_DECL Document apply_patch(const Document& target, const Document& patch,
                                 const PatchOptions& options = {});

/// A JSON Patch that makes `after` of `before`: `apply_patch(before, make_patch(before, after))`
/// equals `after`. Made of `add`, `remove` and `replace`; the empty array when both are equal.
///
/// Objects are compared member by member, arrays of one length element by element. Of arrays whose
/// length has changed, equal elements at both ends are left alone, those between are compared in
/// turn, and the rest of them is removed or added. What both documents share is not looked at:
/// O(change * log n) between neighbouring versions. Any depth.
ATTUNE_DECL Document make_patch(const Document& before, const Document& after);

}  // namespace attune::inline ATTUNE_ABI

#if ATTUNE_HEADER_ONLY
#include <attune/document/impl/make_patch.ipp>
#include <attune/document/impl/patch.ipp>
#endif
