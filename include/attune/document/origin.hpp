#pragma once

#include <attune/version.hpp>

#include <cstdint>
#include <string>

namespace attune::inline ATTUNE_ABI {

/// Where a value came from. Anything that is not known stays empty or zero.
struct Origin {
    std::string layer{};       ///< the name of the layer in its store
    std::string source{};      ///< `service.json`, `environment variable X`, `argument --x`, a URL
    std::uint32_t line = 0;    ///< counted from 1
    std::uint32_t column = 0;  ///< counted from 1, in code points
    std::string revision{};    ///< the transport's own version mark

    friend bool operator==(const Origin&, const Origin&) = default;
};

/// `service.json:7:17`; without line and column when there are none; the layer's name when there is
/// no source; empty when nothing is known.
ATTUNE_DECL std::string to_string(const Origin& origin);

}  // namespace attune::inline ATTUNE_ABI

#if ATTUNE_HEADER_ONLY
#include <attune/document/impl/origin.ipp>
#endif
