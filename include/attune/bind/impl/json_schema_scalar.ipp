#pragma once

#include <attune/bind/enum_names.hpp>
#include <attune/bind/expected.hpp>
#include <attune/bind/json_pattern.hpp>
#include <attune/bind/number.hpp>
#include <attune/bind/structure.hpp>
#include <attune/bind/type.hpp>
#include <attune/document/document.hpp>
#include <attune/document/impl/build.hpp>
#include <attune/document/path.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// The parts of a JSON Schema that know nothing of the place they stand at.

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL void set_member(Document& object, std::string_view key, Document value) {
    object = object.with(Path() / key, std::move(value));
}

ATTUNE_DECL Document json_array(std::vector<Document> elements) {
    return make_array(elements.data(), elements.size());
}

ATTUNE_DECL Document json_number(const Quantity& number) {
    if (number.is_real()) {
        return number.real();
    }
    return number.is_negative() ? Document(static_cast<std::int64_t>(number.bits()))
                                : Document(number.bits());
}

ATTUNE_DECL Document json_numbers(const std::vector<Quantity>& numbers) {
    std::vector<Document> all;
    for (const Quantity& number : numbers) {
        all.push_back(json_number(number));
    }
    return json_array(std::move(all));
}

/// "left; right", without the empty ones.
ATTUNE_DECL std::string joined(std::string left, std::string_view right) {
    if (!left.empty() && !right.empty()) {
        left += "; ";
    }
    return left.append(right);
}

/// Extends a schema for a value by null.
ATTUNE_DECL void allow_null(Document& schema) {
    const Document null_type = Document::object().with("type", "null");
    if (schema == Document::object()) {
        return;  // anything goes
    }
    if (const Document* const choices = schema.find("enum")) {
        set_member(schema, "enum", choices->with("-", nullptr));
    }
    if (const Document* const type = schema.find("type")) {
        set_member(schema, "type", json_array({*type, "null"}));
    } else if (const Document* const alternatives = schema.find("anyOf")) {
        set_member(schema, "anyOf", alternatives->with("-", null_type));
    } else if (schema.find("enum") == nullptr) {
        schema = Document::object().with("anyOf", json_array({schema, null_type}));
    }
}

// Scalars; null is not among their values. What a schema cannot say is added to `note`.

ATTUNE_DECL void put_range(Document& schema, const Range& range) {
    if (range.least && std::isfinite(range.least->real())) {
        set_member(schema, "minimum", json_number(*range.least));
    }
    if (range.most && std::isfinite(range.most->real())) {
        set_member(schema, "maximum", json_number(*range.most));
    }
}

ATTUNE_DECL Document number_schema(const Type& type, const Rules* rules) {
    Document schema =
        Document::object().with("type", type.shape == Shape::real ? "number" : "integer");
    Range range = range_of(type, rules);
    if (type.shape == Shape::bytes && !range.least) {
        range.least = std::uint64_t{0};
    }
    if (type.shape == Shape::bytes && !range.most) {
        range.most = most_of(IntegerFormat{8, false});
    }
    if (type.shape == Shape::real &&
        static_cast<const RealType&>(type).format == RealFormat::single) {
        const Quantity most = most_of(RealFormat::single);
        const Quantity least = -most.real();
        range.most = range.most && *range.most <= most ? range.most : most;
        range.least = range.least && *range.least >= least ? range.least : least;
    }
    put_range(schema, range);
    if (rules != nullptr && !rules->numbers.empty()) {
        set_member(schema, "enum", json_numbers(rules->numbers));
    }
    return schema;
}

ATTUNE_DECL Document string_schema(const Type& type, const Rules* rules, std::string& note) {
    Document schema = Document::object().with("type", "string");
    if (rules == nullptr) {
        return schema;
    }
    // Rules count bytes. A character is one to four of them.
    const std::size_t least = rules->least_size.value_or(0);
    std::optional<std::size_t> most = rules->most_size;
    if (rules->pattern) {
        most = std::min(most.value_or(max_pattern_input), max_pattern_input);
    }
    if (least != 0) {
        set_member(schema, "minLength", (least + 3) / 4);
    }
    if (most) {
        set_member(schema, "maxLength", *most);
    }
    std::optional<std::string> pattern;
    if (rules->pattern) {
        pattern = json_pattern(rules->pattern.text);
        if (pattern) {
            set_member(schema, "pattern", *pattern);
        }
    }
    if (!rules->strings.empty()) {
        set_member(schema, "enum",
                   json_array(std::vector<Document>(rules->strings.begin(), rules->strings.end())));
    } else if (least > 1 || rules->most_size || (rules->pattern && !pattern)) {
        note = expected(type, rules);
    }
    return schema;
}

ATTUNE_DECL Document enumeration_schema(const EnumType& type, const Rules* rules) {
    std::vector<Document> names;
    for (const Enumerator& enumerator : type.names()) {
        const Quantity value = enumerator.value;
        if (rules == nullptr || rules->numbers.empty() ||
            std::find(rules->numbers.begin(), rules->numbers.end(), value) !=
                rules->numbers.end()) {
            names.emplace_back(enumerator.name);
        }
    }
    return Document::object().with("type", "string").with("enum", json_array(std::move(names)));
}

ATTUNE_DECL bool has_number_rules(const Rules* rules) noexcept {
    return rules != nullptr && (rules->least || rules->most || !rules->numbers.empty());
}

/// Durations as text, `1h30m`; below zero where the range is.
ATTUNE_DECL Document duration_text_schema(bool may_be_negative) {
    constexpr std::string_view number = "(?:[0-9]+(?:\\.[0-9]+)?";
    // Zero may have a minus as well.
    std::string pattern = may_be_negative ? "^-?" : "^(?!-.*[1-9])-?";
    pattern += "(?:0|(?=[0-9])";
    for (const std::string_view unit : {"d", "h", "m", "s", "ms", "us", "ns"}) {
        pattern.append(number).append(unit).append(")?");
    }
    pattern += ")$";
    return Document::object().with("type", "string").with("pattern", std::move(pattern));
}

ATTUNE_DECL Document bytes_text_schema() {
    return Document::object()
        .with("type", "string")
        .with("pattern", "^[0-9]+(?:\\.[0-9]+)?(?:B|kB|[MGTPE]B|[KMGTPE]iB)?$");
}

ATTUNE_DECL void put_sizes(Document& schema, const Rules* rules, std::string_view least,
                           std::string_view most) {
    if (rules != nullptr && rules->least_size && *rules->least_size != 0) {
        set_member(schema, least, *rules->least_size);
    }
    if (rules != nullptr && rules->most_size) {
        set_member(schema, most, *rules->most_size);
    }
}

}  // namespace attune::inline ATTUNE_ABI::detail
