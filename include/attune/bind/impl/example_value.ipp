#pragma once

#include <attune/bind/enum_names.hpp>
#include <attune/bind/example_value.hpp>
#include <attune/bind/expected.hpp>

#include <cstdint>
#include <string>

namespace attune::inline ATTUNE_ABI::detail {

/// The allowed number that is nearest to zero, or the first choice.
ATTUNE_DECL Quantity example_number(const Type& type, const Rules* rules) {
    if (rules != nullptr && !rules->numbers.empty()) {
        return rules->numbers.front();
    }
    const Range range = range_of(type, rules);
    const Quantity zero = 0;
    if (range.least && *range.least > zero) {
        return *range.least;
    }
    return range.most && *range.most < zero ? *range.most : zero;
}

ATTUNE_DECL Document example_value(const Type& type, const Rules* rules) {
    switch (type.shape) {
    case Shape::boolean: return false;
    case Shape::integer: {
        const Quantity number = example_number(type, rules);
        return number.is_negative() ? Document(static_cast<std::int64_t>(number.bits()))
                                    : Document(number.bits());
    }
    case Shape::real: return example_number(type, rules).real();
    case Shape::enumeration:
        if (rules != nullptr && !rules->numbers.empty()) {
            return number_text(type, rules->numbers.front());
        }
        return static_cast<const EnumType&>(type).names().front().name;
    case Shape::duration:
    case Shape::bytes: return number_text(type, example_number(type, rules));
    case Shape::string:
    case Shape::path:
        return rules != nullptr && !rules->strings.empty() ? rules->strings.front() : "...";
    default: return {};
    }
}

ATTUNE_DECL std::optional<Document> initial_value(const Type& type) {
    switch (type.shape) {
    case Shape::string:
    case Shape::path: return "";
    case Shape::flags:
    case Shape::list: return Document::array();
    case Shape::map: return Document::object();
    case Shape::document: return Document();
    case Shape::enumeration:
        for (const Enumerator& enumerator : static_cast<const EnumType&>(type).names()) {
            if (enumerator.value == 0) {
                return enumerator.name;
            }
        }
        return std::nullopt;
    case Shape::boolean:
    case Shape::integer:
    case Shape::real:
    case Shape::duration:
    case Shape::bytes: return example_value(type, nullptr);
    default: return std::nullopt;
    }
}

}  // namespace attune::inline ATTUNE_ABI::detail
