#pragma once

#include <attune/bind/impl/describe.hpp>
#include <attune/bind/reflect.hpp>
#include <attune/bind/structure.hpp>
#include <attune/version.hpp>

#include <cstddef>
#include <utility>

namespace attune::inline ATTUNE_ABI {

template <class T>
class Schema;

namespace detail {

// Whoever declares such a function has included <attune/bind/schema.hpp>.
template <class T>
concept Described = requires(Schema<T>& schema) {
    describe(schema);
};

template <std::size_t... I, class... M>
void add_members(Structure& structure,
                 const MembersOver<std::index_sequence<I...>, M*...>& members) {
    (add_member(structure, static_cast<const MemberPointer<I, M*>&>(members).address,
                type_object<M>),
     ...);
}

template <class T>
Erased make_default() {
    // Where T{} is not valid, field_count has said so already, and better.
    if constexpr (requires { T{}; }) {
        return erase(new T{});
    }
    return Erased(nullptr, nullptr);
}

template <class T>
const Structure& structure_for() {
    Recipe recipe{field_text<T>, field_count<T>, &make_default<T>,
                  [](Structure& structure, const void* object) {
                      // Made by the function above, which does not make it const.
                      T& made = *static_cast<T*>(const_cast<void*>(object));
                      add_members(structure, members_of(made));
                  },
                  nullptr};
    if constexpr (Described<T>) {
        recipe.describe = [](Structure& structure, const void* object) {
            Schema<T> schema(structure, *static_cast<const T*>(object));
            describe(schema);
        };
    }
    static const Structure& structure = make_structure(recipe);
    return structure;
}

}  // namespace detail

}  // namespace attune::inline ATTUNE_ABI
