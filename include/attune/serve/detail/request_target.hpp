#pragma once

#include <attune/document/path.hpp>
#include <attune/version.hpp>

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

/// The target of a request, taken apart and then percent-decoded (RFC 3986).
struct RequestTarget {
    std::vector<std::string> segments;  ///< of the path: `/a//b` has three
    std::vector<std::pair<std::string, std::string>> query;

    /// Nothing for what is no path, or has a bad percent-encoding. Of a whole URL, as proxies send
    /// it, the path and query.
    ATTUNE_DECL static std::optional<RequestTarget> parse(std::string_view target);

    /// The first parameter of that name.
    ATTUNE_DECL std::optional<std::string_view> parameter(std::string_view name) const noexcept;
};

/// The place that decoded segments of a URL lead to, each a reference token of a JSON Pointer
/// (RFC 6901) with `~0` and `~1` for `~` and `/`. Nothing for a bad escape.
ATTUNE_DECL std::optional<Path> path_of_segments(std::span<const std::string> segments);

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/serve/impl/request_target.ipp>
#endif
