#pragma once

#include <attune/document/document.hpp>
#include <attune/fwd.hpp>
#include <attune/graph/frame_chain.hpp>
#include <attune/store/config.hpp>
#include <attune/version.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

namespace attune::inline ATTUNE_ABI {

/// One version of a whole store, in a scope: whatever is read through it belongs together. About a
/// nanosecond to make, then a few loads for each handle. Same lifetime rules as Reading; the store,
/// or a handle of it, must be alive.
class [[nodiscard]] View {
public:
    View(const View&) = delete;
    View& operator=(const View&) = delete;
    static void* operator new(std::size_t) = delete;
    static void* operator new[](std::size_t) = delete;

    /// The value of that handle in this version. Throws std::invalid_argument for a handle of
    /// another store. For a handle that was made later, see Snapshot.
    template <class T>
    const T& operator[](const Config<T>& config) const& {
        return config.value_in(guard_.frame(), &chain_);
    }
    /// A temporary would end before the value is used: name it first, `auto view = store.view();`.
    template <class T>
    const T& operator[](const Config<T>&) const&& = delete;

    Version version() const noexcept { return guard_.frame().version; }
    const Document& document() const& noexcept { return guard_.frame().document; }
    const Document& document() const&& = delete;

private:
    friend class Store;
    explicit View(const detail::FrameChain& chain) noexcept : chain_(chain), guard_(chain) {}

    const detail::FrameChain& chain_;
    detail::FrameGuard guard_;
};

/// An owning reference to one version: can be copied, stored, given to other threads, held across
/// `co_await`, and outlives the store. Copies cost an atomic increment. Immutable; one object must
/// not be assigned to while others use it.
///
/// A snapshot keeps the values and the document of its version in memory, shared with the versions
/// around it.
class Snapshot {
public:
    Snapshot(const Snapshot& other) noexcept : chain_(other.chain_), frame_(other.frame_) {
        if (frame_ != nullptr) {
            chain_->acquire(frame_);
        }
    }
    Snapshot(Snapshot&& other) noexcept
        : chain_(std::move(other.chain_)), frame_(std::exchange(other.frame_, nullptr)) {}
    Snapshot& operator=(Snapshot other) noexcept {
        std::swap(chain_, other.chain_);
        std::swap(frame_, other.frame_);
        return *this;
    }
    ~Snapshot() {
        if (frame_ != nullptr) {
            chain_->release(frame_);
        }
    }

    /// As View. The reference lives as long as any copy of this snapshot.
    ///
    /// The value of a handle that was made after the version, maybe in a later run of the program,
    /// is worked out from the version's document by what is bound and derived now, and remembered:
    /// as long as one commit for the first such handle. Throws Rejected when the document of that
    /// time is refused today, std::logic_error when the store is gone, and inside a commit.
    template <class T>
    const T& operator[](const Config<T>& config) const& {
        return config.value_in(*frame_, chain_.get());
    }
    /// Of a temporary snapshot: a copy.
    template <class T>
    T operator[](const Config<T>& config) const&& {
        return (*this)[config];
    }

    Version version() const noexcept { return frame_->version; }
    /// When the version was published.
    std::chrono::system_clock::time_point time() const noexcept { return frame_->time; }
    /// What made the version: the layer that changed, or the reason that was given.
    const std::string& reason() const& noexcept { return frame_->reason; }
    /// The layer that brought the change: its name, `overrides` for what the program set, empty
    /// when none did.
    const std::string& layer() const& noexcept { return frame_->layer; }
    /// The merged document of the version.
    const Document& document() const& noexcept { return frame_->document; }
    Document document() const&& noexcept { return frame_->document; }

private:
    friend class Store;
    /// Takes over one reference.
    Snapshot(std::shared_ptr<const detail::FrameChain> chain, const detail::Frame* frame) noexcept
        : chain_(std::move(chain)), frame_(frame) {}

    std::shared_ptr<const detail::FrameChain> chain_;
    const detail::Frame* frame_;
};

}  // namespace attune::inline ATTUNE_ABI

#if ATTUNE_HEADER_ONLY
#include <attune/store/impl/snapshot.ipp>
#endif
