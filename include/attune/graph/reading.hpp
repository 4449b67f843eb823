#pragma once

#include <attune/graph/frame_chain.hpp>
#include <attune/version.hpp>

#include <cstddef>
#include <cstdint>

namespace attune::inline ATTUNE_ABI {

/// A scoped look at the current value of one handle: about a nanosecond, without a lock, a
/// reference count or an allocation.
///
/// The value stays as it is, and where it is, while the Reading exists, whatever is committed
/// meanwhile. It delays only the reclamation of what was replaced, never a writer. Keep it short:
/// for anything that waits, copy with Config::get or hold with Config::pin.
///
/// A Reading stays in the scope, and on the thread, that made it: it cannot be copied, moved, or
/// made on the heap, and a temporary cannot be dereferenced. It must not be held across a
/// `co_await` that may resume on another thread.
template <class T>
class [[nodiscard]] Reading {
public:
    Reading(const Reading&) = delete;
    Reading& operator=(const Reading&) = delete;
    static void* operator new(std::size_t) = delete;
    static void* operator new[](std::size_t) = delete;

    const T* operator->() const& noexcept { return &value_; }
    const T& operator*() const& noexcept { return value_; }
    /// A temporary would end before the value is used: name it first, `auto now = config.read();`.
    const T* operator->() const&& = delete;
    /// As above.
    const T& operator*() const&& = delete;

    /// The version this reading sees.
    Version version() const noexcept { return guard_.frame().version; }

private:
    template <class>
    friend class Config;
    Reading(const detail::FrameChain& chain, std::uint32_t slot) noexcept
        : guard_(chain),
          value_(static_cast<const detail::ValueCell<T>*>(guard_.frame().cell(slot))->value) {}

    detail::FrameGuard guard_;
    const T& value_;
};

}  // namespace attune::inline ATTUNE_ABI
