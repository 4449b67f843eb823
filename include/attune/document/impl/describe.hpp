#pragma once

#include <attune/document/document.hpp>
#include <attune/version.hpp>

#include <string>
#include <string_view>

namespace attune::inline ATTUNE_ABI::detail {

// The kind of a value as messages name it, "a string". The value itself is not for messages.
ATTUNE_DECL std::string describe(const Document& document);

// The end of a message about a member that does not exist: `; did you mean "port"?`, or nothing
// when no name is near.
ATTUNE_DECL std::string did_you_mean(const Document& object, std::string_view name);

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/document/impl/describe.ipp>
#endif
