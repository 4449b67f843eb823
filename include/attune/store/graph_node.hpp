#pragma once

#include <attune/bind/equal.hpp>
#include <attune/bind/problem.hpp>
#include <attune/bind/type.hpp>
#include <attune/document/path.hpp>
#include <attune/fwd.hpp>
#include <attune/graph/frame_chain.hpp>
#include <attune/graph/value_cell.hpp>
#include <attune/version.hpp>

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

class Core;
class ValueDelivery;

/// All that the engine knows of a bound C++ type: a few functions, one constant per type.
struct ValueKind {
    const Type& (*type)() noexcept;
    CellPtr (*make)();                                ///< a cell that holds T{}
    const void* (*object)(const CellBase&) noexcept;  ///< the T inside

    /// The T of a cell nobody else has seen yet.
    void* fresh(const CellBase& cell) const noexcept { return const_cast<void*>(object(cell)); }
    bool equal(const CellBase& a, const CellBase& b) const {
        return &a == &b || detail::equal(type(), object(a), object(b));
    }
};

template <class T>
inline constexpr ValueKind value_kind{
    []() noexcept -> const Type& { return type_of<T>(); },
    [] { return CellPtr::adopt(new ValueCell<T>); },
    [](const CellBase& cell) noexcept -> const void* {
        return &static_cast<const ValueCell<T>&>(cell).value;
    },
};

/// What stands behind a Config: a slot in the frames, and those who watch it. Handles share it; it
/// keeps the frames, and with them the last value, alive beyond the store.
struct GraphNode {
    GraphNode(Path place, const ValueKind& value, std::shared_ptr<const FrameChain> frames,
              std::weak_ptr<Core> owner)
        : path(std::move(place)), kind(value), chain(std::move(frames)), core(std::move(owner)) {}

    const Path path;
    const ValueKind& kind;
    const std::shared_ptr<const FrameChain> chain;
    const std::weak_ptr<Core> core;
    std::uint32_t slot = 0;  ///< set before anybody else knows the node

    // The core's, under its commit mutex.
    std::vector<std::shared_ptr<ValueDelivery>> observers;
    std::vector<Problem> warnings;  ///< about the present value
};

}  // namespace attune::inline ATTUNE_ABI::detail
