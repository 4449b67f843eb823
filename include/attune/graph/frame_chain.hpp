#pragma once

#include <attune/fwd.hpp>
#include <attune/graph/epoch.hpp>
#include <attune/graph/frame.hpp>
#include <attune/version.hpp>

#include <atomic>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

/// The versions of one store: the current frame that readers load, the newest frames kept as
/// history, and whatever snapshots hold.
///
/// One writer at a time publishes; any thread reads, and acquires and releases frames. A frame
/// lives while it is current, in the history, held by a snapshot, or visible to a reader that
/// entered before it was replaced. A version that is kept stays when the history moves on.
class FrameChain : public std::enable_shared_from_this<FrameChain> {
public:
    /// Begins with version 0, which shows `first` and has no handles. `history` is the number of
    /// versions to keep, the current one included; at least 1.
    ATTUNE_DECL FrameChain(std::size_t history, Document first);
    /// Begins with the draft, which was made of nothing.
    ATTUNE_DECL FrameChain(std::size_t history, FrameDraft& first);
    ATTUNE_DECL ~FrameChain();
    FrameChain(const FrameChain&) = delete;
    FrameChain& operator=(const FrameChain&) = delete;

    /// For the writer, and for a thread inside an epoch: nobody else may follow the pointer.
    const Frame* current() const noexcept { return current_.load(std::memory_order_acquire); }

    /// Makes the draft the current frame: one store of one pointer. A draft whose version is that
    /// of the current frame takes its place in the history as well.
    ATTUNE_DECL void publish(FrameDraft& draft);

    /// The current frame with a reference, to be given back with release.
    ATTUNE_DECL const Frame* acquire_current() const noexcept;
    /// The newest retained frame of that version with a reference, or null.
    ATTUNE_DECL const Frame* acquire_version(Version version) const noexcept;
    /// The first retained version that shows the cell. For the writer.
    ATTUNE_DECL Version version_of(const CellBase& cell) const noexcept;
    /// The oldest version in the history.
    ATTUNE_DECL Version oldest() const noexcept;
    /// Keeps a retained version until it is given up. False when it is not retained.
    ATTUNE_DECL bool keep(Version version, std::string note);
    /// False when the version was not kept.
    ATTUNE_DECL bool give_up(Version version) noexcept;

    /// A retained version with a reference, and why it is retained.
    struct Retained {
        const Frame* frame;
        bool kept;
        std::string note;
    };
    /// All of them, oldest first.
    ATTUNE_DECL std::vector<Retained> retained() const;
    /// Calls `f(const Frame&)` for the versions in the history, newest first, for as long as it
    /// says true. Under the chain's mutex.
    template <class F>
    void visit_history(F&& f) const {
        const std::scoped_lock lock{mutex_};
        for (std::size_t i = history_.size(); i-- != 0 && f(*history_[i]);) {
        }
    }
    /// Lets go of the history but for the current frame, for good.
    ATTUNE_DECL void forget() noexcept;
    void acquire(const Frame* frame) const noexcept {
        frame->references_.fetch_add(1, std::memory_order_relaxed);
    }
    void release(const Frame* frame) const noexcept {
        if (frame->references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            destroy(frame);
        }
    }

    /// Frames alive: current, history, snapshots, and those that wait for a reader.
    ATTUNE_DECL std::size_t frames_alive() const noexcept;

private:
    struct Retirement;
    struct Kept {
        std::string note;
        const Frame* frame;  // null while the version is in the history
    };

    ATTUNE_DECL void destroy(const Frame* frame) const noexcept;
    static void bury(const Obituary& dead) noexcept;
    static void bury_all(const void* const* children, unsigned shift) noexcept;

    std::atomic<const Frame*> current_;
    mutable std::mutex mutex_;  // the links between frames, their dead, the history
    std::size_t history_size_;
    std::deque<const Frame*> history_;
    std::map<Version, Kept> kept_;
    mutable std::size_t alive_ = 1;
};

/// Keeps the frame that is current now visible while it exists. Scoped; ends on the thread that
/// began it.
class FrameGuard {
public:
    FrameGuard(const FrameGuard&) = delete;
    FrameGuard& operator=(const FrameGuard&) = delete;
    static void* operator new(std::size_t) = delete;

    const Frame& frame() const noexcept { return *frame_; }

#if defined(ATTUNE_LOCKED_CELLS)
    explicit FrameGuard(const FrameChain& chain) noexcept
        : chain_(&chain), frame_(chain.acquire_current()) {}
    ~FrameGuard() { chain_->release(frame_); }

private:
    const FrameChain* chain_;
    const Frame* frame_;
#else
    explicit FrameGuard(const FrameChain& chain) noexcept
        : slot_(epoch_enter()), frame_(chain.current()) {}
    ~FrameGuard() { epoch_leave(slot_); }

private:
    ReaderSlot* slot_;
    const Frame* frame_;
#endif
};

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/graph/impl/frame_chain.ipp>
#endif
