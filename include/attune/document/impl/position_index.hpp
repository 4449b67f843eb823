#pragma once

#include <attune/document/impl/locate.hpp>
#include <attune/document/parse.hpp>
#include <attune/document/path.hpp>
#include <attune/version.hpp>

#include <cstdint>
#include <string_view>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

// Where everything in a text stands, for whoever asks often: made by one scan, then O(log n) for
// each token of a path. 16 bytes per value and 4 per line.
//
// A path is known by a hash of 64 bits: two paths of one text with the same hash, which nobody will
// see, would be taken for each other.
class PositionIndex {
public:
    // Of a text below 4 GiB that parses, without duplicate keys. Throws ParseError for others.
    ATTUNE_DECL PositionIndex(std::string_view text, const ParseOptions& options);

    // The text must still be there.
    ATTUNE_DECL Located locate(const Path& path, Part part) const;

private:
    struct Entry {
        std::uint64_t path;
        std::uint32_t key;
        std::uint32_t value;
    };

    const Entry* find(std::uint64_t path) const noexcept;
    Position position_of(std::uint32_t offset) const noexcept;

    std::string_view text_;
    std::uint32_t root_ = 0;
    std::vector<Entry> entries_;        // by path
    std::vector<std::uint32_t> lines_;  // offsets of their beginnings
};

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/document/impl/position_index.ipp>
#endif
