#pragma once

#include <attune/document/impl/locate.hpp>
#include <attune/document/source.hpp>

#include <utility>

namespace attune::inline ATTUNE_ABI {

ATTUNE_DECL TextSource::TextSource(std::shared_ptr<const std::string> text, ParseOptions options)
    : text_(std::move(text)), options_(std::move(options)) {}

ATTUNE_DECL Origin TextSource::locate(const Path& path, Part part) const {
    Origin origin;
    origin.source = options_.name;
    detail::Located located;
    if (detail::locate_nearest(*text_, path, part, options_, located)) {
        origin.line = located.position.line;
        origin.column = located.position.column;
    }
    return origin;
}

}  // namespace attune::inline ATTUNE_ABI
