#pragma once

#include <attune/store/poller.hpp>
#include <attune/store/transport.hpp>
#include <attune/transport/detail/file_watch.hpp>
#include <attune/transport/detail/image.hpp>
#include <attune/version.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

/// What a Follower follows: one file, or one directory. Immutable; used by several threads.
class Subject {
public:
    virtual ~Subject() = default;

    /// One reading, right or wrong.
    virtual Image read() const = 0;

    /// Makes a readable image into content; gives what is wrong with it instead.
    virtual std::vector<Problem> judge(const Image& image, Content& content) const = 0;

    /// Walks over everything the reading depends on.
    virtual void walk(WatchTrail& trail) const = 0;
};

/// Tells a feed about the changes of a subject, one delivery per save.
///
/// A first sign of change, from inotify or from a poll, opens a window. It closes once nothing has
/// happened for `quiet`, or `longest` after it opened. Then the subject is read twice. If both
/// readings agree and are good, they are delivered, unless the feed has just that. If not, a save
/// may be in progress: the window stays open until `longest`, and then the failure is reported,
/// unless it was the last thing reported.
///
/// Everything but `load`, `start` and `stop` happens on the poller's thread. The feed is only ever
/// called by the timer, which `stop` waits for; nothing is locked meanwhile.
class Follower final : public FileWatch::Listener, public std::enable_shared_from_this<Follower> {
public:
    struct Pace {
        Poller::Clock::duration poll;
        Poller::Clock::duration quiet;
        Poller::Clock::duration longest;
        bool watch;
    };

    /// `kind` and `source` are how people call it: a `file`, `service.json`.
    ATTUNE_DECL Follower(std::unique_ptr<const Subject> subject, std::string kind,
                         std::string source, Pace pace);

    std::string name() const { return kind_ + ' ' + source_; }

    ATTUNE_DECL Content load();
    ATTUNE_DECL void start(Feed& feed);
    ATTUNE_DECL void stop() noexcept;

    ATTUNE_DECL void touched(bool moved) override;

private:
    using Clock = Poller::Clock;
    using Lock = std::unique_lock<std::mutex>;
    using ImagePtr = std::shared_ptr<const Image>;

    /// The time between the first sign of a change and its judgement.
    struct Window {
        Clock::time_point closes;    // if nothing more happens
        Clock::time_point deadline;  // whatever happens
    };

    /// What a reading is worth, after a second one.
    struct Verdict {
        bool steady = false;  // the second one agrees
        Content content;
        std::vector<Problem> problems;
    };

    ATTUNE_DECL static Pace bounded(const Pace& pace) noexcept;
    ATTUNE_DECL Verdict judge(const Image& image) const;
    ATTUNE_DECL void walk();
    ATTUNE_DECL void wake();
    ATTUNE_DECL void look();
    ATTUNE_DECL void notice(Clock::time_point now);
    ATTUNE_DECL void set_timer(Clock::time_point now);
    ATTUNE_DECL void deliver(Lock& lock, ImagePtr image, Content content);
    ATTUNE_DECL void report(Lock& lock, std::vector<Problem> problems);

    const std::unique_ptr<const Subject> subject_;
    const std::string kind_;
    const std::string source_;
    const Pace pace_;

    std::shared_ptr<FileWatch> watch_;  // set by the first start; null: polling was asked for

    // Used on the poller's thread.
    bool walked_ = false;   // the trail is watched
    bool polling_ = false;  // changes are not, or not all, told by the trail

    // Guards what follows. Never held while reading, judging or calling the feed.
    std::mutex mutex_;
    Feed* feed_ = nullptr;  // null: not started
    Poller::Timer timer_;
    ImagePtr seen_;        // the last reading; null: none, or a doubtful one
    ImagePtr delivered_;   // what the feed has; null: not known
    std::string failure_;  // the one last told; empty: what was told last was good
    std::optional<Window> window_;
    std::uint64_t loads_ = 0;  // how often `load` has brought something
};

/// A transport around a follower of its own.
ATTUNE_DECL std::unique_ptr<Transport> follow(std::unique_ptr<const Subject> subject,
                                              std::string kind, std::string source,
                                              const Follower::Pace& pace);

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/transport/impl/follower.ipp>
#endif
