#pragma once

#include <attune/transport/detail/file_watch.hpp>

#include <array>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstring>
#include <utility>

#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

namespace attune::inline ATTUNE_ABI::detail {

inline constexpr std::uint32_t watch_bytes = IN_MODIFY | IN_CLOSE_WRITE;
inline constexpr std::uint32_t watch_self = IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF;
inline constexpr std::uint32_t watch_names =
    IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | watch_self | IN_ONLYDIR;

ATTUNE_DECL FileWatch::FileWatch([[maybe_unused]] Poller& poller) {
#if !defined(ATTUNE_NO_INOTIFY)
    fd_ = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (usable()) {
        registration_ = poller.watch(fd_, [this] { drain(); });
    }
#endif
}

ATTUNE_DECL FileWatch::~FileWatch() {
    registration_.reset();
    if (usable()) {
        ::close(fd_);
    }
}

ATTUNE_DECL std::vector<FileWatch::Watch>::iterator FileWatch::from(int id) noexcept {
    auto first = watches_.begin();
    auto last = watches_.end();
    while (first != last) {
        const auto middle = first + (last - first) / 2;
        if (middle->id < id) {
            first = middle + 1;
        } else {
            last = middle;
        }
    }
    return first;
}

ATTUNE_DECL FileWatch::Watch* FileWatch::find(int id) noexcept {
    const auto found = from(id);
    return found != watches_.end() && found->id == id ? &*found : nullptr;
}

ATTUNE_DECL void FileWatch::erase(int id) noexcept {
    const auto found = from(id);
    if (found != watches_.end() && found->id == id) {
        watches_.erase(found);
    }
}

ATTUNE_DECL void FileWatch::forget(const Listener& listener) { release(take(listener)); }

ATTUNE_DECL int FileWatch::add(const std::string& place, std::uint32_t mask,
                               const std::shared_ptr<Listener>& listener, std::string_view name) {
    // An inode has one watch, however it is reached: masks add up, and interests decide.
    const int id = ::inotify_add_watch(fd_, place.c_str(), mask | IN_DONT_FOLLOW | IN_MASK_ADD);
    if (id < 0) {
        return errno;
    }
    Watch* watch = find(id);
    if (watch == nullptr) {
        watch = &*watches_.insert(from(id), Watch{id, {}});
    }
    watch->interests.push_back({listener, listener.get(), std::string(name)});
    return 0;
}

ATTUNE_DECL std::vector<int> FileWatch::take(const Listener& listener) {
    std::vector<int> taken;
    for (auto& [id, interests] : watches_) {
        std::size_t kept = 0;
        for (Interest& interest : interests) {
            if (interest.key != &listener) {
                std::swap(interests[kept++], interest);
            }
        }
        if (kept != interests.size()) {
            interests.erase(interests.begin() + static_cast<std::ptrdiff_t>(kept), interests.end());
            taken.push_back(id);
        }
    }
    return taken;
}

ATTUNE_DECL void FileWatch::release(const std::vector<int>& watches) {
    for (const int id : watches) {
        if (const Watch* const watch = find(id); watch != nullptr && watch->interests.empty()) {
            ::inotify_rm_watch(fd_, id);  // fails where the kernel was faster, which is as well
            erase(id);
        }
    }
}

ATTUNE_DECL void FileWatch::mark(std::vector<Interest>& interests, std::string_view name,
                                 bool moved) {
    for (Interest& interest : interests) {
        if (name.empty() || interest.name.empty() || interest.name == name) {
            interest.touched = true;
            interest.moved = interest.moved || moved;
        }
    }
}

ATTUNE_DECL bool FileWatch::tell_one() {
    const Listener* key = nullptr;
    std::shared_ptr<Listener> listener;
    bool moved = false;
    for (auto& [id, interests] : watches_) {
        for (Interest& interest : interests) {
            if (!interest.touched || (key != nullptr && interest.key != key)) {
                continue;
            }
            if (key == nullptr) {
                key = interest.key;
                listener = interest.listener.lock();
            }
            moved = moved || interest.moved;
            interest.touched = false;
            interest.moved = false;
        }
    }
    if (listener != nullptr) {
        listener->touched(moved);
    }
    return key != nullptr;
}

ATTUNE_DECL void FileWatch::drain() {
    const auto self = weak_from_this().lock();  // a listener that is told may be the last owner
    if (self == nullptr) {
        return;
    }
    std::vector<int> gone;
    alignas(inotify_event) std::array<char, 16384> buffer;
    // Bounded, so that a storm of events leaves the poller time for its other work.
    for (int reads = 0; reads < 16; ++reads) {
        const ssize_t size = ::read(fd_, buffer.data(), buffer.size());
        if (size <= 0) {
            break;
        }
        for (std::size_t at = 0; at < static_cast<std::size_t>(size);) {
            inotify_event event;
            std::memcpy(&event, buffer.data() + at, sizeof event);
            const std::string_view name =
                event.len != 0 ? buffer.data() + at + sizeof event : std::string_view();
            at += sizeof event + event.len;
            if ((event.mask & IN_Q_OVERFLOW) != 0) {
                for (auto& [id, interests] : watches_) {
                    mark(interests, {}, true);
                }
                continue;
            }
            Watch* const watch = find(event.wd);
            if (watch == nullptr) {
                continue;  // was on its way when the watch was given up
            }
            mark(watch->interests, name, (event.mask & ~watch_bytes) != 0);
            if ((event.mask & IN_IGNORED) != 0) {
                gone.push_back(event.wd);
            }
        }
    }
    while (tell_one()) {
    }
    for (const int id : gone) {
        erase(id);
    }
}

ATTUNE_DECL WatchTrail::WatchTrail(FileWatch& watch, std::shared_ptr<FileWatch::Listener> listener)
    : watch_(watch), listener_(std::move(listener)), before_(watch.take(*listener_)) {}

ATTUNE_DECL WatchTrail::~WatchTrail() { watch_.release(before_); }

ATTUNE_DECL std::optional<std::string> WatchTrail::follow(std::string base, std::string_view path) {
    std::vector<std::string> names;  // still to go, the next one last
    const auto go = [&](std::string_view way) {
        if (way.starts_with('/')) {
            base.clear();
        }
        while (!way.empty()) {
            const std::size_t slash = way.rfind('/');
            const std::size_t begin = slash == std::string_view::npos ? 0 : slash + 1;
            if (const auto name = way.substr(begin); !name.empty() && name != ".") {
                names.emplace_back(name);
            }
            way = way.substr(0, begin == 0 ? 0 : slash);
        }
    };

    if (base == "/") {
        base.clear();
    }
    go(path);
    constexpr int max_links = 40;  // as in Linux
    for (int links = 0; !names.empty();) {
        const std::string name = std::move(names.back());
        names.pop_back();
        if (name == "..") {
            base.erase(base.empty() ? 0 : base.rfind('/'));
            continue;
        }
        add(base.empty() ? "/" : base, watch_names, name);
        std::string place = base + '/' + name;
        struct stat status;
        if (::lstat(place.c_str(), &status) != 0) {
            return std::nullopt;
        }
        if (!S_ISLNK(status.st_mode)) {
            base = std::move(place);
            continue;
        }
        std::array<char, PATH_MAX> target;
        const ssize_t size = ::readlink(place.c_str(), target.data(), target.size());
        if (size <= 0 || ++links > max_links) {
            return std::nullopt;
        }
        go({target.data(), static_cast<std::size_t>(size)});
    }
    return base.empty() ? "/" : std::move(base);
}

ATTUNE_DECL bool WatchTrail::everything(const std::string& directory) {
    return add(directory, watch_names | watch_bytes, {});
}

ATTUNE_DECL void WatchTrail::bytes(const std::string& file) {
    add(file, watch_bytes | watch_self, {});
}

ATTUNE_DECL bool WatchTrail::add(const std::string& place, std::uint32_t mask,
                                 std::string_view name) {
    const Path key = Path{} / place / name;
    if (seen_.find(key) != nullptr) {
        return false;
    }
    seen_ = seen_.with(key, true);
    const int error = watch_.add(place, mask, listener_, name);
    // Gone or replaced since it was looked up, which the directory above tells.
    const bool raced = error == ENOENT || error == ENOTDIR || error == ELOOP;
    // An unreadable file has nothing to tell until its permissions change, which its directory
    // tells. Behind an unreadable directory anything may happen.
    const bool mute = error == EACCES && (mask & IN_ONLYDIR) == 0;
    complete_ = complete_ && (error == 0 || raced || mute);
    return true;
}

}  // namespace attune::inline ATTUNE_ABI::detail
