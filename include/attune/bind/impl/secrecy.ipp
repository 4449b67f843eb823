#pragma once

#include <attune/bind/decode.hpp>
#include <attune/bind/impl/decoder.hpp>
#include <attune/bind/secrecy.hpp>
#include <attune/bind/structure.hpp>
#include <attune/bind/type.hpp>
#include <attune/document/impl/build.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

/// Looks for a secret below a type, through each struct once.
class SecretSearch {
public:
    bool in(const Type& type) {
        const bool found = search(type);
        if (!found) {
            // Nothing below has one either.
            for (const Structure* const structure : seen_) {
                structure->secrecy.store(Secrecy::none, std::memory_order_relaxed);
            }
        }
        return found;
    }

private:
    bool search(const Type& type) {
        switch (type.shape) {
        case Shape::secret: return true;
        case Shape::optional: return search(static_cast<const OptionalType&>(type).inner);
        case Shape::list: return search(static_cast<const ListType&>(type).element);
        case Shape::array: return search(static_cast<const ArrayType&>(type).element);
        case Shape::map: return search(static_cast<const MapType&>(type).element);
        case Shape::variant: {
            const auto& variant = static_cast<const VariantType&>(type);
            return std::any_of(variant.alternatives, variant.alternatives + variant.count,
                               [this](const Type* alternative) { return search(*alternative); });
        }
        case Shape::structure: return search_fields(structure_of(type));
        default: return false;
        }
    }

    bool search_fields(const Structure& structure) {
        const Secrecy known = structure.secrecy.load(std::memory_order_relaxed);
        if (known != Secrecy::unknown) {
            return known == Secrecy::some;
        }
        if (std::find(seen_.begin(), seen_.end(), &structure) != seen_.end()) {
            return false;  // not by this way
        }
        seen_.push_back(&structure);
        for (const FieldInfo& field : structure.fields) {
            if (field.secret || search(*field.type)) {
                structure.secrecy.store(Secrecy::some, std::memory_order_relaxed);
                return true;
            }
        }
        return false;
    }

    std::vector<const Structure*> seen_;
};

ATTUNE_DECL bool has_secrets(const Type& type) { return SecretSearch().in(type); }

/// The types with secrets that may be meant at one place of a document: several where variants
/// leave it open. As a set, since the ways to get to a place of a recursive type can be very many.
class SecretTypes {
public:
    void add(const Type& type) { add(type, type.forms); }

    /// What may be at a member or an element.
    SecretTypes child(std::string_view token) const {
        SecretTypes types;
        types.secret_ = secret_;
        for (const Entry& entry : entries_) {
            types.add_child(*entry.type, token);
        }
        return types;
    }

    bool empty() const noexcept { return !secret_ && entries_.empty(); }

    /// Is everything there secret?
    bool is_secret() const noexcept { return secret_; }

    /// Is all of `value`, which is there, secret, or nothing that one of the types is read from?
    bool hide(const Document& value) const noexcept {
        // An integer may be meant for a real.
        const unsigned forms = form_of(value) | (value.is_integer() ? unsigned{form::real} : 0U);
        return secret_ || std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
                   return value.is_text() || (entry.forms & forms) == 0;
               });
    }

private:
    struct Entry {
        const Type* type;    ///< a struct, list, array or map
        std::uint8_t forms;  ///< of the variant around it; else its own

        friend bool operator==(const Entry&, const Entry&) = default;
    };

    void add(const Type& type, std::uint8_t forms) {
        switch (type.shape) {
        case Shape::secret: secret_ = true; return;
        case Shape::optional: return add(static_cast<const OptionalType&>(type).inner, forms);
        case Shape::variant: {
            const auto& variant = static_cast<const VariantType&>(type);
            for (std::size_t i = 0; i != variant.count; ++i) {
                add(*variant.alternatives[i], forms);
            }
            return;
        }
        default: break;
        }
        const Entry entry{&type, forms};
        if (has_secrets(type) &&
            std::find(entries_.begin(), entries_.end(), entry) == entries_.end()) {
            entries_.push_back(entry);
        }
    }

    void add_child(const Type& type, std::string_view token) {
        if (type.shape == Shape::structure) {
            if (const FieldInfo* const field = structure_of(type).find(token)) {
                secret_ = secret_ || field->secret;
                add(*field->type);
            }
        } else if (type.shape == Shape::map) {
            add(static_cast<const MapType&>(type).element);
        } else if (token == "-" || element_index(token)) {
            add(type.shape == Shape::list ? static_cast<const ListType&>(type).element
                                          : static_cast<const ArrayType&>(type).element);
        }
    }

    std::vector<Entry> entries_;
    bool secret_ = false;
};

