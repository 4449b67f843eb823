#pragma once

#include <attune/graph/propagation.hpp>

#include <algorithm>

namespace attune::inline ATTUNE_ABI::detail {

/// Ends a function that reads a value which does not exist, since its own function has failed.
struct InputFailed {};

ATTUNE_DECL Propagation::Propagation(FrameDraft& draft, PropagationQueue& queue)
    : draft_(draft), queue_(queue), queued_(2 * ++queue_.passes), done_(queued_ + 1) {
    queue_.observed.clear();
}

ATTUNE_DECL Propagation::~Propagation() {
    // Empty already, unless memory ran out.
    std::fill(queue_.by_height.begin(), queue_.by_height.end(), nullptr);
}

ATTUNE_DECL void Propagation::enqueue(DerivedNode& node) {
    if (node.height >= queue_.by_height.size()) [[unlikely]] {
        grow(node.height);
    }
    node.mark = queued_;
    node.next_queued = std::exchange(queue_.by_height[node.height], &node);
    top_ = std::max<std::size_t>(top_, node.height);
}

ATTUNE_DECL void Propagation::note_observed(GraphNode& node) { queue_.observed.push_back(&node); }

ATTUNE_DECL void Propagation::grow(std::uint32_t height) { queue_.by_height.resize(height + 1); }

ATTUNE_DECL void Propagation::changed(GraphNode& node) {
    if (node.observers) [[unlikely]] {
        note_observed(node);
    }
    // What reads this node alone need not wait for its turn, to be fetched into the cache once more
    // then. Its own readers do, or a chain would be a recursion.
    const bool nested = std::exchange(in_place_, true);
    for (const Edge* edge = node.readers; edge != nullptr; edge = edge->next) {
        DerivedNode& reader = *edge->reader;
        if (reader.mark >= queued_ || reader.abandoned()) {
            continue;
        }
        if (!nested && reader.reads_the_same && reader.inputs.size() == 1) {
            run_node(reader);
        } else {
            enqueue(reader);
        }
    }
    in_place_ = nested;
}

ATTUNE_DECL void Propagation::lacking(GraphNode& source) {
    failures_.push_back({&source, nullptr});
    changed(source);
}

ATTUNE_DECL bool Propagation::has_value(const GraphNode& node) const noexcept {
    const auto is_node = [&](const auto& other) { return other.node == &node; };
    return std::none_of(failures_.begin(), failures_.end(), is_node) &&
           std::none_of(lapses_.begin(), lapses_.end(),
                        [&](const Lapse& lapse) { return is_node(lapse) && !lapse.error.empty(); });
}

ATTUNE_DECL void Propagation::run() {
    // What runs puts its readers into higher lists only.
    for (std::size_t height = 0; height <= top_ && height < queue_.by_height.size(); ++height) {
        floor_ = static_cast<std::uint32_t>(height);
        while (DerivedNode* const node = queue_.by_height[height]) {
            queue_.by_height[height] = node->next_queued;
            if (node->mark == queued_) {
                run_node(*node);
            }
        }
    }
    floor_ = UINT32_MAX;
}

ATTUNE_DECL void Propagation::run_node(DerivedNode& node) {
    node.mark = done_;
    const bool rule = node.slot == GraphNode::no_slot;
    const CellBase* const before = rule ? nullptr : draft_.cell(node.slot);
    CellPtr cell = evaluate(node, before);
    if (cell) {
        draft_.set(node.slot, std::move(cell));
        changed(node);
    }
}

ATTUNE_DECL CellPtr Propagation::first_value(DerivedNode& node) {
    node.mark = done_;
    return evaluate(node, nullptr);
}

ATTUNE_DECL CellPtr Propagation::evaluate(DerivedNode& node, const CellBase* before) {
    bool failed = false;
    CellPtr cell;
    if (node.reads_the_same) {
        NodeInputs now{*this, node};
        cell = compute(node, now, before, failed);
    } else {
        Evaluation now{*this, node};
        cell = compute(node, now, before, failed);
        note_reads(now);
    }
    if (node.stale && !failed) [[unlikely]] {
        lapses_.push_back({&node, {}});
    }
    return cell;
}

ATTUNE_DECL CellPtr Propagation::compute(DerivedNode& node, NodeInputs& now, const CellBase* before,
                                         bool& failed) {
    // Looking at the clock would cost more than most functions do.
    constexpr std::uint64_t timed_run = 128;
    const bool timed = node.runs % timed_run == 0;
    const auto begin = timed ? Clock::now() : Clock::time_point{};
    CellPtr cell = [&]() -> CellPtr {
        try {
            return node.compute(now, before);
        } catch (...) {
            failed = true;
            fail(node);
            return {};
        }
    }();
    ++node.runs;
    if (timed) [[unlikely]] {
        note_time(node, begin);
    }
    if (!cell && !failed && before != nullptr && node.cut_offs != UINT32_MAX) {
        ++node.cut_offs;
    }
    return cell;
}

ATTUNE_DECL void Propagation::note_time(DerivedNode& node, Clock::time_point begin) noexcept {
    const auto spent = (Clock::now() - begin) / std::chrono::nanoseconds{1};
    node.nanoseconds = static_cast<std::uint32_t>(std::min<std::int64_t>(spent, UINT32_MAX));
}

ATTUNE_DECL void Propagation::note_reads(Evaluation& run) {
    DerivedNode& node = run.node_;
    if (cycle_ && failures_.empty()) {
        failures_.push_back({&node, cycle_});  // though the function has swallowed it
    }
    // What was read is what the outcome depends on, be it a value, the same value, or an error.
    if (!run.as_before()) {
        rewirings_.push_back({&node, EdgeList{run.all_reads()}});
    }
}

/// Called while what the function of `node` has thrown is being handled.
ATTUNE_DECL void Propagation::fail(DerivedNode& node) {
    const bool first = node.runs == 0;
    const bool vetoes = !node.keeps_on_error || first || cycle_;
    std::string error = "threw an exception that is no std::exception";
    try {
        throw;
    } catch (const InputFailed&) {
        failures_.push_back({&node, nullptr});
        return;
    } catch (const std::exception& exception) {
        if (!vetoes) {
            error = exception.what();
        }
    } catch (...) {
    }
    if (vetoes) {
        failures_.push_back({&node, std::current_exception()});
    } else {
        lapses_.push_back({&node, std::move(error)});
    }
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
        if (node.mark == queued_) {
            run_node(node);
        }
        node.mark = done_;
    }
}

