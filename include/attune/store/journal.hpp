#pragma once

#include <attune/fwd.hpp>
#include <attune/store/journal_options.hpp>
#include <attune/store/journal_report.hpp>
#include <attune/store/journal_sink.hpp>
#include <attune/store/version_record.hpp>
#include <attune/version.hpp>

#include <cstddef>
#include <filesystem>
#include <iosfwd>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI {

/// Where a store keeps its versions: a directory of its own, which is created when it is missing.
/// Empty by default: nowhere.
///
/// The files hold all values as they are, secrets too, and only their owner may read them (mode
/// 0600, in a directory of mode 0700). One store at a time has a journal. docs/journal.md has the
/// format and the guarantees.
class Journal {
public:
    Journal() noexcept = default;
    Journal(const char* directory) : Journal(std::filesystem::path(directory)) {}
    Journal(const std::string& directory) : Journal(std::filesystem::path(directory)) {}
    Journal(const std::filesystem::path& directory) : Journal(directory, {}) {}
    Journal(const std::filesystem::path& directory, JournalOptions options)
        : directory_(directory), options_(std::move(options)), open_(&Journal::open_files) {}

    explicit operator bool() const noexcept { return open_ != nullptr; }
    const std::filesystem::path& directory() const noexcept { return directory_; }
    const JournalOptions& options() const noexcept { return options_; }

    /// Takes the journal for one store, until the sink is destroyed. It must not be empty; without
    /// `sync` nothing is flushed, whatever the options say. Throws JournalError: locked, disk, key.
    std::unique_ptr<detail::JournalSink> open(bool sync = true) const {
        Journal how = *this;
        how.options_.sync = how.options_.sync && sync;
        return open_(how);
    }

private:
    // Reached through a pointer that only a journal with a directory has: a program without one
    // contains none of what is behind it.
    using Open = std::unique_ptr<detail::JournalSink>(const Journal&);

    ATTUNE_DECL static std::unique_ptr<detail::JournalSink> open_files(const Journal& journal);

    std::filesystem::path directory_;
    JournalOptions options_;
    Open* open_ = nullptr;
};

}  // namespace attune::inline ATTUNE_ABI

/// What can be done with a journal without a store.
namespace attune::inline ATTUNE_ABI::journal {

/// Reads all of a journal and checks everything in it: checksums, the chain of hashes, signatures.
/// Changes nothing and takes no lock; beside a running store it may find that store's last record
/// unfinished. Damage is reported, not thrown; throws JournalError when files cannot be read, or
/// the key is none.
ATTUNE_DECL Report verify(const std::filesystem::path& directory,
                          const VerifyOptions& options = {});

/// The way out of damage: writes every version that is proved intact into a new file, which takes
/// the place of the old ones, and moves those into a directory `damaged-1` (or the next number)
/// inside the journal. Removes nothing. What lies before the damage is kept, and what comes after
/// it as far as it stands on its own: a later file begins with a whole document.
///
/// The chain of hashes goes on from the last intact record before the damage. Records are written
/// again, hence the options, for their `signing_key`; with a `public_key`, records that it has not
/// signed count as damage. A journal without damage is left as it is.
/// Throws JournalError when another store has the journal or the disk fails; then nothing changed.
ATTUNE_DECL Recovery recover(const std::filesystem::path& directory,
                             const JournalOptions& options = {});

/// All versions in a journal, oldest first. Takes no lock. Throws JournalError.
ATTUNE_DECL std::vector<VersionRecord> read(const std::filesystem::path& directory);

/// Leaves the newest `keep` versions, at least one, and those that are marked. Stores do this as
/// they go; this is for a journal that no store has open. Throws JournalError.
ATTUNE_DECL void compact(const std::filesystem::path& directory, std::size_t keep,
                         const JournalOptions& options = {});

/// Writes one file per version, `000000000012.json`, into a folder that is created when it is
/// missing: an indented JSON object with the members `version`, `time` (RFC 3339, UTC), `reason`,
/// `layer`, `kept` and `note` where there is one, and `document`. Made for git: equal versions give
/// equal files, and lines differ where values do. Other files are left alone.
///
/// Writes what it is given: mask secrets before. Throws JournalError.
ATTUNE_DECL void export_folder(std::span<const VersionRecord> records,
                               const std::filesystem::path& folder);

/// Makes a new journal of a folder that export_folder has written; values without a type have
/// become strings. Throws JournalError, also when there is a journal in the directory already, and
/// ParseError or JournalError (damaged) for a file that is not as described above.
ATTUNE_DECL void import_folder(const std::filesystem::path& folder,
                               const std::filesystem::path& directory,
                               const JournalOptions& options = {});

/// Writes a stream for `git fast-import`: on branch `main` one commit per version, of a
/// `config.json`, made at the version's time by `attune <attune@localhost>`; its message is the
/// reason, followed by the trailers `Version:`, and where there is one `Layer:` and `Kept:`. After
/// `git init; git fast-import < stream`, `git log -p main` shows the history.
///
/// Writes what it is given: mask secrets before. Errors: the stream's state.
ATTUNE_DECL void export_git(std::span<const VersionRecord> records, std::ostream& out);

}  // namespace attune::inline ATTUNE_ABI::journal

#if ATTUNE_HEADER_ONLY
#include <attune/store/impl/journal.ipp>
#include <attune/store/impl/journal_export.ipp>
#endif
