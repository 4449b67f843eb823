#pragma once

#include <attune/serve/detail/config_service.hpp>

#include <attune/document/parse.hpp>
#include <attune/document/text.hpp>
#include <attune/serve/detail/accept.hpp>
#include <attune/serve/detail/client_report.hpp>
#include <attune/serve/detail/json_members.hpp>
#include <attune/serve/detail/store_reader.hpp>
#include <attune/store/explain.hpp>
#include <attune/store/node_status.hpp>
#include <attune/store/status.hpp>

#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

inline Document json_origin(const Origin& origin) {
    JsonMembers members;
    members.add_text("layer", origin.layer).add_text("source", origin.source);
    if (origin.line != 0) {
        members.add("line", origin.line).add("column", origin.column);
    }
    return members.add_text("revision", origin.revision).object();
}

/// Whatever the bindings say, the server's own secret places are secret too.
inline Explanation masked_explanation(Explanation explanation, const SecretPlaces& secrets) {
    const auto mask = [&](Document& value) {
        Document safe = secrets.mask(value, explanation.path);
        explanation.secret = explanation.secret || !safe.same(value);
        value = std::move(safe);
    };
    if (explanation.value) {
        mask(*explanation.value);
    }
    for (attune::Candidate& candidate : explanation.candidates) {
        mask(candidate.value);
    }
    if (explanation.fallback) {
        mask(*explanation.fallback);
    }
    return explanation;
}

inline Document json_explanation(const Explanation& explanation) {
    constexpr std::string_view fates[] = {"wins", "merged", "shadowed"};
    std::vector<Document> candidates;
    for (const attune::Candidate& each : explanation.candidates) {
        candidates.push_back(JsonMembers()
                                 .add("fate", fates[static_cast<std::size_t>(each.fate)])
                                 .add("origin", json_origin(each.origin))
                                 .add("value", each.value)
                                 .object());
    }
    JsonMembers members;
    members.add("path", explanation.path.pointer());
    if (explanation.value) {
        members.add("value", *explanation.value);
    }
    members.add("since", explanation.since)
        .add("secret", explanation.secret)
        .add("candidates", json_list(std::move(candidates)));
    if (explanation.fallback) {
        members.add("default", *explanation.fallback);
    }
    return members.object();
}

ATTUNE_DECL void ConfigService::get_explain(Call& call) {
    const Path path = place_of(call);
    require_path(call, path);
    const bool text =
        best_media_type(call.field("Accept"), {"application/json", "text/plain"}) == 1;
    std::vector<Explanation> all =
        path.empty() ? call.store->explain() : std::vector{call.store->explain(path)};
    secrets_.refresh(*call.store);
    for (Explanation& each : all) {
        each = masked_explanation(std::move(each), secrets_);
    }
    if (text) {
        return respond_text(call, "text/plain; charset=utf-8", to_string(all) + '\n');
    }
    if (!path.empty()) {
        return respond_json(call, json_explanation(all.front()));
    }
    std::vector<Document> values;
    for (const Explanation& each : all) {
        values.push_back(json_explanation(each));
    }
    respond_json(call, JsonMembers().add("values", json_list(std::move(values))).object());
}

ATTUNE_DECL void ConfigService::get_schema(Call& call) {
    respond_text(call, "application/schema+json", to_text(call.store->schema()));
}

inline Document json_layer(const LayerStatus& layer, const SecretPlaces& secrets) {
    JsonMembers members;
    members.add("name", layer.name)
        .add("state", to_string(layer.state))
        .add_time("since", layer.since)
        .add_time("last_success", layer.last_success)
        .add("version", layer.version)
        .add("updates", layer.updates)
        .add("refusals", layer.refusals)
        .add("consecutive_failures", layer.consecutive_failures)
        .add_text("revision", layer.revision);
    if (layer.last_error.kind != Failure::none) {
        members.add("last_error", JsonMembers()
                                      .add("kind", to_string(layer.last_error.kind))
                                      .add_text("path", layer.last_error.path.pointer())
                                      .add_time("time", layer.last_error.time)
                                      .object());
    }
    if (!layer.problems.empty()) {
        members.add("problems", json_problems(layer.problems, secrets));
    }
    return members.object();
}

