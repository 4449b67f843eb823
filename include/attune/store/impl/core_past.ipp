#pragma once

#include <attune/store/impl/core_state.hpp>
#include <attune/store/impl/decode_node.hpp>

#include <string>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

/// Of a document that was accepted long ago.
class PastProvenance final : public Provenance {
public:
    explicit PastProvenance(Version version) noexcept : version_(version) {}
    Origin origin(const Path&, Part) const override {
        return {.layer = "version " + std::to_string(version_)};
    }
    UnknownKeys unknown_keys(const Path&) const override { return UnknownKeys::ignore; }

private:
    const Version version_;
};

// The graph of today is brought up to date with the document of that version, on a draft that is
// never published. What it made stays with the frame.
ATTUNE_DECL const CellBase& Core::past_cell(const GraphNode& node, const Frame& frame) {
    const OpenLock lock{*state_};
    if (const CellBase* const known = frame.late_cell(node.slot, node.born)) {
        return *known;
    }
    const Frame& current = *chain_->current();
    const PastProvenance provenance{frame.version};
    std::vector<Problem> problems;
    FrameDraft draft{&current, FrameDraft::Of::next};
    Propagation propagation{draft, state_->graph.queue};
    for (BoundNode* const bound : state_->index.affected(current.document, frame.document)) {
        const std::size_t before = problems.size();
        NodeUpdate update = decode_node(*bound, frame.document, provenance, problems);
        if (problems.size() != before) {
            propagation.lacking(*bound);
        } else if (!bound->kind.equal(*current.cell(bound->slot), *update.cell.get())) {
            draft.set(bound->slot, std::move(update.cell));
            propagation.changed(*bound);
        }
    }
    propagation.run();
    for (const GraphNode* const made : state_->graph.nodes()) {
        if (made != nullptr && made->born > frame.serial() && propagation.has_value(*made) &&
            frame.late_cell(made->slot, made->born) == nullptr) {
            frame.add_late(made->slot, made->born, CellPtr::share(draft.cell(made->slot)));
        }
    }
    if (const CellBase* const made = frame.late_cell(node.slot, node.born)) {
        return *made;
    }
    for (Problem& problem : problems_of(propagation.failures(), provenance)) {
        problems.push_back(std::move(problem));
    }
    throw Rejected{
        {.problems = std::move(problems),
         .reason = "reading \"" + node.name() + "\" in version " + std::to_string(frame.version),
         .version = current.version}};
}

}  // namespace attune::inline ATTUNE_ABI::detail
