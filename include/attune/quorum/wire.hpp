#pragma once

#include <attune/quorum/raft/entry.hpp>
#include <attune/quorum/raft/message.hpp>
#include <attune/version.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace attune::inline ATTUNE_ABI::quorum {

/// A message between members, and whose it is.
struct Frame {
    std::uint64_t cluster = 0;
    raft::NodeId from = 0;
    raft::NodeId to = 0;
    raft::Message message{};
};

/// Why bytes are not a frame for this member.
enum class FrameFault : std::uint8_t {
    incomplete,     ///< more bytes are needed: see frame_size
    not_a_frame,    ///< no mark, a length beyond the limit, or a checksum that does not fit
    other_version,  ///< of the format
    foreign_cluster,
    not_for_us,  ///< another member's
    malformed,   ///< intact, and still no message: the sender has a defect
};

struct FrameLimits {
    std::size_t size = std::size_t{1} << 20;  ///< of a frame, in bytes
};

/// The bytes of a frame, as docs/quorum.md has them: cluster, version, members, length and CRC-32C.
ATTUNE_DECL std::string encode_frame(const Frame& frame);

/// How many bytes the frame at the beginning of `bytes` has, once its header is there; before that,
/// zero. For what is no frame, a fault.
ATTUNE_DECL std::variant<std::size_t, FrameFault> frame_size(std::string_view bytes,
                                                             const FrameLimits& limits = {});

/// Reads exactly one frame. Whatever the bytes are: no crash, and no more memory than their length.
ATTUNE_DECL std::variant<Frame, FrameFault> decode_frame(std::string_view bytes,
                                                         std::uint64_t cluster, raft::NodeId self,
                                                         const FrameLimits& limits = {});

}  // namespace attune::inline ATTUNE_ABI::quorum

#if ATTUNE_HEADER_ONLY
#include <attune/quorum/impl/wire.ipp>
#endif
