#pragma once

#include <attune/bind/spelling.hpp>
#include <attune/store/help_text.hpp>
#include <attune/version.hpp>

#include <span>
#include <string>

namespace attune::inline ATTUNE_ABI::detail {

/// The text of Store::usage: everything that can be set within `roots`, with what is expected,
/// what holds when it is not set, and how it is spelt elsewhere. Ends with a newline.
ATTUNE_DECL std::string usage_text(std::span<const Bound> roots, const Spellings& spellings);

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/store/impl/usage.ipp>
#endif
