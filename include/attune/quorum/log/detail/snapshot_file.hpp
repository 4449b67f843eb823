#pragma once

#include <attune/quorum/raft/entry.hpp>
#include <attune/version.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace attune::inline ATTUNE_ABI::quorum::detail {

struct SnapshotFile {
    std::uint64_t cluster = 0;
    raft::NodeId node = 0;
    raft::Snapshot snapshot{};
    /// Of the segments that count after it; larger than all that were there where it replaces the
    /// log.
    std::uint64_t first_segment = 0;
    std::uint64_t batch = 0;  ///< the last one flushed before it
};

ATTUNE_DECL std::string encode_snapshot_file(const SnapshotFile& file);
/// Nothing when it is damaged.
ATTUNE_DECL std::optional<SnapshotFile> decode_snapshot_file(std::string_view bytes);

ATTUNE_DECL std::string snapshot_name(raft::Index index);
ATTUNE_DECL std::optional<raft::Index> snapshot_index(std::string_view name) noexcept;

}  // namespace attune::inline ATTUNE_ABI::quorum::detail

#if ATTUNE_HEADER_ONLY
#include <attune/quorum/log/impl/snapshot_file.ipp>
#endif