/// Takes the secrets out of documents.
class SecretFilter {
public:
    enum class Mode : std::uint8_t { mask, leave_out };

    explicit SecretFilter(Mode mode) noexcept : mode_(mode) {}

    /// False when nothing is left of the value.
    bool apply(const SecretTypes& types, Document& value) {
        if (value.is_null() || types.empty()) {
            return true;
        }
        if (types.hide(value) || depth_ == max_decode_depth) {
            value = "***";
            return mode_ == Mode::mask;
        }
        ++depth_;
        const bool left = value.is_array() ? elements(types, value) : members(types, value);
        --depth_;
        return left;
    }

private:
    bool elements(const SecretTypes& types, Document& array) {
        const SecretTypes inner = types.child("0");
        std::vector<Document> fresh;
        std::size_t index = 0;
        for (const Document& element : array.elements()) {
            Document filtered = element;
            if (!apply(inner, filtered)) {
                return false;
            }
            if (!filtered.same(element)) {
                if (fresh.empty()) {
                    const Elements all = array.elements();
                    fresh.assign(all.begin(), all.end());
                }
                fresh[index] = std::move(filtered);
            }
            ++index;
        }
        if (!fresh.empty()) {
            array = make_array(fresh.data(), fresh.size());
        }
        return true;
    }

    bool members(const SecretTypes& types, Document& object) {
        std::vector<Edit> edits;
        for (const Member member : object.members()) {
            Document filtered = member.value;
            if (!apply(types.child(member.key), filtered)) {
                edits.push_back({.key = member.key, .value = {}, .erase = true});
            } else if (!filtered.same(member.value)) {
                edits.push_back({.key = member.key, .value = std::move(filtered)});
            }
        }
        if (!edits.empty()) {
            object = edited(object, edits.data(), edits.size());
        }
        return true;
    }

    const Mode mode_;
    std::size_t depth_ = 0;
};

/// What may be at a path of at least the root's length.
ATTUNE_DECL SecretTypes secret_types_at(const Path& path, const Bound& root) {
    SecretTypes types;
    types.add(*root.type);
    for (std::size_t i = root.path.size(); i != path.size() && !types.empty(); ++i) {
        types = types.child(path.tokens()[i]);
    }
    return types;
}

ATTUNE_DECL bool is_secret(const Path& path, std::span<const Bound> roots) {
    return std::any_of(roots.begin(), roots.end(), [&path](const Bound& root) {
        return path.starts_with(root.path) && secret_types_at(path, root).is_secret();
    });
}

/// Takes away what is at a path, and the arrays that it is an element of.
ATTUNE_DECL Document without_whole(const Document& document, Path path) {
    while (!path.empty() && document.at(path.parent()).is_array()) {
        path = path.parent();
    }
    return document.without(path);
}

/// Filters what is at `path` and is secret by a root there.
ATTUNE_DECL Document filter_at(const Document& document, const Path& path, const SecretTypes& types,
                               SecretFilter::Mode mode) {
    const Document* const value = document.find(path);
    if (value == nullptr) {
        return document;
    }
    Document filtered = *value;
    if (!SecretFilter(mode).apply(types, filtered)) {
        return without_whole(document, path);
    }
    return filtered.same(*value) ? document : document.with(path, std::move(filtered));
}

