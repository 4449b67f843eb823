#pragma once

#include <attune/quorum/log/detail/segment.hpp>
#include <attune/quorum/log/detail/snapshot_file.hpp>
#include <attune/quorum/log/detail/vote_file.hpp>
#include <attune/quorum/raft/entry.hpp>
#include <attune/storage/disk.hpp>
#include <attune/version.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace attune::inline ATTUNE_ABI::quorum::detail {

struct SegmentPlace {
    std::uint64_t number = 0;
    raft::Index last_index = 0;  ///< of the log before it
};

/// What is in the files of a log, and where writing goes on.
struct LogContent {
    raft::Snapshot snapshot{};
    std::vector<raft::Entry> entries{};  ///< after the snapshot
    std::vector<SegmentPlace> segments{};
    std::vector<raft::Index> snapshots{};    ///< the last one is `snapshot`
    std::vector<std::string> superfluous{};  ///< names of files that say nothing any more

    std::uint64_t segment = 0;  ///< number of the newest
    std::size_t size = 0;       ///< of the newest
    std::size_t end = 0;        ///< where the next batch goes
    /// It goes into the next segment: this one has ended, by a write that did not.
    bool has_ended = false;
    std::size_t newest_batch_at = 0;
    std::string newest_batch{};  ///< its bytes; empty when the newest segment has none
    std::uint64_t sequence = 0;  ///< of the newest batch
    std::uint32_t checksum = 0;  ///< of it, or of the newest segment when that has none
    raft::Index last_index = 0;
};

/// Reads the files, changes nothing. LogRefused when they are damaged.
ATTUNE_DECL LogContent read_log(attune::detail::Disk& disk, const std::string& directory,
                                const VoteRecord& vote);

}  // namespace attune::inline ATTUNE_ABI::quorum::detail

#if ATTUNE_HEADER_ONLY
#include <attune/quorum/log/impl/log_reader.ipp>
#endif
