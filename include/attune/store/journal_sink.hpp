#pragma once

#include <attune/document/document.hpp>
#include <attune/document/path.hpp>
#include <attune/fwd.hpp>
#include <attune/store/version_record.hpp>
#include <attune/version.hpp>

#include <chrono>
#include <cstddef>
#include <string_view>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

/// Where a store puts its versions before anybody sees them. One store at a time; the store calls
/// it under its commit mutex, so calls never overlap.
class JournalSink {
public:
    JournalSink() = default;
    JournalSink(const JournalSink&) = delete;
    JournalSink& operator=(const JournalSink&) = delete;
    virtual ~JournalSink() = default;

    /// What was found at start.
    struct Restored {
        std::vector<VersionRecord> versions;  ///< oldest first; the last one is the newest there is
        Document own;                         ///< what the store itself had set, as of the last one
        std::size_t cut = 0;                  ///< bytes of an unfinished record, which were cut off
    };

    /// What is to be kept of a commit. References are valid during the call.
    struct Entry {
        Version version;  ///< larger than any before
        std::chrono::system_clock::time_point time;
        std::string_view reason;
        std::string_view layer;
        const Document& before;  ///< the merged document of the version before, and of this one
        const Document& after;
        const Document& own_before;  ///< what the store itself has set, likewise
        const Document& own_after;
        /// Where the documents differ and, unless they are arrays, the store's own; when known.
        const Path* within = nullptr;
    };

    /// The newest `most` versions, and all that are kept. Called once, first.
    virtual Restored restore(std::size_t most) = 0;

    /// Keeps the version for good, then returns. Throws JournalError when that is impossible; the
    /// journal is then as it was, and the next call may succeed.
    virtual void append(const Entry& entry) = 0;

    /// Marks a version that compaction must not drop, or takes the mark back. Throws JournalError.
    virtual void keep(Version version, std::string_view note) = 0;
    virtual void forget(Version version) = 0;
};

}  // namespace attune::inline ATTUNE_ABI::detail