ATTUNE_DECL void Propagation::refuse_cycle(const std::vector<DerivedNode*>& trail,
                                           const DerivedNode& node) {
    std::string names;
    for (const Evaluation* one = innermost_; &one->node_ != &node; one = one->outer_) {
        names.insert(0, " -> " + one->node_.name());
    }
    names.insert(0, node.name());
    for (const DerivedNode* between : trail) {
        names += " -> " + between->name();
    }
    names += " -> " + node.name();
    cycle_ =
        std::make_exception_ptr(CycleError{"derived values read each other in a circle: " + names});
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

ATTUNE_DECL void NodeInputs::require_value(const GraphNode& node) const {
    for (const auto& failure : pass_.failures_) {
        if (failure.node == &node) {
            throw InputFailed{};
        }
    }
}

ATTUNE_DECL bool Evaluation::as_before() const noexcept {
    const std::size_t size = node_.inputs.size();
    if (reads_ == nullptr) {
        return in_step_ == size;
    }
    bool same = reads_->all.size() == size;
    for (std::size_t i = 0; same && i != size; ++i) {
        same = reads_->all[i] == &node_.inputs.input(i);
    }
    return same;
}

ATTUNE_DECL std::span<GraphNode* const> Evaluation::all_reads() {
    if (reads_ == nullptr) {
        reads_ = std::make_unique<Reads>();
        for (std::uint32_t i = 0; i != in_step_; ++i) {
            reads_->all.push_back(&node_.inputs.input(i));
        }
    }
    return reads_->all;
}

ATTUNE_DECL bool Evaluation::note_read(GraphNode& node) {
    constexpr std::uint32_t quickly_searched = 8;
    if (reads_ == nullptr) {
        for (std::uint32_t i = 0; i != std::min(in_step_, quickly_searched); ++i) {
            if (&node_.inputs.input(in_step_ - 1 - i) == &node) {
                return false;
            }
        }
        (void)all_reads();
        reads_->sorted = reads_->all;
        std::sort(reads_->sorted.begin(), reads_->sorted.end());
    }
    auto& sorted = reads_->sorted;
    const auto place = std::lower_bound(sorted.begin(), sorted.end(), &node);
    if (place != sorted.end() && *place == &node) {
        return false;
    }
    sorted.insert(place, &node);
    reads_->all.push_back(&node);
    return true;
}

ATTUNE_DECL void Evaluation::read_out_of_step(GraphNode& node) {
    if (&node.home != &node_.home) {
        throw std::logic_error{"\"" + node_.name() + "\" reads \"" + node.name() +
                               "\", which belongs to another store"};
    }
    if (note_read(node) && node.height != 0 && !pass_.settled(node)) {
        pass_.refresh(static_cast<DerivedNode&>(node));
    }
}

}  // namespace attune::inline ATTUNE_ABI::detail
