#pragma once

#include <attune/graph/frame_chain.hpp>

#include <algorithm>
#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

/// The reference a frame has for being current, given up when no reader can see it any more.
struct FrameChain::Retirement final : Retired {
    Retirement(std::shared_ptr<const FrameChain> owner, const Frame* replaced) noexcept
        : chain(std::move(owner)), frame(replaced) {}
    void reclaim() noexcept override { chain->release(frame); }

    std::shared_ptr<const FrameChain> chain;
    const Frame* frame;
};

ATTUNE_DECL FrameChain::FrameChain(std::size_t history, Document first)
    : history_size_(std::max<std::size_t>(history, 1)) {
    FrameDraft draft{nullptr};
    draft.frame().document = std::move(first);
    const Frame* const frame = draft.release();
    acquire(frame);
    history_.push_back(frame);
    current_.store(frame, std::memory_order_release);
}

ATTUNE_DECL FrameChain::~FrameChain() {
    // Snapshots and retirements own the chain, so only the history is left.
    const Frame* const last = current_.load(std::memory_order_relaxed);
    bury_all(last->direct_, 0);
    bury_all(last->root_, last->shift_);
    for (const Frame* frame = last; frame != nullptr;) {
        for (const Obituary& dead : frame->dead_) {
            bury(dead);
        }
        delete std::exchange(frame, frame->older_);
    }
}

ATTUNE_DECL void FrameChain::bury(const Obituary& dead) noexcept {
    if (dead.is_cell) {
        static_cast<const CellBase*>(dead.object)->release();
    } else {
        delete static_cast<const FrameChunk*>(dead.object);
    }
}

ATTUNE_DECL void FrameChain::bury_all(const void* const* children, unsigned shift) noexcept {
    for (std::size_t i = 0; i != FrameChunk::width; ++i) {
        if (children[i] == nullptr) {
            continue;
        }
        if (shift == 0) {
            static_cast<const CellBase*>(children[i])->release();
        } else {
            const auto* const chunk = static_cast<const FrameChunk*>(children[i]);
            bury_all(chunk->child, shift - FrameChunk::bits);
            delete chunk;
        }
    }
}

ATTUNE_DECL void FrameChain::publish(FrameDraft& draft) {
    const Frame* const before = current_.load(std::memory_order_relaxed);
    std::vector<const Frame*> forgotten;
    forgotten.reserve(2);
#if !defined(ATTUNE_LOCKED_CELLS)
    auto retirement = std::make_unique<Retirement>(shared_from_this(), before);
#endif
    const Frame* after = nullptr;
    {
        const std::scoped_lock lock{mutex_};
        history_.push_back(nullptr);
        after = draft.release();
        after->older_ = before;
        before->newer_ = after;
        ++alive_;
        acquire(after);
        history_.back() = after;
        if (after->version == before->version) {
            forgotten.push_back(before);
            history_.erase(history_.end() - 2);
        } else if (history_.size() > history_size_) {
            forgotten.push_back(history_.front());
            history_.pop_front();
        }
        current_.store(after, std::memory_order_seq_cst);
    }
#if defined(ATTUNE_LOCKED_CELLS)
    release(before);
#else
    epoch_retire(retirement.release());
#endif
    for (const Frame* frame : forgotten) {
        release(frame);
    }
}

ATTUNE_DECL const Frame* FrameChain::acquire_current() const noexcept {
#if defined(ATTUNE_LOCKED_CELLS)
    const std::scoped_lock lock{mutex_};
    const Frame* const frame = current();
    acquire(frame);
    return frame;
#else
    const FrameGuard guard{*this};
    acquire(&guard.frame());
    return &guard.frame();
#endif
}

ATTUNE_DECL const Frame* FrameChain::acquire_version(Version version) const noexcept {
    const std::scoped_lock lock{mutex_};
    const auto found = std::find_if(history_.rbegin(), history_.rend(),
                                    [&](const Frame* frame) { return frame->version == version; });
    if (found == history_.rend()) {
        return nullptr;
    }
    acquire(*found);
    return *found;
}

ATTUNE_DECL Version FrameChain::oldest() const noexcept {
    const std::scoped_lock lock{mutex_};
    return history_.front()->version;
}

ATTUNE_DECL void FrameChain::forget() noexcept {
    std::deque<const Frame*> forgotten;
    {
        const std::scoped_lock lock{mutex_};
        history_size_ = 1;
        while (history_.size() > 1) {
            forgotten.push_back(history_.front());
            history_.pop_front();
        }
    }
    for (const Frame* frame : forgotten) {
        release(frame);
    }
}

ATTUNE_DECL std::size_t FrameChain::frames_alive() const noexcept {
    const std::scoped_lock lock{mutex_};
    return alive_;
}

// What died with the next newer frame was last seen here. Of that, whatever was born after the
// next older frame was seen here alone and goes; the rest is still seen by older frames, and the
// newer frame inherits the duty, together with what died here. (ZFS frees the blocks of a deleted
// snapshot by the same rule.) Appending the short list to the long one keeps a commit cheap while
// an old snapshot is held.
ATTUNE_DECL void FrameChain::destroy(const Frame* frame) const noexcept {
    std::vector<Obituary> free;
    {
        const std::scoped_lock lock{mutex_};
        const Frame* const older = frame->older_;
        const Frame* const newer = frame->newer_;  // the current frame is never destroyed here
        auto& dead = newer->dead_;
        const auto seen_by_older = [&](const Obituary& note) {
            return older != nullptr && note.born <= older->serial_;
        };
        const auto keep_end = std::partition(dead.begin(), dead.end(), seen_by_older);
        frame->dead_.insert(frame->dead_.end(), dead.begin(), keep_end);
        dead.erase(dead.begin(), keep_end);
        free.swap(dead);
        dead.swap(frame->dead_);
        newer->older_ = older;
        if (older != nullptr) {
            older->newer_ = newer;
        }
        --alive_;
    }
    // Outside the lock: destructors of values are the user's code.
    for (const Obituary& note : free) {
        bury(note);
    }
    delete frame;
}

}  // namespace attune::inline ATTUNE_ABI::detail
