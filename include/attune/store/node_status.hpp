#pragma once

#include <attune/fwd.hpp>
#include <attune/version.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace attune::inline ATTUNE_ABI {

/// One value of a store's graph at one moment, or one rule. Holds no values.
struct NodeStatus {
    enum class Type : std::uint8_t { bound, derived, rule };

    Type type = Type::bound;
    std::string name;
    std::vector<std::size_t> inputs;  ///< what it read last, as indexes into Store::graph()
    std::uint32_t height = 0;         ///< 0 for bound values, else above every input
    /// The version that brought the present value, or the oldest one retained if that is younger.
    Version version = 0;
    std::size_t observers = 0;
    std::uint64_t runs = 0;                         ///< of the function, refused commits included
    std::uint64_t cut_offs = 0;                     ///< runs that gave an equal value
    std::chrono::nanoseconds last_duration{};       ///< of the last run that was timed: 1 in 128
    std::string error;                              ///< while the value is stale, what was thrown
    std::chrono::system_clock::time_point since{};  ///< of the error
};

/// The graph in the language of Graphviz, `dot -Tsvg`: sources at the top, stale values in red.
ATTUNE_DECL std::string to_dot(const std::vector<NodeStatus>& graph);

}  // namespace attune::inline ATTUNE_ABI

#if ATTUNE_HEADER_ONLY
#include <attune/store/impl/node_status.ipp>
#endif
