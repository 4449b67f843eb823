#pragma once

#include <attune/transport/detail/image.hpp>
#include <attune/transport/detail/sqlite_database.hpp>

#include <cerrno>
#include <cstdlib>
#include <new>
#include <thread>
#include <utility>

#include <sys/stat.h>
#include <unistd.h>

namespace attune::inline ATTUNE_ABI::detail {

/// In the file's header: "attu", and the form of the tables.
inline constexpr std::int64_t sqlite_application = 0x61747475;
inline constexpr std::int64_t sqlite_format = 1;

inline SqliteError::SqliteError(sqlite3* connection)
    : std::runtime_error(sqlite3_errmsg(connection)),
      extended_(sqlite3_extended_errcode(connection)),
      system_error_(sqlite3_system_errno(connection)) {}

inline SqliteStatement::SqliteStatement(sqlite3* connection, std::string_view sql)
    : connection_(connection) {
    const int size = static_cast<int>(sql.size());
    if (sqlite3_prepare_v2(connection_, sql.data(), size, &statement_, nullptr) != SQLITE_OK) {
        throw SqliteError{connection_};
    }
}

inline SqliteStatement& SqliteStatement::bind(std::string_view text) {
    if (sqlite3_bind_text64(statement_, ++bound_, text.data(), text.size(), SQLITE_STATIC,
                            SQLITE_UTF8) != SQLITE_OK) {
        throw SqliteError{connection_};
    }
    return *this;
}

inline SqliteStatement& SqliteStatement::bind(std::int64_t number) {
    if (sqlite3_bind_int64(statement_, ++bound_, number) != SQLITE_OK) {
        throw SqliteError{connection_};
    }
    return *this;
}

inline bool SqliteStatement::step() {
    const int result = sqlite3_step(statement_);
    if (result != SQLITE_ROW && result != SQLITE_DONE) {
        throw SqliteError{connection_};
    }
    return result == SQLITE_ROW;
}

inline std::string SqliteStatement::text(int column) {
    const unsigned char* const begin = sqlite3_column_text(statement_, column);
    const int size = sqlite3_column_bytes(statement_, column);
    if (begin == nullptr) {
        if (sqlite3_errcode(connection_) == SQLITE_NOMEM) {
            throw SqliteError{connection_};
        }
        return {};
    }
    return {begin, begin + size};
}

/// Makes an empty file that only its owner may read and write, unless there is one already. It
/// takes its name at once, and nothing is closed under that name: closing a file ends the locks
/// that this process has on it through other descriptors. Gives an errno, or zero.
inline int create_private_file(const std::string& path) {
    std::string name = path + ".XXXXXX";
    const int fd = ::mkstemp(name.data());
    if (fd < 0) {
        return errno;
    }
    constexpr ::mode_t only_owner = 0600;
    int error = ::fchmod(fd, only_owner) == 0 ? 0 : errno;
    ::close(fd);
    if (error == 0 && ::link(name.c_str(), path.c_str()) != 0 && errno != EEXIST) {
        error = errno;
    }
    ::unlink(name.c_str());
    return error;
}

inline SqliteDatabase::SqliteDatabase(const Settings& settings)
    : path_(settings.path), busy_timeout_(settings.busy_timeout) {
    struct stat status;
    if (::stat(settings.path.c_str(), &status) == 0) {
        if (!S_ISREG(status.st_mode)) {
            Problem problem = problem_at(settings.source, {});
            problem.expected = "a database";
            problem.found = S_ISDIR(status.st_mode) ? "a directory" : "something that is no file";
            throw Rejected{{.problems = {std::move(problem)}}};
        }
    } else if (!settings.create) {
        throw Rejected{{.problems = {not_found("database", settings.path, settings.source)}}};
    } else if (const int error = create_private_file(settings.path); error != 0) {
        const std::string reason =
            error == ENOENT ? "there is no such directory; create it first" : error_text(error);
        throw Rejected{{.problems = {problem_at(settings.source,
                                                "the database cannot be created: " + reason)}}};
    }
    try {
        open(settings);
    } catch (...) {
        sqlite3_close(connection_);
        throw;
    }
    opened_ = where(settings.path);
}

inline std::optional<SqliteDatabase::Place> SqliteDatabase::where(const std::string& path) {
    struct stat status;
    return ::stat(path.c_str(), &status) == 0 ? std::optional{Place{status.st_dev, status.st_ino}}
                                              : std::nullopt;
}

inline void SqliteDatabase::open(const Settings& settings) {
    constexpr int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    const int result = sqlite3_open_v2(settings.path.c_str(), &connection_, flags, nullptr);
    if (connection_ == nullptr) {
        throw std::bad_alloc{};
    }
    if (result != SQLITE_OK) {
        throw SqliteError{connection_};
    }
    sqlite3_extended_result_codes(connection_, 1);
    // The file may come from anybody: nothing in its schema is run.
    sqlite3_db_config(connection_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(connection_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    sqlite3_db_config(connection_, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
    sqlite3_db_config(connection_, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
    sqlite3_busy_handler(connection_, wait, this);
    run("PRAGMA cell_size_check = ON");
    run(settings.sync ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");

    bool ours = recognise(settings);
    if (!ours && !settings.create) {
        throw Rejected{
            {.problems = {problem_at(settings.source,
                                     "an empty file; expected a database with versions of "
                                     "a configuration")}}};
    }
    use_log(settings);
    ours = ours || recognise(settings);  // by now another process may have been here
    if (!ours) {
        Transaction transaction{*this};
        if (!recognise(settings)) {
            run("CREATE TABLE attune_versions ("
                "name TEXT NOT NULL, "
                "version INTEGER NOT NULL CHECK (typeof(version) = 'integer' AND version > 0), "
                "time TEXT NOT NULL, "
                "reason TEXT NOT NULL, "
                "document TEXT NOT NULL, "
                "PRIMARY KEY (name, version))");
            run(("PRAGMA application_id = " + std::to_string(sqlite_application)).c_str());
            run(("PRAGMA user_version = " + std::to_string(sqlite_format)).c_str());
        }
        transaction.commit();
    }
}

/// True for a database of versions, false for one with nothing in it. Refuses all others.
inline bool SqliteDatabase::recognise(const Settings& settings) {
    const std::int64_t application = ask("PRAGMA application_id");
    const std::int64_t format = ask("PRAGMA user_version");
    const auto refuse = [&](std::string message) {
        throw Rejected{{.problems = {problem_at(settings.source, std::move(message))}}};
    };
    if (application == sqlite_application) {
        if (format != sqlite_format) {
            refuse("a database in format " + std::to_string(format) +
                   "; this program reads format " + std::to_string(sqlite_format) +
                   " and has to be brought up to date");
        }
        return true;
    }
    if (application != 0 || format != 0 || ask("SELECT count(*) FROM sqlite_master") != 0) {
        refuse("a database of some other program; give the configuration a file of its own");
    }
    return false;
}

inline void SqliteDatabase::use_log(const Settings& settings) {
    const auto deadline = std::chrono::steady_clock::now() + settings.busy_timeout;
    for (;;) {
        try {
            SqliteStatement statement{connection_, "PRAGMA journal_mode = WAL"};
            const std::string mode = statement.step() ? statement.text(0) : std::string{};
            if (mode != "wal") {
                throw Rejected{{.problems = {problem_at(
                                    settings.source,
                                    "SQLite cannot keep a write-ahead log here (journal mode " +
                                        mode + "); put the database on a local disk")}}};
            }
            return;
        } catch (const SqliteError& error) {
            // Another process may be doing the same; SQLite does not wait for this lock by itself.
            if (!error.busy() || std::chrono::steady_clock::now() >= deadline) {
                throw;
            }
            constexpr int pause_ms = 2;
            sqlite3_sleep(pause_ms);
        }
    }
}

inline void SqliteDatabase::run(const char* sql) {
    if (sqlite3_exec(connection_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
        throw SqliteError{connection_};
    }
}

inline std::int64_t SqliteDatabase::ask(const char* sql) {
    SqliteStatement statement{connection_, sql};
    return statement.step() ? statement.number(0) : 0;
}

inline bool SqliteDatabase::moved() {
    // SQLite knows the file it has opened, but follows symbolic links only once.
    int moved = 0;
    sqlite3_file_control(connection_, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    return moved != 0 || !opened_ || where(path_) != opened_;
}

inline std::int64_t SqliteDatabase::data_version() { return ask("PRAGMA data_version"); }

inline SqliteMark SqliteDatabase::newest_mark(std::string_view name) {
    SqliteStatement statement{connection_,
                              "SELECT version, time FROM attune_versions WHERE name = ? "
                              "ORDER BY version DESC LIMIT 1"};
    statement.bind(name);
    return statement.step() ? SqliteMark{statement.number(0), statement.text(1)} : SqliteMark{};
}

inline std::optional<SqliteDatabase::Row> SqliteDatabase::newest(std::string_view name) {
    SqliteStatement statement{connection_,
                              "SELECT version, time, reason, document FROM attune_versions "
                              "WHERE name = ? ORDER BY version DESC LIMIT 1"};
    statement.bind(name);
    if (!statement.step()) {
        return std::nullopt;
    }
    return Row{{statement.number(0), statement.text(1)}, statement.text(2), statement.text(3)};
}

inline void SqliteDatabase::each(std::string_view name, const std::function<void(Row)>& take) {
    SqliteStatement statement{connection_,
                              "SELECT version, time, reason, document FROM attune_versions "
                              "WHERE name = ? ORDER BY version"};
    statement.bind(name);
    while (statement.step()) {
        take({{statement.number(0), statement.text(1)}, statement.text(2), statement.text(3)});
    }
}

inline void SqliteDatabase::Transaction::write(const Write& write) {
    sqlite3* const connection = database_.connection_;
    SqliteStatement insert{connection,
                           "INSERT INTO attune_versions (name, version, time, reason, document) "
                           "VALUES (?, ?, ?, ?, ?)"};
    insert.bind(write.name).bind(write.mark.version).bind(write.mark.time);
    insert.bind(write.reason).bind(write.document).step();
    SqliteStatement prune{connection,
                          "DELETE FROM attune_versions WHERE name = ? AND version <= ?"};
    prune.bind(write.name).bind(write.mark.version - write.keep).step();
}

inline bool SqliteDatabase::settled() {
    try {
        const Transaction transaction{*this};
        return true;
    } catch (const SqliteError&) {
        return false;  // somebody writes, or this process may not
    }
}

/// SQLite's own handler sleeps for up to 100 ms between two attempts. Against a process that writes
/// without a pause, and frees the lock for some microseconds only, it does not get a turn in time.
inline int SqliteDatabase::wait(void* self, int times) noexcept {
    auto& database = *static_cast<SqliteDatabase*>(self);
    const auto now = std::chrono::steady_clock::now();
    if (times == 0) {
        database.waiting_since_ = now;
    }
    if (now - database.waiting_since_ >= database.busy_timeout_) {
        return 0;
    }
    // Of changing length, so as not to keep step with the other.
    constexpr int lengths = 16;
    constexpr std::chrono::microseconds step{50};
    std::this_thread::sleep_for(step * (1 + times * 7 % lengths));
    return 1;
}

inline Problem sqlite_problem(const std::string& source, const std::string& tried,
                              const SqliteError& error) {
    const std::string said = error.what();
    const std::string why =
        error.system_error() != 0 ? said + ", " + error_text(error.system_error()) : said;
    std::string text = tried + ": ";
    switch (error.code()) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        text +=
            "another process has locked it for longer than busy_timeout; end that process or "
            "its transaction, or try again";
        break;
    case SQLITE_FULL: text += "the disk is full; make room and try again"; break;
    case SQLITE_READONLY:
        text += "this process may not write there (" + said +
                "); it needs write permission for the file and its directory";
        break;
    case SQLITE_IOERR:
        text += "the disk failed (" + why + "); look for a full disk, a quota, a file size limit";
        break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        text += said + "; restore it from a backup, or see what `sqlite3 " + source +
                " .recover` can save";
        break;
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
        text +=
            why + "; this process needs permission to read and write the file and its directory";
        break;
    default: text += why; break;
    }
    return problem_at(source, std::move(text));
}

}  // namespace attune::inline ATTUNE_ABI::detail
