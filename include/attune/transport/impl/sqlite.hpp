#pragma once

#include <attune/document/parse.hpp>
#include <attune/document/text.hpp>
#include <attune/store/detail/rfc3339.hpp>
#include <attune/transport/detail/image.hpp>
#include <attune/transport/impl/sqlite_share.hpp>

#include <algorithm>
#include <charconv>
#include <limits>
#include <system_error>
#include <utility>

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
