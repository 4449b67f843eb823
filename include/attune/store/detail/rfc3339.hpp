#pragma once

#include <attune/version.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace attune::inline ATTUNE_ABI::detail {

/// RFC 3339 in UTC, with as many digits of a second as it takes: `2026-01-31T23:59:59.25Z`.
ATTUNE_DECL std::string rfc3339(std::chrono::system_clock::time_point time);

/// Reads such a time; nothing when the text is another, or in another time zone.
ATTUNE_DECL std::optional<std::chrono::system_clock::time_point> parse_rfc3339(
    std::string_view text);

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/store/impl/rfc3339.ipp>
#endif
