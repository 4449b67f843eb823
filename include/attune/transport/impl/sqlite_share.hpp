#pragma once

#include <attune/store/poller.hpp>
#include <attune/transport/detail/file_watch.hpp>
#include <attune/transport/detail/sqlite_database.hpp>
#include <attune/transport/sqlite.hpp>
#include <attune/version.hpp>

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

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
