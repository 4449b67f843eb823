#pragma once

#include <attune/bind/type.hpp>
#include <attune/document/document.hpp>
#include <attune/version.hpp>

#include <optional>
#include <span>
#include <string>

namespace attune::inline ATTUNE_ABI::detail {

/// What stands at the path `tokens` of an object of the described type as long as no document says
/// anything else, secrets masked. `object` holds the defaults, and may be null for a struct. Inside
/// of what the defaults do not have, an empty optional or a key of a map, it is what a struct there
/// would begin with. Nothing when the type has no such place, or nothing is known of it.
///
/// O(length of the path), and the size of what is there.
ATTUNE_DECL std::optional<Document> fallback_at(const Type& type, const void* object,
                                                std::span<const std::string> tokens);

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/bind/impl/fallback.ipp>
#endif
