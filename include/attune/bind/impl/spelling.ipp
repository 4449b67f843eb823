#pragma once

#include <attune/bind/encode.hpp>
#include <attune/bind/expected.hpp>
#include <attune/bind/spelling.hpp>
#include <attune/bind/structure.hpp>
#include <attune/bind/type.hpp>
#include <attune/document/parse.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <stdexcept>
#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

// Bytes of letters beyond ASCII count as letters, and keep their case.
ATTUNE_DECL bool is_letter(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           static_cast<unsigned char>(c) >= 0x80;
}
ATTUNE_DECL bool is_upper(char c) noexcept { return c >= 'A' && c <= 'Z'; }
ATTUNE_DECL char to_lower(char c) noexcept {
    return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
}
ATTUNE_DECL char to_upper(char c) noexcept {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

/// What all spellings of a name have in common: its letters and digits, in lower case.
ATTUNE_DECL std::string letters_of(std::string_view name) {
    std::string letters;
    for (const char c : name) {
        if (is_letter(c)) {
            letters += to_lower(c);
        }
    }
    return letters;
}

ATTUNE_DECL bool spelt_alike(std::string_view a, std::string_view b) {
    const std::string letters = letters_of(a);
    return !letters.empty() && letters == letters_of(b);
}

/// The type of the value itself, behind what only says whether there is one and who may see it.
ATTUNE_DECL const Type& plain_type(const Type& type) noexcept {
    const Type* plain = &type;
    for (;;) {
        if (plain->shape == Shape::optional) {
            plain = &static_cast<const OptionalType*>(plain)->inner;
        } else if (plain->shape == Shape::secret) {
            plain = &static_cast<const SecretType*>(plain)->inner;
        } else {
            return *plain;
        }
    }
}

ATTUNE_DECL const Type& map_element(const Type& map) noexcept {
    return plain_type(static_cast<const MapType&>(map).element);
}

/// Tries the words of a variable's name on a bound type.
class VariableSearch {
public:
    explicit VariableSearch(std::string_view name) {
        while (!name.empty()) {
            const std::size_t end = std::min(name.find('_'), name.size());
            if (end != 0) {
                for (char& c : words_.emplace_back(name.substr(0, end))) {
                    c = to_lower(c);
                }
            }
            name.remove_prefix(std::min(end + 1, name.size()));
        }
    }

    std::vector<Target> in(const Bound& root) && {
        std::size_t first = 0;
        for (const std::string& token : root.path.tokens()) {
            const std::size_t end = end_of(token, first);
            if (end == first) {
                return {};
            }
            first = end;
        }
        if (!words_.empty()) {
            descend(*root.type, root.path, first, false);
        }
        return std::move(places_);
    }

private:
    // Recursive types can offer a place for each way to cut a long name. So many are ambiguous,
    // whatever else there is.
    static constexpr std::size_t enough = 8;

    /// Where the words that spell `name` end; `first` when it is not what the next words spell.
    std::size_t end_of(std::string_view name, std::size_t first) const {
        const std::string letters = letters_of(name);
        std::string_view rest = letters;
        std::size_t end = first;
        while (!rest.empty()) {
            if (end == words_.size() || !rest.starts_with(words_[end])) {
                return first;
            }
            rest.remove_prefix(words_[end].size());
            ++end;
        }
        return end;
    }

    std::string key_of(std::size_t first, std::size_t end) const {
        std::string key = words_[first];
        while (++first != end) {
            key += '_' + words_[first];
        }
        return key;
    }

    void add(const Type& type, Path path, bool by_key) {
        ++(by_key ? keys_ : members_);
        places_.push_back({.path = std::move(path), .type = &type, .by_key = by_key});
    }

    void descend(const Type& at, const Path& path, std::size_t first, bool by_key) {
        if (members_ >= enough || (by_key && keys_ >= enough)) {
            return;
        }
        const Type& type = plain_type(at);
        if (first == words_.size()) {
            add(type, path, by_key);
        } else if (type.shape == Shape::structure) {
            for (const FieldInfo& field : structure_of(type).fields) {
                const std::size_t end = end_of(field.name, first);
                if (end != first) {
                    descend(*field.type, path / field.name, end, by_key);
                }
            }
        } else if (type.shape == Shape::map) {
            descend_map(map_element(type), path, first);
        }
    }

    void descend_map(const Type& element, const Path& path, std::size_t first) {
        const std::size_t before = places_.size();
        if (element.shape == Shape::structure || element.shape == Shape::map) {
            for (std::size_t end = first + 1; end < words_.size(); ++end) {
                descend(element, path / key_of(first, end), end, true);
            }
        }
        if (places_.size() == before) {
            add(element, path / key_of(first, words_.size()), true);
        }
    }

    std::vector<std::string> words_;
    std::vector<Target> places_;
    std::size_t members_ = 0;
    std::size_t keys_ = 0;
};

ATTUNE_DECL std::vector<Target> places_of_variable(std::string_view name, const Bound& root) {
    return VariableSearch(name).in(root);
}

/// Adds what the tokens of an option may mean below `path`.
ATTUNE_DECL void find_option(const Type& at, const Path& path, std::span<const std::string> tokens,
                             bool by_key, std::vector<Target>& places) {
    const Type& type = plain_type(at);
    if (tokens.empty()) {
        places.push_back({.path = path, .type = &type, .by_key = by_key});
    } else if (type.shape == Shape::map) {
        find_option(map_element(type), path / tokens.front(), tokens.subspan(1), true, places);
    } else if (type.shape == Shape::structure) {
        const Structure& structure = structure_of(type);
        const FieldInfo* const exact = structure.find(tokens.front());
        for (const FieldInfo& field : structure.fields) {
            if (exact != nullptr ? &field == exact : spelt_alike(field.name, tokens.front())) {
                find_option(*field.type, path / field.name, tokens.subspan(1), by_key, places);
            }
        }
    }
}

ATTUNE_DECL std::vector<Target> places_of_tokens(std::span<const std::string> tokens,
                                                 const Bound& root) {
    const std::vector<std::string>& above = root.path.tokens();
    if (tokens.empty() || tokens.size() < above.size()) {
        return {};
    }
    for (std::size_t i = 0; i != above.size(); ++i) {
        if (above[i] != tokens[i] && !spelt_alike(above[i], tokens[i])) {
            return {};
        }
    }
    std::vector<Target> places;
    find_option(*root.type, root.path, tokens.subspan(above.size()), false, places);
    return places;
}

ATTUNE_DECL std::vector<Target> places_of_option(std::string_view name, const Bound& root) {
    std::vector<std::string> tokens;
    try {
        tokens = Path(name).tokens();
    } catch (const std::invalid_argument&) {
        return {};  // a pointer with a bad escape names nothing
    }
    std::vector<Target> places = places_of_tokens(tokens, root);
    if (!places.empty()) {
        return places;
    }
    constexpr std::string_view no = "no-";
    for (std::size_t i = 0; i < tokens.size(); i += std::max<std::size_t>(1, tokens.size() - 1)) {
        if (!tokens[i].starts_with(no)) {
            continue;
        }
        std::vector<std::string> positive = tokens;
        positive[i].erase(0, no.size());
        for (Target& place : places_of_tokens(positive, root)) {
            if (place.type->shape == Shape::boolean) {
                place.negated = true;
                places.push_back(std::move(place));
            }
        }
    }
    return places;
}

ATTUNE_DECL std::vector<Target> places_of_path(const Path& path, const Bound& root) {
    if (!path.starts_with(root.path)) {
        return {};
    }
    const Type* type = &plain_type(*root.type);
    Target place{.path = path};
    for (std::size_t i = root.path.size(); i != path.size(); ++i) {
        const std::string& token = path.tokens()[i];
        if (type->shape == Shape::structure) {
            const FieldInfo* const field = structure_of(*type).find(token);
            if (field == nullptr) {
                return {};
            }
            type = &plain_type(*field->type);
        } else if (type->shape == Shape::map) {
            type = &map_element(*type);
            place.by_key = true;
        } else if (type->shape == Shape::list && element_index(token)) {
            type = &plain_type(static_cast<const ListType*>(type)->element);
        } else if (type->shape == Shape::array && element_index(token)) {
            type = &plain_type(static_cast<const ArrayType*>(type)->element);
        } else if (type->shape != Shape::document) {
            return {};
        }
    }
    place.type = type;
    return {std::move(place)};
}

ATTUNE_DECL std::string variable_name(const Path& path) {
    std::string name;
    for (const std::string& token : path.tokens()) {
        bool fresh = !name.empty();  // an underscore is due before the next letter
        for (std::size_t i = 0; i != token.size(); ++i) {
            const char c = token[i];
            if (!is_letter(c)) {
                fresh = !name.empty();
                continue;
            }
            // `poolSize` is two words, and so are `HTTPServer` and `ipV6`; `HTTP` is one.
            const bool after_small = i > 0 && is_letter(token[i - 1]) && !is_upper(token[i - 1]);
            const bool before_small = i > 0 && is_upper(token[i - 1]) && i + 1 < token.size() &&
                                      is_letter(token[i + 1]) && !is_upper(token[i + 1]) &&
                                      !(token[i + 1] >= '0' && token[i + 1] <= '9');
            if (fresh || (is_upper(c) && (after_small || before_small))) {
                name += '_';
            }
            fresh = false;
            name += to_upper(c);
        }
    }
    return name;
}

/// Lists what can be set below a place.
class OptionList {
public:
    struct Section {
        const Path& path;
        const std::string& heading;
    };

    /// `object` is a default value of `type`; null when there is none.
    void add(const Type& at, const Path& path, const void* object, const FieldInfo* field,
             const Section& section, bool secret) {
        const Type* type = &at;
        bool unset = false;
        for (;;) {
            if (type->shape == Shape::optional) {
                const auto& optional = *static_cast<const OptionalType*>(type);
                object = object != nullptr ? optional.get(object) : nullptr;
                unset = unset || object == nullptr;
                type = &optional.inner;
            } else if (type->shape == Shape::secret) {
                secret = true;
                object = nullptr;
                type = &static_cast<const SecretType*>(type)->inner;
            } else {
                break;
            }
        }
        if (type->shape == Shape::structure && !is_around(*type)) {
            add_fields(*type, path, object, section, secret);
            return;
        }
        Option option;
        option.path = path;
        option.type = type;
        if (field != nullptr) {
            option.doc = field->doc;
            option.required = field->required;
        }
        option.expected = detail::expected(*type, field != nullptr ? field->rules.get() : nullptr);
        if (object != nullptr && !secret) {
            option.fallback = encode(*type, object, true);
        }
        option.unset = unset && !secret;
        option.secret = secret;
        option.section = section.path;
        option.heading = section.heading;
        options_.push_back(std::move(option));
    }

    std::vector<Option> take() && { return std::move(options_); }

private:
    bool is_around(const Type& type) const noexcept {
        for (const Type* const around : around_) {
            if (around == &type) {
                return true;
            }
        }
        return false;
    }

    void add_fields(const Type& type, const Path& path, const void* object, const Section& section,
                    bool secret) {
        const Structure& structure = structure_of(type);
        // Setting one member of an absent struct brings the defaults of the others.
        const auto* const base =
            static_cast<const std::byte*>(object != nullptr ? object : structure.defaults.get());
        const Section inner = structure.doc.empty() ? section : Section{path, structure.doc};
        around_.push_back(&type);
        for (const FieldInfo& field : structure.fields) {
            add(*field.type, path / field.name, base + field.offset, &field, inner,
                secret || field.secret);
        }
        around_.pop_back();
    }

    std::vector<const Type*> around_;  // structs, from the root
    std::vector<Option> options_;
};

ATTUNE_DECL std::vector<Option> options_of(const Bound& root) {
    const Path no_section;
    const std::string no_heading;
    OptionList list;
    list.add(*root.type, root.path, nullptr, nullptr, {no_section, no_heading}, false);
    return std::move(list).take();
}

ATTUNE_DECL Document document_from_text(std::string_view text, const Type& type) {
    const Type& plain = plain_type(type);
    const std::size_t begin = text.find_first_not_of(" \t\r\n");
    const bool json = begin != std::string_view::npos && (text[begin] == '[' || text[begin] == '{');
    constexpr unsigned nested = form::list | form::map | form::structure;
    if (!json || (plain.forms & nested) == 0) {
        return Document::text(text);
    }
    try {
        return parse(text);
    } catch (const ParseError&) {
        // `[::1]:80` is a fine string.
        if ((plain.forms & form::string) != 0) {
            return Document::text(text);
        }
        throw;
    }
}

}  // namespace attune::inline ATTUNE_ABI::detail
