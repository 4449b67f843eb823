#pragma once

#include <attune/version.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

/// An open file. Everything that fails throws std::system_error that names the file and what was
/// tried. One thread at a time.
class DiskFile {
public:
    DiskFile() = default;
    DiskFile(const DiskFile&) = delete;
    DiskFile& operator=(const DiskFile&) = delete;
    virtual ~DiskFile() = default;

    virtual std::uint64_t size() = 0;

    /// Fewer than `count` bytes only where the file ends.
    virtual std::size_t read(void* to, std::size_t count, std::uint64_t offset) = 0;

    /// All of it, or an exception; then any part of it may have been written.
    virtual void write(std::string_view bytes, std::uint64_t offset) = 0;

    /// Returns when what has been written would survive a loss of power. After a failure the kernel
    /// may take pages for written that are not: trying again proves nothing.
    virtual void sync() = 0;

    /// Has that part written soon, without waiting for it, so that the next `sync` has less to do.
    /// Promises nothing.
    virtual void start_sync(std::uint64_t from, std::uint64_t to) noexcept = 0;

    /// Cuts the file, or lengthens it by zeros that may take no room yet.
    virtual void resize(std::uint64_t size) = 0;

    /// Lengthens the file by zeros that have their room, so that writing there changes no metadata:
    /// a flush then costs one write of the data and no more.
    virtual void reserve(std::uint64_t from, std::uint64_t to) = 0;
};

enum class DiskOpen : std::uint8_t {
    read,
    write,   ///< one that exists
    create,  ///< one that does not
};

/// Held until it is destroyed, or the process ends in whatever way.
class DiskLock {
public:
    DiskLock() = default;
    DiskLock(const DiskLock&) = delete;
    DiskLock& operator=(const DiskLock&) = delete;
    virtual ~DiskLock() = default;
};

/// What is asked of a file system by those who must not lose anything; tests have one that fails.
/// Errors are std::system_error that names the path and what was tried. Any thread.
class Disk {
public:
    Disk() = default;
    Disk(const Disk&) = delete;
    Disk& operator=(const Disk&) = delete;
    virtual ~Disk() = default;

    /// `mode` is for a file that is created.
    virtual std::unique_ptr<DiskFile> open(const std::string& path, DiskOpen how,
                                           unsigned mode = 0600) = 0;

    /// The directory and those above it that are missing. Those above are durable; for this one,
    /// `sync_directory` that it is in.
    virtual void make_directory(const std::string& path, unsigned mode) = 0;

    virtual bool exists(const std::string& path) = 0;

    /// The names in a directory, in order, without `.` and `..`.
    virtual std::vector<std::string> list(const std::string& directory) = 0;

    /// Replaces what has the new name, in one step.
    virtual void rename(const std::string& from, const std::string& to) = 0;

    virtual void remove(const std::string& path) = 0;

    /// Returns when the names in the directory would survive a loss of power.
    virtual void sync_directory(const std::string& directory) = 0;

    /// An exclusive lock on a file, which is created where it is missing; null when somebody has
    /// the lock, in this process or another one.
    virtual std::unique_ptr<DiskLock> lock(const std::string& path) = 0;
};

/// The one that the kernel has.
ATTUNE_DECL std::shared_ptr<Disk> posix_disk();

/// The directory that a path is in; `.` for a name alone.
ATTUNE_DECL std::string directory_of(const std::string& path);

/// Errors: std::system_error.
ATTUNE_DECL std::string read_file(Disk& disk, const std::string& path);

/// Creates or replaces a file so that, whatever happens, either the old or the new content is there
/// as a whole, and the new one once this has returned: temporary file in the same directory, flush,
/// rename, flush of the directory. The file has its mode before it has content. On failure the
/// temporary file is removed, and std::system_error is thrown.
ATTUNE_DECL void write_file_durably(Disk& disk, const std::string& path, std::string_view bytes,
                                    unsigned mode = 0600);

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/storage/impl/disk.ipp>
#endif
