#pragma once

#include <attune/document/parse.hpp>
#include <attune/document/path.hpp>
#include <attune/version.hpp>

#include <cstddef>
#include <optional>
#include <string_view>

namespace attune::inline ATTUNE_ABI::detail {

// The place of a path, or of the longest beginning of it that exists.
struct Located {
    Position position;
    std::size_t depth = 0;  // tokens of the path that were found
};

// Nothing for a text that is not JSON.
ATTUNE_DECL std::optional<Located> locate_nearest(std::string_view text, const Path& path,
                                                  Part part, const ParseOptions& options);

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/document/impl/locate.ipp>
#endif
