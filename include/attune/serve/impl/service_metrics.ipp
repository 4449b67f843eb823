#pragma once

#include <attune/serve/detail/config_service.hpp>

#include <attune/store/status.hpp>

#include <chrono>
#include <cstddef>
#include <string>

namespace attune::inline ATTUNE_ABI::detail {

inline void add_store_metrics(MetricsPage& page, const StoreStatus& status) {
    const auto number = [](std::uint64_t value) { return static_cast<double>(value); };
    page.gauge("attune_store_version", "The current version.", number(status.version));
    page.gauge("attune_store_ready", "1 when everything served was accepted.",
               status.ready() ? 1 : 0);
    page.metric("attune_store_state", "gauge", "1 for the state the store is in.");
    for (const State state : {State::starting, State::ready, State::stale, State::failed}) {
        page.sample({{"state", to_string(state)}}, status.state == state ? 1 : 0);
    }
    page.counter("attune_store_commits_total", "Versions published.", number(status.commits));
    page.counter("attune_store_refusals_total", "Candidates refused.", number(status.refusals));
    page.counter("attune_store_observer_errors_total", "Observers that threw.",
                 number(status.observer_errors));
    page.counter("attune_store_dropped_changes_total",
                 "Changes merged because an observer's queue was full.",
                 number(status.dropped_changes));
    page.counter("attune_store_slow_calls_total", "Calls of observers that took too long.",
                 number(status.slow_calls));
}

inline void add_layer_metrics(MetricsPage& page, const StoreStatus& status) {
    const auto each = [&](std::string_view name, std::string_view type, std::string_view help,
                          auto&& value) {
        page.metric(name, type, help);
        for (std::size_t i = 0; i != status.layers.size(); ++i) {
            // Names need not differ; ranks do.
            page.sample({{"layer", status.layers[i].name}, {"rank", std::to_string(i)}},
                        static_cast<double>(value(status.layers[i])));
        }
    };
    each("attune_layer_ready", "gauge", "1 when the layer's newest document is served.",
         [](const LayerStatus& layer) { return layer.state == State::ready ? 1 : 0; });
    each("attune_layer_last_success_timestamp_seconds", "gauge",
         "When a reading was accepted last; 0 when none was.", [](const LayerStatus& layer) {
             return std::chrono::duration<double>(layer.last_success.time_since_epoch()).count();
         });
    each("attune_layer_updates_total", "counter", "Readings accepted.",
         [](const LayerStatus& layer) { return layer.updates; });
    each("attune_layer_refusals_total", "counter", "Readings refused or impossible.",
         [](const LayerStatus& layer) { return layer.refusals; });
}

ATTUNE_DECL void ConfigService::get_metrics(Call& call) {
    MetricsPage page;
    const StoreStatus status = call.store->status();
    add_store_metrics(page, status);
    add_layer_metrics(page, status);

    const auto number = [](const auto& value) {
        return static_cast<double>(value.load(std::memory_order_relaxed));
    };
    page.metric("attune_http_responses_total", "counter", "Responses of the endpoints.");
    for (std::size_t code = 0; code != counters_.responses.size(); ++code) {
        if (const double count = number(counters_.responses[code]); count != 0) {
            page.sample({{"code", std::to_string(code)}}, count);
        }
    }
    page.gauge("attune_http_watchers", "Requests that wait for a change.",
               static_cast<double>(watchers_.size()));
    page.gauge("attune_http_streams", "Streams of events.", static_cast<double>(events_.size()));
    page.counter("attune_http_held_total", "Requests that had to wait.", number(counters_.held));
    page.counter("attune_http_writes_total", "Writes accepted.", number(counters_.writes));
    page.counter("attune_http_refused_writes_total", "Writes that the store refused.",
                 number(counters_.refused_writes));
    page.counter("attune_http_conflicts_total", "Writes whose condition did not hold.",
                 number(counters_.conflicts));
    page.counter("attune_http_client_reports_total", "Reports of clients.",
                 number(counters_.reports));

    std::size_t states[3] = {};
    for (const ClientReport& client : clients()) {
        ++states[static_cast<std::size_t>(client.state)];
    }
    page.metric("attune_clients", "gauge", "Clients known, by what they reported last.");
    for (const ClientState state :
         {ClientState::unknown, ClientState::applied, ClientState::refused}) {
        page.sample({{"state", to_string(state)}},
                    static_cast<double>(states[static_cast<std::size_t>(state)]));
    }

    const net::HttpServerCounters http = environment_.counters();
    page.gauge("attune_http_connections", "Connections open.", static_cast<double>(http.open));
    page.counter("attune_http_connections_total", "Connections accepted.",
                 static_cast<double>(http.connections));
    page.counter("attune_http_requests_total", "Requests read.",
                 static_cast<double>(http.requests));
    page.counter("attune_http_over_limit_total", "Requests and connections refused by a limit.",
                 static_cast<double>(http.over_limit));
    page.counter("attune_http_malformed_total", "Requests that were no HTTP.",
                 static_cast<double>(http.malformed));
    respond_text(call, "text/plain; version=0.0.4; charset=utf-8", page.take());
}

}  // namespace attune::inline ATTUNE_ABI::detail
