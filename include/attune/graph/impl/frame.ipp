#pragma once

#include <attune/graph/frame.hpp>

#include <attune/document/difference.hpp>

#include <algorithm>
#include <memory>

namespace attune::inline ATTUNE_ABI::detail {

template <class T>
[[gnu::cold]] void grow(std::vector<T>& list) {
    list.reserve(std::max<std::size_t>(8, 2 * list.size()));
}

/// Room for one more, so that push_back cannot throw.
template <class T>
void reserve_one(std::vector<T>& list) {
    if (list.size() == list.capacity()) [[unlikely]] {
        grow(list);
    }
}

ATTUNE_DECL Frame::~Frame() { delete changed_.load(std::memory_order_relaxed); }

ATTUNE_DECL const std::vector<Path>& Frame::changed() const {
    const std::vector<Path>* known = changed_.load(std::memory_order_acquire);
    if (known == nullptr) {
        auto found = std::make_unique<const std::vector<Path>>(changed_paths(before, document));
        if (changed_.compare_exchange_strong(known, found.get(), std::memory_order_acq_rel)) {
            known = found.release();
        }
    }
    return *known;
}

ATTUNE_DECL const CellBase* Frame::late_cell(std::uint32_t slot,
                                             std::uint64_t born) const noexcept {
    const auto found = std::find_if(late_.begin(), late_.end(), [&](const LateCell& late) {
        return late.slot == slot && late.born == born;
    });
    return found != late_.end() ? found->cell.get() : nullptr;
}

ATTUNE_DECL void Frame::add_late(std::uint32_t slot, std::uint64_t born, CellPtr cell) const {
    late_.push_back({slot, born, std::move(cell)});
}

ATTUNE_DECL FrameDraft::FrameDraft(const Frame* base, Of of) : frame_(new Frame) {
    if (base == nullptr) {
        frame_->serial_ = 1;
        return;
    }
    if (of == Of::version) {
        frame_->version = base->version;
        frame_->time = base->time;
        frame_->reason = base->reason;
        frame_->layer = base->layer;
        frame_->document = base->document;
        frame_->before = base->before;
    }
    frame_->size_ = base->size_;
    frame_->shift_ = base->shift_;
    std::copy(std::begin(base->direct_), std::end(base->direct_), std::begin(frame_->direct_));
    std::copy(std::begin(base->root_), std::end(base->root_), std::begin(frame_->root_));
    frame_->serial_ = base->serial_ + 1;
}

ATTUNE_DECL FrameDraft::~FrameDraft() {
    if (frame_ == nullptr) {
        return;
    }
    release_cells(frame_->direct_);
    if (frame_->shift_ == 0) {
        release_cells(frame_->root_);
    }
    for (FrameChunk* chunk : chunks_) {
        if (chunk->leaf) {
            release_cells(chunk->child);
        }
        delete chunk;
    }
    delete frame_;
}

ATTUNE_DECL void FrameDraft::release_cells(const void* const* children) noexcept {
    for (std::size_t i = 0; i != FrameChunk::width; ++i) {
        const auto* const cell = static_cast<const CellBase*>(children[i]);
        if (cell != nullptr && cell->born_ == frame_->serial_) {
            cell->release();
        }
    }
}

ATTUNE_DECL FrameChunk* FrameDraft::own_chunk(const void*& place, bool leaf) {
    const auto* const shared = static_cast<const FrameChunk*>(place);
    if (shared != nullptr && shared->born == frame_->serial_) {
        return const_cast<FrameChunk*>(shared);  // made by this draft, seen by nobody else
    }
    reserve_one(chunks_);
    reserve_one(frame_->dead_);
    auto made =
        shared != nullptr ? std::make_unique<FrameChunk>(*shared) : std::make_unique<FrameChunk>();
    made->born = frame_->serial_;
    made->leaf = leaf;
    if (shared != nullptr) {
        frame_->dead_.push_back(Obituary{shared});
    }
    chunks_.push_back(made.get());
    place = made.get();
    return made.release();
}

ATTUNE_DECL const void*& FrameDraft::far_place(std::uint32_t index) {
    const void** children = frame_->root_;
    for (unsigned shift = frame_->shift_; shift != 0; shift -= FrameChunk::bits) {
        children =
            own_chunk(children[(index >> shift) % FrameChunk::width], shift == FrameChunk::bits)
                ->child;
    }
    if (frame_->shift_ != 0) {
        leaf_ = children;
        leaf_number_ = index >> FrameChunk::bits;
    }
    return children[index % FrameChunk::width];
}

ATTUNE_DECL void FrameDraft::put(const void*& place, CellPtr&& cell) {
    reserve_one(frame_->dead_);
    const auto* const before = static_cast<const CellBase*>(place);
    const CellBase* const after = cell.release();
    // Not published yet: this draft is its only owner.
    const_cast<CellBase*>(after)->born_ = frame_->serial_;
    place = after;
    if (before != nullptr) {
        bury(before);
    }
}

ATTUNE_DECL std::uint32_t FrameDraft::append(CellPtr cell) {
    const std::uint32_t slot = frame_->size_;
    if (slot == FrameChunk::width + (FrameChunk::width << frame_->shift_)) {
        // The root is full: its content becomes the first chunk of a new level.
        reserve_one(chunks_);
        auto level = std::make_unique<FrameChunk>();
        level->born = frame_->serial_;
        level->leaf = frame_->shift_ == 0;
        std::copy(std::begin(frame_->root_), std::end(frame_->root_), std::begin(level->child));
        std::fill(std::begin(frame_->root_), std::end(frame_->root_), nullptr);
        frame_->root_[0] = level.get();
        chunks_.push_back(level.release());
        frame_->shift_ += FrameChunk::bits;
    }
    put(place_of(slot), std::move(cell));
    ++frame_->size_;
    return slot;
}

ATTUNE_DECL void FrameDraft::set(std::uint32_t slot, CellPtr&& cell) {
    put(place_of(slot), std::move(cell));
}

ATTUNE_DECL void FrameDraft::clear(std::uint32_t slot) {
    const void*& place = place_of(slot);
    const auto* const cell = static_cast<const CellBase*>(place);
    if (cell == nullptr) {
        return;
    }
    reserve_one(frame_->dead_);
    place = nullptr;
    bury(cell);
}

// In the place of a cell there is another, or none.
ATTUNE_DECL void FrameDraft::bury(const CellBase* cell) noexcept {
    if (cell->born_ == frame_->serial_) {
        // Put in by this draft, and seen by no frame at all.
        cell->release();
    } else {
        frame_->dead_.push_back(Obituary{cell});
    }
}

ATTUNE_DECL Frame* FrameDraft::release() noexcept {
    chunks_.clear();
    return std::exchange(frame_, nullptr);
}

}  // namespace attune::inline ATTUNE_ABI::detail
