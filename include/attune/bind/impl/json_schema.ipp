#pragma once

#include <attune/bind/decode.hpp>
#include <attune/bind/default_value.hpp>
#include <attune/bind/equal.hpp>
#include <attune/bind/expected.hpp>
#include <attune/bind/impl/decoder.hpp>
#include <attune/bind/impl/json_schema_scalar.ipp>
#include <attune/bind/json_schema.hpp>
#include <attune/document/impl/build.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

/// Writes one schema.
class JsonSchema {
public:
    explicit JsonSchema(std::span<const Bound> roots) {
        for (const Bound& root : roots) {
            count(*root.type);
            roots_.push_back(&root);
        }
        std::stable_sort(roots_.begin(), roots_.end(),
                         [](const Bound* a, const Bound* b) { return a->path < b->path; });
    }

    Document write() && {
        Document schema = along(roots_, 0).schema;
        set_member(schema, "$schema", "https://json-schema.org/draft/2020-12/schema");
        for (const Definition& definition : definitions_) {
            schema = schema.with(Path("$defs") / definition.name, definition.schema);
        }
        return schema;
    }

private:
    struct Uses {
        const Type* type;
        std::size_t count;
    };

    struct Definition {
        const Type* type;  ///< null for a form of text
        bool secret;
        std::string name;
        Document schema;
    };

    /// What there is to know about the place of a value.
    struct Place {
        std::string_view name;             ///< of the member that leads here
        const FieldInfo* field = nullptr;  ///< null unless it is a field itself
        const void* fallback = nullptr;    ///< its default; null when that is not known
        bool secret = false;               ///< inside a secret
        bool nullable = false;
    };

    void count(const Type& type) {
        switch (type.shape) {
        case Shape::optional: return count(static_cast<const OptionalType&>(type).inner);
        case Shape::secret: return count(static_cast<const SecretType&>(type).inner);
        case Shape::list: return count(static_cast<const ListType&>(type).element);
        case Shape::array: return count(static_cast<const ArrayType&>(type).element);
        case Shape::map: return count(static_cast<const MapType&>(type).element);
        case Shape::variant: {
            const auto& variant = static_cast<const VariantType&>(type);
            for (std::size_t i = 0; i != variant.count; ++i) {
                count(*variant.alternatives[i]);
            }
            return;
        }
        case Shape::structure: break;
        default: return;
        }
        for (Uses& uses : uses_) {
            if (uses.type == &type) {
                ++uses.count;
                return;
            }
        }
        uses_.push_back({&type, 1});
        for (const FieldInfo& field : structure_of(type).fields) {
            count(*field.type);
        }
    }

    bool is_shared(const Type& type) const {
        return std::any_of(uses_.begin(), uses_.end(), [&type](const Uses& uses) {
            return uses.type == &type && uses.count > 1;
        });
    }

    struct Along {
        Document schema;
        bool required;
    };

    /// What the roots want of a place; their paths are alike up to there.
    Along along(std::span<const Bound* const> roots, std::size_t depth) {
        std::vector<Document> schemas;
        bool required = false;
        const Type* last = nullptr;
        while (!roots.empty() && roots.front()->path.size() == depth) {
            const Bound& root = *roots.front();
            roots = roots.subspan(1);
            const bool present = must_be_present(*root.type);
            required = required || present;
            if (root.type != last) {
                last = root.type;
                const std::string_view name =
                    depth == 0 ? std::string_view("root") : root.path.back();
                schemas.push_back(value(*last, {.name = name, .nullable = !present}));
            }
        }
        if (!roots.empty() || schemas.empty()) {
            Along below = members_along(roots, depth);
            required = required || below.required;
            schemas.push_back(std::move(below.schema));
        }
        if (schemas.size() == 1) {
            return {std::move(schemas.front()), required};
        }
        return {Document::object().with("allOf", json_array(std::move(schemas))), required};
    }

    Along members_along(std::span<const Bound* const> roots, std::size_t depth) {
        Document properties = Document::object();
        std::vector<Document> required;
        bool indexed = false;
        while (!roots.empty()) {
            const std::string& token = roots.front()->path.tokens()[depth];
            std::size_t alike = 1;
            while (alike != roots.size() && roots[alike]->path.tokens()[depth] == token) {
                ++alike;
            }
            Along member = along(roots.first(alike), depth + 1);
            roots = roots.subspan(alike);
            set_member(properties, token, std::move(member.schema));
            indexed = indexed || element_index(token);
            if (member.required) {
                required.emplace_back(token);
            }
        }
        const bool any_required = !required.empty();
        Document schema = Document::object().with("type", "object");
        set_member(schema, "properties", std::move(properties));
        if (any_required) {
            set_member(schema, "required", json_array(std::move(required)));
        }
        if (indexed) {
            // The path may lead into a list; of its elements nothing is said.
            schema = Document::object().with(
                "anyOf", json_array({schema, Document::object().with("type", "array")}));
        }
        if (!any_required) {
            allow_null(schema);
        }
        return {std::move(schema), any_required};
    }

