#pragma once

#include <attune/bind/duration.hpp>
#include <attune/document/parse.hpp>
#include <attune/store/detail/rfc3339.hpp>
#include <attune/store/poller.hpp>
#include <attune/transport/cached.hpp>
#include <attune/transport/detail/cache_file.hpp>
#include <attune/transport/detail/image.hpp>

#include <algorithm>
#include <exception>
#include <mutex>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI {

namespace detail {

/// Stands between a transport and the store: the feed of the one, the transport of the other.
class CachedTransport final : public Transport, private Feed {
public:
    CachedTransport(std::unique_ptr<Transport> inner, CacheFile file, CachedOptions options)
        : inner_(std::move(inner)), file_(std::move(file)), options_(std::move(options)) {}

    std::string name() const override { return inner_->name(); }
    bool remote() const noexcept override { return inner_->remote(); }
    bool writable() const noexcept override { return inner_->writable(); }
    std::string save(const Document& document, const std::string& revision) override {
        return inner_->save(document, revision);
    }
    bool writes_to_publisher() const noexcept override { return inner_->writes_to_publisher(); }
    Verdict write(const Path& path, const Document& value) override {
        return inner_->write(path, value);
    }
    bool wants_accepted() const noexcept override { return true; }

    Content load() override;
    void start(Feed& feed) override;
    void stop() noexcept override;
    void accepted(const Accepted& accepted) override;

private:
    using Clock = Poller::Clock;

    // As the feed of `inner`.
    Verdict content(Content content) override {
        {
            const std::scoped_lock lock{mutex_};
            stands_in_ = false;
        }
        return feed_->content(std::move(content));
    }
    void failed(std::vector<Problem> problems) override { feed_->failed(std::move(problems)); }
    void unchanged() override;
    Poller& poller() override { return feed_->poller(); }

    Content stand_in(std::vector<Problem> problems);
    void fetch();
    void write() noexcept;
    bool up_to_date(const CacheRecord& record);
    void report(const std::system_error& error) noexcept;

    const std::unique_ptr<Transport> inner_;
    CacheFile file_;  // read by load before the first write, on one thread after the other
    const CachedOptions options_;

    Feed* feed_ = nullptr;  // while `inner` runs
    bool loaded_ = false;   // the store has got something to begin with; by load alone

