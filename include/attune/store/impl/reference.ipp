#pragma once

#include <attune/bind/default_value.hpp>
#include <attune/bind/example_value.hpp>
#include <attune/bind/expected.hpp>
#include <attune/bind/structure.hpp>
#include <attune/bind/type.hpp>
#include <attune/document/document.hpp>
#include <attune/store/impl/sample_text.ipp>
#include <attune/store/reference.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

/// Turns descriptions of types into entries.
class SampleBuilder {
public:
    explicit SampleBuilder(const Spellings& spellings) : spellings_(spellings) {}

    /// Adds what is bound at a path: one entry, and one more for each other alternative of a
    /// variant.
    void add_root(const Bound& root, std::vector<SampleEntry>& entries) {
        Place place;
        place.path = root.path;
        place.is_root = true;
        add(*root.type, place, entries);
    }

private:
    using Form = SampleEntry::Form;

    struct Place {
        Path path;
        const FieldInfo* field = nullptr;
        const void* fallback = nullptr;  ///< the default; null when there is none
        bool secret = false;             ///< inside a secret
        bool is_root = false;
    };

    /// A type without what only says whether there is a value and who may see it.
    struct Plain {
        const Type* type;
        const void* object;
        bool secret;
        bool unset = false;  ///< an optional that is empty
    };

    static Plain plain(const Type& at, const void* object, bool secret) {
        Plain plain{&at, object, secret};
        for (;;) {
            if (plain.type->shape == Shape::optional) {
                const auto& optional = static_cast<const OptionalType&>(*plain.type);
                plain.object = plain.object != nullptr ? optional.get(plain.object) : nullptr;
                plain.unset = plain.unset || plain.object == nullptr;
                plain.type = &optional.inner;
            } else if (plain.type->shape == Shape::secret) {
                const auto& hidden = static_cast<const SecretType&>(*plain.type);
                plain.object = plain.object != nullptr ? hidden.reveal(plain.object) : nullptr;
                plain.secret = true;
                plain.type = &hidden.inner;
            } else {
                return plain;
            }
        }
    }

    bool is_around(const Type& type) const {
        return std::find(around_.begin(), around_.end(), &type) != around_.end();
    }

    void add(const Type& at, const Place& place, std::vector<SampleEntry>& entries) {
        const FieldInfo* const field = place.field;
        const Rules* const rules = field != nullptr ? field->rules.get() : nullptr;
        const bool required = field != nullptr && field->required;
        const bool hidden = place.secret || (field != nullptr && field->secret);
        const Plain inner = plain(at, place.fallback, hidden);

        SampleEntry entry;
        entry.has_key = !place.path.empty();
        entry.key = entry.has_key ? place.path.back() : std::string();
        if (field != nullptr) {
            note(entry, field->doc);
        }
        if (inner.type->shape == Shape::structure && !is_around(*inner.type)) {
            const Structure& structure = structure_of(*inner.type);
            if (field == nullptr || field->doc != structure.doc) {
                note(entry, structure.doc);
            }
            note(entry, required ? "required" : inner.unset ? "not set by default" : "");
            entry.form = Form::object;
            entry.active = required ? commented_ : !inner.unset;
            const bool commented = std::exchange(commented_, commented_ || !entry.active);
            add_fields(*inner.type, inner.object, inner.secret, place.path, entry.items);
            commented_ = commented;
            entries.push_back(std::move(entry));
            return;
        }
        std::optional<Document> fallback;
        if (!required && !inner.secret && !inner.unset) {
            fallback = place.fallback != nullptr ? default_value(at, rules, place.fallback)
                       : place.is_root           ? initial_value(*inner.type)
                                                 : std::nullopt;
        }
        note(entry, expected(*inner.type, rules) + remark(place, inner, required, fallback));
        if (!in_example_) {
            note(entry, spellings_.of(place.path, *inner.type));
        }
        entry.active = fallback.has_value() || (required && commented_);
        if (inner.type->shape == Shape::variant) {
            add_alternatives(static_cast<const VariantType&>(*inner.type), inner, std::move(entry),
                             fallback, entries);
            return;
        }
        if (!fallback) {
            fill(entry, *inner.type, rules);
        } else {
            show(entry, *inner.type, *fallback);
        }
        entries.push_back(std::move(entry));
    }

    static const char* remark(const Place& place, const Plain& inner, bool required,
                              const std::optional<Document>& fallback) {
        if (required) {
            return inner.secret ? "; required, secret" : "; required";
        }
        if (inner.secret) {
            return "; secret";
        }
        if (inner.unset) {
            return "; not set by default";
        }
        return fallback || place.is_root ? "" : "; the default cannot be written";
    }

    static void note(SampleEntry& entry, std::string text) {
        if (!text.empty()) {
            entry.notes.push_back(std::move(text));
        }
    }

    void add_fields(const Type& type, const void* object, bool secret, const Path& path,
                    std::vector<SampleEntry>& entries) {
        const Structure& structure = structure_of(type);
        const auto* const base =
            static_cast<const std::byte*>(object != nullptr ? object : structure.defaults.get());
        around_.push_back(&type);
        for (const FieldInfo& field : structure.fields) {
            Place place;
            place.path = path / field.name;
            place.field = &field;
            place.fallback = base + field.offset;
            place.secret = secret;
            add(*field.type, place, entries);
        }
        around_.pop_back();
    }

