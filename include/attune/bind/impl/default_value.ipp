#pragma once

#include <attune/bind/default_value.hpp>
#include <attune/bind/encode.hpp>
#include <attune/bind/expected.hpp>
#include <attune/bind/secrecy.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL bool keeps_size(const Rules* rules, std::size_t size) noexcept {
    return rules == nullptr || ((!rules->least_size || size >= *rules->least_size) &&
                                (!rules->most_size || size <= *rules->most_size));
}

ATTUNE_DECL bool keeps_text_rules(const Rules* rules, std::string_view text) {
    if (rules == nullptr) {
        return true;
    }
    const std::vector<std::string>& choices = rules->strings;
    const Pattern& pattern = rules->pattern;
    return keeps_size(rules, text.size()) &&
           (choices.empty() || std::find(choices.begin(), choices.end(), text) != choices.end()) &&
           (!pattern ||
            (text.size() <= max_pattern_input && pattern.match(pattern.program.get(), text)));
}

ATTUNE_DECL bool keeps_number_rules(const Type& type, const Rules* rules, const void* object) {
    const Quantity number = load(type, object);
    if (number.is_real() && !std::isfinite(number.real())) {
        return false;
    }
    const bool chosen =
        rules == nullptr || rules->numbers.empty() ||
        std::find(rules->numbers.begin(), rules->numbers.end(), number) != rules->numbers.end();
    return chosen && range_of(type, rules).contains(number);
}

ATTUNE_DECL bool has_name(const EnumType& type, const void* object) {
    const Quantity number = load(type, object);
    const Enumerators& names = type.names();
    return std::any_of(names.begin(), names.end(), [&number](const Enumerator& enumerator) {
        return number == enumerator.value;
    });
}

ATTUNE_DECL bool is_readable(const Type& type, const Rules* rules, const void* object);

ATTUNE_DECL bool is_readable_map(const MapType& type, const void* object) {
    struct Context {
        const Type& element;
        bool readable;
    } context{type.element, true};
    type.visit(object, &context, [](void* opaque, const std::string&, const void* value) {
        Context& c = *static_cast<Context*>(opaque);
        c.readable = c.readable && is_readable(c.element, nullptr, value);
    });
    return context.readable;
}

ATTUNE_DECL bool is_readable_struct(const Structure& structure, const void* object) {
    const auto* const base = static_cast<const std::byte*>(object);
    for (const FieldInfo& field : structure.fields) {
        const void* const member = base + field.offset;
        const bool empty = field.type->shape == Shape::optional &&
                           static_cast<const OptionalType*>(field.type)->get(member) == nullptr;
        if ((field.required && empty) || !is_readable(*field.type, field.rules.get(), member)) {
            return false;
        }
    }
    return std::all_of(structure.checks.begin(), structure.checks.end(),
                       [object](const CheckInfo& check) {
                           try {
                               return check.call(check.function.get(), object);
                           } catch (...) {
                               return false;
                           }
                       });
}

/// Would a decoder take what an encoder makes of the object?
ATTUNE_DECL bool is_readable(const Type& type, const Rules* rules, const void* object) {
    switch (type.shape) {
    case Shape::integer:
    case Shape::real:
    case Shape::duration:
    case Shape::bytes: return keeps_number_rules(type, rules, object);
    case Shape::enumeration:
        return has_name(static_cast<const EnumType&>(type), object) &&
               keeps_number_rules(type, rules, object);
    case Shape::string: return keeps_text_rules(rules, *static_cast<const std::string*>(object));
    case Shape::path:
        return keeps_text_rules(rules, static_cast<const PathType&>(type).text(object));
    case Shape::optional: {
        const auto& optional = static_cast<const OptionalType&>(type);
        const void* const inner = optional.get(object);
        return inner == nullptr || is_readable(optional.inner, rules, inner);
    }
    case Shape::secret: {
        const auto& secret = static_cast<const SecretType&>(type);
        return is_readable(secret.inner, rules, secret.reveal(object));
    }
    case Shape::flags: return keeps_size(rules, static_cast<const FlagsType&>(type).size(object));
    case Shape::list: {
        const auto& list = static_cast<const ListType&>(type);
        bool readable = keeps_size(rules, list.size(object));
        for (std::size_t i = 0; readable && i != list.size(object); ++i) {
            readable = is_readable(list.element, nullptr, list.get(object, i));
        }
        return readable;
    }
    case Shape::array: {
        const auto& array = static_cast<const ArrayType&>(type);
        const auto* element = static_cast<const std::byte*>(object);
        bool readable = true;
        for (std::size_t i = 0; readable && i != array.count; ++i, element += array.stride) {
            readable = is_readable(array.element, nullptr, element);
        }
        return readable;
    }
    case Shape::map: {
        const auto& map = static_cast<const MapType&>(type);
        return keeps_size(rules, map.size(object)) && is_readable_map(map, object);
    }
    case Shape::variant: {
        const auto& variant = static_cast<const VariantType&>(type);
        const std::size_t index = variant.index(object);
        return index < variant.count &&
               is_readable(*variant.alternatives[index], nullptr, variant.get(object));
    }
    case Shape::structure: return is_readable_struct(structure_of(type), object);
    case Shape::boolean:
    case Shape::document:
    case Shape::external: break;
    }
    return true;
}

ATTUNE_DECL std::optional<Document> default_value(const Type& type, const Rules* rules,
                                                  const void* object) {
    if (!is_readable(type, rules, object)) {
        return std::nullopt;
    }
    Document value = encode(type, object, true);
    if (has_secrets(type) && value != encode(type, object, false)) {
        return std::nullopt;
    }
    return value;
}

ATTUNE_DECL bool must_be_present(const Type& type) {
    if (type.shape == Shape::secret) {
        return must_be_present(static_cast<const SecretType&>(type).inner);
    }
    if (type.shape != Shape::structure) {
        return false;
    }
    const std::vector<FieldInfo>& fields = structure_of(type).fields;
    return std::any_of(fields.begin(), fields.end(), [](const FieldInfo& field) {
        return field.required || must_be_present(*field.type);
    });
}

}  // namespace attune::inline ATTUNE_ABI::detail
