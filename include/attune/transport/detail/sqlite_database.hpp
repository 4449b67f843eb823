#pragma once

#include <attune/bind/problem.hpp>
#include <attune/version.hpp>

#include <sqlite3.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

/// What SQLite said: an extended result code, and where there is one, the errno behind it.
class SqliteError : public std::runtime_error {
public:
    explicit SqliteError(sqlite3* connection);

    int code() const noexcept { return extended_ & 0xff; }
    int system_error() const noexcept { return system_error_; }
    bool busy() const noexcept { return code() == SQLITE_BUSY || code() == SQLITE_LOCKED; }

private:
    int extended_;
    int system_error_;
};

/// One run of one statement. The connection must outlive it.
class SqliteStatement {
public:
    SqliteStatement(sqlite3* connection, std::string_view sql);
    SqliteStatement(const SqliteStatement&) = delete;
    SqliteStatement& operator=(const SqliteStatement&) = delete;
    ~SqliteStatement() { sqlite3_finalize(statement_); }

    /// Parameters, in their order. The text must outlive the statement.
    SqliteStatement& bind(std::string_view text);
    SqliteStatement& bind(std::int64_t number);

    /// The next row; false when there is none.
    bool step();

    std::int64_t number(int column) { return sqlite3_column_int64(statement_, column); }
    std::string text(int column);

private:
    sqlite3* const connection_;
    sqlite3_stmt* statement_ = nullptr;
    int bound_ = 0;
};

/// What tells two versions apart. The time is part of it because a version that was deleted gives
/// its number to the next one. Number zero: there is none.
struct SqliteMark {
    std::int64_t version = 0;
    std::string time;

    friend bool operator==(const SqliteMark&, const SqliteMark&) = default;
};

/// One connection to a database of versions. Not for use by several threads at once.
///
/// Functions throw SqliteError; the constructor throws Rejected as well.
class SqliteDatabase {
public:
    struct Settings {
        std::string path;    ///< absolute
        std::string source;  ///< how people call it
        bool create;
        std::chrono::milliseconds busy_timeout;
        bool sync;
    };
    struct Row {
        SqliteMark mark;
        std::string reason;
        std::string document;
    };
    struct Write {
        std::string_view name;
        SqliteMark mark;
        std::string_view reason;
        std::string_view document;
        std::int64_t keep;
    };

    /// Opens the database, and makes it where there is none and `create` is set.
    explicit SqliteDatabase(const Settings& settings);
    SqliteDatabase(const SqliteDatabase&) = delete;
    SqliteDatabase& operator=(const SqliteDatabase&) = delete;
    ~SqliteDatabase() { sqlite3_close(connection_); }

    /// True when the path leads to another file by now, or to none. What is written here is lost.
    bool moved();

    /// A number that changes with each change that others have made.
    std::int64_t data_version();

    SqliteMark newest_mark(std::string_view name);
    std::optional<Row> newest(std::string_view name);

    /// Oldest first.
    void each(std::string_view name, const std::function<void(Row)>& take);

    /// One transaction that begins with the right to write. Rolled back unless it was committed.
    class Transaction {
    public:
        explicit Transaction(SqliteDatabase& database) : database_(database) {
            database_.run("BEGIN IMMEDIATE");
        }
        Transaction(const Transaction&) = delete;
        Transaction& operator=(const Transaction&) = delete;
        ~Transaction() {
            if (sqlite3_get_autocommit(database_.connection_) == 0) {
                sqlite3_exec(database_.connection_, "ROLLBACK", nullptr, nullptr, nullptr);
            }
        }

        /// Adds a version and drops those that are no longer kept.
        void write(const Write& write);
        void commit() { database_.run("COMMIT"); }

    private:
        SqliteDatabase& database_;
    };

    /// True when nobody is in the middle of a write, so that all there is to see can be seen.
    bool settled();

    /// How long to wait for the locks of others from now on.
    void wait_when_busy(std::chrono::milliseconds timeout) noexcept { busy_timeout_ = timeout; }

private:
    static int wait(void* self, int times) noexcept;
    void open(const Settings& settings);
    void use_log(const Settings& settings);
    bool recognise(const Settings& settings);
    void run(const char* sql);
    std::int64_t ask(const char* sql);

    /// A file, whatever its name: device and inode.
    using Place = std::pair<std::uint64_t, std::uint64_t>;
    static std::optional<Place> where(const std::string& path);

    const std::string path_;
    sqlite3* connection_ = nullptr;
    std::optional<Place> opened_;
    std::chrono::milliseconds busy_timeout_;
    std::chrono::steady_clock::time_point waiting_since_{};
};

/// Says what was tried, what is wrong, and what to do about it.
Problem sqlite_problem(const std::string& source, const std::string& tried,
                       const SqliteError& error);

}  // namespace attune::inline ATTUNE_ABI::detail

#include <attune/transport/impl/sqlite_database.hpp>
