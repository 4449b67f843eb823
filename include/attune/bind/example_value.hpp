#pragma once

#include <attune/bind/structure.hpp>
#include <attune/bind/type.hpp>
#include <attune/document/document.hpp>
#include <attune/version.hpp>

#include <optional>

namespace attune::inline ATTUNE_ABI::detail {

/// A value for a sample, where there is no default to show: one that the rules allow, or, of
/// texts, "..." to say that something belongs there. `type` is a scalar; the rules may be null.
ATTUNE_DECL Document example_value(const Type& type, const Rules* rules);

/// What T{} is in a document, of types that are no structs and not made of other values. Nothing
/// when it cannot be written.
ATTUNE_DECL std::optional<Document> initial_value(const Type& type);

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/bind/impl/example_value.ipp>
#endif