    /// The default, and the other alternatives below it. The notes stand above the first.
    void add_alternatives(const VariantType& variant, const Plain& inner, SampleEntry entry,
                          const std::optional<Document>& fallback,
                          std::vector<SampleEntry>& entries) {
        std::size_t shown = variant.count;
        if (fallback) {
            shown = variant.index(inner.object);
            entry.value = *fallback;
            entries.push_back(entry);
            entry.notes.clear();
            entry.value = {};
        }
        for (std::size_t i = 0; i != variant.count; ++i) {
            if (i != shown) {
                SampleEntry other = entry;
                other.active = false;
                fill(other, *variant.alternatives[i], nullptr);
                entries.push_back(std::move(other));
                entry.notes.clear();
            }
        }
    }

    /// Shows a default. Below one that is empty, what an item would look like.
    void show(SampleEntry& entry, const Type& type, const Document& value) {
        const bool nested = type.shape == Shape::list || type.shape == Shape::map;
        if (nested && value.size() == 0) {
            fill(entry, type, nullptr);
            for (SampleEntry& item : entry.items) {
                item.active = false;
            }
        } else {
            entry.value = value;
        }
    }

    /// Makes up a value.
    void fill(SampleEntry& entry, const Type& at, const Rules* rules) {
        const bool in_example = std::exchange(in_example_, true);
        const bool commented = std::exchange(commented_, true);
        const Type& type = *plain(at, nullptr, false).type;
        const std::size_t least = rules != nullptr && rules->least_size
                                      ? std::min<std::size_t>(*rules->least_size, 3)
                                      : std::size_t{1};
        switch (type.shape) {
        case Shape::flags:
            fill_items(entry, type_of<bool>(), std::max<std::size_t>(least, 1), Form::array);
            break;
        case Shape::list:
            fill_items(entry, static_cast<const ListType&>(type).element,
                       std::max<std::size_t>(least, 1), Form::array);
            break;
        case Shape::array: {
            const auto& array = static_cast<const ArrayType&>(type);
            fill_items(entry, array.element, array.count, Form::array);
            break;
        }
        case Shape::map:
            fill_items(entry, static_cast<const MapType&>(type).element,
                       std::max<std::size_t>(least, 1), Form::object);
            break;
        case Shape::variant:
            fill(entry, *static_cast<const VariantType&>(type).alternatives[0], nullptr);
            break;
        case Shape::structure:
            entry.form = Form::object;
            if (!is_around(type)) {
                add_fields(type, nullptr, false, {}, entry.items);
            }
            break;
        default: entry.value = example_value(type, rules);
        }
        in_example_ = in_example;
        commented_ = commented;
    }

    void fill_items(SampleEntry& entry, const Type& element, std::size_t count, Form form) {
        entry.form = form;
        for (std::size_t i = 0; i != count; ++i) {
            SampleEntry& item = entry.items.emplace_back();
            item.has_key = form == Form::object;
            item.key = i == 0 ? "<key>" : "<key " + std::to_string(i + 1) + '>';
            fill(item, element, nullptr);
        }
    }

    const Spellings& spellings_;
    std::vector<const Type*> around_;  // structs, from the outermost
    bool in_example_ = false;          // at no place that has a name elsewhere
    bool commented_ = false;           // in something that is commented out as a whole
};

/// The roots by their paths, in the order they were bound.
struct SampleTree {
    std::string token;
    bool is_top = false;
    const Bound* root = nullptr;
    std::vector<std::unique_ptr<SampleTree>> children;

    void insert(const Bound& bound) {
        SampleTree* tree = this;
        for (const std::string& next : bound.path.tokens()) {
            tree = &tree->child(next);
        }
        tree->root = tree->root != nullptr ? tree->root : &bound;
    }

    void add_to(std::vector<SampleEntry>& entries, SampleBuilder& builder) const {
        if (root == nullptr) {
            SampleEntry entry;
            entry.key = token;
            entry.has_key = !is_top;
            entry.form = SampleEntry::Form::object;
            add_children(entry, builder);
            entries.push_back(std::move(entry));
            return;
        }
        const std::size_t first = entries.size();
        builder.add_root(*root, entries);
        const Shape shape = plain_type(*root->type).shape;
        if (!children.empty() &&
            (shape == Shape::document || shape == Shape::external || shape == Shape::map)) {
            // To write what is below would be to set this.
            entries[first].form = SampleEntry::Form::object;
            entries[first].active = is_top;
            add_children(entries[first], builder);
        }
    }

private:
    SampleTree& child(const std::string& next) {
        for (const auto& known : children) {
            if (known->token == next) {
                return *known;
            }
        }
        children.push_back(std::make_unique<SampleTree>());
        children.back()->token = next;
        return *children.back();
    }

    void add_children(SampleEntry& entry, SampleBuilder& builder) const {
        for (const auto& below : children) {
            below->add_to(entry.items, builder);
        }
    }
};

ATTUNE_DECL std::string reference_text(std::span<const Bound> roots, const Spellings& spellings) {
    constexpr std::size_t page = 100;
    SampleTree tree;
    tree.is_top = true;
    for (const Bound& root : roots) {
        tree.insert(root);
    }
    SampleBuilder builder(spellings);
    std::vector<SampleEntry> entries;
    tree.add_to(entries, builder);

    std::string text =
        "// Every setting, with its default. What is commented out has none, or is an example.\n";
    bool active = false;
    for (const SampleEntry& entry : entries) {
        active = active || entry.active;
        for (const std::string& line : SampleText::lines_of(entry, page)) {
            text += line + '\n';
        }
        if (entry.active) {
            text.erase(text.size() - 2, 1);  // nothing comes after the whole
        }
    }
    return active ? text : text + "null\n";
}

}  // namespace attune::inline ATTUNE_ABI::detail
