#pragma once

#include <attune/serve/detail/config_service.hpp>

#include <attune/serve/detail/service_arguments.hpp>
#include <attune/serve/detail/store_reader.hpp>

#include <algorithm>
#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL Path ConfigService::place_of(const Call& call) const {
    auto path = path_of_segments(call.below);
    if (!path) {
        throw ServeError{400,
                         "the path is no JSON Pointer: after ~ comes 0, for ~ itself, or 1, "
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
            throw ServeError{400,
                             "give either one place, /v1/config/a, or several, "
                             "/v1/config?path=/a&path=/b"};
        }
        resource = ConfigResource::of(std::move(paths));
    }
    return resource;
}

ATTUNE_DECL Showing ConfigService::showing_for(const Call& call,
                                               const Preferences& preferences) const noexcept {
    return call.rights->secrets       ? Showing::shown
           : preferences.omit_secrets ? Showing::omitted
                                      : Showing::masked;
}

ATTUNE_DECL Document ConfigService::shown(const Call& call, const Document& value,
                                          const Path& path) const {
    return call.rights->secrets ? value : secrets_.mask(value, path);
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
    const ResourceTable::GroupPtr group = table_.get(resource, showing_for(call, preferences),
                                                     current.document, current.version, changed);
    if (changed) {
        watchers_.changed(group);
    }

    const bool known =
        tags && (group->now.present || !tags->any()) && tags->match_weakly(group->now.etag);
    std::optional<std::uint32_t> wait;
    if (tags && preferences.wait) {
        wait = static_cast<std::uint32_t>(std::min<std::int64_t>(*preferences.wait,
                                                                 options_.max_wait.count()));
    }
    if (!known || !wait || *wait == 0 || draining_) {
        ResourceTable::Reply reply =
            table_.reply(*group, known, wait, clients_.owes_report(call.client));
        counters_.count(reply.status);
        return std::move(reply).send(*call.exchange);
    }
    if (watchers_.size() + events_.size() >= options_.watchers || !table_.may_watch(*group)) {
        throw ServeError{503,
                         "too many clients are waiting for changes; ask without waiting, or "
                         "again later"}
            .with("Retry-After", "5");
    }
    auto watcher = std::make_unique<Watcher>();
    watcher->exchange = call.exchange;
    watcher->group = group.get();
    watcher->wait = *wait;
    watcher->watch = clients_.watch(call.client);
    if (tags->several()) {
        watcher->tags = std::make_unique<const net::EntityTags>(std::move(*tags));
    }
    counters_.held.fetch_add(1, std::memory_order_relaxed);
    watchers_.hold(std::move(watcher), environment_.now());
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
