#pragma once

#include <attune/version.hpp>

#include <compare>
#include <cstdint>

namespace attune::inline ATTUNE_ABI::quorum {

/// A fencing token: what a resource compares to refuse whoever has lost a lock without knowing it.
///
/// `index` is the place of the command that made the grant in the replicated log; `epoch` is raised
/// when a cluster begins anew from a backup. Tokens of the exclusive grants of one lock only grow,
/// for ever: over restarts, snapshots and restores. Zero is no token.
struct Token {
    std::uint64_t epoch = 0;
    std::uint64_t index = 0;

    friend constexpr auto operator<=>(const Token&, const Token&) = default;
    constexpr explicit operator bool() const noexcept { return index != 0; }
};

}  // namespace attune::inline ATTUNE_ABI::quorum
