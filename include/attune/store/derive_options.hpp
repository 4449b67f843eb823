#pragma once

#include <attune/fwd.hpp>
#include <attune/version.hpp>

#include <chrono>
#include <cstdint>
#include <string>

namespace attune::inline ATTUNE_ABI {

/// What it means that the function of a derived value throws during a commit.
enum class OnError : std::uint8_t {
    veto,  ///< the commit is refused, and nothing changes
    keep,  ///< the value stays as it is and counts as stale until the function succeeds again
};

struct DeriveOptions {
    /// For errors, reports and Store::graph_dot; a number when empty.
    std::string name = {};
    OnError on_error = OnError::veto;
};

/// A derived value that is older than what it derives from. See OnError::keep.
struct Staleness {
    std::string name;   ///< of the value
    std::string error;  ///< what its function threw
    std::chrono::system_clock::time_point since{};
    Version version = 0;  ///< the first one that shows the old value
};

}  // namespace attune::inline ATTUNE_ABI
