#pragma once

#include <attune/document/impl/locate.hpp>
#include <attune/document/impl/position_index.hpp>
#include <attune/document/source.hpp>

#include <cstdint>
#include <limits>
#include <utility>

namespace attune::inline ATTUNE_ABI {

ATTUNE_DECL TextSource::TextSource(std::shared_ptr<const std::string> text, ParseOptions options)
    : text_(std::move(text)), options_(std::move(options)) {}

ATTUNE_DECL TextSource::~TextSource() { delete index_.load(std::memory_order_relaxed); }

ATTUNE_DECL const detail::PositionIndex* TextSource::index() const {
    const detail::PositionIndex* known = index_.load(std::memory_order_acquire);
    if (known != nullptr || options_.duplicates == Duplicates::last ||
        text_->size() > std::numeric_limits<std::uint32_t>::max() ||
        !asked_.exchange(true, std::memory_order_relaxed)) {
        return known;
    }
    try {
        auto made = std::make_unique<const detail::PositionIndex>(*text_, options_);
        if (index_.compare_exchange_strong(known, made.get(), std::memory_order_acq_rel)) {
            known = made.release();
        }
    } catch (const ParseError&) {
        // As the scan will find.
    }
    return known;
}

ATTUNE_DECL Origin TextSource::locate(const Path& path, Part part) const {
    Origin origin;
    origin.source = options_.name;
    detail::Located located;
    if (const detail::PositionIndex* const known = index()) {
        located = known->locate(path, part);
        origin.line = located.position.line;
        origin.column = located.position.column;
    } else if (detail::locate_nearest(*text_, path, part, options_, located)) {
        origin.line = located.position.line;
        origin.column = located.position.column;
    }
    return origin;
}

}  // namespace attune::inline ATTUNE_ABI
