#pragma once

#include <attune/serve/detail/resource_table.hpp>

#include <attune/document/text.hpp>
#include <attune/serve/detail/problem_details.hpp>

#include <algorithm>
#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

/// Bodies up to this size are sent together with their header, from one buffer.
inline constexpr std::size_t largest_wire = 64 * 1024;

inline bool same_parts(const std::vector<std::optional<Document>>& a,
                       const std::vector<std::optional<Document>>& b) noexcept {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
        return x && y ? x->same(*y) : x.has_value() == y.has_value();
    });
}

inline std::string group_key(const ConfigResource& resource, Showing showing) {
    std::string key = resource.key();
    key += static_cast<char>('0' + static_cast<int>(showing));
    return key;
}

/// What a group takes besides its texts, roughly: its key is in the table and in its paths as well.
inline std::size_t bytes_of(const ResourceGroup& group) noexcept {
    return 1024 + 4 * group.key.size();
}

ATTUNE_DECL ResourceTable::GroupPtr ResourceTable::get(const ConfigResource& resource,
                                                       Showing showing, const Document& document,
                                                       Version version, bool& changed) {
    std::string key = group_key(resource, showing);
    GroupPtr& known = groups_[key];
    if (known == nullptr) {
        known = std::make_shared<ResourceGroup>();
        known->resource = resource;
        known->showing = showing;
        known->key = std::move(key);
    }
    const GroupPtr group = known;
    changed = refresh(*group, document, version);
    sort_in(*group);
    return group;
}

ATTUNE_DECL bool ResourceTable::refresh(ResourceGroup& group, const Document& document,
                                        Version version) {
    if (version < group.version) {
        return group.untold;  // somebody else has seen a later one
    }
    const bool same_masking =
        group.showing == Showing::shown || group.secret_epoch == secrets_.epoch();
    if (version == group.version && same_masking && !group.now.etag.empty()) {
        return group.untold;
    }
    auto parts = group.resource.parts_of(document);
    const bool known = !group.now.etag.empty() && same_masking && same_parts(parts, group.parts);
    if (!known) {
        Representation fresh = representer_.make(group.resource, parts, group.showing, secrets_);
        group.untold = group.untold || fresh.etag != group.now.etag;
        group.now = std::move(fresh);
    }
    group.parts = std::move(parts);
    group.secret_epoch = secrets_.epoch();
    group.version = version;
    group.wires.clear();
    sort_in(group);
    return group.untold;
}

ATTUNE_DECL std::string ResourceTable::etag_of(const ConfigResource& resource, Showing showing,
                                               const Document& document) {
    auto parts = resource.parts_of(document);
    const auto known = groups_.find(group_key(resource, showing));
    if (known != groups_.end() && same_parts(parts, known->second->parts) &&
        (showing == Showing::shown || known->second->secret_epoch == secrets_.epoch())) {
        return known->second->now.etag;
    }
    return representer_.make(resource, parts, showing, secrets_).etag;
}

ATTUNE_DECL net::HttpResponse ResourceTable::head_of(const ResourceGroup& group, unsigned status,
                                                     std::optional<std::uint32_t> wait,
                                                     bool asks_report) const {
    net::HttpResponse response{.status = status,
                               .fields = {{"ETag", group.now.etag},
                                          {"Attune-Version", std::to_string(group.version)},
                                          {"Cache-Control", "no-cache"},
                                          {"Vary", "Authorization, Prefer"}},
                               .body = {}};
    if (status == 200) {
        response.fields.add("Content-Type", "application/json");
        if (group.now.masked != 0) {
            response.fields.add("Attune-Masked", std::to_string(group.now.masked));
        }
    }
    if (asks_report) {
        response.fields.add("Attune-Reported", "0");
    }
    std::string applied = wait ? "wait=" + std::to_string(*wait) : "";
    if (group.showing == Showing::omitted) {
        applied += applied.empty() ? "secrets=omit" : ", secrets=omit";
    }
    if (!applied.empty()) {
        response.fields.add("Preference-Applied", std::move(applied));
    }
    return response;
}

ATTUNE_DECL std::shared_ptr<const std::string> ResourceTable::body_of(ResourceGroup& group) {
    if (group.now.body == nullptr) {
        group.now = representer_.make(group.resource, group.parts, group.showing, secrets_);
        sort_in(group);
    }
    return group.now.body;
}

