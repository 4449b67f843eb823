#pragma once

#include <attune/bind/spelling.hpp>
#include <attune/store/help_text.hpp>
#include <attune/version.hpp>

#include <span>
#include <string>

namespace attune::inline ATTUNE_ABI::detail {

/// The text of Store::reference: JSON that `parse` reads when comments are allowed, with everything
/// that can be set within `roots`, members in the order of their structs and roots in their own.
///
/// Commented out is whatever would be refused, or would say something else than the default:
/// secrets, what is required, optionals that are empty, other alternatives of variants, and an
/// entry for each list and map that is empty. Where roots are inside each other, the outer one
/// speaks for what they share. Ends with a newline.
ATTUNE_DECL std::string reference_text(std::span<const Bound> roots, const Spellings& spellings);

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/store/impl/reference.ipp>
#endif
