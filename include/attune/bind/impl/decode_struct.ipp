#pragma once

#include <attune/bind/expected.hpp>
#include <attune/bind/impl/decoder.hpp>
#include <attune/bind/structure.hpp>
#include <attune/document/nearest.hpp>

#include <cstddef>
#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

// A struct that is absent is one without members: what is required in it is still required.
ATTUNE_DECL void Decoder::structure(const Structure& type, void* object, const Document* document,
                                    const Trail& place) {
    const std::size_t errors_before = errors_;
    std::size_t known = 0;
    for (const FieldInfo& field : type.fields) {
        const Document* const member = document == nullptr ? nullptr : document->find(field.name);
        known += member == nullptr ? 0 : 1;
        Trail at = place.member(field.name);
        at.rules = field.rules.get();
        at.secret = place.secret || field.secret;
        if (field.required && (member == nullptr || member->is_null())) {
            missing(type, field, document, at);
        } else {
            value(*field.type, static_cast<std::byte*>(object) + field.offset, member, at);
        }
    }
    if (document != nullptr && known != document->size()) {
        unknown(type, *document, place);
    }
    if (errors_ == errors_before) {
        check(type, object, place);
    }
}

ATTUNE_DECL void Decoder::missing(const Structure& type, const FieldInfo& field,
                                  const Document* document, const Trail& place) {
    Problem& problem = report(place);
    problem.message = "missing";
    problem.expected = expected(*field.type, field.rules.get());
    if (document != nullptr) {
        std::vector<std::string_view> strangers;
        for (const Member member : document->members()) {
            if (type.find(member.key) == nullptr) {
                strangers.push_back(member.key);
            }
        }
        problem.suggestion = nearest(field.name, strangers);
    }
}

// The struct that a field holds, also in an optional or a secret; null when it holds something
// else.
ATTUNE_DECL const Structure* structure_inside(const Type& type) {
    switch (type.shape) {
    case Shape::structure: return &structure_of(type);
    case Shape::optional: return structure_inside(static_cast<const OptionalType&>(type).inner);
    case Shape::secret: return structure_inside(static_cast<const SecretType&>(type).inner);
    default: return nullptr;
    }
}

// Looks for a field by its name, so many levels below a struct, and appends the way to it.
ATTUNE_DECL bool find_at(const Structure& structure, std::string_view name, std::size_t levels,
                         Path& path) {
    if (levels == 0) {
        const bool here = structure.find(name) != nullptr;
        if (here) {
            path = path / name;
        }
        return here;
    }
    for (const FieldInfo& field : structure.fields) {
        const Structure* const inner = structure_inside(*field.type);
        Path below = path / field.name;
        if (inner != nullptr && find_at(*inner, name, levels - 1, below)) {
            path = std::move(below);
            return true;
        }
    }
    return false;
}

// The nearest field of that name below a struct; empty when there is none. Structs that contain
// themselves have no end: six levels are enough.
ATTUNE_DECL std::string find_below(const Structure* structure, std::string_view name, Path path) {
    for (std::size_t levels = 0; structure != nullptr && levels < 6; ++levels) {
        if (find_at(*structure, name, levels, path)) {
            return to_string(path);
        }
    }
    return {};
}

ATTUNE_DECL void Decoder::unknown(const Structure& type, const Document& document,
                                  const Trail& place) {
    std::vector<std::string_view> names;
    for (const FieldInfo& field : type.fields) {
        names.push_back(field.name);
    }
    for (const Member member : document.members()) {
        if (type.find(member.key) != nullptr) {
            continue;
        }
        const Trail at = place.member(member.key);
        const UnknownKeys verdict = provenance_.unknown_keys(path(at));
        if (verdict == UnknownKeys::ignore) {
            continue;
        }
        Problem& problem = report(at, Part::key);
        problem.message = "unknown key";
        problem.suggestion = nearest(member.key, names);
        if (verdict == UnknownKeys::warn) {
            problem.severity = Severity::warning;
            --errors_;
        }
        // Nothing near here: perhaps it belongs deeper, or elsewhere.
        if (problem.suggestion.empty()) {
            problem.suggestion = find_below(&type, member.key, path(place));
        }
        if (problem.suggestion.empty()) {
            problem.suggestion = find_below(structure_inside(root_), member.key, at_);
        }
    }
}

ATTUNE_DECL void Decoder::check(const Structure& type, const void* object, const Trail& place) {
    for (const CheckInfo& check : type.checks) {
        std::string message = check.text;
        try {
            if (check.call(check.function.get(), object)) {
                continue;
            }
        } catch (const std::exception& error) {
            message += std::string(" (the check failed: ") + error.what() + ')';
        } catch (...) {
            message += " (the check failed)";
        }
        report(place).message = std::move(message);
    }
}

}  // namespace attune::inline ATTUNE_ABI::detail