    std::mutex mutex_;                    // never held while anybody else is called
    bool stands_in_ = false;              // the store has nothing but what was in the file
    std::optional<CacheRecord> pending_;  // to be written
    std::optional<CacheRecord> written_;  // what is in the file, once that is known
    bool running_ = false;                // the timers are there
    bool armed_ = false;                  // a write is under way
    bool reported_ = false;               // the last write failed
    Poller::Timer write_timer_;
    Poller::Timer fetch_timer_;
};

/// What is wrong with a reading. To be called while that is being thrown; passes on what is no
/// judgement about the document.
inline std::vector<Problem> problems_of_reading() {
    try {
        throw;
    } catch (const ParseError& error) {
        Problem problem = problem_at(error.name(), error.message());
        problem.origin.line = error.line();
        problem.origin.column = error.column();
        return {std::move(problem)};
    } catch (const Rejected& rejected) {
        return rejected.problems();
    }
}

ATTUNE_DECL Content CachedTransport::load() {
    try {
        Content content = inner_->load();
        loaded_ = true;
        const std::scoped_lock lock{mutex_};
        stands_in_ = false;
        return content;
    } catch (...) {
        std::vector<Problem> problems = problems_of_reading();
        if (loaded_) {
            throw;
        }
        Content content = stand_in(std::move(problems));
        loaded_ = true;
        const std::scoped_lock lock{mutex_};
        stands_in_ = true;
        return content;
    }
}

ATTUNE_DECL Content CachedTransport::stand_in(std::vector<Problem> problems) {
    const auto refuse = [&](Problem problem) {
        problems.push_back(std::move(problem));
        return Rejected{{.problems = std::move(problems), .reason = name()}};
    };
    CacheRecord record;
    try {
        record = file_.read();
    } catch (const Rejected& unusable) {
        throw refuse(unusable.problems().front());
    }
    const auto not_used = [&](const std::string& why) {
        return refuse(problem_at(file_.source(), "the cache is not used: " + why));
    };
    if (record.layer != name()) {
        throw not_used("it was written for the layer \"" + record.layer + '"');
    }
    using attune::to_text;
    using std::chrono::seconds;
    const auto whole_seconds = [](auto time) { return std::chrono::floor<seconds>(time); };
    const auto now = whole_seconds(std::chrono::system_clock::now());
    const seconds age = std::max(now - whole_seconds(record.time), seconds{0});
    const std::string from = "first served " + to_text(age) + " ago (" + rfc3339(record.time) + ')';
    if (options_.max_age && age > *options_.max_age) {
        throw not_used("its document was " + from + ", which is more than the " +
                       to_text(*options_.max_age) + " allowed");
    }
    Problem problem =
        problem_at(file_.source(),
                   "stands in for " + name() + " with a document " + from +
                       (record.revision.empty() ? "" : " as revision " + record.revision) +
                       (record.whole ? "" : ", without its secrets"));
    problem.severity = Severity::warning;
    for (Problem& other : problems) {
        if (other.origin.layer.empty()) {
            other.origin.layer = name();
        }
    }
    problems.push_back(std::move(problem));
    Content content;
    content.document = record.document;
    content.revision = record.revision;
    content.stale_because = std::move(problems);
    const std::scoped_lock lock{mutex_};
    written_ = std::move(record);
    return content;
}

ATTUNE_DECL void CachedTransport::start(Feed& feed) {
    feed_ = &feed;
    auto write_timer = feed.poller().timer([this] { write(); });
    auto fetch_timer = feed.poller().timer([this] { fetch(); });
    {
        const std::scoped_lock lock{mutex_};
        running_ = true;
        write_timer_ = std::move(write_timer);
        fetch_timer_ = std::move(fetch_timer);
        if (pending_) {
            armed_ = true;
            write_timer_.arm_after(options_.delay);
        }
    }
    inner_->start(*this);
}

ATTUNE_DECL void CachedTransport::stop() noexcept {
    Poller::Timer write_timer;
    Poller::Timer fetch_timer;
    {
        const std::scoped_lock lock{mutex_};
        running_ = false;
        write_timer = std::move(write_timer_);
        fetch_timer = std::move(fetch_timer_);
    }
    fetch_timer.reset();  // wait for what is running, unless this is inside it
    write_timer.reset();
    inner_->stop();
    write();
}

ATTUNE_DECL void CachedTransport::unchanged() {
    {
        const std::scoped_lock lock{mutex_};
        if (stands_in_) {
            // `inner` knows of nothing new, but the store has never seen what it has.
            fetch_timer_.arm(Clock::now());
            return;
        }
    }
    feed_->unchanged();
}

ATTUNE_DECL void CachedTransport::fetch() {
    Content content;
    try {
        content = inner_->load();
    } catch (...) {
        feed_->failed(problems_of_reading());
        return;
    }
    {
        const std::scoped_lock lock{mutex_};
        if (!std::exchange(stands_in_, false)) {
            return;  // overtaken
        }
    }
    feed_->content(std::move(content));
}

ATTUNE_DECL void CachedTransport::accepted(const Accepted& accepted) {
    if (inner_->wants_accepted()) {
        inner_->accepted(accepted);
    }
    const bool whole = options_.secrets == CacheSecrets::stored;
    const Document& document = whole ? accepted.document : accepted.without_secrets;
    if (document.is_null()) {
        return;
    }
    CacheRecord record{.layer = name(),
                       .revision = accepted.revision,
                       .time = std::chrono::system_clock::now(),
                       .whole = whole,
                       .document = document};
    const std::scoped_lock lock{mutex_};
    pending_ = std::move(record);
    if (running_ && !std::exchange(armed_, true)) {
        write_timer_.arm_after(options_.delay);
    }
}

/// Whether the file has it already. Reads the file the first time.
ATTUNE_DECL bool CachedTransport::up_to_date(const CacheRecord& record) {
    std::optional<CacheRecord> there;
    {
        const std::scoped_lock lock{mutex_};
        there = written_;
    }
    if (!there) {
        try {
            there = file_.read();
        } catch (const Rejected&) {
            return false;
        }
    }
    return there->same(record);
}

ATTUNE_DECL void CachedTransport::write() noexcept {
    std::optional<CacheRecord> record;
    {
        const std::scoped_lock lock{mutex_};
        record = std::exchange(pending_, std::nullopt);
        armed_ = false;
    }
    if (!record) {
        return;
    }
    try {
        if (!up_to_date(*record)) {
            file_.write(*record);
        }
        const std::scoped_lock lock{mutex_};
        written_ = std::move(record);
        reported_ = false;
    } catch (const std::system_error& error) {
        {
            const std::scoped_lock lock{mutex_};
            written_.reset();
            if (!pending_) {
                pending_ = std::move(record);
            }
            if (running_ && !std::exchange(armed_, true)) {
                write_timer_.arm_after(options_.retry);
            }
        }
        report(error);
    } catch (...) {  // out of memory: the next change is written
    }
}

ATTUNE_DECL void CachedTransport::report(const std::system_error& error) noexcept {
    {
        const std::scoped_lock lock{mutex_};
        if (std::exchange(reported_, true) || !options_.on_write_failure) {
            return;
        }
    }
    try {
        Problem problem =
            problem_at(file_.source(), std::string("the cache could not be written: ") +
                                           error.what() + "; it still has what it had before");
        problem.severity = Severity::warning;
        options_.on_write_failure(problem);
    } catch (...) {  // it is not for the callback to stop anything
    }
}

ATTUNE_DECL std::unique_ptr<Transport> cached_on(std::shared_ptr<Disk> disk,
                                                 std::unique_ptr<Transport> inner,
                                                 const std::filesystem::path& file,
                                                 CachedOptions options) {
    return std::unique_ptr<Transport>(new CachedTransport(
        std::move(inner), CacheFile{std::move(disk), absolute_text(file), file.string()},
        std::move(options)));
}

}  // namespace detail

ATTUNE_DECL std::unique_ptr<Transport> cached(std::unique_ptr<Transport> inner,
                                              std::filesystem::path file, CachedOptions options) {
    return detail::cached_on(detail::posix_disk(), std::move(inner), file, std::move(options));
}

}  // namespace attune::inline ATTUNE_ABI
