#pragma once

#include <attune/version.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace attune::inline ATTUNE_ABI::net {

/// What If-Match or If-None-Match names (RFC 9110, 13.1): entity-tags, or `*` for any.
class EntityTags {
public:
    /// Reads the value of such a field, several fields joined. Nothing when it is neither `*` nor a
    /// list of entity-tags in quotes.
    ATTUNE_DECL static std::optional<EntityTags> parse(std::string_view field);

    /// `*`.
    bool any() const noexcept { return tags_.empty(); }
    /// More than one tag.
    bool several() const noexcept { return tags_.size() > 1; }

    /// Is `tag`, with its quotes, one of these? The weak comparison, for If-None-Match; a tag
    /// matches `*`.
    ATTUNE_DECL bool match_weakly(std::string_view tag) const noexcept;
    /// The strong comparison, for If-Match: a weak tag (`W/`) equals nothing.
    ATTUNE_DECL bool match_strongly(std::string_view tag) const noexcept;

private:
    std::vector<std::string> tags_;  // as written; empty for `*`
};

}  // namespace attune::inline ATTUNE_ABI::net

#if ATTUNE_HEADER_ONLY
#include <attune/net/impl/conditional.ipp>
#endif
