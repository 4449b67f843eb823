#pragma once

#include <attune/version.hpp>

#include <cstdint>
#include <string>

namespace attune::inline ATTUNE_ABI::detail {

/// Who an observer is, in reports.
struct ObserverName {
    enum class Kind : std::uint8_t {
        observed,    ///< known by what it observes
        given,       ///< known by the name its owner gave it
        rejections,  ///< an observer of rejections, which is not told of its own trouble
    };

    std::string text;
    Kind kind = Kind::observed;

    /// `observer of "server.pool"`, or `observer "resizer"`.
    std::string label() const {
        return (kind == Kind::given ? "observer \"" : "observer of \"") + text + '"';
    }
};

}  // namespace attune::inline ATTUNE_ABI::detail
