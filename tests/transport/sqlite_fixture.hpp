#pragma once

#include <attune/transport/sqlite.hpp>

#include "recorder.hpp"
#include "way.hpp"

#include <gtest/gtest.h>

#include <sqlite3.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include <sys/stat.h>

namespace attune_test {

/// A connection of some other program: the sqlite3 shell, say.
class OtherProgram {
public:
    explicit OtherProgram(const std::filesystem::path& path) {
        EXPECT_EQ(sqlite3_open(path.c_str(), &connection_), SQLITE_OK);
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
