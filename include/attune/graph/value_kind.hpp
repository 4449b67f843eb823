#pragma once

#include <attune/graph/impl/value_equality.hpp>
#include <attune/graph/value_cell.hpp>
#include <attune/version.hpp>

#include <concepts>

namespace attune::inline ATTUNE_ABI::detail {

/// All that the graph knows of the C++ type of a value: a few functions, one constant per type.
struct ValueKind {
    bool (*equal)(const CellBase& a, const CellBase& b);
    CellPtr (*copy)(const CellBase& cell);  ///< null for types that cannot be copied
};

template <class T>
const T& value_in_cell(const CellBase& cell) noexcept {
    return static_cast<const ValueCell<T>&>(cell).value;
}

template <class T>
constexpr auto cell_copier() noexcept {
    if constexpr (std::copy_constructible<T>) {
        return [](const CellBase& cell) {
            return CellPtr::adopt(new ValueCell<T>{value_in_cell<T>(cell)});
        };
    } else {
        return nullptr;
    }
}

/// The kind of values that functions make, and compare by value_equal.
template <class T>
inline constexpr ValueKind derived_kind{
    [](const CellBase& a, const CellBase& b) {
        return &a == &b || value_equal(value_in_cell<T>(a), value_in_cell<T>(b));
    },
    cell_copier<T>(),
};

}  // namespace attune::inline ATTUNE_ABI::detail
