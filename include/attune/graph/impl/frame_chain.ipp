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

/// A draft of version 0.
inline FrameDraft& begin_draft(FrameDraft&& draft, Document document) {
    draft.frame().document = std::move(document);
    return draft;
}

ATTUNE_DECL FrameChain::FrameChain(std::size_t history, Document first)
    : FrameChain(history, begin_draft(FrameDraft{nullptr}, std::move(first))) {}

ATTUNE_DECL FrameChain::FrameChain(std::size_t history, FrameDraft& first)
    : history_size_(std::max<std::size_t>(history, 1)) {
    history_.push_back(nullptr);
    const Frame* const frame = first.release();
    acquire(frame);
    history_.back() = frame;
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
    if (const CellBase* const cell = dead.cell()) {
        cell->release();
    } else {
        delete dead.chunk();
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
            const Frame* const left = history_.front();
            if (const auto kept = kept_.find(left->version); kept != kept_.end()) {
                kept->second.frame = left;
            } else {
                forgotten.push_back(left);
            }
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
    const Frame* frame = found != history_.rend() ? *found : nullptr;
    if (const auto kept = kept_.find(version); frame == nullptr && kept != kept_.end()) {
        frame = kept->second.frame;
    }
    if (frame != nullptr) {
        acquire(frame);
    }
    return frame;
}

ATTUNE_DECL Version FrameChain::version_of(const CellBase& cell) const noexcept {
    const std::scoped_lock lock{mutex_};
    const auto found = std::find_if(history_.begin(), history_.end(), [&](const Frame* frame) {
        return frame->serial_ >= cell.born_;
    });
    return (*found)->version;
}

ATTUNE_DECL Version FrameChain::oldest() const noexcept {
    const std::scoped_lock lock{mutex_};
    return history_.front()->version;
}

ATTUNE_DECL bool FrameChain::keep(Version version, std::string note) {
    const std::scoped_lock lock{mutex_};
    if (const auto known = kept_.find(version); known != kept_.end()) {
        known->second.note = std::move(note);
        return true;
    }
    const bool here = std::any_of(history_.begin(), history_.end(),
                                  [&](const Frame* frame) { return frame->version == version; });
    return here && kept_.try_emplace(version, Kept{std::move(note), nullptr}).second;
}

ATTUNE_DECL bool FrameChain::give_up(Version version) noexcept {
    const Frame* frame = nullptr;
    {
        const std::scoped_lock lock{mutex_};
        const auto kept = kept_.find(version);
        if (kept == kept_.end()) {
            return false;
        }
        frame = kept->second.frame;
        kept_.erase(kept);
    }
    if (frame != nullptr) {
        release(frame);
    }
    return true;
}

ATTUNE_DECL std::vector<FrameChain::Retained> FrameChain::retained() const {
    const std::scoped_lock lock{mutex_};
    std::vector<Retained> all;
    all.reserve(kept_.size() + history_.size());
    for (const auto& [version, kept] : kept_) {
        if (kept.frame != nullptr) {
            all.push_back({kept.frame, true, kept.note});
        }
    }
    for (const Frame* const frame : history_) {
        const auto kept = kept_.find(frame->version);
        const bool is_kept = kept != kept_.end();
        all.push_back({frame, is_kept, is_kept ? kept->second.note : std::string{}});
    }
    for (const Retained& each : all) {
        acquire(each.frame);
    }
    return all;
}

ATTUNE_DECL void FrameChain::forget() noexcept {
    std::deque<const Frame*> forgotten;
    std::map<Version, Kept> kept;
    {
        const std::scoped_lock lock{mutex_};
        history_size_ = 1;
        kept.swap(kept_);
        while (history_.size() > 1) {
            forgotten.push_back(history_.front());
            history_.pop_front();
        }
    }
    for (const Frame* frame : forgotten) {
        release(frame);
    }
    for (const auto& [version, each] : kept) {
        if (each.frame != nullptr) {
            release(each.frame);
        }
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
            return older != nullptr && note.born() <= older->serial_;
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