    Document value(const Type& at, Place place) {
        const FieldInfo* const field = place.field;
        const Rules* const rules = field != nullptr ? field->rules.get() : nullptr;
        bool hidden = field != nullptr && field->secret;
        const void* object = place.fallback;
        const Type* type = &at;
        for (;;) {
            if (type->shape == Shape::optional) {
                const auto& optional = static_cast<const OptionalType&>(*type);
                object = object != nullptr ? optional.get(object) : nullptr;
                type = &optional.inner;
            } else if (type->shape == Shape::secret) {
                hidden = true;
                type = &static_cast<const SecretType&>(*type).inner;
            } else {
                break;
            }
        }
        const bool secret = place.secret || hidden;
        std::string note;
        const bool nullable = place.nullable;
        place.secret = secret;
        place.fallback = secret ? nullptr : object;
        Document schema = plain(*type, rules, place, note);
        if (nullable) {
            allow_null(schema);
        } else if (schema == Document::object()) {
            schema = Document::object().with("not", Document::object().with("type", "null"));
        }
        if (hidden) {
            set_member(schema, "writeOnly", true);
        }
        if (std::string text = joined(field != nullptr ? field->doc : std::string(), note);
            !text.empty()) {
            set_member(schema, "description", std::move(text));
        }
        return schema;
    }

    Document plain(const Type& type, const Rules* rules, const Place& place, std::string& note) {
        const Document schema = Document::object();
        switch (type.shape) {
        case Shape::boolean: return schema.with("type", "boolean");
        case Shape::integer:
        case Shape::real: return number_schema(type, rules);
        case Shape::string:
        case Shape::path: return string_schema(type, rules, note);
        case Shape::enumeration:
            return enumeration_schema(static_cast<const EnumType&>(type), rules);
        case Shape::duration: return duration(type, rules, note);
        case Shape::bytes: return bytes(type, rules, note);
        case Shape::flags: return list(type_of<bool>(), rules, place);
        case Shape::list: return list(static_cast<const ListType&>(type).element, rules, place);
        case Shape::array: {
            const auto& array = static_cast<const ArrayType&>(type);
            return list(array.element, nullptr, place)
                .with("minItems", array.count)
                .with("maxItems", array.count);
        }
        case Shape::map: return map(static_cast<const MapType&>(type).element, rules, place);
        case Shape::variant: return variant(static_cast<const VariantType&>(type), place);
        case Shape::structure: return structure(type, place);
        default: return schema;
        }
    }

    Document duration(const Type& type, const Rules* rules, std::string& note) {
        const Range range = range_of(type, rules);
        const Quantity zero = 0;
        const bool may_be_negative = !range.least || *range.least < zero;
        const Document text = text_form(may_be_negative ? "duration" : "duration-not-negative",
                                        duration_text_schema(may_be_negative));
        const bool may_be_zero =
            rules == nullptr || rules->numbers.empty() ||
            std::find(rules->numbers.begin(), rules->numbers.end(), zero) != rules->numbers.end();
        if (has_number_rules(rules)) {
            note = expected(type, rules);
        }
        if (!range.contains(zero) || !may_be_zero) {
            return text;
        }
        return Document::object().with("anyOf",
                                       json_array({text, Document::object().with("const", 0)}));
    }

    Document bytes(const Type& type, const Rules* rules, std::string& note) {
        if (has_number_rules(rules)) {
            note = expected(type, rules);
        }
        return Document::object().with("anyOf", json_array({text_form("size", bytes_text_schema()),
                                                            number_schema(type, rules)}));
    }

    /// A reference to the schema of a form of text, which is long and often needed.
    Document text_form(std::string_view name, const Document& schema) {
        for (const Definition& known : definitions_) {
            if (known.type == nullptr && known.schema == schema) {
                return reference(known);
            }
        }
        definitions_.push_back({nullptr, false, fresh_name(name), schema});
        return reference(definitions_.back());
    }

    static Document reference(const Definition& definition) {
        return Document::object().with("$ref", "#/$defs/" + definition.name);
    }

    Document list(const Type& element, const Rules* rules, const Place& place) {
        Document schema = Document::object().with("type", "array");
        set_member(schema, "items",
                   value(element, {.name = place.name,
                                   .secret = place.secret,
                                   .nullable = takes_null(element)}));
        put_sizes(schema, rules, "minItems", "maxItems");
        return schema;
    }

