#pragma once

#include <attune/store/transport.hpp>
#include <attune/store/version_record.hpp>
#include <attune/version.hpp>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace attune::inline ATTUNE_ABI {

struct SqliteOptions {
    /// Which of the documents in the database. Each has versions of its own.
    std::string document = "config";
    /// So many of its versions are kept, at least one. Older ones go when a newer one is written.
    std::size_t keep = 64;
    /// Kept with each version that this process writes, for `sqlite_history`: who it is, and why.
    std::string reason{};
    /// A missing database is created; otherwise it is a problem.
    bool create = true;
    /// How long a write, and the first reading, wait for a process that has locked the database.
    std::chrono::milliseconds busy_timeout{2000};
    /// Above zero: ask the database for changes this often, instead of the kernel for writes to its
    /// files. Where the kernel cannot tell, the database is asked every 250 ms.
    std::chrono::milliseconds poll{0};
    /// Each version is on the disk when the write returns (`synchronous=FULL`). Otherwise those
    /// written last may be missing after a loss of power, but no older one.
    bool sync = true;
};

/// A configuration that several processes of one machine share, in a SQLite database.
///
/// The layer's document is the newest version in the database, or null when there is none.
/// Layer::set writes the next version, in one transaction that does nothing when another process
/// has written since this one last read: that is Rejected, says so, and the other's version is on
/// its way. All stores that have the database open take a new version over, each when its own
/// validation lets it; one that refuses it keeps the last good one, and cannot write before it has
/// been replaced.
///
/// A relative path is taken from the working directory of this call. A new file is created with
/// mode 0600, whatever the umask is, and the files that SQLite puts beside it get the same: the
/// documents are stored whole, secrets included, and it is for you to keep the database from other
/// users. A file that is there keeps its mode. A database that something else has made is refused.
///
/// The database uses a write-ahead log (`config.db-wal`, `config.db-shm`), which needs a local file
/// system: a process that is killed at any moment leaves only whole versions, and every one that
/// was acknowledged. When writing fails, as on a full disk, nothing has changed, the problem says
/// what to do, and the next write may succeed.
///
/// Versions are rows of the table `attune_versions(name, version, time, reason, document)`, the
/// document as JSON: to change it from outside, insert the next version; to return to the one
/// before, delete the newest. Do not replace the file of a database that is in use, but restore
/// into it (`sqlite3 config.db ".restore backup.db"`). A file that disappears or is replaced all
/// the same is noticed, and read when there is one again; what was last good serves until then.
///
/// Changes are noticed by inotify on the database's files, and confirmed by `PRAGMA data_version`.
[[nodiscard]] std::unique_ptr<Transport> sqlite(std::filesystem::path path,
                                                SqliteOptions options = {});

/// The versions that are kept of a document, oldest first; `layer` is its name. Never creates a
/// database. Throws Rejected when there is none, or it cannot be read.
[[nodiscard]] std::vector<VersionRecord> sqlite_history(const std::filesystem::path& path,
                                                        const SqliteOptions& options = {});

}  // namespace attune::inline ATTUNE_ABI

#include <attune/transport/impl/sqlite.hpp>
