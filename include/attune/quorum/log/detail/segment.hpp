#pragma once

#include <attune/quorum/raft/entry.hpp>
#include <attune/version.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace attune::inline ATTUNE_ABI::quorum::detail {

/// What stands at the beginning of a segment. It is durable before the segment has its name.
struct SegmentHeader {
    std::uint64_t cluster = 0;
    raft::NodeId node = 0;
    std::uint64_t number = 0;
    std::uint64_t size = 0;          ///< of the file, which never changes
    std::uint64_t first_batch = 0;   ///< sequence of the first batch that goes here
    std::uint64_t previous_end = 0;  ///< where the segment before ends: what follows there is void
    raft::Index last_index = 0;      ///< of the log before the first batch
    std::uint32_t previous = 0;      ///< checksum of the batch before
};

inline constexpr std::size_t segment_header_size = 512;

/// `checksum` is what the first batch has as `previous`.
ATTUNE_DECL std::string encode_segment_header(const SegmentHeader& header, std::uint32_t& checksum);
ATTUNE_DECL std::optional<SegmentHeader> decode_segment_header(std::string_view bytes,
                                                               std::uint32_t& checksum);

ATTUNE_DECL std::string segment_name(std::uint64_t number);
/// Of a segment's name; nothing for other names.
ATTUNE_DECL std::optional<std::uint64_t> segment_number(std::string_view name) noexcept;

}  // namespace attune::inline ATTUNE_ABI::quorum::detail

#if ATTUNE_HEADER_ONLY
#include <attune/quorum/log/impl/segment.ipp>
#endif
