#pragma once

#include <attune/bind/impl/names.hpp>
#include <attune/bind/structure.hpp>

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
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

ATTUNE_DECL const Structure& make_structure(const Recipe& recipe) {
    Structure structure;
    structure.defaults = recipe.make();
    const void* const object = structure.defaults.get();

    std::vector<MemberInfo> members(recipe.count);
    recipe.members(object, members.data());
    std::string_view names = recipe.names;
    for (const MemberInfo& member : members) {
        FieldInfo& field = structure.fields.emplace_back();
        field.name = member_name(next_argument(names));
        field.type = member.type;
        field.offset = static_cast<std::size_t>(static_cast<const std::byte*>(member.address) -
                                                static_cast<const std::byte*>(object));
    }
    if (recipe.describe != nullptr) {
        recipe.describe(structure, object);
        judge(structure);
    }
    return *new Structure(std::move(structure));
}

}  // namespace attune::inline ATTUNE_ABI::detail
