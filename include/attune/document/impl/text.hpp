#pragma once

#include <attune/document/document.hpp>
#include <attune/version.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace attune::inline ATTUNE_ABI::detail {

// JSON text at the end of `out`, as `to_text` has it: a string with its quotes, and what is neither
// an object nor an array.
ATTUNE_DECL void write_string(std::string_view text, std::string& out);
ATTUNE_DECL void write_scalar(const Document& value, std::string& out);

// How long the text of a document is, on one line: exact up to `limit`, some number beyond it
// otherwise. Looks at no more than it takes to know. Any depth.
ATTUNE_DECL std::size_t text_size(const Document& document, std::size_t limit);

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/document/impl/text.ipp>
#endif
