#pragma once

#include <attune/document/document.hpp>
#include <attune/version.hpp>

#include <string>

namespace attune::inline ATTUNE_ABI {

struct TextOptions {
    /// Spaces per level, each item on its own line; negative: everything on one line, no spaces.
    int indent = -1;
};

/// JSON text (RFC 8259) that `parse` reads back as an equal document, text values excepted: they
/// become plain strings. Members come in the order of their keys. Reals are the shortest text that
/// reads back as the same double and always carry a `.` or an `e`. What JSON cannot say is
/// replaced: NaN and the infinities by `null`, bytes that are not UTF-8 by U+FFFD. O(n); any depth.
ATTUNE_DECL std::string to_text(const Document& document, TextOptions options = {});

}  // namespace attune::inline ATTUNE_ABI

#if ATTUNE_HEADER_ONLY
#include <attune/document/impl/text.ipp>
#endif
