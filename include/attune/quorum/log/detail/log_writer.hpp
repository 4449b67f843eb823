#pragma once

#include <attune/quorum/log/detail/log_reader.hpp>
#include <attune/quorum/log/detail/spare.hpp>
#include <attune/quorum/log/detail/vote_file.hpp>
#include <attune/quorum/log/log_options.hpp>
#include <attune/quorum/raft/write.hpp>
#include <attune/storage/disk.hpp>
#include <attune/version.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

namespace attune::inline ATTUNE_ABI::quorum::detail {

/// Segments are between these, whatever the options say.
inline constexpr std::size_t least_segment_size = 4096;
inline constexpr std::size_t greatest_segment_size = std::size_t{1} << 30;

ATTUNE_DECL std::uint64_t segment_size_of(const LogOptions& options) noexcept;

/// The files of a log, locked, and what is written to them: Log says what. Between two flushes
/// everything is in memory: a flush writes one record of the vote, if there is a new one, and then
/// one batch.
class LogWriter {
public:
    /// Goes on where `content` ends, and removes what is superfluous.
    ATTUNE_DECL LogWriter(std::shared_ptr<attune::detail::Disk> disk,
                          std::unique_ptr<attune::detail::DiskLock> lock, std::string directory,
                          const LogOptions& options, VoteFile votes, const LogContent& content);

    LogWriter(const LogWriter&) = delete;
    LogWriter& operator=(const LogWriter&) = delete;

    ATTUNE_DECL std::error_code put(const raft::Write& write);
    ATTUNE_DECL std::error_code flush();
    ATTUNE_DECL LogRoom room() const;
    ATTUNE_DECL std::error_code make_room();

private:
    template <class F>
    std::error_code attempt(F&& f) noexcept;

    ATTUNE_DECL void write(const raft::WriteVote& write);
    ATTUNE_DECL void write(const raft::WriteEntries& write);
    ATTUNE_DECL void write(const raft::TruncateLog& write);
    ATTUNE_DECL void write(const raft::WriteSnapshot& write);

    ATTUNE_DECL void require(bool makes_sense, const char* what) const;
    ATTUNE_DECL void make_way(std::size_t record);
    ATTUNE_DECL void write_all();
    ATTUNE_DECL void write_vote();
    ATTUNE_DECL void write_batch();
    ATTUNE_DECL void sync(attune::detail::DiskFile& file);
    ATTUNE_DECL void begin_segment(std::size_t record);
    ATTUNE_DECL bool store_snapshot(const raft::Snapshot& snapshot, bool replaces);
    ATTUNE_DECL void drop_log();
    ATTUNE_DECL void drop_segments(raft::Index up_to);
    ATTUNE_DECL std::uint64_t left() const noexcept;  ///< in the newest segment
    ATTUNE_DECL void set_aside();
    ATTUNE_DECL void remove(const std::string& name);

    const std::shared_ptr<attune::detail::Disk> disk_;
    const std::unique_ptr<attune::detail::DiskLock> lock_;
    const std::string directory_;
    const LogOptions options_;
    const std::uint64_t segment_size_;
    VoteFile votes_;
    Spare spare_;

    std::vector<SegmentPlace> segments_;
    std::vector<raft::Index> snapshots_;              ///< oldest first
    std::unique_ptr<attune::detail::DiskFile> file_;  ///< the newest segment; null: it has ended
    std::uint64_t segment_ = 0;                       ///< its number
    std::uint64_t size_ = 0;
    std::uint64_t end_ = 0;
    std::uint64_t batch_ = 0;  ///< flushed last
    std::uint32_t checksum_ = 0;

    raft::Vote vote_;
    std::string records_;  ///< of the next batch
    raft::Index last_index_ = 0;
    std::error_code failure_;
};

}  // namespace attune::inline ATTUNE_ABI::quorum::detail

#if ATTUNE_HEADER_ONLY
#include <attune/quorum/log/impl/log_writer.ipp>
#endif