    Document map(const Type& element, const Rules* rules, const Place& place) {
        Document schema = Document::object().with("type", "object");
        set_member(schema, "additionalProperties",
                   value(element, {.name = place.name, .secret = place.secret, .nullable = true}));
        put_sizes(schema, rules, "minProperties", "maxProperties");
        if (takes_null(element)) {
            return schema;
        }
        // Otherwise members that are null do not count.
        const Document object = Document::object().with("type", "object");
        const Document null_type = Document::object().with("type", "null");
        if (schema.find("minProperties") != nullptr) {
            set_member(schema, "not", object.with("additionalProperties", null_type));
        }
        if (const Document* const most = schema.find("maxProperties")) {
            const Document no_null = Document::object().with("not", null_type);
            const Document some_null =
                Document::object().with("not", object.with("additionalProperties", no_null));
            set_member(schema, "anyOf",
                       json_array({object.with("maxProperties", *most), some_null}));
            schema = schema.without("maxProperties");
        }
        return schema;
    }

    Document variant(const VariantType& type, const Place& place) {
        std::vector<Document> alternatives;
        for (std::size_t i = 0; i != type.count; ++i) {
            alternatives.push_back(value(*type.alternatives[i],
                                         {.name = place.name, .secret = place.secret}));
        }
        return Document::object().with("anyOf", json_array(std::move(alternatives)));
    }

    /// A struct whose default is not that of its type stands where it is, since its members have
    /// other defaults than elsewhere.
    Document structure(const Type& type, const Place& place) {
        const void* const own = structure_of(type).defaults.get();
        if (place.fallback != nullptr && !equal(type, place.fallback, own)) {
            return body(type, place.fallback, false);
        }
        if (!is_shared(type)) {
            return body(type, place.secret ? nullptr : own, place.secret);
        }
        return reference(definition(type, place));
    }

    const Definition& definition(const Type& type, const Place& place) {
        for (const Definition& known : definitions_) {
            if (known.type == &type && known.secret == place.secret) {
                return known;
            }
        }
        const std::size_t index = definitions_.size();
        definitions_.push_back({&type, place.secret, fresh_name(place.name), {}});
        const void* const own = structure_of(type).defaults.get();
        Document schema = body(type, place.secret ? nullptr : own, place.secret);
        definitions_[index].schema = std::move(schema);
        return definitions_[index];
    }

    std::string fresh_name(std::string_view hint) const {
        std::string base;
        for (const char c : hint) {
            const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                               (c >= '0' && c <= '9') || c == '-' || c == '.';
            base += plain ? c : '_';
        }
        std::string name = base.empty() ? "struct" : base;
        const auto taken = [&name](const Definition& known) { return known.name == name; };
        for (std::size_t n = 2; std::any_of(definitions_.begin(), definitions_.end(), taken); ++n) {
            name = base + '_' + std::to_string(n);
        }
        return name;
    }

    /// `object` has the defaults of the members; null when they are not told.
    Document body(const Type& type, const void* object, bool secret) {
        const Structure& structure = structure_of(type);
        Document properties = Document::object();
        std::vector<Document> required;
        for (const FieldInfo& field : structure.fields) {
            const bool present = field.required || must_be_present(*field.type);
            if (present) {
                required.emplace_back(field.name);
            }
            const void* const member =
                object == nullptr ? nullptr : static_cast<const std::byte*>(object) + field.offset;
            Document schema = value(*field.type, {.name = field.name,
                                                  .field = &field,
                                                  .fallback = member,
                                                  .secret = secret,
                                                  .nullable = !present});
            // The members of a struct have defaults of their own.
            if (!present && member != nullptr && !field.secret &&
                field.type->shape != Shape::structure && field.type->shape != Shape::secret) {
                if (auto fallback = default_value(*field.type, field.rules.get(), member)) {
                    set_member(schema, "default", std::move(*fallback));
                }
            }
            set_member(properties, field.name, std::move(schema));
        }
        Document schema = Document::object().with("type", "object");
        set_member(schema, "properties", std::move(properties));
        set_member(schema, "additionalProperties", false);
        if (!required.empty()) {
            set_member(schema, "required", json_array(std::move(required)));
        }
        std::string text = structure.doc;
        for (const CheckInfo& check : structure.checks) {
            text = joined(std::move(text), check.text);
        }
        if (!text.empty()) {
            set_member(schema, "description", std::move(text));
        }
        return schema;
    }

    std::vector<const Bound*> roots_;  // by path
    std::vector<Uses> uses_;
    std::vector<Definition> definitions_;
};

ATTUNE_DECL Document json_schema(std::span<const Bound> roots) { return JsonSchema(roots).write(); }

}  // namespace attune::inline ATTUNE_ABI::detail
