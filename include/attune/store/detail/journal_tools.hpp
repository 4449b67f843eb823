#pragma once

#include <attune/storage/disk.hpp>
#include <attune/store/journal_options.hpp>
#include <attune/store/journal_report.hpp>
#include <attune/store/version_record.hpp>
#include <attune/version.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

// What namespace journal offers, on any disk.

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL journal::Report verify_journal(Disk& disk, const std::string& directory,
                                           const journal::VerifyOptions& options = {});
ATTUNE_DECL journal::Recovery recover_journal(const std::shared_ptr<Disk>& disk,
                                              const std::string& directory,
                                              const JournalOptions& options = {});
ATTUNE_DECL std::vector<VersionRecord> read_versions(Disk& disk, const std::string& directory);
ATTUNE_DECL void compact_journal(const std::shared_ptr<Disk>& disk, const std::string& directory,
                                 std::size_t keep, const JournalOptions& options = {});

/// A journal of these versions, in increasing order, where there is none.
ATTUNE_DECL void create_journal(const std::shared_ptr<Disk>& disk, const std::string& directory,
                                std::span<const VersionRecord> versions,
                                const JournalOptions& options);

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/store/impl/journal_tools.ipp>
#endif
