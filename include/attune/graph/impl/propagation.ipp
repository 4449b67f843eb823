#pragma once

#include <attune/graph/propagation.hpp>

#include <algorithm>

namespace attune::inline ATTUNE_ABI::detail {

/// Ends a function that reads a value which does not exist, since its own function has failed.
struct InputFailed {};

ATTUNE_DECL Propagation::Propagation(FrameDraft& draft, PropagationQueue& queue)
    : draft_(draft), queue_(queue) {
    ++queue_.passes;
    queue_.changed.clear();
}

ATTUNE_DECL Propagation::~Propagation() {
    // Empty already, unless memory ran out.
    std::fill(queue_.by_height.begin(), queue_.by_height.end(), nullptr);
}

ATTUNE_DECL void Propagation::enqueue(DerivedNode& node) {
    if (node.mark >= queued() || node.abandoned()) {
        return;
    }
    if (node.height >= queue_.by_height.size()) {
        queue_.by_height.resize(node.height + 1);
    }
    node.mark = queued();
    node.next_queued = std::exchange(queue_.by_height[node.height], &node);
    top_ = std::max<std::size_t>(top_, node.height);
}

ATTUNE_DECL void Propagation::changed(GraphNode& node) {
    queue_.changed.push_back(&node);
    for (const Edge* edge = node.readers; edge != nullptr; edge = edge->next) {
        enqueue(*edge->reader);
    }
}

ATTUNE_DECL void Propagation::run() {
    // What runs puts its readers into higher lists only.
    for (std::size_t height = 0; height <= top_ && height < queue_.by_height.size(); ++height) {
        floor_ = static_cast<std::uint32_t>(height);
        while (DerivedNode* const node = queue_.by_height[height]) {
            queue_.by_height[height] = node->next_queued;
            if (node->mark == queued()) {
                run_node(*node);
            }
        }
    }
    floor_ = UINT32_MAX;
}

ATTUNE_DECL void Propagation::run_node(DerivedNode& node) {
    node.mark = done();
    const bool rule = node.slot == GraphNode::no_slot;
    const CellBase* const before = rule ? nullptr : draft_.frame().cell(node.slot);
    CellPtr cell = evaluate(node, before);
    if (cell) {
        draft_.set(node.slot, std::move(cell));
        changed(node);
    }
}

ATTUNE_DECL CellPtr Propagation::first_value(DerivedNode& node) {
    node.mark = done();
    return evaluate(node, nullptr);
}

ATTUNE_DECL CellPtr Propagation::evaluate(DerivedNode& node, const CellBase* before) {
    // Looking at the clock would cost more than most functions do.
    constexpr std::uint64_t timed_run = 64;
    using Clock = std::chrono::steady_clock;
    const bool timed = node.runs % timed_run == 0;
    const auto begin = timed ? Clock::now() : Clock::time_point{};

    Evaluation now{*this, node};
    CellPtr cell;
    bool failed = false;
    running_.push_back(&node);
    node.running = true;
    try {
        cell = node.compute(now, before);
    } catch (const InputFailed&) {
        failed = true;
        failures_.push_back({&node, nullptr});
    } catch (...) {
        failed = true;
        fail(node);
    }
    node.running = false;
    running_.pop_back();
    if (cycle_ && failures_.empty()) {
        failures_.push_back({&node, cycle_});  // though the function has swallowed it
    }

    ++node.runs;
    if (!failed && !cell && before != nullptr && node.cut_offs != UINT32_MAX) {
        ++node.cut_offs;
    }
    if (timed) {
        const auto spent = (Clock::now() - begin) / std::chrono::nanoseconds{1};
        node.nanoseconds =
            static_cast<std::uint32_t>(std::min<std::int64_t>(spent, UINT32_MAX));
    }
    if (!failed && node.stale) {
        lapses_.push_back({&node, {}});
    }
    // What was read is what the outcome depends on, be it a value, the same value, or an error.
    if (now.tracks_) {
        const auto same = [&] {
            for (std::size_t i = 0; i != now.reads_.size(); ++i) {
                if (&node.inputs.input(i) != now.reads_[i]) {
                    return false;
                }
            }
            return true;
        };
        if (now.reads_.size() != node.inputs.size() || !same()) {
            rewirings_.push_back({&node, EdgeList{now.reads_}});
        }
    }
    return cell;
}

ATTUNE_DECL void Propagation::fail(DerivedNode& node) {
    const bool first = node.runs == 0;
    if (!node.keeps_on_error || first || cycle_) {
        failures_.push_back({&node, std::current_exception()});
        return;
    }
    std::string error = "threw an exception that is no std::exception";
    try {
        throw;
    } catch (const std::exception& exception) {
        error = exception.what();
    } catch (...) {
    }
    lapses_.push_back({&node, std::move(error)});
}

// A walk up to what has changed, and back: only nodes that are not up to date are entered.
ATTUNE_DECL void Propagation::refresh(DerivedNode& wanted) {
    struct Step {
        DerivedNode* node;
        std::size_t input;
    };
    std::vector<Step> open;
    const auto enter = [&](DerivedNode& node) {
        if (node.running) {
            std::vector<DerivedNode*> trail;
            for (const Step& step : open) {
                trail.push_back(step.node);
            }
            refuse_cycle(trail, node);
        }
        open.push_back({&node, 0});
    };
    enter(wanted);
    while (!open.empty()) {
        Step& step = open.back();
        DerivedNode& node = *step.node;
        if (step.input != node.inputs.size()) {
            GraphNode& input = node.inputs.input(step.input++);
            if (input.height != 0 && !settled(input)) {
                enter(static_cast<DerivedNode&>(input));
            }
            continue;
        }
        open.pop_back();
        if (node.mark == queued()) {
            run_node(node);
        }
        node.mark = done();
    }
}

ATTUNE_DECL void Propagation::refuse_cycle(const std::vector<DerivedNode*>& trail,
                                           const DerivedNode& node) {
    const auto begin = std::find(running_.begin(), running_.end(), &node);
    std::string names = node.name();
    for (auto between = begin + 1; between != running_.end(); ++between) {
        names += " -> " + (*between)->name();
    }
    for (const DerivedNode* between : trail) {
        names += " -> " + between->name();
    }
    names += " -> " + node.name();
    cycle_ = std::make_exception_ptr(
        CycleError{"derived values read each other in a circle: " + names});
    std::rethrow_exception(cycle_);
}

ATTUNE_DECL void Propagation::finish(Version version, std::chrono::system_clock::time_point now) {
    for (Rewiring& rewiring : rewirings_) {
        DerivedNode& node = *rewiring.node;
        node.inputs = std::move(rewiring.inputs);
        node.inputs.link(node);
        node.settle_height();
    }
    for (Lapse& lapse : lapses_) {
        DerivedNode& node = *lapse.node;
        const bool was_stale = std::exchange(node.stale, !lapse.error.empty());
        if (node.notes == nullptr) {
            node.notes = std::make_unique<NodeNotes>();
        }
        node.notes->error = std::move(lapse.error);
        if (!was_stale) {
            node.notes->since = now;
            node.notes->version = version;
        }
    }
}

ATTUNE_DECL void Evaluation::require_value(const GraphNode& node) const {
    for (const auto& failure : pass_.failures_) {
        if (failure.node == &node) {
            throw InputFailed{};
        }
    }
}

ATTUNE_DECL const CellBase& Evaluation::read(GraphNode& node) {
    if (&node.home != &node_.home) {
        throw std::logic_error{"\"" + node_.name() + "\" reads \"" + node.name() +
                               "\", which belongs to another store"};
    }
    tracks_ = true;
    const auto place = std::lower_bound(reads_.begin(), reads_.end(), &node);
    if (place == reads_.end() || *place != &node) {
        reads_.insert(place, &node);
        if (node.height != 0 && !pass_.settled(node)) {
            pass_.refresh(static_cast<DerivedNode&>(node));
        }
    }
    if (!pass_.failures_.empty()) {
        require_value(node);
    }
    return *pass_.draft_.frame().cell(node.slot);
}

}  // namespace attune::inline ATTUNE_ABI::detail
