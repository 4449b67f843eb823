#pragma once

#include <attune/store/journal_report.hpp>

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

}  // namespace attune::inline ATTUNE_ABI
