#pragma once

#include <attune/version.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace attune::inline ATTUNE_ABI::detail {

/// The pattern of a `matches` rule as JSON Schema has them: ECMA-262 with the flag `u`, and
/// anchored, since the rule is about the whole text. POSIX classes and needless escapes, which
/// std::regex takes and `u` does not, are spelt otherwise.
///
/// std::regex sees bytes, where JSON Schema sees characters: nothing when a character beyond ASCII
/// is repeated or stands in brackets. The two still differ on texts beyond ASCII where a pattern
/// counts characters by `.` or by what is not in brackets.
ATTUNE_DECL std::optional<std::string> json_pattern(std::string_view pattern);

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/bind/impl/json_pattern.ipp>
#endif
