#pragma once

#include <attune/graph/cell_memory.hpp>
#include <attune/version.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
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
        // Who holds the only reference need not count it down.
        if (references_.load(std::memory_order_acquire) == 1 ||
            references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            delete this;
        }
    }

    static void* operator new(std::size_t size) { return allocate_cell(size); }
    static void operator delete(void* cell, std::size_t size) noexcept { free_cell(cell, size); }
    static void* operator new(std::size_t size, std::align_val_t alignment) {
        return ::operator new(size, alignment);
    }
    static void operator delete(void* cell, std::align_val_t alignment) noexcept {
        ::operator delete(cell, alignment);
    }

private:
    friend class FrameChain;
    friend class FrameDraft;
    friend class Obituary;
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

/// What keeps a cell alive in the hands of a program.
using CellOwner = std::shared_ptr<const CellBase>;

/// The value of the owner's cell, kept alive by it; null when there is none.
template <class T>
std::shared_ptr<const T> pin_value(CellOwner owner) noexcept {
    const auto* const cell = static_cast<const ValueCell<T>*>(owner.get());
    return std::shared_ptr<const T>{std::move(owner), cell != nullptr ? &cell->value : nullptr};
}

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

    /// As a standard pointer; null when this is empty. Allocates, once for all copies.
    CellOwner own() const {
        if (cell_ == nullptr) {
            return nullptr;
        }
        cell_->acquire();
        return CellOwner{cell_, [](const CellBase* cell) { cell->release(); }};
    }

    /// The value as a standard pointer that keeps the cell alive; null when this is empty.
    template <class T>
    std::shared_ptr<const T> pin() const {
        return pin_value<T>(own());
    }

private:
    const CellBase* cell_ = nullptr;
};

}  // namespace attune::inline ATTUNE_ABI::detail
