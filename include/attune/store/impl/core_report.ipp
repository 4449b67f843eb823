#pragma once

#include <attune/store/impl/core_state.hpp>

#include <attune/bind/json_schema.hpp>
#include <attune/document/nearest.hpp>
#include <attune/store/placement.hpp>
#include <attune/store/reference.hpp>
#include <attune/store/usage.hpp>

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

inline LayerStatus aged(LayerStatus status, std::chrono::system_clock::time_point now) {
    if (status.updates != 0) {
        status.age = now - status.last_success;
    }
    return status;
}

ATTUNE_DECL LayerStatus Core::layer_status(std::uint64_t layer) const {
    const CommitLock lock{*state_};
    return aged(state_->at(layer)->status, state_->now());
}

ATTUNE_DECL StoreStatus Core::status() const {
    const CommitLock lock{*state_};
    const Frame& frame = *chain_->current();
    StoreStatus status;
    status.version = frame.version;
    status.published = frame.time;
    status.commits = state_->commits;
    status.refusals = state_->refusals;
    status.observer_errors = state_->observer_errors;
    status.dropped_changes = hub_->dropped();
    status.slow_calls = hub_->calls().found();
    for (CallWatch::SlowCall& call : hub_->calls().slow()) {
        using System = std::chrono::system_clock;
        status.slow_observers.push_back(
            {.name = std::move(call.observer.text),
             .since = state_->now() - std::chrono::duration_cast<System::duration>(call.running),
             .running = call.running});
    }
    const auto time = state_->now();
    for (const auto& layer : state_->layers) {
        status.layers.push_back(aged(layer->status, time));
        if (layer->transport != nullptr && layer->status.state != attune::State::ready) {
            status.state = attune::State::stale;
        }
    }
    for (const BoundNode* node : state_->bound) {
        status.warnings.insert(status.warnings.end(), node->warnings.begin(), node->warnings.end());
    }
    for (const GraphNode* const node : state_->graph.nodes()) {
        if (node != nullptr && node->stale) {
            status.stale.push_back(describe_staleness(*node));
            status.state = attune::State::stale;
        }
    }
    if (state_->restored != 0) {
        status.state = attune::State::starting;
    }
    return status;
}

/// One problem for each part of `value` that no binding covers.
inline void report_unbound(const BindingIndex::Branch& branch, const Document& value,
                           const Path& path, const StackProvenance& provenance,
                           std::vector<Problem>& problems) {
    if (!branch.nodes.empty()) {
        return;  // the binding itself judges what is below
    }
    if (!value.is_object()) {
        problems.push_back({.path = path,
                            .origin = provenance.origin(path, Part::value),
                            .message = "nothing is bound here, only below"});
        return;
    }
    for (const auto& member : value.members()) {
        const Path below = path / member.key;
        const auto child = branch.children.find(member.key);
        if (child != branch.children.end()) {
            report_unbound(*child->second, member.value, below, provenance, problems);
            continue;
        }
        const UnknownKeys rule = provenance.unknown_keys(below);
        if (rule == UnknownKeys::ignore) {
            continue;
        }
        std::vector<std::string_view> names;
        for (const auto& [name, other] : branch.children) {
            names.push_back(name);
        }
        problems.push_back({.path = below,
                            .origin = provenance.origin(below, Part::key),
                            .message = "nothing is bound here",
                            .suggestion = nearest(member.key, names),
                            .severity =
                                rule == UnknownKeys::warn ? Severity::warning : Severity::error});
    }
}

ATTUNE_DECL void Core::check() const {
    Rejection rejection{.problems = {}, .reason = "check", .version = version()};
    {
        const OpenLock lock{*state_};
        const StackProvenance provenance{state_->stack};
        report_unbound(state_->index.root(), chain_->current()->document, {}, provenance,
                       rejection.problems);
        const auto roots = bound_roots(state_->bound);
        for (const auto& layer : state_->stack) {
            if (layer->unknown_keys != UnknownKeys::ignore) {
                report_unplaced(*layer, roots, rejection.problems);
            }
        }
    }
    std::erase_if(rejection.problems,
                  [](const Problem& problem) { return problem.severity != Severity::error; });
    if (!rejection.problems.empty()) {
        throw Rejected{std::move(rejection)};
    }
}

ATTUNE_DECL std::vector<NodeStatus> Core::graph() const {
    const CommitLock lock{*state_};
    std::vector<const GraphNode*> nodes;
    for (const GraphNode* const node : state_->graph.nodes()) {
        if (node != nullptr) {
            nodes.push_back(node);
        }
    }
    for (const auto& rule : state_->graph.rules()) {
        nodes.push_back(rule.get());
    }
    std::vector<std::size_t> index_of(state_->graph.nodes().size());
    for (std::size_t i = 0; i != nodes.size(); ++i) {
        if (!nodes[i]->is_rule) {
            index_of[nodes[i]->slot] = i;
        }
    }
    std::vector<NodeStatus> graph;
    graph.reserve(nodes.size());
    for (const GraphNode* const node : nodes) {
        NodeStatus status;
        status.name = node->name();
        status.height = node->height;
        if (!node->is_rule) {
            status.version = chain_->version_of(*chain_->current()->cell(node->slot));
        }
        status.observers = node->observers ? node->observers->all.size() : 0;
        if (node->height != 0) {
            const auto& derived = static_cast<const DerivedNode&>(*node);
            status.type = node->is_rule ? NodeStatus::Type::rule : NodeStatus::Type::derived;
            status.runs = derived.runs;
            status.cut_offs = derived.cut_offs;
            status.last_duration = std::chrono::nanoseconds{derived.nanoseconds};
            for (std::size_t i = 0; i != derived.inputs.size(); ++i) {
                status.inputs.push_back(index_of[derived.inputs.input(i).slot]);
            }
        }
        if (node->stale) {
            status.error = node->notes->error;
            status.since = node->notes->since;
        }
        graph.push_back(std::move(status));
    }
    return graph;
}

inline Spellings spellings_in(const LayerStack& stack) {
    Spellings spellings;
    for (const auto& layer : stack) {
        if (layer->content.variable_prefix) {
            spellings.variable_prefixes.push_back(*layer->content.variable_prefix);
        }
        spellings.options = spellings.options || layer->content.reads_options;
    }
    return spellings;
}

ATTUNE_DECL std::string Core::usage() const {
    const OpenLock lock{*state_};
    return usage_text(bound_roots(state_->bound), spellings_in(state_->stack));
}

ATTUNE_DECL Document Core::schema() const {
    const OpenLock lock{*state_};
    return json_schema(bound_roots(state_->bound));
}

ATTUNE_DECL std::string Core::reference() const {
    const OpenLock lock{*state_};
    return reference_text(bound_roots(state_->bound), spellings_in(state_->stack));
}

}  // namespace attune::inline ATTUNE_ABI::detail
