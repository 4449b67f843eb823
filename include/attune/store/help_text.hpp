#pragma once

#include <attune/bind/type.hpp>
#include <attune/document/path.hpp>
#include <attune/version.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

// What texts for people have in common.

namespace attune::inline ATTUNE_ABI::detail {

/// How else than in documents the places of a store can be set.
struct Spellings {
    std::vector<std::string> variable_prefixes;  ///< one for each layer of variables
    bool options = false;                        ///< some layer reads the command line

    /// `--server.port, SERVICE_SERVER_PORT`. The type is never optional, pointer or secret.
    ATTUNE_DECL std::string of(const Path& path, const Type& type) const;
};

/// Words on lines of at most `width` bytes, if they are not longer themselves. All white space is
/// one, so that no line holds an end of line.
ATTUNE_DECL std::vector<std::string> wrapped(std::string_view words, std::size_t width);

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/store/impl/help_text.ipp>
#endif