ATTUNE_DECL void ResourceTable::Reply::send(net::HttpExchange& exchange) && {
    if (head) {
        exchange.respond(std::move(*head), std::move(bytes));
    } else {
        exchange.respond(std::move(bytes));
    }
}

ATTUNE_DECL ResourceTable::Reply ResourceTable::reply(ResourceGroup& group, bool unchanged,
                                                      std::optional<std::uint32_t> wait,
                                                      bool asks_report) {
    const unsigned status = !group.now.present ? 404 : unchanged ? 304 : 200;
    if (status == 200 && group.now.size > largest_wire) {
        return {status, head_of(group, status, wait, asks_report), body_of(group)};
    }
    const auto now = clock_();
    const std::time_t second = std::chrono::system_clock::to_time_t(now);
    if (group.wires_made != second) {
        group.wires.clear();
        group.wires_made = second;
    }
    const auto found = std::find_if(group.wires.begin(), group.wires.end(), [&](const auto& wire) {
        return wire.status == status && wire.wait == wait && wire.asks_report == asks_report;
    });
    if (found != group.wires.end()) {
        return {status, {}, found->bytes};
    }
    net::HttpResponse response = head_of(group, status, wait, asks_report);
    if (status == 200) {
        response.body = *body_of(group);
    } else if (status == 404) {
        net::HttpResponse problem = problem_response(
            {404, "there is nothing at \"" + to_string(group.resource.paths.front()) + '"'},
            secrets_);
        response.fields.add("Content-Type", "application/problem+json");
        response.body = std::move(problem.body);
    }
    constexpr std::size_t most = 8;
    if (group.wires.size() == most) {
        group.wires.erase(group.wires.begin());
    }
    group.wires.push_back({status, wait, asks_report, net::make_wire(response, now)});
    sort_in(group);
    return {status, {}, group.wires.back().bytes};
}

ATTUNE_DECL bool ResourceTable::may_watch(const ResourceGroup& group) const noexcept {
    // One alone may always be watched, however large it is.
    return group.watched_bytes != 0 || watched_bytes_ == 0 ||
           watched_bytes_ + bytes_of(group) + group.now.size <= limits_.watched;
}

ATTUNE_DECL void ResourceTable::sort_in(ResourceGroup& group) noexcept {
    group.unlink();
    idle_groups_ -= group.idle ? 1 : 0;
    kept_bytes_ -= group.kept_bytes;
    watched_bytes_ -= group.watched_bytes;
    group.idle = group.watchers.empty();
    group.kept_bytes = group.now.body != nullptr ? group.now.size : 0;
    for (const ResourceGroup::Wire& wire : group.wires) {
        group.kept_bytes += wire.bytes->size();
    }
    if (group.idle) {
        // Its subtrees may be those of an old version, which nobody else has any more.
        group.kept_bytes += bytes_of(group) + (group.now.body == nullptr ? group.now.size : 0);
        group.watched_bytes = 0;
        ++idle_groups_;
        idle_.push_back(group);
    } else {
        group.watched_bytes = bytes_of(group) + group.now.size;
        (group.kept_bytes != 0 ? watched_ : bare_).push_back(group);
    }
    kept_bytes_ += group.kept_bytes;
    watched_bytes_ += group.watched_bytes;
}

ATTUNE_DECL void ResourceTable::trim() noexcept {
    while (uses_ == 0 && !idle_.empty() &&
           (idle_groups_ > limits_.groups || kept_bytes_ > limits_.bytes)) {
        const ResourceGroup& oldest = idle_.front();
        --idle_groups_;
        kept_bytes_ -= oldest.kept_bytes;
        groups_.erase(groups_.find(oldest.key));
    }
    while (kept_bytes_ > limits_.bytes && !watched_.empty()) {
        ResourceGroup& oldest = watched_.front();
        oldest.now.body.reset();
        oldest.wires.clear();
        sort_in(oldest);
    }
}

ATTUNE_DECL std::vector<ResourceTable::GroupPtr> ResourceTable::watched() {
    std::vector<GroupPtr> all;
    for (GroupList* const list : {&watched_, &bare_}) {
        for (ResourceGroup& group : *list) {
            all.push_back(group.shared_from_this());
        }
    }
    return all;
}

}  // namespace attune::inline ATTUNE_ABI::detail
