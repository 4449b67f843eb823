#pragma once

#include <attune/serve/client_registry.hpp>

#include <algorithm>
#include <iterator>
#include <utility>

namespace attune::inline ATTUNE_ABI {

ATTUNE_DECL std::string_view to_string(ClientState state) noexcept {
    switch (state) {
    case ClientState::unknown: break;
    case ClientState::applied: return "applied";
    case ClientState::refused: return "refused";
    }
    return "unknown";
}

namespace detail {

/// What a report takes in memory, roughly.
inline std::size_t bytes_of(const ClientReport& report) noexcept {
    std::size_t bytes = sizeof(KnownClient) + report.id.size() + report.name.size() +
                        report.address.size() + report.path.size() + report.etag.size();
    for (const Problem& problem : report.problems) {
        bytes += sizeof(Problem) + problem.message.size() + problem.expected.size() +
                 problem.found.size() + problem.suggestion.size() + problem.origin.layer.size() +
                 problem.origin.source.size();
        for (const std::string& token : problem.path.tokens()) {
            bytes += sizeof(std::string) + token.size();
        }
    }
    return bytes;
}

ATTUNE_DECL ClientRegistry::Watch::~Watch() {
    if (client_ != nullptr) {
        const std::scoped_lock lock{registry_->mutex_};
        --client_->watches;
    }
}

ATTUNE_DECL bool ClientRegistry::valid_id(std::string_view id) noexcept {
    return !id.empty() && id.size() <= 64 && std::all_of(id.begin(), id.end(), [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '_' || c == '-';
    });
}

ATTUNE_DECL void ClientRegistry::forget(Order::iterator client) {
    bytes_ -= (*client)->bytes;
    by_id_.erase((*client)->report.id);
    order_.erase(client);
}

ATTUNE_DECL void ClientRegistry::forget_silent(Time now) {
    while (!order_.empty() && order_.front()->watches == 0 &&
           now - order_.front()->report.heard > limits_.silence) {
        forget(order_.begin());
    }
}

ATTUNE_DECL bool ClientRegistry::make_room() {
    while (order_.size() >= limits_.clients || bytes_ > limits_.bytes) {
        const auto quiet = std::find_if(order_.begin(), order_.end(),
                                        [](const auto& client) { return client->watches == 0; });
        if (quiet == order_.end()) {
            return false;
        }
        forget(quiet);
    }
    return true;
}

ATTUNE_DECL std::shared_ptr<KnownClient> ClientRegistry::heard_locked(std::string_view id,
                                                                      std::string_view address,
                                                                      Time now) {
    forget_silent(now);
    if (const auto known = by_id_.find(id); known != by_id_.end()) {
        order_.splice(order_.end(), order_, known->second);
    } else {
        if (!make_room()) {
            return nullptr;
        }
        auto client = std::make_shared<KnownClient>();
        client->report.id = id;
        client->bytes = bytes_of(client->report);
        bytes_ += client->bytes;
        order_.push_back(std::move(client));
        order_.back()->place = std::prev(order_.end());
        by_id_.emplace(order_.back()->report.id, order_.back()->place);
    }
    const std::shared_ptr<KnownClient>& client = order_.back();
    client->report.heard = now;
    if (client->report.address != address) {
        client->report.address = address;
    }
    return client;
}

ATTUNE_DECL std::shared_ptr<KnownClient> ClientRegistry::heard(std::string_view id,
                                                               std::string_view address, Time now) {
    const std::scoped_lock lock{mutex_};
    return heard_locked(id, address, now);
}

ATTUNE_DECL void ClientRegistry::still_watches(const std::shared_ptr<KnownClient>& client,
                                               Time now) {
    const std::scoped_lock lock{mutex_};
    order_.splice(order_.end(), order_, client->place);
    client->report.heard = now;
}

ATTUNE_DECL ClientRegistry::Watch ClientRegistry::watch(std::shared_ptr<KnownClient> client) {
    if (client == nullptr) {
        return {};
    }
    const std::scoped_lock lock{mutex_};
    ++client->watches;
    return {*this, std::move(client)};
}

ATTUNE_DECL bool ClientRegistry::reported(ClientReport report, Time now) {
    const std::scoped_lock lock{mutex_};
    const auto client = heard_locked(report.id, report.address, now);
    if (client == nullptr) {
        return false;
    }
    // The key of the map is the id that stays.
    client->report.name = std::move(report.name);
    client->report.state = report.state;
    client->report.path = std::move(report.path);
    client->report.version = report.version;
    client->report.etag = std::move(report.etag);
    client->report.problems = std::move(report.problems);
    client->report.reported = now;
    bytes_ -= client->bytes;
    client->bytes = bytes_of(client->report);
    bytes_ += client->bytes;
    if (bytes_ > limits_.bytes && !make_room()) {
        client->report.problems.clear();
        bytes_ -= client->bytes;
        client->bytes = bytes_of(client->report);
        bytes_ += client->bytes;
    }
    return true;
}

ATTUNE_DECL bool ClientRegistry::owes_report(const std::shared_ptr<KnownClient>& client) const {
    const std::scoped_lock lock{mutex_};
    return client != nullptr && client->report.state == ClientState::unknown;
}

ATTUNE_DECL std::vector<ClientReport> ClientRegistry::list(Time now) {
    std::vector<ClientReport> reports;
    {
        const std::scoped_lock lock{mutex_};
        forget_silent(now);
        reports.reserve(order_.size());
        for (const auto& client : order_) {
            reports.push_back(client->report);
            reports.back().watching = client->watches != 0;
        }
    }
    std::sort(reports.begin(), reports.end(),
              [](const ClientReport& a, const ClientReport& b) { return a.id < b.id; });
    return reports;
}

ATTUNE_DECL std::size_t ClientRegistry::size() const {
    const std::scoped_lock lock{mutex_};
    return order_.size();
}

}  // namespace detail

}  // namespace attune::inline ATTUNE_ABI
