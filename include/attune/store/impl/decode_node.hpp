#pragma once

#include <attune/bind/decode.hpp>
#include <attune/bind/problem.hpp>
#include <attune/graph/propagation.hpp>
#include <attune/store/bound_node.hpp>
#include <attune/store/core.hpp>

#include <algorithm>
#include <exception>
#include <string>
#include <utility>
#include <vector>

/// Values of a candidate, and what is wrong with them; for the .ipp files of Core only.
namespace attune::inline ATTUNE_ABI::detail {

inline bool has_error(const std::vector<Problem>& problems) noexcept {
    return std::any_of(problems.begin(), problems.end(),
                       [](const Problem& problem) { return problem.severity == Severity::error; });
}

/// A value decoded for a candidate.
struct NodeUpdate {
    BoundNode* node;
    CellPtr cell;
    std::vector<Problem> warnings;
};

/// Decodes the node's subtree. Errors go to `problems`; whatever the user's code throws is one.
inline NodeUpdate decode_node(BoundNode& node, const Document& document,
                              const Provenance& provenance, std::vector<Problem>& problems) {
    NodeUpdate update{&node, {}, {}};
    std::vector<Problem> found;
    try {
        const BoundKind& kind = node.bound_kind;
        update.cell = kind.make();
        decode(kind.type(), kind.object(*update.cell.get()), document.find(node.path), node.path,
               provenance, found);
    } catch (const std::exception& thrown) {
        found.push_back({.path = node.path,
                         .origin = provenance.origin(node.path, Part::value),
                         .message = std::string{"decoding threw: "} + thrown.what()});
    }
    for (Problem& problem : found) {
        (problem.severity == Severity::warning ? update.warnings : problems)
            .push_back(std::move(problem));
    }
    return update;
}

/// The source that a derived value, or a rule, looks at first: where to look for the mistake.
inline Path nearest_path(const GraphNode& node) {
    const GraphNode* nearest = &node;
    while (nearest->height != 0) {
        const EdgeList& inputs = static_cast<const DerivedNode*>(nearest)->inputs;
        if (inputs.size() == 0) {
            return {};
        }
        nearest = &inputs.input(0);
    }
    return static_cast<const BoundNode*>(nearest)->path;
}

inline std::vector<Problem> problems_of(const std::vector<Propagation::Failure>& failures,
                                        const Provenance& provenance) {
    std::vector<Problem> problems;
    for (const auto& [node, thrown] : failures) {
        if (thrown == nullptr) {
            continue;  // an input of it has failed, and that is reported
        }
        Problem problem{.path = nearest_path(*node)};
        if (!problem.path.empty()) {
            problem.origin = provenance.origin(problem.path, Part::value);
        }
        const auto told = [&](const char* what) {
            return (node->is_rule ? "rule \"" : "derived value \"") + node->name() +
                   "\" threw: " + what;
        };
        try {
            std::rethrow_exception(thrown);
        } catch (const BrokenRule&) {
            problem.message = node->name();
        } catch (const CycleError& cycle) {
            problem.message = cycle.what();
        } catch (const std::exception& exception) {
            problem.message = told(exception.what());
        } catch (...) {
            problem.message = told("an exception that is no std::exception");
        }
        problems.push_back(std::move(problem));
    }
    return problems;
}

}  // namespace attune::inline ATTUNE_ABI::detail
