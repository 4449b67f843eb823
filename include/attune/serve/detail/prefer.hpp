#pragma once

#include <attune/version.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace attune::inline ATTUNE_ABI::detail {

/// What of a `Prefer` field (RFC 7240) a server of configurations understands.
struct Preferences {
    std::optional<std::uint32_t> wait;  ///< seconds to hold an answer that brings nothing new
    bool omit_secrets = false;          ///< leave secrets out instead of masking them

    /// Reads the field's value, several fields joined. Of a preference that comes twice the first
    /// counts; what is malformed or unknown is ignored, as the RFC has it.
    ATTUNE_DECL static Preferences parse(std::string_view field);
};

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/serve/impl/prefer.ipp>
#endif
