#pragma once

#include <attune/document/document.hpp>
#include <attune/document/path.hpp>
#include <attune/fwd.hpp>
#include <attune/graph/value_cell.hpp>
#include <attune/version.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

/// A chunk of slots. Chunks are shared between frames and copied when a slot below them changes.
struct FrameChunk {
    static constexpr unsigned bits = 6;
    static constexpr std::size_t width = std::size_t{1} << bits;

    std::uint64_t born = 0;  ///< serial of the first frame that uses it
    bool leaf = true;        ///< its children are cells
    const void* child[width] = {};
};

/// What died with a commit: visible in the frame before, not visible in the frame that holds the
/// note.
class Obituary {
public:
    explicit Obituary(const CellBase* cell) noexcept
        : object_(reinterpret_cast<std::uintptr_t>(cell) | 1) {}
    explicit Obituary(const FrameChunk* chunk) noexcept
        : object_(reinterpret_cast<std::uintptr_t>(chunk)) {}

    /// Null when it is a chunk.
    const CellBase* cell() const noexcept {
        return (object_ & 1) != 0 ? reinterpret_cast<const CellBase*>(object_ - 1) : nullptr;
    }
    const FrameChunk* chunk() const noexcept {
        return reinterpret_cast<const FrameChunk*>(object_);
    }
    /// Serial of the first frame that showed it.
    std::uint64_t born() const noexcept {
        return cell() != nullptr ? cell()->born_ : chunk()->born;
    }

private:
    std::uintptr_t object_;  // cells are marked in the lowest bit
};

/// One published version: its number, its document and the value of every handle.
///
/// Immutable while any reader can see it. The first 64 handles have their cells in the frame
/// itself, one load away; most programs have no more. The others hang in a radix tree of chunks, so
/// that a commit that changes one of 100,000 handles copies two or three chunks.
///
/// Frames own chunks and cells together, without a count per chunk: versions form a line, so an
/// object that was born with frame b and died with frame d is visible in exactly the frames in
/// [b, d), and can go when none of these is left. See FrameChain::destroy.
class Frame {
public:
    /// The cell of `slot`, which must be below size(); null in an empty one.
    [[gnu::always_inline]] const CellBase* cell(std::uint32_t slot) const noexcept {
        if (slot < FrameChunk::width) [[likely]] {
            return static_cast<const CellBase*>(direct_[slot]);
        }
        return far_cell(slot - static_cast<std::uint32_t>(FrameChunk::width));
    }

    /// Grows with every frame of a store, also where the version stays.
    std::uint64_t serial() const noexcept { return serial_; }
    /// Number of slots, those that are empty included.
    std::uint32_t size() const noexcept { return size_; }

    /// The deepest paths at which the document differs from that of the version before. Found by
    /// the first call, O(change * log n), and remembered. Any thread.
    ATTUNE_DECL const std::vector<Path>& changed() const;

    /// The value of a node that was made after this frame, once somebody has worked it out; else
    /// null. `slot` and `born` are the node's. Under the writer's mutex, like add_late.
    ATTUNE_DECL const CellBase* late_cell(std::uint32_t slot, std::uint64_t born) const noexcept;
    /// Keeps such a value for as long as the frame lives.
    ATTUNE_DECL void add_late(std::uint32_t slot, std::uint64_t born, CellPtr cell) const;

    Version version = 0;
    std::chrono::system_clock::time_point time{};
    std::string reason;
    std::string layer;  ///< that brought the change; empty when none did
    Document document;
    Document before;  ///< the document of the version before

private:
    friend class FrameDraft;
    friend class FrameChain;
    Frame() = default;
    ATTUNE_DECL ~Frame();

    /// `index` is the slot's number in the tree.
    const CellBase* far_cell(std::uint32_t index) const noexcept {
        const void* const* children = root_;
        for (unsigned shift = shift_; shift != 0; shift -= FrameChunk::bits) {
            children =
                static_cast<const FrameChunk*>(children[(index >> shift) % FrameChunk::width])
                    ->child;
        }
        return static_cast<const CellBase*>(children[index % FrameChunk::width]);
    }

    const void* direct_[FrameChunk::width] = {};

    mutable std::atomic<std::uint32_t> references_{1};
    mutable std::atomic<const std::vector<Path>*> changed_{nullptr};
    std::uint32_t size_ = 0;
    std::uint64_t serial_ = 0;
    unsigned shift_ = 0;
    const void* root_[FrameChunk::width] = {};
    // The chain's, under its mutex: neighbours among the frames still alive, and what died here.
    mutable const Frame* older_ = nullptr;
    mutable const Frame* newer_ = nullptr;
    mutable std::vector<Obituary> dead_;

    struct LateCell {
        std::uint32_t slot;
        std::uint64_t born;
        CellPtr cell;
    };
    mutable std::vector<LateCell> late_;
};

/// The next frame while its writer puts it together. Owned by one thread; gives everything back
/// when it is dropped without being published.
class FrameDraft {
public:
    enum class Of : bool { version, next };

    /// Begins as a copy of `base`, which must stay alive; null begins empty. One of the next
    /// version has the values of the base, and nothing yet of what is said about a version.
    ATTUNE_DECL explicit FrameDraft(const Frame* base, Of of = Of::version);
    ATTUNE_DECL ~FrameDraft();
    FrameDraft(const FrameDraft&) = delete;
    FrameDraft& operator=(const FrameDraft&) = delete;

    /// Adds a slot that holds `cell` and returns its number.
    ATTUNE_DECL std::uint32_t append(CellPtr cell);
    /// Replaces the cell of a slot.
    ATTUNE_DECL void set(std::uint32_t slot, CellPtr&& cell);
    /// Empties a slot, for another node to be put there by `set`.
    ATTUNE_DECL void clear(std::uint32_t slot);

    Frame& frame() noexcept { return *frame_; }

    /// As Frame::cell, and faster near the slot that was set last.
    const CellBase* cell(std::uint32_t slot) const noexcept {
        if (slot < FrameChunk::width) {
            return static_cast<const CellBase*>(frame_->direct_[slot]);
        }
        const auto index = slot - static_cast<std::uint32_t>(FrameChunk::width);
        return index >> FrameChunk::bits == leaf_number_
                   ? static_cast<const CellBase*>(leaf_[index % FrameChunk::width])
                   : frame_->far_cell(index);
    }

private:
    friend class FrameChain;

    /// Where the cell of `slot` is kept, in a place of this draft's own.
    [[gnu::always_inline]] const void*& place_of(std::uint32_t slot) {
        if (slot < FrameChunk::width) {
            return frame_->direct_[slot];
        }
        const auto index = slot - static_cast<std::uint32_t>(FrameChunk::width);
        return index >> FrameChunk::bits == leaf_number_ ? leaf_[index % FrameChunk::width]
                                                         : far_place(index);
    }
    const void*& far_place(std::uint32_t index);
    FrameChunk* own_chunk(const void*& place, bool leaf);
    void put(const void*& place, CellPtr&& cell);
    Frame* release() noexcept;
    /// Of a draft that is dropped: the cells it made.
    void release_cells(const void* const* children) noexcept;
    void bury(const CellBase* cell) noexcept;

    Frame* frame_;
    std::vector<FrameChunk*> chunks_;
    // The leaf of this draft's own that was used last. Nodes that derive from each other tend to
    // lie side by side.
    const void** leaf_ = nullptr;
    std::uint32_t leaf_number_ = UINT32_MAX;
};

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/graph/impl/frame.ipp>
#endif
