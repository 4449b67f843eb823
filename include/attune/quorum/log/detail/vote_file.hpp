#pragma once

#include <attune/quorum/raft/entry.hpp>
#include <attune/storage/disk.hpp>
#include <attune/version.hpp>

#include <cstdint>
#include <memory>
#include <string>

namespace attune::inline ATTUNE_ABI::quorum::detail {

/// What a member has promised, whose log it is, and what of the log was durable at that time.
struct VoteRecord {
    std::uint64_t cluster = 0;
    raft::NodeId node = 0;
    std::uint64_t starts = 0;    ///< how often the log was opened: which life of the member this is
    std::uint64_t sequence = 0;  ///< of these records
    raft::Vote vote{};
    std::uint64_t batch = 0;    ///< the last one known to be flushed
    std::uint64_t segment = 0;  ///< the newest one
};

/// The files meta.a and meta.b, which hold the newest record and the one before it. They have their
/// room from the beginning, so that a full disk does not keep a member from voting.
class VoteFile {
public:
    /// Both files, and both durable; their directory is not flushed.
    ATTUNE_DECL static void create(attune::detail::Disk& disk, const std::string& directory,
                                   VoteRecord record);

    /// LogRefused where one is damaged.
    ATTUNE_DECL VoteFile(attune::detail::Disk& disk, const std::string& directory);

    const VoteRecord& newest() const noexcept { return newest_; }
    /// Durable when it returns. The sequence is set here.
    ATTUNE_DECL void write(VoteRecord record);

private:
    ATTUNE_DECL VoteRecord read(attune::detail::Disk& disk, const std::string& path,
                                std::uint64_t parity);

    std::unique_ptr<attune::detail::DiskFile> files_[2];
    VoteRecord newest_;
};

/// Where they are: which one holds a record, the sequence says.
ATTUNE_DECL std::string vote_path(const std::string& directory, std::uint64_t sequence);

}  // namespace attune::inline ATTUNE_ABI::quorum::detail

#if ATTUNE_HEADER_ONLY
#include <attune/quorum/log/impl/vote_file.ipp>
#endif
