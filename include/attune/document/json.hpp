#pragma once

#include <attune/document/document.hpp>
#include <attune/document/impl/build.hpp>
#include <attune/version.hpp>

#include <nlohmann/json.hpp>

namespace attune::inline ATTUNE_ABI {

/// Conversion to and from nlohmann/json. This is the only header that includes it.
///
/// Where this header is included, both directions are implicit: `Document d = j;` and
/// `nlohmann::json j = d;`. Text values become plain strings; of members that occur twice in an
/// ordered_json the last one wins. O(n); any depth.
inline nlohmann::json to_json(const Document& document);

/// Throws std::domain_error for what JSON has no text for: binary and discarded values.
inline Document from_json(const nlohmann::json& json);

/// The customisation point of nlohmann/json.
template <detail::BasicJson J>
void to_json(J& json, const Document& document);

}  // namespace attune::inline ATTUNE_ABI

#include <attune/document/impl/json.hpp>
