#pragma once

#include <attune/store/impl/core_state.hpp>

#include <attune/document/nearest.hpp>
#include <attune/store/placement.hpp>
#include <attune/store/usage.hpp>

#include <algorithm>
#include <string_view>
#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL StoreStatus Core::status() const {
    const CommitLock lock{*state_};
    const Frame& frame = *chain_->current();
    StoreStatus status;
    status.version = frame.version;
    status.published = frame.time;
    status.commits = state_->commits;
    status.refusals = state_->refusals;
    status.observer_errors = state_->observer_errors;
    for (const auto& layer : state_->layers) {
        status.layers.push_back(layer->status);
        if (layer->transport != nullptr && layer->status.state != attune::State::ready) {
            status.state = attune::State::stale;
        }
    }
    for (const BoundNode* node : state_->bound) {
        status.warnings.insert(status.warnings.end(), node->warnings.begin(), node->warnings.end());
    }
    return status;
}

inline std::vector<Bound> bound_roots(const std::vector<BoundNode*>& nodes) {
    std::vector<Bound> roots;
    roots.reserve(nodes.size());
    for (const BoundNode* node : nodes) {
        roots.push_back({node->path, &node->bound_kind.type()});
    }
    return roots;
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

ATTUNE_DECL std::string Core::usage() const {
    const OpenLock lock{*state_};
    std::vector<std::string> prefixes;
    bool options = false;
    for (const auto& layer : state_->stack) {
        if (layer->content.variable_prefix) {
            prefixes.push_back(*layer->content.variable_prefix);
        }
        options = options || layer->content.reads_options;
    }
    return usage_text(bound_roots(state_->bound), prefixes, options);
}

}  // namespace attune::inline ATTUNE_ABI::detail
