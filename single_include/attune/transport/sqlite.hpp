// attune 0.1.0, one file; written by tools/single_header.py.
// SPDX-License-Identifier: MIT
#pragma once

#include <attune/attune.hpp>
#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <sqlite3.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>
#include <sys/stat.h>

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

namespace attune::inline ATTUNE_ABI::detail {

/// One store's share in a database of versions: reads, writes, and tells a feed what others write.
///
/// The kernel tells of writes to the log, but a version can be seen only a little later, when the
/// log has reached the disk, and that step is told by nobody. So each sign of a change is followed
/// by looks at growing intervals, until one of them has had the right to write: then nobody is in
/// the middle of anything, and there is nothing more to come. A look asks for `data_version`, and
/// goes on to read only when that has changed.
///
/// Looks happen on the poller's thread. The connection is used by one thread at a time; nothing is
/// locked while the feed is called.
class SqliteShare final : public FileWatch::Listener,
                          public std::enable_shared_from_this<SqliteShare> {
public:
    SqliteShare(const std::filesystem::path& path, SqliteOptions options);

    std::string name() const;

    Content load();
    std::string save(const Document& document, const std::string& revision);
    /// The store serves that version.
    void accepted(const std::string& revision);
    void start(Feed& feed);
    void stop() noexcept;

    void touched(bool moved) override;

    std::vector<VersionRecord> history();

private:
    using Clock = Poller::Clock;
    using Lock = std::unique_lock<std::mutex>;

    /// What a look has found, to be told to the feed.
    struct News {
        std::optional<Content> content;
        std::vector<Problem> problems;
        bool good = false;  // there was nothing wrong, though perhaps nothing new either
    };

    SqliteDatabase::Settings settings(bool create) const;
    Content parsed(const SqliteDatabase::Row& row) const;
    Problem problem(std::string message, std::int64_t version = 0) const;

    void walk();
    void wake();
    void look();
    News find_news();
    News read(bool reopened, std::int64_t data_version);
    void tell_again(Lock& lock);
    void settle();
    void set_timer(Clock::time_point now);
    void sign_of_change(Clock::time_point now);

    const SqliteOptions options_;
    const std::string source_;
    const std::string path_;
    const Clock::duration poll_;

    std::shared_ptr<FileWatch> watch_;  // set by the first start; null: polling was asked for

    // Used on the poller's thread.
    bool walked_ = false;   // the trail is watched
    bool polling_ = false;  // changes are not, or not all, told by the trail

    // Guards what follows. Never held while the feed is called.
    std::mutex mutex_;
    std::optional<SqliteDatabase> database_;
    std::int64_t data_version_ = 0;
    bool must_read_ = false;  // whatever data_version says
    bool must_tell_ = false;  // even what the store is thought to have
    SqliteMark known_;        // what the store has, or is being given
    Document known_document_;
    // What was saved and not yet accepted, and until when that is nothing to worry about.
    std::optional<SqliteMark> saved_;
    Clock::time_point confirmed_by_ = Clock::time_point::max();
    Feed* feed_ = nullptr;  // null: not started
    Poller::Timer timer_;
    std::string failure_;                             // the one last told; empty: all was well
    std::optional<Clock::duration> pause_;            // before the next look; empty: all is settled
    Clock::time_point looked_ = Clock::time_point{};  // when the last look began
    std::optional<Clock::time_point> busy_since_;
};

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI {

namespace detail {

inline constexpr Poller::Clock::duration sqlite_default_poll = std::chrono::milliseconds{250};

/// How long a store may take to publish what it has saved. Longer: something else has refused it,
/// such as a journal on a full disk, and it has to be told what is in the database by now.
inline constexpr Poller::Clock::duration sqlite_patience = std::chrono::seconds{1};

/// Between two looks at the shortest.
inline constexpr Poller::Clock::duration sqlite_first_pause = std::chrono::microseconds{100};

inline SqliteShare::SqliteShare(const std::filesystem::path& path, SqliteOptions options)
    : options_(std::move(options)),
      source_(path.string()),
      path_(absolute_text(path)),
      poll_(options_.poll.count() > 0
                ? std::min<Poller::Clock::duration>(options_.poll, std::chrono::hours{24})
                : sqlite_default_poll) {}

inline std::string SqliteShare::name() const {
    const std::string other = " (" + options_.document + ')';
    return "sqlite " + source_ + (options_.document == SqliteOptions{}.document ? "" : other);
}

inline SqliteDatabase::Settings SqliteShare::settings(bool create) const {
    return {path_, source_, create, options_.busy_timeout, options_.sync};
}

inline Problem SqliteShare::problem(std::string message, std::int64_t version) const {
    Problem made = problem_at(source_, std::move(message));
    made.origin.revision = version != 0 ? std::to_string(version) : std::string{};
    return made;
}

inline Content SqliteShare::parsed(const SqliteDatabase::Row& row) const {
    const std::string version = std::to_string(row.mark.version);
    try {
        Content content;
        content.document = parse(row.document, {.name = source_});
        content.revision = version;
        return content;
    } catch (const ParseError& error) {
        Problem damaged =
            problem("version " + version + " of \"" + options_.document +
                        "\" is not the JSON it should be: line " + std::to_string(error.line()) +
                        ", column " + std::to_string(error.column()) + ": " + error.message() +
                        "; insert a better version, or delete it to return to the "
                        "one before",
                    row.mark.version);
        throw Rejected{{.problems = {std::move(damaged)}, .reason = name()}};
    }
}

inline Content SqliteShare::load() {
    const Lock lock{mutex_};
    try {
        if (database_ && database_->moved()) {
            database_.reset();
        }
        if (!database_) {
            database_.emplace(settings(options_.create));
        }
        database_->wait_when_busy(options_.busy_timeout);
        data_version_ = database_->data_version();
        Content content;
        content.revision = "0";
        SqliteMark mark;
        if (const auto row = database_->newest(options_.document)) {
            content = parsed(*row);
            mark = row->mark;
        }
        known_ = std::move(mark);
        known_document_ = content.document;
        failure_.clear();
        return content;
    } catch (const SqliteError& error) {
        throw Rejected{{.problems = {sqlite_problem(source_, "cannot read the database", error)},
                        .reason = name()}};
    }
}

inline std::string SqliteShare::save(const Document& document, const std::string& revision) {
    const auto refuse = [&](Problem problem) {
        throw Rejected{{.problems = {std::move(problem)}, .reason = name()}};
    };
    // Whatever is written must be readable by all who share it.
    const std::string text = to_text(document);
    try {
        if (parse(text) != document) {
            refuse(
                problem("the document holds what JSON cannot say (a NaN, an infinity, a string "
                        "that is not UTF-8, a text without a type); nothing was written"));
        }
    } catch (const ParseError& error) {
        refuse(problem("the document could not be read back (" + error.message() +
                       "); nothing was written"));
    }
    std::int64_t expected = 0;
    const char* const end = revision.data() + revision.size();
    const auto [stop, error] = std::from_chars(revision.data(), end, expected);
    if (!revision.empty() && (error != std::errc{} || stop != end)) {
        refuse(problem("\"" + revision + "\" is no version of this database"));
    }

    const Lock lock{mutex_};
    try {
        if (!database_) {
            database_.emplace(settings(options_.create && known_.version == 0));
        }
        const auto refuse_moved = [&] {
            refuse(
                problem("the database has been deleted or replaced, so that nothing can be "
                        "written to it; put it back, or create a new one"));
        };
        if (database_->moved()) {
            refuse_moved();
        }
        database_->wait_when_busy(options_.busy_timeout);
        SqliteDatabase::Transaction transaction{*database_};
        const SqliteMark newest = database_->newest_mark(options_.document);
        // Where there are no versions (any more), there is nothing that could be lost.
        const bool renamed = newest.version == known_.version && newest != known_;
        if (newest.version != 0 && (newest.version != expected || renamed)) {
            known_ = {expected, {}};  // that is what the store has, whatever it has been given
            must_read_ = true;
            sign_of_change(Clock::now());
            refuse(problem("another process wrote version " + std::to_string(newest.version) +
                               " in between (this one has read version " +
                               std::to_string(expected) +
                               "); nothing was written: read that version first, then write again",
                           newest.version));
        }
        if (newest == known_ && document == known_document_) {
            return revision;  // it has that already
        }
        if (std::max(newest.version, expected) == std::numeric_limits<std::int64_t>::max()) {
            refuse(problem("there is no number above that of the newest version; delete it",
                           newest.version));
        }
        const SqliteMark mark{std::max(newest.version, expected) + 1,
                              rfc3339(std::chrono::system_clock::now())};
        constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
        const std::size_t keep = std::clamp<std::size_t>(options_.keep, 1, most);
        transaction.write({options_.document, mark, options_.reason, text,
                           static_cast<std::int64_t>(keep)});
        transaction.commit();
        if (database_->moved()) {
            refuse_moved();
        }
        known_ = mark;
        known_document_ = document;
        saved_ = mark;
        confirmed_by_ = Clock::now() + sqlite_patience;
        must_read_ = must_read_ || !failure_.empty();
        sign_of_change(Clock::now());
        return std::to_string(mark.version);
    } catch (const SqliteError& failed) {
        refuse(sqlite_problem(source_, "cannot write to the database, which is as it was", failed));
    }
    return {};
}

inline void SqliteShare::accepted(const std::string& revision) {
    const Lock lock{mutex_};
    if (saved_ && revision == std::to_string(saved_->version)) {
        saved_.reset();
    }
}

inline void SqliteShare::start(Feed& feed) {
    Poller& poller = feed.poller();
    if (options_.poll.count() <= 0 && !watch_) {
        watch_ = poller.service<FileWatch>();
    }
    auto timer = poller.timer([weak = weak_from_this()] {
        if (const auto self = weak.lock()) {
            self->wake();
        }
    });
    const Lock lock{mutex_};
    feed_ = &feed;
    timer_ = std::move(timer);
    must_read_ = true;
    sign_of_change(Clock::now());
}

inline void SqliteShare::stop() noexcept {
    Feed* feed = nullptr;
    Poller::Timer timer;
    {
        const Lock lock{mutex_};
        feed = std::exchange(feed_, nullptr);
        timer = std::move(timer_);
        pause_.reset();
    }
    timer.reset();  // waits for a feed call, unless this is one
    if (feed == nullptr) {
        return;
    }
    try {
        feed->poller().post([self = shared_from_this()] {
            self->walked_ = false;
            if (self->watch_) {
                self->watch_->forget(*self);
            }
        });
    } catch (...) {  // out of memory: the watch goes on, and touches nothing
    }
}

inline void SqliteShare::touched(bool moved) {
    {
        const Lock lock{mutex_};
        if (feed_ == nullptr) {
            return;
        }
        sign_of_change(Clock::now());
    }
    if (moved) {
        walked_ = false;  // the next look walks first
    }
}

inline void SqliteShare::sign_of_change(Clock::time_point now) {
    pause_ = sqlite_first_pause;
    // An attempt to open a database that is none is itself a sign of change: no faster than by
    // polling then.
    const auto least = failure_.empty() ? sqlite_first_pause : poll_;
    timer_.arm(std::max(now, looked_ + least));
}

inline void SqliteShare::walk() {
    if (watch_ && watch_->usable()) {
        WatchTrail trail{*watch_, shared_from_this()};
        if (const auto place = trail.follow({}, path_)) {
            trail.bytes(*place);
            if (const auto log = trail.follow({}, *place + "-wal")) {
                trail.bytes(*log);
            }
        }
        polling_ = !trail.complete();
    } else {
        polling_ = true;
    }
    walked_ = true;
}

inline void SqliteShare::wake() {
    try {
        if (!walked_) {
            walk();
        }
        look();
    } catch (...) {  // out of memory, or thrown by the feed
        const Lock lock{mutex_};
        timer_.arm_after(poll_);
    }
}

inline void SqliteShare::look() {
    Lock lock{mutex_};
    if (feed_ == nullptr) {
        return;
    }
    looked_ = Clock::now();
    News news = find_news();
    Feed& feed = *feed_;
    if (!news.problems.empty()) {
        std::string failure = to_string(Rejection{news.problems, {}});
        const bool told = failure == failure_;
        failure_ = std::move(failure);
        set_timer(Clock::now());
        lock.unlock();
        if (!told) {
            feed.failed(std::move(news.problems));
        }
        return;
    }
    const bool repaired = news.good && !std::exchange(failure_, {}).empty();
    if (!news.content && saved_ && looked_ >= confirmed_by_) {
        tell_again(lock);
        return;
    }
    if (news.content) {
        saved_.reset();
    }
    set_timer(Clock::now());
    lock.unlock();
    if (news.content) {
        feed.content(std::move(*news.content));
    } else if (repaired) {
        feed.unchanged();
    }
}

/// What this store has saved, and seems not to have published.
inline void SqliteShare::tell_again(Lock& lock) {
    Content content;
    content.document = known_document_;
    content.revision = std::to_string(known_.version);
    const SqliteMark told = known_;
    saved_.reset();
    set_timer(Clock::now());
    Feed& feed = *feed_;
    lock.unlock();
    feed.content(std::move(content));
    lock.lock();
    if (known_ != told && feed_ != nullptr) {
        // It has saved something else in between. Nobody knows which of the two the store took
        // last: what is in the database settles it.
        must_read_ = true;
        must_tell_ = true;
        sign_of_change(Clock::now());
    }
}

inline SqliteShare::News SqliteShare::find_news() {
    const bool must_read = std::exchange(must_read_, false);
    try {
        bool reopened = false;
        if (database_ && database_->moved()) {
            database_.reset();
        }
        if (!database_) {
            SqliteDatabase::Settings settings = this->settings(false);
            settings.busy_timeout = {};
            database_.emplace(settings);
            reopened = true;
            walked_ = false;  // the log may be a new one
        }
        database_->wait_when_busy({});
        const std::int64_t data_version = database_->data_version();
        busy_since_.reset();
        if (!must_read && !reopened && data_version == data_version_) {
            settle();
            return {};
        }
        pause_ = sqlite_first_pause;
        return read(reopened, data_version);
    } catch (const SqliteError& error) {
        must_read_ = true;
        const auto now = Clock::now();
        if (error.busy()) {
            pause_ = poll_;
            busy_since_ = busy_since_.value_or(now);
            if (now - *busy_since_ < options_.busy_timeout) {
                return {};
            }
        }
        News news;
        news.problems.push_back(sqlite_problem(source_, "cannot read the database", error));
        return news;
    } catch (const Rejected& rejected) {
        News news;
        news.problems = rejected.problems();
        return news;
    }
}

inline SqliteShare::News SqliteShare::read(bool reopened, std::int64_t data_version) {
    News news;
    if (!reopened && !must_tell_ && database_->newest_mark(options_.document) == known_) {
        data_version_ = data_version;
        news.good = true;
        return news;
    }
    const auto row = database_->newest(options_.document);
    data_version_ = data_version;  // what cannot be parsed is not read again and again
    if (!row) {
        if (known_.version == 0) {
            news.good = true;
        } else {
            news.problems.push_back(
                problem("the database has no version of \"" + options_.document +
                        "\" any more; the last one that was read stays: write it again, or restore "
                        "the database from a backup"));
        }
        return news;
    }
    Content content = parsed(*row);
    news.good = true;
    const bool must_tell = std::exchange(must_tell_, false);
    const bool equal = !must_tell && row->mark == known_ && content.document == known_document_;
    known_ = row->mark;
    known_document_ = content.document;
    if (!equal) {
        news.content = std::move(content);
    }
    return news;
}

/// Nothing new was found: is there something to come?
inline void SqliteShare::settle() {
    if (!pause_ || polling_) {
        return;
    }
    if (*pause_ < poll_) {
        pause_ = std::min(*pause_ * 3 / 2, poll_);
    } else if (database_->settled()) {
        const bool unseen = database_->data_version() != data_version_;
        pause_ = unseen ? std::optional{sqlite_first_pause} : std::nullopt;
    }
}

inline void SqliteShare::set_timer(Clock::time_point now) {
    auto next = saved_ ? confirmed_by_ : Clock::time_point::max();
    if (!failure_.empty()) {
        next = now + poll_;
    } else if (polling_) {
        next = std::min(next, now + poll_);
    } else if (pause_) {
        next = std::min(next, now + *pause_);
    }
    if (next != Clock::time_point::max()) {
        timer_.arm(next);
    }
}

inline std::vector<VersionRecord> SqliteShare::history() {
    try {
        std::vector<VersionRecord> versions;
        SqliteDatabase database{settings(false)};
        database.each(options_.document, [&](SqliteDatabase::Row row) {
            VersionRecord record;
            record.document = parsed(row).document;
            record.version = static_cast<Version>(row.mark.version);
            record.time =
                parse_rfc3339(row.mark.time).value_or(std::chrono::system_clock::time_point{});
            record.reason = std::move(row.reason);
            record.layer = options_.document;
            versions.push_back(std::move(record));
        });
        return versions;
    } catch (const SqliteError& error) {
        throw Rejected{{.problems = {sqlite_problem(source_, "cannot read the database", error)},
                        .reason = name()}};
    }
}

class SqliteTransport final : public Transport {
public:
    explicit SqliteTransport(std::shared_ptr<SqliteShare> share) : share_(std::move(share)) {}
    SqliteTransport(const SqliteTransport&) = delete;
    SqliteTransport& operator=(const SqliteTransport&) = delete;
    ~SqliteTransport() override { share_->stop(); }

    std::string name() const override { return share_->name(); }
    Content load() override { return share_->load(); }
    void start(Feed& feed) override { share_->start(feed); }
    void stop() noexcept override { share_->stop(); }
    bool remote() const noexcept override { return true; }
    bool writable() const noexcept override { return true; }
    std::string save(const Document& document, const std::string& revision) override {
        return share_->save(document, revision);
    }
    bool wants_accepted() const noexcept override { return true; }
    void accepted(const Accepted& accepted) override { share_->accepted(accepted.revision); }

private:
    const std::shared_ptr<SqliteShare> share_;
};

}  // namespace detail

inline std::unique_ptr<Transport> sqlite(std::filesystem::path path, SqliteOptions options) {
    return std::unique_ptr<Transport>(new detail::SqliteTransport(
        std::make_shared<detail::SqliteShare>(path, std::move(options))));
}

inline std::vector<VersionRecord> sqlite_history(const std::filesystem::path& path,
                                                 const SqliteOptions& options) {
    return detail::SqliteShare{path, options}.history();
}

}  // namespace attune::inline ATTUNE_ABI
