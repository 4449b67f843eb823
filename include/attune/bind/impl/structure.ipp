#pragma once

#include <attune/bind/impl/names.hpp>
#include <attune/bind/structure.hpp>

#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL void append_fields(Structure& structure, std::string_view names, const void* object,
                               std::span<const MemberInfo> members) {
    structure.fields.reserve(members.size());
    for (const MemberInfo& member : members) {
        FieldInfo& field = structure.fields.emplace_back();
        field.name = member_name(next_argument(names));
        field.type = member.type;
        field.offset = static_cast<std::size_t>(static_cast<const std::byte*>(member.address) -
                                                static_cast<const std::byte*>(object));
    }
}

ATTUNE_DECL void complete(const Structure& structure) {
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

}  // namespace attune::inline ATTUNE_ABI::detail
