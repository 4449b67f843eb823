#pragma once

#include <attune/bind/structure.hpp>
#include <attune/bind/type.hpp>
#include <attune/document/document.hpp>
#include <attune/version.hpp>

#include <optional>

namespace attune::inline ATTUNE_ABI::detail {

/// A default as somebody would write it into a file. Nothing when it holds a secret, and when it
/// would be refused there: rules and checks do not judge defaults. `object` is of the described
/// type; the rules may be null.
ATTUNE_DECL std::optional<Document> default_value(const Type& type, const Rules* rules,
                                                  const void* object);

/// Must a value of this type be there, since something in it is required? True only for structs
/// that are not optional.
ATTUNE_DECL bool must_be_present(const Type& type);

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/bind/impl/default_value.ipp>
#endif
