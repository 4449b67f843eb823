#pragma once

#include <attune/document/document.hpp>
#include <attune/store/poller.hpp>
#include <attune/version.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

/// The inotify instance of a poller: knows which listener cares for which name in which directory.
/// Used on the poller's thread, except that the last owner may destroy it anywhere.
class FileWatch : public std::enable_shared_from_this<FileWatch> {
public:
    class Listener {
    public:
        virtual ~Listener() = default;

        /// Something happened on the trail. `moved`: names, permissions or directories changed, and
        /// the trail may lead elsewhere now; false when only bytes were written.
        virtual void touched(bool moved) = 0;
    };

    ATTUNE_DECL explicit FileWatch(Poller& poller);
    FileWatch(const FileWatch&) = delete;
    FileWatch& operator=(const FileWatch&) = delete;
    ATTUNE_DECL ~FileWatch();

    /// False when the kernel had no instance to give. There must be no trails then.
    bool usable() const noexcept { return fd_ >= 0; }

    /// The listener is told nothing any more.
    ATTUNE_DECL void forget(const Listener& listener);

private:
    friend class WatchTrail;

    struct Interest {
        std::weak_ptr<Listener> listener;
        const Listener* key;
        std::string name;  // of one entry; empty: of all, and the watched thing itself

        // What has happened and is not told yet.
        bool touched = false;
        bool moved = false;
    };

    struct Watch {
        int id;
        std::vector<Interest> interests;
    };

    /// The watch of that id, or the first one after it.
    ATTUNE_DECL std::vector<Watch>::iterator from(int id) noexcept;
    ATTUNE_DECL Watch* find(int id) noexcept;
    ATTUNE_DECL void erase(int id) noexcept;

    /// An errno, or zero.
    ATTUNE_DECL int add(const std::string& place, std::uint32_t mask,
                        const std::shared_ptr<Listener>& listener, std::string_view name);

    /// Drops the interests of a listener but keeps the watches they belong to until `release`,
    /// because most of them are about to be asked for again.
    ATTUNE_DECL std::vector<int> take(const Listener& listener);
    ATTUNE_DECL void release(const std::vector<int>& watches);

    ATTUNE_DECL void drain();

    /// Marks the interests in that name, or all of them when it is empty.
    ATTUNE_DECL static void mark(std::vector<Interest>& interests, std::string_view name,
                                 bool moved);

    /// Tells one listener what is marked; false when nothing is.
    ATTUNE_DECL bool tell_one();

    int fd_ = -1;
    std::vector<Watch> watches_;  // by id; the kernel gives rising ones
    Poller::Registration registration_;
};

/// One pass over everything a listener depends on. Each directory is watched before it is looked
/// at, so that whatever changes during the pass is told after it. What lay on the previous pass
/// only is no longer watched when this one is destroyed.
class WatchTrail {
public:
    ATTUNE_DECL WatchTrail(FileWatch& watch, std::shared_ptr<FileWatch::Listener> listener);
    WatchTrail(const WatchTrail&) = delete;
    WatchTrail& operator=(const WatchTrail&) = delete;
    ATTUNE_DECL ~WatchTrail();

    /// Watches every directory and symbolic link that `path` leads through, starting from `base`,
    /// an absolute path without links (empty: the root directory), as far as the names exist. Gives
    /// the path without links when they all do.
    ATTUNE_DECL std::optional<std::string> follow(std::string base, std::string_view path);

    /// Watches all entries of a directory, and what is written to them. False when this pass was
    /// here before.
    ATTUNE_DECL bool everything(const std::string& directory);

    /// Watches what is written to a file, under whatever name.
    ATTUNE_DECL void bytes(const std::string& file);

    /// False when some place could not be watched: what changes there is not told.
    bool complete() const noexcept { return complete_; }

private:
    ATTUNE_DECL bool add(const std::string& place, std::uint32_t mask, std::string_view name);

    FileWatch& watch_;
    const std::shared_ptr<FileWatch::Listener> listener_;
    const std::vector<int> before_;
    Document seen_;  // the names, by place
    bool complete_ = true;
};

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/transport/impl/file_watch.ipp>
#endif
