#pragma once

#include <attune/net/conditional.hpp>

#include <algorithm>
#include <cstddef>

namespace attune::inline ATTUNE_ABI::net {

inline std::string_view opaque_tag(std::string_view tag) noexcept {
    return tag.starts_with("W/") ? tag.substr(2) : tag;
}

/// Takes one entity-tag off the front; empty when there is none.
inline std::string_view take_entity_tag(std::string_view& text) noexcept {
    const std::size_t open = text.starts_with("W/") ? 2 : 0;
    const std::size_t close =
        text.substr(open).starts_with('"') ? text.find('"', open + 1) : std::string_view::npos;
    if (close == std::string_view::npos) {
        return {};
    }
    const std::string_view tag = text.substr(0, close + 1);
    text.remove_prefix(close + 1);
    return tag;
}

ATTUNE_DECL std::optional<EntityTags> EntityTags::parse(std::string_view field) {
    const auto skip = [&field](std::string_view these) {
        field.remove_prefix(std::min(field.find_first_not_of(these), field.size()));
    };
    EntityTags tags;
    skip(" \t");
    if (field.starts_with('*')) {
        field.remove_prefix(1);
        skip(" \t");
        return field.empty() ? std::optional{tags} : std::nullopt;
    }
    for (skip(" \t,"); !field.empty(); skip(" \t,")) {  // empty elements are allowed (5.6.1)
        const std::string_view tag = take_entity_tag(field);
        if (tag.empty()) {
            return std::nullopt;
        }
        tags.tags_.emplace_back(tag);
        skip(" \t");
        if (!field.empty() && field.front() != ',') {
            return std::nullopt;
        }
    }
    return tags.tags_.empty() ? std::nullopt : std::optional{std::move(tags)};
}

ATTUNE_DECL bool EntityTags::match_weakly(std::string_view tag) const noexcept {
    return any() || std::any_of(tags_.begin(), tags_.end(), [&](const std::string& each) {
               return opaque_tag(each) == opaque_tag(tag);
           });
}

ATTUNE_DECL bool EntityTags::match_strongly(std::string_view tag) const noexcept {
    return any() ||
           (!tag.starts_with("W/") && std::find(tags_.begin(), tags_.end(), tag) != tags_.end());
}

}  // namespace attune::inline ATTUNE_ABI::net
