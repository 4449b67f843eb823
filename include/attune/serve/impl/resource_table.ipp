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
        return false;  // somebody else has seen a later one
    }
    const bool same_masking =
        group.showing == Showing::shown || group.secret_epoch == secrets_.epoch();
    if (version == group.version && same_masking && !group.now.etag.empty()) {
        return false;
    }
    auto parts = group.resource.parts_of(document);
    const bool known = !group.now.etag.empty() && same_masking && same_parts(parts, group.parts);
    bool changed = false;
    if (!known) {
        Representation fresh = representer_.make(group.resource, parts, group.showing, secrets_);
        changed = fresh.etag != group.now.etag;
        group.now = std::move(fresh);
    }
    group.parts = std::move(parts);
    group.secret_epoch = secrets_.epoch();
    group.version = version;
    group.wires.clear();
    return changed;
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

ATTUNE_DECL unsigned ResourceTable::answer(ResourceGroup& group, net::HttpExchange& exchange,
                                           bool unchanged, std::optional<std::uint32_t> wait,
                                           bool asks_report) {
    const unsigned status = !group.now.present ? 404 : unchanged ? 304 : 200;
    if (status == 200 && group.now.body->size() > largest_wire) {
        exchange.respond(head_of(group, status, wait, asks_report), group.now.body);
        return status;
    }
    const auto found = std::find_if(group.wires.begin(), group.wires.end(), [&](const auto& wire) {
        return wire.status == status && wire.wait == wait && wire.asks_report == asks_report;
    });
    if (found != group.wires.end()) {
        exchange.respond(std::shared_ptr<const std::string>(found->bytes));
        return status;
    }
    net::HttpResponse response = head_of(group, status, wait, asks_report);
    if (status == 200) {
        response.body = *group.now.body;
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
    auto wire = net::make_wire(response);
    group.wires.push_back({status, wait, asks_report, wire});
    exchange.respond(std::move(wire));
    return status;
}

ATTUNE_DECL void ResourceTable::sort_in(ResourceGroup& group) {
    group.unlink();
    idle_groups_ -= group.idle_bytes ? 1 : 0;
    idle_bytes_ -= group.idle_bytes.value_or(0);
    group.idle_bytes.reset();
    if (!group.watchers.empty()) {
        watched_.push_back(group);
        return;
    }
    group.idle_bytes = group.now.body != nullptr ? group.now.body->size() : 0;
    ++idle_groups_;
    idle_bytes_ += *group.idle_bytes;
    idle_.push_back(group);
}

ATTUNE_DECL void ResourceTable::trim() {
    while (idle_groups_ > limits_.groups || idle_bytes_ > limits_.bytes) {
        ResourceGroup& oldest = idle_.front();
        --idle_groups_;
        idle_bytes_ -= *oldest.idle_bytes;
        groups_.erase(groups_.find(oldest.key));
    }
}

ATTUNE_DECL std::vector<ResourceTable::GroupPtr> ResourceTable::watched() {
    std::vector<GroupPtr> all;
    for (ResourceGroup& group : watched_) {
        all.push_back(group.shared_from_this());
    }
    return all;
}

}  // namespace attune::inline ATTUNE_ABI::detail
