#pragma once

#include <attune/bind/impl/names.hpp>
#include <attune/bind/structure.hpp>

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

// What `describe` said must make sense.
ATTUNE_DECL void judge(const Structure& structure) {
    for (const FieldInfo& field : structure.fields) {
        if (structure.find(field.name) != &field) {
            throw std::logic_error("describe: two fields are named \"" + field.name + "\"");
        }
        if (!field.rules) {
            continue;
        }
        const Rules& rules = *field.rules;
        if ((rules.least && rules.most && *rules.least > *rules.most) ||
            (rules.least_size && rules.most_size && *rules.least_size > *rules.most_size)) {
            throw std::logic_error("describe: the bounds of \"" + field.name +
                                   "\" leave no value between them");
        }
    }
}

ATTUNE_DECL void add_member(Structure& structure, const void* address, const Type& type) {
    FieldInfo& field = structure.fields.emplace_back();
    field.type = &type;
    field.offset =
        static_cast<std::size_t>(static_cast<const std::byte*>(address) -
                                 static_cast<const std::byte*>(structure.defaults.get()));
}

ATTUNE_DECL const Structure& make_structure(const Recipe& recipe) {
    auto made = std::make_unique<Structure>();
    Structure& structure = *made;
    structure.defaults = recipe.make();
    const void* const object = structure.defaults.get();

    structure.fields.reserve(recipe.count);
    recipe.members(structure, object);
    std::string_view names = recipe.names;
    for (FieldInfo& field : structure.fields) {
        field.name = member_name(next_argument(names));
    }
    if (recipe.describe != nullptr) {
        recipe.describe(structure, object);
        judge(structure);
    }
    return *made.release();
}

}  // namespace attune::inline ATTUNE_ABI::detail
