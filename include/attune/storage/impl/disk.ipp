#pragma once

#include <attune/storage/disk.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <exception>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace attune::inline ATTUNE_ABI::detail {

[[noreturn]] ATTUNE_DECL void refuse_disk(int error, const char* what, const std::string& path) {
    throw std::system_error(error, std::generic_category(), std::string(what) + ' ' + path);
}

class PosixFile final : public DiskFile, public DiskLock {
public:
    PosixFile(int fd, std::string path) noexcept : fd_(fd), path_(std::move(path)) {}
    ~PosixFile() override { ::close(fd_); }

    std::uint64_t size() override {
        struct stat status;
        if (::fstat(fd_, &status) != 0) {
            refuse_disk(errno, "cannot look at", path_);
        }
        return static_cast<std::uint64_t>(status.st_size);
    }

    std::size_t read(void* to, std::size_t count, std::uint64_t offset) override {
        auto* const bytes = static_cast<char*>(to);
        std::size_t done = 0;
        while (done != count) {
            const ssize_t got =
                ::pread(fd_, bytes + done, count - done, static_cast<off_t>(offset + done));
            if (got < 0 && errno == EINTR) {
                continue;
            }
            if (got < 0) {
                refuse_disk(errno, "cannot read", path_);
            }
            if (got == 0) {
                break;
            }
            done += static_cast<std::size_t>(got);
        }
        return done;
    }

    void write(std::string_view bytes, std::uint64_t offset) override {
        while (!bytes.empty()) {
            const ssize_t put =
                ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
            if (put < 0 && errno == EINTR) {
                continue;
            }
            if (put <= 0) {
                refuse_disk(put < 0 ? errno : EIO, "cannot write", path_);
            }
            bytes.remove_prefix(static_cast<std::size_t>(put));
            offset += static_cast<std::uint64_t>(put);
        }
    }

    void sync() override {
        // Not even after EINTR is it known what has been written.
        if (::fdatasync(fd_) != 0) {
            refuse_disk(errno, "cannot flush", path_);
        }
    }

    void start_sync(std::uint64_t from, std::uint64_t to) noexcept override {
#if defined(SYNC_FILE_RANGE_WRITE)
        (void)::sync_file_range(fd_, static_cast<off64_t>(from), static_cast<off64_t>(to - from),
                                SYNC_FILE_RANGE_WRITE);
#else
        (void)from;
        (void)to;
#endif
    }

    void resize(std::uint64_t size) override {
        while (::ftruncate(fd_, static_cast<off_t>(size)) != 0) {
            if (errno != EINTR) {
                refuse_disk(errno, "cannot resize", path_);
            }
        }
    }

    void reserve(std::uint64_t from, std::uint64_t to) override {
        // fallocate alone would leave extents that are marked as unwritten, and each first write
        // to one of those changes metadata.
        static constexpr std::array<char, 65536> zeros{};
        while (from < to) {
            const std::uint64_t step = std::min<std::uint64_t>(zeros.size(), to - from);
            write({zeros.data(), static_cast<std::size_t>(step)}, from);
            from += step;
        }
    }

private:
    const int fd_;
    const std::string path_;
};

class PosixDisk final : public Disk {
public:
    std::unique_ptr<DiskFile> open(const std::string& path, DiskOpen how, unsigned mode) override {
        const int flags = how == DiskOpen::read    ? O_RDONLY
                          : how == DiskOpen::write ? O_RDWR
                                                   : O_RDWR | O_CREAT | O_EXCL;
        const char* const what = how == DiskOpen::create ? "cannot create" : "cannot open";
        return open_as(path, flags, mode, what);
    }

    void make_directory(const std::string& path, unsigned mode) override {
        if (::mkdir(path.c_str(), static_cast<mode_t>(mode)) == 0) {
            return;
        }
        int error = errno;
        if (error == ENOENT && directory_of(path) != path) {
            const std::string above = directory_of(path);
            make_directory(above, mode);
            sync_directory(directory_of(above));
            error = ::mkdir(path.c_str(), static_cast<mode_t>(mode)) == 0 ? 0 : errno;
        }
        struct stat status;
        if (error == EEXIST && ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) {
            return;
        }
        if (error != 0) {
            refuse_disk(error, "cannot create", path);
        }
    }

