#pragma once

#include <attune/storage/disk.hpp>
#include <attune/store/detail/journal_tools.hpp>
#include <attune/store/detail/journal_writer.hpp>
#include <attune/store/journal.hpp>

#include <memory>

namespace attune::inline ATTUNE_ABI {

ATTUNE_DECL std::unique_ptr<detail::JournalSink> Journal::open_files(const Journal& journal) {
    return std::make_unique<detail::JournalWriter>(detail::posix_disk(),
                                                   journal.directory_.string(), journal.options_);
}

namespace journal {

ATTUNE_DECL Report verify(const std::filesystem::path& directory, const VerifyOptions& options) {
    return detail::verify_journal(*detail::posix_disk(), directory.string(), options);
}

ATTUNE_DECL Recovery recover(const std::filesystem::path& directory,
                             const JournalOptions& options) {
    return detail::recover_journal(detail::posix_disk(), directory.string(), options);
}

ATTUNE_DECL std::vector<VersionRecord> read(const std::filesystem::path& directory) {
    return detail::read_versions(*detail::posix_disk(), directory.string());
}

ATTUNE_DECL void compact(const std::filesystem::path& directory, std::size_t keep,
                         const JournalOptions& options) {
    detail::compact_journal(detail::posix_disk(), directory.string(), keep, options);
}

}  // namespace journal

}  // namespace attune::inline ATTUNE_ABI
