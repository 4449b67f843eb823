#pragma once

#include <attune/document/parse.hpp>
#include <attune/document/path.hpp>
#include <attune/version.hpp>

#include <cstddef>
#include <string_view>

namespace attune::inline ATTUNE_ABI::detail {

// The place of a path, or of the longest beginning of it that exists.
struct Located {
    Position position;
    std::size_t depth = 0;  // tokens of the path that were found
};

// False for a text that is not JSON.
ATTUNE_DECL bool locate_nearest(std::string_view text, const Path& path, Part part,
                                const ParseOptions& options, Located& located);

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/document/impl/locate.ipp>
#endif
