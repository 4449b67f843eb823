#pragma once

#include <attune/storage/disk.hpp>
#include <attune/store/detail/journal_writer.hpp>
#include <attune/store/journal.hpp>

#include <memory>

namespace attune::inline ATTUNE_ABI {

ATTUNE_DECL std::unique_ptr<detail::JournalSink> Journal::open_files(const Journal& journal) {
    return std::make_unique<detail::JournalWriter>(detail::posix_disk(),
                                                   journal.directory_.string(), journal.options_);
}

}  // namespace attune::inline ATTUNE_ABI
