#pragma once

#include <attune/bind/spelling.hpp>
#include <attune/document/document.hpp>
#include <attune/document/path.hpp>
#include <attune/version.hpp>

#include <optional>
#include <span>

// What in a document is secret, as the bound types tell: where a Secret is, or a field that
// `describe` calls one. A place is secret when any root says so, or any alternative of a variant.
// Whatever a type with secrets cannot be read from counts as secret too: the text of a struct that
// came as JSON, say. Places that nobody bound, Documents, and types with conversions of their own
// have no secrets.

namespace attune::inline ATTUNE_ABI::detail {

/// Can a value of this type hold a secret? O(1) for structs, but for the first time.
ATTUNE_DECL bool has_secrets(const Type& type);

/// Is `path` a secret, or inside one? O(length of the path).
ATTUNE_DECL bool is_secret(const Path& path, std::span<const Bound> roots);

/// `value`, which is at `at` in a document, with "***" in place of every secret but null; "***"
/// when `at` is inside a secret. Shares all else with `value`. Looks only into what can hold a
/// secret.
ATTUNE_DECL Document mask_secrets(Document value, const Path& at, std::span<const Bound> roots);

/// The same with every secret but null left out: the member, or the whole array when an element is
/// one, since an array with fewer elements would say something else. Nothing when nothing is left.
ATTUNE_DECL std::optional<Document> omit_secrets(Document value, const Path& at,
                                                 std::span<const Bound> roots);

/// What of `document` lies within the roots; null when nothing does. Elements before one that is
/// bound by its index are null. Shares what it can with `document`.
///
/// Unless they are kept, secrets but null are left out: the member, or the whole array when an
/// element is one, since an array with fewer elements would say something else.
ATTUNE_DECL Document bound_parts(const Document& document, std::span<const Bound> roots,
                                 bool keep_secrets);

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/bind/impl/secrecy.ipp>
#endif