/// The way from `at` down to `path`, which begins with it.
inline Path path_below(const Path& path, const Path& at) {
    const auto from = path.tokens().begin() + static_cast<std::ptrdiff_t>(at.size());
    return Path{std::vector<std::string>(from, path.tokens().end())};
}

ATTUNE_DECL Document mask_secrets(Document value, const Path& at, std::span<const Bound> roots) {
    constexpr SecretFilter::Mode mask = SecretFilter::Mode::mask;
    for (const Bound& root : roots) {
        if (at.starts_with(root.path)) {
            value = filter_at(value, {}, secret_types_at(at, root), mask);
        } else if (root.path.starts_with(at)) {
            value =
                filter_at(value, path_below(root.path, at), secret_types_at(root.path, root), mask);
        }
    }
    return value;
}

ATTUNE_DECL std::optional<Document> omit_secrets(Document value, const Path& at,
                                                 std::span<const Bound> roots) {
    constexpr SecretFilter::Mode leave_out = SecretFilter::Mode::leave_out;
    for (const Bound& root : roots) {
        if (at.starts_with(root.path)) {
            if (!SecretFilter(leave_out).apply(secret_types_at(at, root), value)) {
                return std::nullopt;
            }
        } else if (root.path.starts_with(at)) {
            const bool array = value.is_array();
            value = filter_at(value, path_below(root.path, at), secret_types_at(root.path, root),
                              leave_out);
            if (array && !value.is_array()) {
                return std::nullopt;  // an element of it was a secret
            }
        }
    }
    return value;
}

/// What a document has at paths that begin alike, up to `depth`; sorted. Nothing when there is
/// nothing at any of them.
ATTUNE_DECL std::optional<Document> parts_at(const Document& document,
                                             std::span<const Path* const> paths,
                                             std::size_t depth) {
    if (paths.front()->size() == depth) {
        return document;
    }
    std::vector<Document> slots;     // of an object: keys and values
    std::vector<Document> elements;  // of an array
    while (!paths.empty()) {
        const std::string& token = paths.front()->tokens()[depth];
        std::size_t alike = 1;
        while (alike != paths.size() && paths[alike]->tokens()[depth] == token) {
            ++alike;
        }
        const std::span<const Path* const> below = paths.first(alike);
        paths = paths.subspan(alike);
        // No element has this index.
        constexpr std::size_t none = std::numeric_limits<std::size_t>::max();
        const std::size_t index = document.is_array() ? element_index(token).value_or(none) : none;
        const Document* const child =
            document.is_array() ? document.find(index) : document.find(token);
        std::optional<Document> part = child ? parts_at(*child, below, depth + 1) : std::nullopt;
        if (!part) {
            continue;
        }
        if (document.is_array()) {
            elements.resize(std::max(elements.size(), index + 1));
            elements[index] = std::move(*part);
        } else {
            slots.emplace_back(token);
            slots.push_back(std::move(*part));
        }
    }
    if (!slots.empty()) {
        return make_object(slots.data(), slots.size() / 2);
    }
    if (!elements.empty()) {
        return make_array(elements.data(), elements.size());
    }
    return std::nullopt;
}

ATTUNE_DECL Document bound_parts(const Document& document, std::span<const Bound> roots,
                                 bool keep_secrets) {
    if (roots.empty()) {
        return {};
    }
    std::vector<const Path*> paths;
    for (const Bound& root : roots) {
        paths.push_back(&root.path);
    }
    std::sort(paths.begin(), paths.end(), [](const Path* a, const Path* b) { return *a < *b; });
    Document parts = parts_at(document, paths, 0).value_or(Document());
    if (!keep_secrets) {
        for (const Bound& root : roots) {
            parts = filter_at(parts, root.path, secret_types_at(root.path, root),
                              SecretFilter::Mode::leave_out);
        }
    }
    return parts;
}

}  // namespace attune::inline ATTUNE_ABI::detail
