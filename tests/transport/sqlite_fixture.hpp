#pragma once

#include <attune/transport/sqlite.hpp>

#include "recorder.hpp"
#include "way.hpp"

#include <gtest/gtest.h>

#include <sqlite3.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include <sys/stat.h>

namespace attune_test {

/// A connection of some other program: the sqlite3 shell, say.
class OtherProgram {
public:
    explicit OtherProgram(const std::filesystem::path& path, const char* vfs = nullptr) {
        EXPECT_EQ(sqlite3_open_v2(path.c_str(), &connection_,
                                  SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, vfs),
                  SQLITE_OK);
        sqlite3_busy_timeout(connection_, std::chrono::milliseconds{patience}.count());
    }
    OtherProgram(const OtherProgram&) = delete;
    OtherProgram& operator=(const OtherProgram&) = delete;
    ~OtherProgram() { sqlite3_close(connection_); }

    /// The first column of the last row, as text.
    std::string run(const std::string& sql) const {
        std::string result;
        const auto take = [](void* to, int, char** columns, char**) {
            *static_cast<std::string*>(to) = columns[0] != nullptr ? columns[0] : "NULL";
            return 0;
        };
        EXPECT_EQ(sqlite3_exec(connection_, sql.c_str(), take, &result, nullptr), SQLITE_OK)
            << sql << ": " << sqlite3_errmsg(connection_);
        return result;
    }

    void insert(int version, const std::string& document) const {
        run("INSERT INTO attune_versions VALUES ('config', " + std::to_string(version) +
            ", '2026-01-31T10:00:00Z', 'by hand', '" + document + "')");
    }

private:
    sqlite3* connection_ = nullptr;
};

/// A disk that calls a function before it flushes a write-ahead log.
class SlowDisk {
public:
    explicit SlowDisk(std::function<void()> before_flush) {
        base() = sqlite3_vfs_find(nullptr);
        hook() = std::move(before_flush);
        vfs_ = *base();
        vfs_.zName = "slow";
        vfs_.xOpen = [](sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out) {
            const int result = base()->xOpen(base(), name, file, flags, out);
            if (result == SQLITE_OK && (flags & SQLITE_OPEN_WAL) != 0) {
                original() = file->pMethods;
                replaced() = *file->pMethods;
                replaced().xSync = [](sqlite3_file* log, int how) {
                    hook()();
                    return original()->xSync(log, how);
                };
                file->pMethods = &replaced();
            }
            return result;
        };
        EXPECT_EQ(sqlite3_vfs_register(&vfs_, 0), SQLITE_OK);
    }
    SlowDisk(const SlowDisk&) = delete;
    SlowDisk& operator=(const SlowDisk&) = delete;
    ~SlowDisk() { sqlite3_vfs_unregister(&vfs_); }

    const char* name() const { return vfs_.zName; }

private:
    // SQLite's interface has no room for a pointer of ours.
    static sqlite3_vfs*& base() {
        static sqlite3_vfs* vfs = nullptr;
        return vfs;
    }
    static const sqlite3_io_methods*& original() {
        static const sqlite3_io_methods* methods = nullptr;
        return methods;
    }
    static sqlite3_io_methods& replaced() {
        static sqlite3_io_methods methods;
        return methods;
    }
    static std::function<void()>& hook() {
        static std::function<void()> function;
        return function;
    }

    sqlite3_vfs vfs_;
};

/// What went wrong when `save` must fail.
inline std::string save_error(attune::Transport& transport, attune::Document document,
                              const std::string& revision) {
    try {
        return "saved as " + transport.save(std::move(document), revision);
    } catch (const attune::Rejected& rejected) {
        return rejected.what();
    }
}

/// As a store does: saves, and says that it serves that.
inline std::string save(const Followed& followed, attune::Document document,
                        const std::string& revision) {
    const std::string saved = followed->save(document, revision);
    followed->accepted({.document = document, .without_secrets = {}, .revision = saved});
    return saved;
}

inline unsigned mode_of(const std::filesystem::path& path) {
    struct stat status {};
    EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
    return status.st_mode & 07777U;
}

class SqliteTransport : public testing::TestWithParam<Way> {
protected:
    attune::SqliteOptions options() const {
        attune::SqliteOptions options;
        options.poll = GetParam().poll;
        return options;
    }
    std::unique_ptr<attune::Transport> open(attune::SqliteOptions with) const {
        return attune::sqlite(file, std::move(with));
    }
    std::unique_ptr<attune::Transport> open() const { return open(options()); }

    /// A version that another process writes.
    std::string write(attune::Document document) const {
        const auto other = open();
        const attune::Content content = other->load();
        return other->save(std::move(document), content.revision);
    }

    Folder folder;
    const std::filesystem::path file = folder / "config.db";
    Recorder feed;
};

}  // namespace attune_test
