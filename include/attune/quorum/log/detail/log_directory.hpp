#pragma once

#include <attune/quorum/log/detail/vote_file.hpp>
#include <attune/quorum/log/log_options.hpp>
#include <attune/quorum/log/log_refused.hpp>
#include <attune/quorum/raft/entry.hpp>
#include <attune/storage/disk.hpp>
#include <attune/version.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI::quorum::detail {

/// The directory of a log: whether there is one, whose it is, and its making.
class LogDirectory {
public:
    ATTUNE_DECL LogDirectory(attune::detail::Disk& disk, const std::string& directory);

    bool is_empty() const noexcept { return names_.empty(); }

    /// LogRefused where there is no log, or somebody has it.
    ATTUNE_DECL void lock_existing();
    /// LogRefused where there is one. Durable when it returns.
    ATTUNE_DECL void make(const LogOptions& options, const raft::Snapshot& snapshot);
    /// As `make`, for a member that keeps nothing: a mark that says so.
    ATTUNE_DECL void make_volatile(const LogOptions& options);
    ATTUNE_DECL void check_owner(const VoteRecord& record, const LogOptions& options) const;
    std::unique_ptr<attune::detail::DiskLock> take_lock() noexcept { return std::move(lock_); }

private:
    ATTUNE_DECL void lock();
    ATTUNE_DECL void list();
    ATTUNE_DECL bool has(std::string_view name) const;
    [[noreturn]] ATTUNE_DECL void refuse_volatile(LogRefused::Why why) const;
    ATTUNE_DECL void begin_making();
    ATTUNE_DECL void end_making();
    ATTUNE_DECL std::string path_of(std::string_view name) const;

    attune::detail::Disk& disk_;
    const std::string directory_;
    std::vector<std::string> names_;  ///< those that a log has, but for its lock
    std::unique_ptr<attune::detail::DiskLock> lock_;
};

}  // namespace attune::inline ATTUNE_ABI::quorum::detail

#if ATTUNE_HEADER_ONLY
#include <attune/quorum/log/impl/log_directory.ipp>
#endif
