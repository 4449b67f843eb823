#pragma once

#include <attune/graph/derived_node.hpp>
#include <attune/graph/frame.hpp>
#include <attune/graph/node.hpp>
#include <attune/version.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

/// Nodes that wait for their turn, by height. Belongs to a store; kept between commits for its
/// memory.
struct PropagationQueue {
    std::vector<DerivedNode*> by_height;  ///< heads of lists by DerivedNode::next_queued
    std::vector<GraphNode*> changed;
    std::uint64_t passes = 0;
};

/// A derived value reads itself, by way of others. `what` names them all.
class CycleError : public std::logic_error {
public:
    using std::logic_error::logic_error;
};

/// One pass over the graph, on a candidate: brings the derived values up to date with the sources
/// that changed.
///
/// Nodes run in the order of their heights, each at most once, and only when something they read
/// has changed. A function may read a node it has not read before; should that one's turn be yet to
/// come, it is brought up to date first. What the functions read by their present runs becomes
/// their edges in finish(), after the candidate was accepted: one that is refused leaves the graph
/// as it was.
///
/// Cost follows the nodes that run and the edges to and from them.
class Propagation {
public:
    /// Why a node has no value for the candidate.
    struct Failure {
        DerivedNode* node;
        std::exception_ptr thrown;
    };

    ATTUNE_DECL Propagation(FrameDraft& draft, PropagationQueue& queue);
    ATTUNE_DECL ~Propagation();
    Propagation(const Propagation&) = delete;
    Propagation& operator=(const Propagation&) = delete;

    /// The draft has a new value in that node's slot.
    ATTUNE_DECL void changed(GraphNode& node);
    /// Runs whatever depends on what has changed.
    ATTUNE_DECL void run();
    /// The first value of a node that is not in the graph yet; empty when it failed, or is a rule.
    /// Its inputs may be known already; else they are those it reads.
    ATTUNE_DECL CellPtr first_value(DerivedNode& node);

    /// Vetoes, in the order in which they came.
    const std::vector<Failure>& failures() const noexcept { return failures_; }
    /// Nodes with a new value, sources among them; valid until the next pass.
    const std::vector<GraphNode*>& changed_nodes() const noexcept { return queue_.changed; }

    /// After publication: edges and heights become those of the runs of this pass, and what failed
    /// without a veto becomes stale.
    ATTUNE_DECL void finish(Version version, std::chrono::system_clock::time_point now);

private:
    friend class Evaluation;

    /// A node read something else than it did the last time.
    struct Rewiring {
        DerivedNode* node;
        EdgeList inputs;
    };
    /// A node keeps its value in spite of an error.
    struct Lapse {
        DerivedNode* node;
        std::string error;  ///< empty when it has recovered
    };

    std::uint64_t queued() const noexcept { return 2 * queue_.passes; }
    std::uint64_t done() const noexcept { return 2 * queue_.passes + 1; }
    bool settled(const GraphNode& node) const noexcept {
        return node.height < floor_ ||
               (static_cast<const DerivedNode&>(node).mark == done() && !node.running);
    }
    void enqueue(DerivedNode& node);
    void run_node(DerivedNode& node);
    CellPtr evaluate(DerivedNode& node, const CellBase* before);
    void fail(DerivedNode& node);
    void refresh(DerivedNode& node);
    [[noreturn]] void refuse_cycle(const std::vector<DerivedNode*>& trail, const DerivedNode& node);

    FrameDraft& draft_;
    PropagationQueue& queue_;
    std::uint32_t floor_ = UINT32_MAX;  ///< every node below this height is up to date
    std::size_t top_ = 0;               ///< no list above this height
    std::vector<DerivedNode*> running_;
    std::vector<Failure> failures_;
    std::vector<Rewiring> rewirings_;
    std::vector<Lapse> lapses_;
    std::exception_ptr cycle_;
};

/// What a function sees while it runs: the values of the candidate.
class Evaluation {
public:
    Evaluation(Propagation& pass, DerivedNode& node) noexcept : pass_(pass), node_(node) {}
    Evaluation(const Evaluation&) = delete;
    Evaluation& operator=(const Evaluation&) = delete;

    /// The value of the input of that number. For functions that read the same nodes each time.
    const CellBase& input(std::size_t i) const {
        const GraphNode& node = node_.inputs.input(i);
        if (!pass_.failures_.empty()) [[unlikely]] {
            require_value(node);
        }
        return *pass_.draft_.frame().cell(node.slot);
    }
    /// The value of any node of the same store, which becomes an input. Throws CycleError, and
    /// std::logic_error for a node of another store.
    ATTUNE_DECL const CellBase& read(GraphNode& node);

private:
    friend class Propagation;
    ATTUNE_DECL void require_value(const GraphNode& node) const;

    Propagation& pass_;
    DerivedNode& node_;
    std::vector<GraphNode*> reads_;  ///< by address
    bool tracks_ = false;
};

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/graph/impl/propagation.ipp>
#endif