    bool exists(const std::string& path) override {
        struct stat status;
        if (::lstat(path.c_str(), &status) == 0) {
            return true;
        }
        if (errno != ENOENT && errno != ENOTDIR) {
            refuse_disk(errno, "cannot look at", path);
        }
        return false;
    }

    std::vector<std::string> list(const std::string& directory) override {
        const std::unique_ptr<DIR, int (*)(DIR*)> opened(::opendir(directory.c_str()), &::closedir);
        if (opened == nullptr) {
            refuse_disk(errno, "cannot list", directory);
        }
        std::vector<std::string> names;
        errno = 0;
        while (const dirent* const entry = ::readdir(opened.get())) {
            std::string name = entry->d_name;
            if (name != "." && name != "..") {
                names.push_back(std::move(name));
            }
            errno = 0;
        }
        if (errno != 0) {
            refuse_disk(errno, "cannot list", directory);
        }
        std::sort(names.begin(), names.end());
        return names;
    }

    void rename(const std::string& from, const std::string& to) override {
        if (::rename(from.c_str(), to.c_str()) != 0) {
            refuse_disk(errno, "cannot rename", from + " to " + to);
        }
    }

    void remove(const std::string& path) override {
        if (::unlink(path.c_str()) != 0) {
            refuse_disk(errno, "cannot remove", path);
        }
    }

    void sync_directory(const std::string& directory) override {
        const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0) {
            refuse_disk(errno, "cannot open", directory);
        }
        const int error = ::fsync(fd) == 0 ? 0 : errno;
        ::close(fd);
        // Some file systems cannot, and need not.
        if (error != 0 && error != EINVAL) {
            refuse_disk(error, "cannot flush", directory);
        }
    }

    std::unique_ptr<DiskLock> lock(const std::string& path) override {
        const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0) {
            refuse_disk(errno, "cannot open", path);
        }
        auto held = std::make_unique<PosixFile>(fd, path);
        while (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
            if (errno == EWOULDBLOCK) {
                return nullptr;
            }
            if (errno != EINTR) {
                refuse_disk(errno, "cannot lock", path);
            }
        }
        return held;
    }

private:
    static std::unique_ptr<PosixFile> open_as(const std::string& path, int flags, unsigned mode,
                                              const char* what) {
        const int fd = ::open(path.c_str(), flags | O_CLOEXEC, static_cast<mode_t>(mode));
        if (fd < 0) {
            refuse_disk(errno, what, path);
        }
        return std::make_unique<PosixFile>(fd, path);
    }
};

ATTUNE_DECL std::shared_ptr<Disk> posix_disk() { return std::make_shared<PosixDisk>(); }

ATTUNE_DECL std::string directory_of(const std::string& path) {
    const std::size_t last = path.find_last_not_of('/');
    const std::size_t slash = last == std::string::npos ? last : path.rfind('/', last);
    if (slash == std::string::npos) {
        return path.starts_with('/') ? "/" : ".";
    }
    const std::size_t end = path.find_last_not_of('/', slash);
    return end == std::string::npos ? "/" : path.substr(0, end + 1);
}

ATTUNE_DECL std::string read_file(Disk& disk, const std::string& path) {
    const auto file = disk.open(path, DiskOpen::read);
    std::string bytes(static_cast<std::size_t>(file->size()), '\0');
    bytes.resize(file->read(bytes.data(), bytes.size(), 0));
    return bytes;
}

ATTUNE_DECL void write_file_durably(Disk& disk, const std::string& path, std::string_view bytes,
                                    unsigned mode) {
    // A name nobody else has: what another process is writing must not be taken from it.
    std::string beside;
    std::unique_ptr<DiskFile> file;
    for (int number = 0; file == nullptr; ++number) {
        beside = path + '.' + std::to_string(::getpid()) + '-' + std::to_string(number) + ".tmp";
        try {
            file = disk.open(beside, DiskOpen::create, mode);
        } catch (const std::system_error& error) {
            if (error.code() != std::errc::file_exists || number == 1000) {
                throw;
            }
        }
    }
    try {
        file->write(bytes, 0);
        file->sync();
        file.reset();
        disk.rename(beside, path);
    } catch (...) {
        const auto failure = std::current_exception();
        try {
            disk.remove(beside);
        } catch (const std::system_error&) {
            // It was the disk that failed: the first error says more.
        }
        std::rethrow_exception(failure);
    }
    disk.sync_directory(directory_of(path));
}

}  // namespace attune::inline ATTUNE_ABI::detail
