#pragma once

#include <attune/version.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace attune::inline ATTUNE_ABI::detail {

/// As RFC 3339 has it, in UTC and whole microseconds: `2026-01-31T23:59:59.000001Z`.
ATTUNE_DECL std::string iso_time(std::chrono::system_clock::time_point time);

/// Reads what `iso_time` has written, and any other fraction of a second, or none.
ATTUNE_DECL std::optional<std::chrono::system_clock::time_point> iso_time(std::string_view text);

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/transport/impl/iso_time.ipp>
#endif
