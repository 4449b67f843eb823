#pragma once

#include <attune/graph/derived_node.hpp>
#include <attune/graph/frame.hpp>
#include <attune/graph/node.hpp>
#include <attune/version.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

/// Nodes that wait for their turn, by height. Belongs to a store; kept between commits for its
/// memory.
struct PropagationQueue {
    std::vector<DerivedNode*> by_height;  ///< heads of lists by DerivedNode::next_queued
    std::vector<GraphNode*> observed;     ///< nodes with a new value and somebody to be told
    std::uint64_t passes = 0;
};

/// A derived value reads itself, by way of others. `what` names them all.
class CycleError : public std::logic_error {
public:
    using std::logic_error::logic_error;
};

class Evaluation;

/// One pass over the graph, on a candidate: brings the derived values up to date with the sources
/// that changed.
///
/// Nodes run in the order of their heights, each at most once, and only when something they read
/// has changed; one that always reads a single other may run as soon as that one has. A function
/// may read a node it has not read before; should that one's turn be yet to come, it is brought up
/// to date first. What the functions read by their present runs becomes their edges in finish(),
/// after the candidate was accepted: one that is refused leaves the graph as it was.
///
/// Cost follows the nodes that run and the edges to and from them.
class Propagation {
public:
    /// Why a node has no value for the candidate.
    struct Failure {
        GraphNode* node;
        std::exception_ptr thrown;
    };

    ATTUNE_DECL Propagation(FrameDraft& draft, PropagationQueue& queue);
    ATTUNE_DECL ~Propagation();
    Propagation(const Propagation&) = delete;
    Propagation& operator=(const Propagation&) = delete;

    /// The draft has a new value in that node's slot.
    ATTUNE_DECL void changed(GraphNode& node);
    /// A source has no value for the candidate, and nothing that reads it will have one.
    ATTUNE_DECL void lacking(GraphNode& source);
    /// Runs whatever depends on what has changed.
    ATTUNE_DECL void run();
    /// The first value of a node that is not in the graph yet; empty when it failed, or is a rule.
    /// Its inputs may be known already; else they are those it reads.
    ATTUNE_DECL CellPtr first_value(DerivedNode& node);

    /// Vetoes, in the order in which they came.
    const std::vector<Failure>& failures() const noexcept { return failures_; }
    /// Does the draft have a value of the node that fits the candidate? After run().
    ATTUNE_DECL bool has_value(const GraphNode& node) const noexcept;
    /// Nodes with a new value and observers, sources among them; valid until the next pass.
    const std::vector<GraphNode*>& observed_nodes() const noexcept { return queue_.observed; }

    /// After publication: edges and heights become those of the runs of this pass, and what failed
    /// without a veto becomes stale.
    ATTUNE_DECL void finish(Version version, std::chrono::system_clock::time_point now);

private:
    friend class NodeInputs;
    friend class Evaluation;
    using Clock = std::chrono::steady_clock;

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

    bool settled(const GraphNode& node) const noexcept {
        return node.height < floor_ ||
               (static_cast<const DerivedNode&>(node).mark == done_ && !node.running);
    }
    void enqueue(DerivedNode& node);
    // What is rare has functions of its own, which keep it out of the way of what is not.
    [[gnu::cold]] void grow(std::uint32_t height);
    [[gnu::cold]] void note_observed(GraphNode& node);
    [[gnu::cold]] static void note_time(DerivedNode& node, Clock::time_point begin) noexcept;
    void note_reads(Evaluation& run);
    void run_node(DerivedNode& node);
    CellPtr evaluate(DerivedNode& node, const CellBase* before);
    CellPtr compute(DerivedNode& node, NodeInputs& now, const CellBase* before, bool& failed);
    [[gnu::cold]] void fail(DerivedNode& node);
    void refresh(DerivedNode& node);
    [[noreturn]] void refuse_cycle(const std::vector<DerivedNode*>& trail, const DerivedNode& node);

    FrameDraft& draft_;
    PropagationQueue& queue_;
    // Marks of this pass: grow from pass to pass.
    const std::uint64_t queued_;
    const std::uint64_t done_;
    std::uint32_t floor_ = UINT32_MAX;  ///< every node below this height is up to date
    bool in_place_ = false;             ///< readers are being run where they are found
    std::size_t top_ = 0;               ///< no list above this height
    Evaluation* innermost_ = nullptr;   ///< of the functions that run right now
    std::vector<Failure> failures_;
    std::vector<Rewiring> rewirings_;
    std::vector<Lapse> lapses_;
    std::exception_ptr cycle_;
};

/// What a function sees while it runs: the inputs of its node, as the candidate has them.
class NodeInputs {
public:
    NodeInputs(Propagation& pass, DerivedNode& node) noexcept : pass_(pass), node_(node) {}
    NodeInputs(const NodeInputs&) = delete;
    NodeInputs& operator=(const NodeInputs&) = delete;

    /// The value of the input of that number. For functions that read the same nodes each time.
    [[gnu::always_inline]] const CellBase& operator[](std::size_t i) const {
        return value_of(node_.inputs.input(i));
    }

protected:
    [[gnu::always_inline]] const CellBase& value_of(const GraphNode& node) const {
        if (!pass_.failures_.empty()) [[unlikely]] {
            require_value(node);
        }
        return *pass_.draft_.cell(node.slot);
    }
    ATTUNE_DECL void require_value(const GraphNode& node) const;

    Propagation& pass_;
    DerivedNode& node_;
};

/// The same for a function that decides what it reads while it runs.
class Evaluation : public NodeInputs {
public:
    Evaluation(Propagation& pass, DerivedNode& node) noexcept
        : NodeInputs(pass, node), outer_(std::exchange(pass.innermost_, this)) {
        node.running = true;
    }
    ~Evaluation() {
        node_.running = false;
        pass_.innermost_ = outer_;
    }

    /// The value of any node of the same store, which becomes an input. Throws CycleError, and
    /// std::logic_error for a node of another store.
    const CellBase& read(GraphNode& node) {
        if (reads_ == nullptr && in_step_ != node_.inputs.size() &&
            &node_.inputs.input(in_step_) == &node) [[likely]] {
            ++in_step_;
        } else {
            read_out_of_step(node);
        }
        return value_of(node);
    }

private:
    friend class Propagation;
    ATTUNE_DECL void read_out_of_step(GraphNode& node);

    /// True when the node is read for the first time, and was no input before.
    bool note_read(GraphNode& node);
    /// True when this run has read what the one before has.
    bool as_before() const noexcept;
    std::span<GraphNode* const> all_reads();

    Evaluation* const outer_;
    // A function mostly reads what it read the last time, in the same order: then there is nothing
    // to be noted but how far it has got.
    std::uint32_t in_step_ = 0;  // reads equal to the first inputs of the node
    struct Reads {
        std::vector<GraphNode*> all;
        std::vector<GraphNode*> sorted;  // the same, by address
    };
    std::unique_ptr<Reads> reads_;  // once one differs
};

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/graph/impl/propagation.ipp>
#endif
