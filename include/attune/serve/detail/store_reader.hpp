#pragma once

#include <attune/document/document.hpp>
#include <attune/graph/frame.hpp>
#include <attune/graph/frame_chain.hpp>
#include <attune/store/core.hpp>
#include <attune/version.hpp>

#include <memory>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

/// A version of a store, kept for as long as the object lives.
class HeldFrame {
public:
    /// Takes over one reference.
    HeldFrame(std::shared_ptr<const FrameChain> chain, const Frame* frame) noexcept
        : chain_(std::move(chain)), frame_(frame) {}
    HeldFrame(HeldFrame&& other) noexcept
        : chain_(std::move(other.chain_)), frame_(std::exchange(other.frame_, nullptr)) {}
    HeldFrame& operator=(HeldFrame&&) = delete;
    ~HeldFrame() {
        if (frame_ != nullptr) {
            chain_->release(frame_);
        }
    }
    const Frame& operator*() const noexcept { return *frame_; }
    const Frame* operator->() const noexcept { return frame_; }

private:
    std::shared_ptr<const FrameChain> chain_;
    const Frame* frame_;
};

inline HeldFrame hold_current(const Core& core) {
    return {core.chain(), core.chain()->acquire_current()};
}

/// Throws std::out_of_range, with the versions there are, when it is not retained.
inline HeldFrame hold_version(const Core& core, Version version) {
    return {core.chain(), core.acquire(version)};
}

/// The versions of the history after that one, oldest first.
inline std::vector<HeldFrame> hold_versions_after(const Core& core, Version version) {
    std::vector<const Frame*> frames;
    core.chain()->visit_history([&](const Frame& frame) {
        if (frame.version <= version) {
            return false;
        }
        core.chain()->acquire(&frame);
        frames.push_back(&frame);
        return true;
    });
    std::vector<HeldFrame> held;
    held.reserve(frames.size());
    while (!frames.empty()) {
        held.emplace_back(core.chain(), frames.back());
        frames.pop_back();
    }
    return held;
}

/// What readers see right now. Neither waits nor allocates.
struct CurrentVersion {
    Document document;
    Version version = 0;
};
inline CurrentVersion read_current(const Core& core) noexcept {
    const FrameGuard guard{*core.chain()};
    return {guard.frame().document, guard.frame().version};
}

}  // namespace attune::inline ATTUNE_ABI::detail
