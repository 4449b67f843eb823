#pragma once

#include <attune/fwd.hpp>
#include <attune/version.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace attune::inline ATTUNE_ABI {

/// What went wrong with a journal.
enum class JournalFault : std::uint8_t {
    damaged,  ///< the files are not what was written; journal::recover is the way out
    locked,   ///< another store has the journal
    full,     ///< no room: as before, and the next attempt may succeed
    disk,     ///< the system said something else
    key,      ///< a key that is none, or not the one that has signed
};

/// A journal cannot be read or written. The message says where, why, and what to do about it.
class JournalError : public std::runtime_error {
public:
    ATTUNE_DECL JournalError(JournalFault fault, std::string file, std::uint64_t offset,
                             const std::string& message);

    JournalFault fault() const noexcept { return fault_; }
    /// The file, or the directory where it is about all of them.
    const std::string& file() const noexcept { return file_; }
    /// Of damage: where in the file, in bytes; zero otherwise.
    std::uint64_t offset() const noexcept { return offset_; }

private:
    JournalFault fault_;
    std::string file_;
    std::uint64_t offset_;
};

namespace journal {

/// A place where a journal is not what was written.
struct Damage {
    std::string file;
    std::uint64_t offset = 0;
    std::string what;

    friend bool operator==(const Damage&, const Damage&) = default;
};

struct Report {
    std::uint64_t records = 0;  ///< all that are intact, marks included
    std::size_t versions = 0;
    Version first = 0;  ///< the oldest version; zero when there is none
    Version last = 0;
    std::string head;  ///< SHA-256 of the last record, in hexadecimal; empty when there is none
    /// Bytes after the last record that a write has left which never ended. They were never
    /// acknowledged (with `sync`), and the next store that opens the journal cuts them off.
    std::uint64_t unfinished = 0;
    std::optional<Damage> damage;  ///< the first; what comes after it is not counted above

    explicit operator bool() const noexcept { return !damage; }
};

/// What recover has done.
struct Recovery {
    Report report;             ///< of the journal as it is now
    std::size_t versions = 0;  ///< how many could be kept
    /// Versions that are gone, as far as their headers can be read; nothing when all were kept.
    Version lost_first = 0;
    Version lost_last = 0;
    std::size_t lost = 0;
    std::vector<std::string> moved;  ///< where the old files are now; empty when nothing was wrong
};

}  // namespace journal

}  // namespace attune::inline ATTUNE_ABI

#if ATTUNE_HEADER_ONLY
#include <attune/store/impl/journal_report.ipp>
#endif
