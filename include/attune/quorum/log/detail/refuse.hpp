#pragma once

#include <attune/quorum/log/log_refused.hpp>
#include <attune/version.hpp>

#include <cstdint>
#include <string>

namespace attune::inline ATTUNE_ABI::quorum::detail {

/// LogRefused for damage, with what can be done about it.
[[noreturn]] ATTUNE_DECL void refuse_damage(const std::string& path, std::uint64_t offset,
                                            const std::string& found, const std::string& expected);

}  // namespace attune::inline ATTUNE_ABI::quorum::detail

#if ATTUNE_HEADER_ONLY
#include <attune/quorum/log/impl/refuse.ipp>
#endif
