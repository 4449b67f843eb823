#pragma once

#include <attune/bind/equal.hpp>
#include <attune/bind/problem.hpp>
#include <attune/bind/type.hpp>
#include <attune/document/path.hpp>
#include <attune/fwd.hpp>
#include <attune/graph/node.hpp>
#include <attune/graph/value_cell.hpp>
#include <attune/graph/value_kind.hpp>
#include <attune/version.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

/// What decoding has to know of a C++ type, beyond what the graph does.
struct BoundKind : ValueKind {
    const Type& (*type)() noexcept;
    CellPtr (*make)();                          ///< a cell that holds T{}
    void* (*object)(const CellBase&) noexcept;  ///< the T in a cell that nobody else has seen yet
};

template <class T>
inline constexpr BoundKind bound_kind{
    {
        [](const CellBase& a, const CellBase& b) {
            return &a == &b ||
                   equal(type_of<T>(), &value_in_cell<T>(a), &value_in_cell<T>(b));
        },
        cell_copier<T>(),
    },
    []() noexcept -> const Type& { return type_of<T>(); },
    [] { return CellPtr::adopt(new ValueCell<T>); },
    [](const CellBase& cell) noexcept -> void* {
        return const_cast<T*>(&value_in_cell<T>(cell));
    },
};

/// How the nodes of a store find it, while it is there.
class StoreHome final : public NodeHome {
public:
    using NodeHome::NodeHome;

    std::weak_ptr<Core> core;  ///< set before there are nodes

private:
    ATTUNE_DECL void tidy() noexcept override;
};

inline const std::weak_ptr<Core>& core_of(const GraphNode& node) noexcept {
    return static_cast<const StoreHome&>(node.home).core;
}

/// A source of the graph: what the merged document has at a path, decoded.
class BoundNode final : public GraphNode {
public:
    BoundNode(NodeHome& owner, const BoundKind& value, Path place)
        : GraphNode(owner, value), bound_kind(value), path(std::move(place)) {}

    const BoundKind& bound_kind;
    const Path path;
    std::vector<Problem> warnings;  ///< about the present value

private:
    std::string default_name() const override { return to_string(path); }
};

}  // namespace attune::inline ATTUNE_ABI::detail
