#pragma once

#include <attune/bind/impl/describe.hpp>
#include <attune/bind/reflect.hpp>
#include <attune/bind/schema.hpp>
#include <attune/bind/structure.hpp>
#include <attune/version.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

template <class T>
concept Described = requires(Schema<T>& schema) { describe(schema); };

template <std::size_t... I, class... M>
void append_fields(Structure& structure, std::string_view names, const void* object,
                   const MembersOver<std::index_sequence<I...>, M*...>& members) {
    const MemberInfo infos[] = {
        {static_cast<const MemberPointer<I, M*>&>(members).address, &type_object<M>}..., {}};
    append_fields(structure, names, object, std::span(infos, sizeof...(M)));
}

template <class T>
Structure make_structure() {
    // The only object whose members the fields' places can be read from, and their defaults.
    const auto defaults = std::make_shared<T>();
    Structure structure;
    append_fields(structure, field_text<T>, defaults.get(), members_of(*defaults));
    if constexpr (Described<T>) {
        Schema<T> schema(structure, *defaults);
        describe(schema);
        complete(structure);
    }
    structure.defaults = defaults;
    return structure;
}

template <class T>
const Structure& structure_for() {
    static const Structure structure = make_structure<T>();
    return structure;
}

}  // namespace attune::inline ATTUNE_ABI::detail
