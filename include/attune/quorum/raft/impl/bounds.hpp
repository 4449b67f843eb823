#pragma once

#include <attune/quorum/raft/entry.hpp>
#include <attune/version.hpp>

#include <cstdint>

namespace attune::inline ATTUNE_ABI::quorum::detail {

// Members count by ones and never get anywhere near. A message that does is none of theirs, and
// below these bounds no sum overflows.
inline constexpr std::uint64_t largest_number = std::uint64_t{1} << 62;
inline constexpr raft::ClusterTime largest_time{std::int64_t{1} << 52};

}  // namespace attune::inline ATTUNE_ABI::quorum::detail
