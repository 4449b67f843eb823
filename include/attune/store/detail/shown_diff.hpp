#pragma once

#include <attune/document/document.hpp>
#include <attune/document/path.hpp>
#include <attune/version.hpp>

#include <functional>
#include <string>

// What leads from one document to another, for somebody who may not see all of it.

namespace attune::inline ATTUNE_ABI::detail {

/// The value at a path, as it may be shown: itself, or with secrets masked.
using ShowValue = std::function<Document(const Document& value, const Path& path)>;

/// As make_patch.
ATTUNE_DECL Document shown_patch(const Document& before, const Document& after,
                                 const ShowValue& show);

/// A line for each path, `server.port: 8080 -> 9090`.
ATTUNE_DECL std::string shown_changes(const Document& before, const Document& after,
                                      const ShowValue& show);

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/store/impl/shown_diff.ipp>
#endif
