#pragma once

#include <attune/serve/detail/event_feed.hpp>

#include <attune/document/text.hpp>
#include <attune/net/event_stream.hpp>
#include <attune/serve/detail/json_members.hpp>
#include <attune/serve/detail/store_reader.hpp>

#include <algorithm>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL EventFeed::~EventFeed() {
    for (auto& [id, stream] : streams_) {
        stream.exchange->on_gone({});
    }
}

/// Those of the paths that are at, below or above `path`; all when it is empty.
inline std::vector<Path> paths_around(const std::vector<Path>& paths,
                                      const std::optional<Path>& path) {
    std::vector<Path> around;
    std::copy_if(paths.begin(), paths.end(), std::back_inserter(around), [&](const Path& each) {
        return !path || each.starts_with(*path) || path->starts_with(each);
    });
    return around;
}

ATTUNE_DECL EventFeed::Chunk EventFeed::event(const Frame& frame, const std::optional<Path>& path) {
    if (newest_event_ != nullptr && newest_ == frame.version && newest_path_ == path) {
        return newest_event_;
    }
    const std::vector<Path> changed = paths_around(frame.changed(), path);
    if (path && changed.empty()) {
        return nullptr;
    }
    const std::string version = std::to_string(frame.version);
    const Document data = JsonMembers()
                              .add("version", frame.version)
                              .add_time("time", frame.time)
                              .add("reason", frame.reason)
                              .add("layer", frame.layer)
                              .add("changed", json_paths(changed))
                              .object();
    newest_ = frame.version;
    newest_path_ = path;
    newest_event_ = std::make_shared<const std::string>(
        net::to_event_stream({.event = "version", .id = version, .data = to_text(data)}));
    return newest_event_;
}

ATTUNE_DECL void EventFeed::open(std::shared_ptr<net::HttpExchange> exchange, const Core& core,
                                 std::optional<Path> path, std::optional<Version> last,
                                 ClientRegistry::Watch watch, TimePoint now) {
    const Version current = read_current(core).version;
    const std::uint64_t id = next_id_++;
    exchange->on_gone([this, id] { forget(id); });
    exchange->release_request();
    exchange->begin_stream({.status = 200,
                            .fields = {{"Content-Type", std::string(net::event_stream_type)},
                                       {"Cache-Control", "no-store"},
                                       {"Vary", "Authorization"},
                                       {"Attune-Version", std::to_string(current)},
                                       {"X-Accel-Buffering", "no"}},
                            .body = {}});
    if (streams_.empty()) {
        next_heartbeat_ = now + heartbeat_interval;
    }
    // A number beyond the current one is of a store that was there before.
    const Version from = last && *last <= current ? *last : last ? 0 : current;
    streams_.emplace(id, Stream{.exchange = std::move(exchange),
                                .path = std::move(path),
                                .last = from,
                                .watch = std::move(watch)});
    size_ = streams_.size();
    // An id without data: where to resume from, before there was any event.
    if (send(id, std::make_shared<const std::string>(
                     net::to_event_stream({.id = std::to_string(from)})))) {
        tell(id, core);
    }
}

ATTUNE_DECL void EventFeed::forget(std::uint64_t id) {
    streams_.erase(id);
    size_ = streams_.size();
}

ATTUNE_DECL bool EventFeed::send(std::uint64_t id, Chunk chunk) {
    const auto found = streams_.find(id);
    if (found == streams_.end()) {
        return false;
    }
    const std::shared_ptr<net::HttpExchange> exchange = found->second.exchange;
    if (exchange->write(std::move(chunk))) {
        return true;
    }
    exchange->on_gone({});
    forget(id);
    return false;
}

ATTUNE_DECL void EventFeed::tell(std::uint64_t id, const Core& core) {
    const auto found = streams_.find(id);
    if (found == streams_.end()) {
        return;
    }
    const std::optional<Path> path = found->second.path;
    for (const HeldFrame& frame : hold_versions_after(core, found->second.last)) {
        if (const Chunk chunk = event(*frame, path); chunk != nullptr && !send(id, chunk)) {
            return;
        }
        const auto still = streams_.find(id);
        if (still == streams_.end()) {
            return;
        }
        still->second.last = frame->version;
    }
}

ATTUNE_DECL void EventFeed::published(const Core& core) {
    for (auto next = streams_.begin(); next != streams_.end();) {
        const std::uint64_t id = next->first;
        tell(id, core);
        next = streams_.upper_bound(id);
    }
}

ATTUNE_DECL std::optional<EventFeed::TimePoint> EventFeed::next_heartbeat() const {
    return streams_.empty() ? std::nullopt : std::optional{next_heartbeat_};
}

ATTUNE_DECL void EventFeed::heartbeat(TimePoint now, ClientRegistry::Time wall) {
    if (streams_.empty() || now < next_heartbeat_) {
        return;
    }
    next_heartbeat_ = now + heartbeat_interval;
    const auto comment = std::make_shared<const std::string>(net::event_stream_comment());
    for (auto next = streams_.begin(); next != streams_.end();) {
        const std::uint64_t id = next->first;
        if (const auto& client = next->second.watch.client()) {
            clients_.still_watches(client, wall);
        }
        send(id, comment);
        next = streams_.upper_bound(id);
    }
}

ATTUNE_DECL void EventFeed::close() {
    while (!streams_.empty()) {
        const auto exchange = streams_.begin()->second.exchange;
        exchange->on_gone({});
        forget(streams_.begin()->first);
        exchange->end_stream();
    }
}

}  // namespace attune::inline ATTUNE_ABI::detail
