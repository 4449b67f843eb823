#pragma once

#include <attune/serve/detail/config_service.hpp>

#include <attune/serve/detail/store_reader.hpp>

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

/// A path in a query: a JSON Pointer, or dotted.
inline Path path_of_parameter(std::string_view text) {
    try {
        return Path{text};
    } catch (const std::invalid_argument& error) {
        throw ServeError{400, "the path in the query is no JSON Pointer: " +
                                  std::string(error.what())};
    }
}

ATTUNE_DECL Path ConfigService::place_of(const Call& call) const {
    auto path = path_of_segments(call.below);
    if (!path) {
        throw ServeError{400, "the path is no JSON Pointer: after ~ comes 0, for ~ itself, or 1, "
                              "for a slash"};
    }
    return std::move(*path);
}

ATTUNE_DECL ConfigResource ConfigService::resource_of(const Call& call) const {
    ConfigResource resource = ConfigResource::at(place_of(call));
    std::vector<Path> paths;
    for (const auto& [name, value] : call.target.query) {
        if (name == "path") {
            paths.push_back(path_of_parameter(value));
        }
    }
    if (!paths.empty()) {
        if (!call.below.empty()) {
            throw ServeError{400, "give either one place, /v1/config/a, or several, "
                                  "/v1/config?path=/a&path=/b"};
        }
        resource = ConfigResource::of(std::move(paths));
    }
    return resource;
}

ATTUNE_DECL Showing ConfigService::showing_for(const Call& call,
                                               const Preferences& preferences) const noexcept {
    return preferences.omit_secrets ? Showing::omitted
           : call.rights->secrets   ? Showing::shown
                                    : Showing::masked;
}

ATTUNE_DECL Document ConfigService::shown(const Call& call, const Document& value,
                                          const Path& path) const {
    return call.rights->secrets ? value : secrets_.mask(value, path);
}

inline std::optional<net::EntityTags> entity_tags(const net::HttpRequest& request,
                                                  std::string_view name) {
    const std::string field = request.fields.joined(name);
    if (field.empty() && !request.fields.find(name)) {
        return std::nullopt;
    }
    auto tags = net::EntityTags::parse(field);
    if (!tags) {
        throw ServeError{400, std::string(name) +
                                  " takes *, or ETags in their quotes, parted by commas"};
    }
    return tags;
}

ATTUNE_DECL void ConfigService::get_config(Call& call) {
    const ConfigResource resource = resource_of(call);
    for (const Path& path : resource.paths) {
        require_path(call, path);
    }
    hear_client(call);
    const Preferences preferences = Preferences::parse(call.request().fields.joined("Prefer"));
    auto tags = entity_tags(call.request(), "If-None-Match");

    // A publication after this reading is told to `published`, which comes after this function.
    const CurrentVersion current = read_current(*call.store);
    secrets_.refresh(*call.store);
    bool changed = false;
    const ResourceTable::GroupPtr group =
        table_.get(resource, showing_for(call, preferences), current.document, current.version,
                   changed);
    if (changed) {
        watchers_.changed(group);
    }

    const bool known =
        tags && (group->now.present || !tags->any()) && tags->match_weakly(group->now.etag);
    std::optional<std::uint32_t> wait;
    if (tags && preferences.wait) {
        wait = static_cast<std::uint32_t>(
            std::min<std::int64_t>(*preferences.wait, options_.max_wait.count()));
    }
    if (!known || !wait || *wait == 0 || draining_) {
        counters_.count(table_.answer(*group, *call.exchange, known, wait, call.head()));
        return;
    }
    if (watchers_.size() + events_.size() >= options_.watchers) {
        throw ServeError{503, "too many clients are waiting for changes; ask without waiting, or "
                              "again later"}
            .with("Retry-After", "5");
    }
    auto watcher = std::make_unique<Watcher>();
    watcher->exchange = call.exchange;
    watcher->group = group.get();
    watcher->wait = *wait;
    watcher->head = call.head();
    watcher->watch = clients_.watch(call.client);
    if (tags->several()) {
        watcher->tags = std::make_unique<const net::EntityTags>(std::move(*tags));
    }
    counters_.held.fetch_add(1, std::memory_order_relaxed);
    watchers_.hold(std::move(watcher), environment_.now());
}

inline std::optional<Version> version_number(std::string_view text) noexcept {
    Version version = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
    return !text.empty() && error == std::errc() && end == text.data() + text.size()
               ? std::optional{version}
               : std::nullopt;
}

ATTUNE_DECL void ConfigService::get_events(Call& call) {
    const auto given = call.target.parameter("path");
    const std::optional<Path> path =
        given ? std::optional{path_of_parameter(*given)} : std::nullopt;
    require_path(call, path.value_or(Path{}));
    if (call.head()) {
        return respond_text(call, "text/event-stream", {});
    }
    if (draining_ || watchers_.size() + events_.size() >= options_.watchers) {
        throw ServeError{503, "too many clients are waiting for changes; try again later"}.with(
            "Retry-After", "5");
    }
    hear_client(call);
    const auto last = version_number(call.field("Last-Event-ID"));
    counters_.count(200);
    events_.open(call.exchange, *call.store, path, last, clients_.watch(call.client),
                 environment_.now());
}

}  // namespace attune::inline ATTUNE_ABI::detail
