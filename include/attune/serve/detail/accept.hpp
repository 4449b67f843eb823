#pragma once

#include <attune/version.hpp>

#include <cstddef>
#include <initializer_list>
#include <string_view>

namespace attune::inline ATTUNE_ABI::detail {

/// Which of some media types suits an `Accept` field best (RFC 9110, 12.5.1), by its place; the
/// first one when the field is empty, or suits none: something readable is better than 406.
ATTUNE_DECL std::size_t best_media_type(std::string_view accept,
                                        std::initializer_list<std::string_view> offered);

/// Is the value of a `Content-Type` field that media type, whatever its parameters?
ATTUNE_DECL bool is_media_type(std::string_view field, std::string_view type) noexcept;

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/serve/impl/accept.ipp>
#endif
