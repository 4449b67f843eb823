#pragma once

#include <attune/document/document.hpp>
#include <attune/store/transport.hpp>
#include <attune/transport/detail/http_reading.hpp>
#include <attune/transport/detail/http_settings.hpp>
#include <attune/version.hpp>

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

/// What a layer has read, and from where.
struct HttpPosition {
    std::size_t place = 0;  ///< the one that answered last
    HttpMark mark = {};     ///< of `document`
    /// What the store was given last, whatever it made of it; nothing when that is not known.
    std::optional<Document> document = std::nullopt;
    bool absent = false;  ///< the server has none by now
};

/// What the network's thread and all others hand each other: the way to the feed, which one closes
/// while the other may be on it, and how far the layer has come.
class HttpShare {
public:
    /// Calls `f(feed)`, unless the feed is closed. False when it is by the end.
    template <class F>
    bool call(F&& f) {
        Feed* feed = nullptr;
        {
            const std::scoped_lock lock{mutex_};
            if (feed_ == nullptr) {
                return false;
            }
            feed = feed_;
            calling_ = true;
        }
        struct Ended {
            HttpShare& share;
            ~Ended() {
                const std::scoped_lock lock{share.mutex_};
                share.calling_ = false;
                share.called_.notify_all();
            }
        };
        {
            const Ended ended{*this};
            std::forward<F>(f)(*feed);
        }
        const std::scoped_lock lock{mutex_};
        return feed_ != nullptr;
    }

    void open(Feed& feed) {
        const std::scoped_lock lock{mutex_};
        feed_ = &feed;
    }

    /// No call begins any more. Waits for one under way, unless this is inside it.
    void close(bool inside) noexcept {
        std::unique_lock lock{mutex_};
        feed_ = nullptr;
        if (!inside) {
            called_.wait(lock, [&] { return !calling_; });
        }
    }

    HttpPosition position() const {
        const std::scoped_lock lock{mutex_};
        return position_;
    }
    void set_position(HttpPosition position) {
        const std::scoped_lock lock{mutex_};
        position_ = std::move(position);
    }

    /// While a reload is under way, what the watch reads may be older, or newer, than that.
    void suspend() {
        const std::scoped_lock lock{mutex_};
        ++suspensions_;
    }
    void resume() {
        const std::scoped_lock lock{mutex_};
        --suspensions_;
    }
    bool suspended() const {
        const std::scoped_lock lock{mutex_};
        return suspensions_ != 0;
    }

private:
    mutable std::mutex mutex_;  // never held while the feed is called
    std::condition_variable called_;
    Feed* feed_ = nullptr;
    bool calling_ = false;
    std::size_t suspensions_ = 0;
    HttpPosition position_;
};

}  // namespace attune::inline ATTUNE_ABI::detail
