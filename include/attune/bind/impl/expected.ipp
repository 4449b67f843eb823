#pragma once

#include <attune/bind/bytes.hpp>
#include <attune/bind/duration.hpp>
#include <attune/bind/expected.hpp>
#include <attune/bind/number.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL Range range_of(const Type& type, const Rules* rules) {
    Range range;
    if (type.shape == Shape::integer) {
        const IntegerFormat format = static_cast<const IntegerType&>(type).format;
        range = {least_of(format), most_of(format)};
    } else if (type.shape == Shape::duration) {
        const auto& duration = static_cast<const DurationType&>(type);
        if (duration.real == RealFormat::none) {
            range = {least_of(duration.integer), most_of(duration.integer)};
        }
    }
    if (rules != nullptr && rules->least) {
        range.least = rules->least;
    }
    if (rules != nullptr && rules->most) {
        range.most = rules->most;
    }
    return range;
}

ATTUNE_DECL Quantity load(const Type& type, const void* object) noexcept {
    switch (type.shape) {
    case Shape::integer: return load_integer(static_cast<const IntegerType&>(type).format, object);
    case Shape::enumeration: return load_integer(static_cast<const EnumType&>(type).format, object);
    case Shape::real: return load_real(static_cast<const RealType&>(type).format, object);
    case Shape::bytes: return static_cast<const Bytes*>(object)->count;
    case Shape::duration: {
        const auto& duration = static_cast<const DurationType&>(type);
        return duration.real == RealFormat::none ? load_integer(duration.integer, object)
                                                 : load_real(duration.real, object);
    }
    default: return {};
    }
}

ATTUNE_DECL std::string number_text(const Type& type, const Quantity& number) {
    switch (type.shape) {
    case Shape::bytes: return to_string(Bytes{number.bits()});
    case Shape::duration:
        return write_duration(number, static_cast<const DurationType&>(type).tick);
    case Shape::enumeration:
        for (const Enumerator& enumerator : static_cast<const EnumType&>(type).names()) {
            if (number == enumerator.value) {
                return std::string(enumerator.name);
            }
        }
        return to_text(number);
    default: return to_text(number);
    }
}

ATTUNE_DECL std::string in_range(const Type& type, std::string_view noun, const Range& range) {
    std::string text(noun);
    if (range.least && range.most) {
        text +=
            " in [" + number_text(type, *range.least) + ", " + number_text(type, *range.most) + ']';
    } else if (range.least) {
        text += " of at least " + number_text(type, *range.least);
    } else if (range.most) {
        text += " of at most " + number_text(type, *range.most);
    }
    return text;
}

ATTUNE_DECL std::string of_size(std::string_view noun, std::string_view unit, const Rules* rules) {
    std::string text(noun);
    if (rules == nullptr || (!rules->least_size && !rules->most_size)) {
        return text;
    }
    const std::size_t last = rules->most_size ? *rules->most_size : *rules->least_size;
    text += " of ";
    if (rules->least_size && rules->most_size) {
        text += std::to_string(*rules->least_size) + " to ";
    } else {
        text += rules->least_size ? "at least " : "at most ";
    }
    text += std::to_string(last) + ' ';
    text += unit;
    if (last != 1) {
        text += 's';
    }
    return text;
}

// "one of a, b, c"
template <class Range, class ToText>
std::string one_of(const Range& range, ToText&& to_text_of) {
    std::string text;
    for (const auto& item : range) {
        text += text.empty() ? "one of " : ", ";
        text += to_text_of(item);
    }
    return text;
}

ATTUNE_DECL std::string expected_integer(const Type& type, const Rules* rules) {
    // The ends of 64 bits tell nobody anything.
    Range range = range_of(type, rules);
    const IntegerFormat format = static_cast<const IntegerType&>(type).format;
    if (format.width == 8 && range.most == most_of(format)) {
        range.most.reset();
        if (format.is_signed && range.least == least_of(format)) {
            range.least.reset();
        }
    } else if (format.width == 8 && format.is_signed && range.least == least_of(format)) {
        range.least.reset();
    }
    return in_range(type, "an integer", range);
}

ATTUNE_DECL std::string expected_string(std::string_view noun, const Rules* rules) {
    std::string text = of_size(noun, "byte", rules);
    if (rules != nullptr && rules->pattern) {
        text += " matching \"" + rules->pattern.text + '"';
    }
    return text;
}

ATTUNE_DECL std::string expected_variant(const VariantType& type) {
    std::string text;
    for (std::size_t i = 0; i < type.count; ++i) {
        const std::string next = expected(*type.alternatives[i], nullptr);
        // Several structs are one "an object" to whoever reads this.
        if (text != next && !text.ends_with(" or " + next)) {
            text += (text.empty() ? "" : " or ") + next;
        }
    }
    return text;
}

ATTUNE_DECL std::string expected(const Type& type, const Rules* rules) {
    if (rules != nullptr && !rules->strings.empty()) {
        return one_of(rules->strings, [](const std::string& text) { return text; });
    }
    if (rules != nullptr && !rules->numbers.empty()) {
        return one_of(rules->numbers,
                      [&type](const Quantity& number) { return number_text(type, number); });
    }
    const Range allowed{rules == nullptr ? std::nullopt : rules->least,
                        rules == nullptr ? std::nullopt : rules->most};
    const bool bounded = allowed.least || allowed.most;
    switch (type.shape) {
    case Shape::boolean: return "true or false";
    case Shape::integer: return expected_integer(type, rules);
    case Shape::real: return in_range(type, "a number", allowed);
    case Shape::string: return expected_string("a string", rules);
    case Shape::path: return expected_string("a path", rules);
    case Shape::enumeration:
        return one_of(static_cast<const EnumType&>(type).names(),
                      [](const Enumerator& enumerator) { return enumerator.name; });
    case Shape::duration:
        return bounded ? in_range(type, "a duration", allowed) : "a duration such as \"250ms\"";
    case Shape::bytes:
        return bounded ? in_range(type, "a size", allowed) : "a size such as \"64MiB\"";
    case Shape::optional: return expected(static_cast<const OptionalType&>(type).inner, rules);
    case Shape::secret: return expected(static_cast<const SecretType&>(type).inner, rules);
    case Shape::flags:
    case Shape::list: return of_size("a list", "item", rules);
    case Shape::array: {
        const std::size_t count = static_cast<const ArrayType&>(type).count;
        return "a list of " + std::to_string(count) + (count == 1 ? " item" : " items");
    }
    case Shape::map: return of_size("an object", "member", rules);
    case Shape::variant: return expected_variant(static_cast<const VariantType&>(type));
    case Shape::structure: return "an object";
    case Shape::document:
    case Shape::external: break;
    }
    return "a value";
}

}  // namespace attune::inline ATTUNE_ABI::detail
