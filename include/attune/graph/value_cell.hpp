#pragma once

#include <attune/version.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

/// One value of one handle, immutable once published, shared by every frame between the commit
/// that made it and the commit that replaced it.
///
/// The frames of a store own it together with a single reference (see FrameChain); further
/// references are pins, which outlive the store.
class CellBase {
public:
    CellBase() noexcept = default;
    CellBase(const CellBase&) = delete;
    CellBase& operator=(const CellBase&) = delete;
    virtual ~CellBase() = default;

    void acquire() const noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
    void release() const noexcept {
        if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            delete this;
        }
    }

private:
    friend class FrameDraft;
    // In this order a small value lies in what would be padding.
    std::uint64_t born_ = 0;  ///< serial of the first frame that shows it
    mutable std::atomic<std::uint32_t> references_{1};
};

template <class T>
class ValueCell final : public CellBase {
public:
    ValueCell() = default;
    explicit ValueCell(T initial) : value(std::move(initial)) {}
    T value{};
};

/// An owning reference to a cell.
class CellPtr {
public:
    CellPtr() noexcept = default;
    /// Takes over the reference that `cell` was created with.
    static CellPtr adopt(const CellBase* cell) noexcept {
        CellPtr made;
        made.cell_ = cell;
        return made;
    }
    static CellPtr share(const CellBase* cell) noexcept {
        if (cell != nullptr) {
            cell->acquire();
        }
        return adopt(cell);
    }
    CellPtr(const CellPtr& other) noexcept : cell_(other.cell_) {
        if (cell_ != nullptr) {
            cell_->acquire();
        }
    }
    CellPtr(CellPtr&& other) noexcept : cell_(std::exchange(other.cell_, nullptr)) {}
    CellPtr& operator=(CellPtr other) noexcept {
        std::swap(cell_, other.cell_);
        return *this;
    }
    ~CellPtr() {
        if (cell_ != nullptr) {
            cell_->release();
        }
    }

    const CellBase* get() const noexcept { return cell_; }
    const CellBase* release() noexcept { return std::exchange(cell_, nullptr); }
    explicit operator bool() const noexcept { return cell_ != nullptr; }

    template <class T>
    const T& value() const noexcept {
        return static_cast<const ValueCell<T>*>(cell_)->value;
    }

    /// The value as a standard pointer that keeps the cell alive; null when this is empty.
    template <class T>
    std::shared_ptr<const T> pin() const {
        if (cell_ == nullptr) {
            return nullptr;
        }
        auto owner = std::make_shared<CellPtr>(*this);
        const T* const object = &value<T>();
        return std::shared_ptr<const T>{std::move(owner), object};
    }

private:
    const CellBase* cell_ = nullptr;
};

}  // namespace attune::inline ATTUNE_ABI::detail
