#pragma once

#include <attune/bind/schema.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL Rules& rules_of(FieldInfo& field) {
    if (!field.rules) {
        field.rules = std::make_unique<Rules>();
    }
    return *field.rules;
}

template <class T>
void set_once(const FieldInfo& field, std::optional<T>& rule, const T& value) {
    if (rule) {
        throw std::logic_error("describe: \"" + field.name + "\" has the same bound twice");
    }
    rule = value;
}

ATTUNE_DECL void set_least(FieldInfo& field, const Quantity& least) {
    set_once(field, rules_of(field).least, least);
}

ATTUNE_DECL void set_most(FieldInfo& field, const Quantity& most) {
    set_once(field, rules_of(field).most, most);
}

ATTUNE_DECL void set_least_size(FieldInfo& field, std::size_t least) {
    set_once(field, rules_of(field).least_size, least);
}

ATTUNE_DECL void set_most_size(FieldInfo& field, std::size_t most) {
    set_once(field, rules_of(field).most_size, most);
}

ATTUNE_DECL void set_pattern(FieldInfo& field, Pattern pattern) {
    Rules& rules = rules_of(field);
    if (rules.pattern) {
        throw std::logic_error("describe: \"" + field.name + "\" has two patterns");
    }
    rules.pattern = std::move(pattern);
}

ATTUNE_DECL void add_choice(FieldInfo& field, std::string_view text) {
    rules_of(field).strings.emplace_back(text);
}

ATTUNE_DECL void add_choice(FieldInfo& field, const Quantity& number) {
    rules_of(field).numbers.push_back(number);
}

ATTUNE_DECL void throw_bound_outside(const FieldInfo& field) {
    throw std::logic_error("describe: a bound of \"" + field.name +
                           "\" is outside what its type can hold");
}

ATTUNE_DECL FieldInfo& field_at(Structure& structure, std::size_t offset, const Type& type) {
    for (FieldInfo& field : structure.fields) {
        if (field.offset == offset && field.type == &type) {
            return field;
        }
    }
    throw std::logic_error(
        "describe: field() was given something else than a member of the struct");
}

ATTUNE_DECL void add_check(Structure& structure, Erased function, CheckInfo::Call call,
                           std::string text) {
    structure.checks.push_back({std::move(function), call, std::move(text)});
}

}  // namespace attune::inline ATTUNE_ABI::detail
