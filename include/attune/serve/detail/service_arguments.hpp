#pragma once

#include <attune/document/path.hpp>
#include <attune/fwd.hpp>
#include <attune/net/conditional.hpp>
#include <attune/net/http_message.hpp>
#include <attune/serve/detail/problem_details.hpp>
#include <attune/version.hpp>

#include <charconv>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

// What requests carry in their targets and fields. What is malformed is a ServeError.

namespace attune::inline ATTUNE_ABI::detail {

/// A path in a query: a JSON Pointer, or dotted.
inline Path path_of_parameter(std::string_view text) {
    try {
        return Path{text};
    } catch (const std::invalid_argument& error) {
        throw ServeError{400,
                         "the path in the query is no JSON Pointer: " + std::string(error.what())};
    }
}

/// The number of a version; nothing for anything else.
inline std::optional<Version> version_number(std::string_view text) noexcept {
    Version version = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
    return !text.empty() && error == std::errc() && end == text.data() + text.size()
               ? std::optional{version}
               : std::nullopt;
}

/// The value of If-Match or If-None-Match; nothing when there is none.
inline std::optional<net::EntityTags> entity_tags(const net::HttpRequest& request,
                                                  std::string_view name) {
    const std::string field = request.fields.joined(name);
    if (field.empty() && !request.fields.find(name)) {
        return std::nullopt;
    }
    auto tags = net::EntityTags::parse(field);
    if (!tags) {
        throw ServeError{
            400, std::string(name) + " takes *, or ETags in their quotes, parted by commas"};
    }
    return tags;
}

}  // namespace attune::inline ATTUNE_ABI::detail
