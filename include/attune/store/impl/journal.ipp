#pragma once

#include <attune/store/detail/disk.hpp>
#include <attune/store/detail/journal_writer.hpp>
#include <attune/store/journal.hpp>

#include <utility>

namespace attune::inline ATTUNE_ABI {

ATTUNE_DECL JournalError::JournalError(JournalFault fault, std::string file, std::uint64_t offset,
                                       const std::string& message)
    : std::runtime_error("journal " + file +
                         (fault == JournalFault::damaged ? ", byte " + std::to_string(offset)
                                                         : std::string()) +
                         ": " + message),
      fault_(fault),
      file_(std::move(file)),
      offset_(offset) {}

ATTUNE_DECL std::unique_ptr<detail::JournalSink> Journal::open_files(const Journal& journal) {
    return std::make_unique<detail::JournalWriter>(detail::posix_disk(),
                                                   journal.directory_.string(), journal.options_);
}

}  // namespace attune::inline ATTUNE_ABI