ATTUNE_DECL void ConfigService::get_status(Call& call) {
    const StoreStatus status = call.store->status();
    secrets_.refresh(*call.store);
    std::vector<Document> layers;
    for (const LayerStatus& layer : status.layers) {
        layers.push_back(json_layer(layer, secrets_));
    }
    std::vector<Document> stale;
    for (const Staleness& each : status.stale) {
        stale.push_back(JsonMembers()
                            .add("name", each.name)
                            .add("error", each.error)
                            .add_time("since", each.since)
                            .add("version", each.version)
                            .object());
    }
    const Document server = JsonMembers()
                                .add("instance", instance())
                                .add("watchers", watchers_.size())
                                .add("streams", events_.size())
                                .add("clients", clients_.size())
                                .object();
    respond_json(call, JsonMembers()
                           .add("state", to_string(status.state))
                           .add("ready", status.ready())
                           .add("version", status.version)
                           .add_time("published", status.published)
                           .add("commits", status.commits)
                           .add("refusals", status.refusals)
                           .add("observer_errors", status.observer_errors)
                           .add("dropped_changes", status.dropped_changes)
                           .add("slow_calls", status.slow_calls)
                           .add("layers", json_list(std::move(layers)))
                           .add("warnings", json_problems(status.warnings, secrets_))
                           .add("stale", json_list(std::move(stale)))
                           .add("server", server)
                           .object());
}

inline Document json_node(const NodeStatus& node) {
    constexpr std::string_view types[] = {"bound", "derived", "rule"};
    std::vector<Document> inputs;
    for (const std::size_t input : node.inputs) {
        inputs.emplace_back(input);
    }
    return JsonMembers()
        .add("type", types[static_cast<std::size_t>(node.type)])
        .add("name", node.name)
        .add("inputs", json_list(std::move(inputs)))
        .add("height", node.height)
        .add("version", node.version)
        .add("observers", node.observers)
        .add("runs", node.runs)
        .add("cut_offs", node.cut_offs)
        .add("last_duration_ns", node.last_duration.count())
        .add_text("error", node.error)
        .add_time("since", node.since)
        .object();
}

ATTUNE_DECL void ConfigService::get_graph(Call& call) {
    const std::vector<NodeStatus> graph = call.store->graph();
    if (best_media_type(call.field("Accept"), {"text/vnd.graphviz", "application/json"}) == 0) {
        return respond_text(call, "text/vnd.graphviz; charset=utf-8", to_dot(graph));
    }
    std::vector<Document> nodes;
    for (const NodeStatus& node : graph) {
        nodes.push_back(json_node(node));
    }
    respond_json(call, JsonMembers().add("nodes", json_list(std::move(nodes))).object());
}

ATTUNE_DECL std::vector<ClientReport> ConfigService::clients() {
    return clients_.list(environment_.wall());
}

ATTUNE_DECL void ConfigService::get_clients(Call& call) {
    secrets_.refresh(*call.store);
    std::vector<Document> all;
    for (const ClientReport& report : clients()) {
        all.push_back(json_client(report, secrets_));
    }
    respond_json(call, JsonMembers().add("clients", json_list(std::move(all))).object());
}

ATTUNE_DECL void ConfigService::put_client(Call& call) {
    if (call.below.size() != 1 || !ClientRegistry::valid_id(call.below.front())) {
        throw ServeError{404,
                         "a client's id is expected, 1 to 64 of A-Z a-z 0-9 . _ -: "
                         "/v1/clients/<id>"};
    }
    constexpr std::size_t longest = 64 * 1024;
    if (call.request().body.size() > longest) {
        throw ServeError{413, "a report has at most " + std::to_string(longest) + " bytes"};
    }
    ClientReport report = client_report(body_of(call, {"application/json"}));
    secrets_.refresh(*call.store);
    report.problems = safe_problems(std::move(report.problems), secrets_, Path{report.path});
    report.id = call.below.front();
    report.address = call.exchange->peer().address;
    if (!clients_.reported(std::move(report), environment_.wall())) {
        throw ServeError{503, "too many clients are watching for one more to be listed"}.with(
            "Retry-After", "60");
    }
    counters_.reports.fetch_add(1, std::memory_order_relaxed);
    respond(*call.exchange, {.status = 204, .fields = {}, .body = {}});
}

ATTUNE_DECL void ConfigService::get_health(Call& call) {
    respond_text(call, "text/plain; charset=utf-8", "ok\n");
}

ATTUNE_DECL void ConfigService::get_ready(Call& call) {
    const auto store = store_.lock();
    const StoreStatus status = store != nullptr ? store->status() : StoreStatus{};
    const bool ready = store != nullptr && status.ready() && !draining_;
    const std::string_view text = store == nullptr ? "the store is closed"
                                  : draining_      ? "the server stops"
                                                   : to_string(status.state);
    respond(*call.exchange, {.status = ready ? 200U : 503U,
                             .fields = {{"Content-Type", "text/plain; charset=utf-8"},
                                        {"Cache-Control", "no-store"}},
                             .body = std::string(text) + '\n'});
}

}  // namespace attune::inline ATTUNE_ABI::detail
