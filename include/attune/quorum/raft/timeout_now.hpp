#pragma once

#include <attune/quorum/raft/entry.hpp>
#include <attune/version.hpp>

namespace attune::inline ATTUNE_ABI::quorum::raft {

/// A leader that hands over asks its successor to begin an election at once. Section 3.10 of the
/// thesis.
struct TimeoutNow {
    Term term = 0;
};

}  // namespace attune::inline ATTUNE_ABI::quorum::raft
