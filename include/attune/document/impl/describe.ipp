#pragma once

#include <attune/document/impl/describe.hpp>
#include <attune/document/impl/members.hpp>
#include <attune/document/nearest.hpp>

#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL std::string describe(const Document& document) {
    switch (document.kind()) {
    case Kind::null: return "null";
    case Kind::boolean: return "a boolean";
    case Kind::integer: return "an integer";
    case Kind::real: return "a real number";
    case Kind::string: return "a string";
    case Kind::array: return "an array";
    case Kind::object: return "an object";
    }
    return {};
}

ATTUNE_DECL std::string did_you_mean(const Document& object, std::string_view name) {
    std::vector<std::string_view> names;
    names.reserve(object.size());
    for (const Member member : object.members()) {
        names.push_back(member.key);
    }
    const std::string near = nearest(name, names);
    return near.empty() ? "" : "; did you mean \"" + near + "\"?";
}

}  // namespace attune::inline ATTUNE_ABI::detail
