#pragma once

#include <attune/document/path.hpp>
#include <attune/fwd.hpp>
#include <attune/graph/frame.hpp>
#include <attune/net/http_server.hpp>
#include <attune/serve/client_registry.hpp>
#include <attune/version.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace attune::inline ATTUNE_ABI::detail {

/// The versions of a store as Server-Sent Events (HTML Living Standard, section 9.2) to whoever
/// listens. One thread at a time.
class EventFeed {
public:
    using TimePoint = std::chrono::steady_clock::time_point;

    /// A comment goes out after so long, for what is between here and there to keep the connection.
    static constexpr std::chrono::seconds heartbeat_interval{15};

    explicit EventFeed(ClientRegistry& clients) noexcept : clients_(clients) {}
    EventFeed(const EventFeed&) = delete;
    EventFeed& operator=(const EventFeed&) = delete;
    ATTUNE_DECL ~EventFeed();

    /// Any thread.
    std::size_t size() const noexcept { return size_.load(std::memory_order_relaxed); }

    /// Begins a stream with the versions after `last`, or after the current one when it is empty.
    /// Of those that change nothing at `path`, when it is given, nothing is told.
    ATTUNE_DECL void open(std::shared_ptr<net::HttpExchange> exchange, const Core& core,
                          std::optional<Path> path, std::optional<Version> last,
                          ClientRegistry::Watch watch, TimePoint now);
    /// Tells of new versions.
    ATTUNE_DECL void published(const Core& core);

    ATTUNE_DECL std::optional<TimePoint> next_heartbeat() const;
    ATTUNE_DECL void heartbeat(TimePoint now, ClientRegistry::Time wall);
    /// Ends all streams.
    ATTUNE_DECL void close();

private:
    using Chunk = std::shared_ptr<const std::string>;
    struct Stream {
        std::shared_ptr<net::HttpExchange> exchange;
        std::optional<Path> path;
        Version last = 0;
        ClientRegistry::Watch watch;
    };

    void forget(std::uint64_t id);
    void tell(std::uint64_t id, const Core& core);
    bool send(std::uint64_t id, Chunk chunk);
    Chunk event(const Frame& frame, const std::optional<Path>& path);

    ClientRegistry& clients_;
    std::map<std::uint64_t, Stream> streams_;
    std::atomic<std::size_t> size_ = 0;
    std::uint64_t next_id_ = 1;
    TimePoint next_heartbeat_{};
    // The event of the newest version, since most streams get the same.
    Version newest_ = 0;
    std::optional<Path> newest_path_;
    Chunk newest_event_;
};

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/serve/impl/event_feed.ipp>
#endif
