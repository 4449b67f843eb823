#pragma once

#include <attune/bind/impl/decoder.hpp>
#include <attune/bind/structure.hpp>
#include <attune/document/parse.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL std::uint8_t form_of(const Document& document) noexcept {
    switch (document.kind()) {
    case Kind::boolean: return form::boolean;
    case Kind::integer: return form::integer;
    case Kind::real: return form::real;
    case Kind::string: return form::string;
    case Kind::array: return form::list;
    case Kind::object: return form::map | form::structure;
    case Kind::null: break;
    }
    return form::null;
}

ATTUNE_DECL std::vector<std::size_t> alternatives_for(const VariantType& type, std::uint8_t forms) {
    std::vector<std::size_t> fitting;
    for (std::size_t i = 0; i < type.count; ++i) {
        if ((type.alternatives[i]->forms & forms) != 0) {
            fitting.push_back(i);
        }
    }
    return fitting;
}

// Decodes into an alternative, from its own defaults. Whatever goes wrong is taken back.
ATTUNE_DECL bool Decoder::attempt(const VariantType& type, void* object, std::size_t index,
                                  const Document& document, const Trail& place) {
    const std::size_t problems_before = problems_.size();
    const std::size_t errors_before = errors_;
    value(*type.alternatives[index], type.emplace(object, index), &document, place);
    if (errors_ == errors_before) {
        return true;
    }
    problems_.resize(problems_before);
    errors_ = errors_before;
    return false;
}

ATTUNE_DECL void Decoder::variant(const VariantType& type, void* object, const Document& document,
                                  const Trail& place) {
    if (document.is_text()) {
        return text_variant(type, object, document, place);
    }
    std::vector<std::size_t> fitting = alternatives_for(type, form_of(document));
    if (fitting.empty() && document.is_integer()) {
        fitting = alternatives_for(type, form::real);
    }
    if (fitting.empty()) {
        mismatch(type, document, place);
    } else if (fitting.size() == 1) {
        value(*type.alternatives[fitting[0]], type.emplace(object, fitting[0]), &document, place);
    } else {
        struct_variant(type, object, fitting, document, place);
    }
}

// How badly the members of an object fit a struct: first what would be a problem, then what would
// be left at its default.
struct Misfit {
    std::size_t problems = 0;
    std::size_t absent = 0;

    friend bool operator<(const Misfit& a, const Misfit& b) noexcept {
        return a.problems != b.problems ? a.problems < b.problems : a.absent < b.absent;
    }
};

ATTUNE_DECL Misfit misfit(const Structure& structure, const Document& document) {
    Misfit result;
    std::size_t known = 0;
    for (const FieldInfo& field : structure.fields) {
        const bool present = document.find(field.name) != nullptr;
        known += present ? 1 : 0;
        result.absent += present ? 0 : 1;
        result.problems += field.required && !present ? 1 : 0;
    }
    result.problems += document.size() - known;
    return result;
}

// Of several structs the one that fits without a problem; when none does, the problems of the one
// that comes nearest.
ATTUNE_DECL void Decoder::struct_variant(const VariantType& type, void* object,
                                         const std::vector<std::size_t>& fitting,
                                         const Document& document, const Trail& place) {
    const auto misfit_of = [&](std::size_t index) {
        const Structure* const structure = structure_inside(*type.alternatives[index]);
        return structure == nullptr ? Misfit{} : misfit(*structure, document);
    };
    // Alternatives are few, and the first one tried is right as a rule: no need to sort.
    std::vector<std::size_t> left = fitting;
    std::size_t nearest = type.count;
    while (!left.empty()) {
        std::size_t best = 0;
        for (std::size_t i = 1; i < left.size(); ++i) {
            best = misfit_of(left[i]) < misfit_of(left[best]) ? i : best;
        }
        const std::size_t index = left[best];
        if (attempt(type, object, index, document, place)) {
            return;
        }
        nearest = nearest == type.count ? index : nearest;
        left.erase(left.begin() + static_cast<std::ptrdiff_t>(best));
    }
    value(*type.alternatives[nearest], type.emplace(object, nearest), &document, place);
}

// The order in which alternatives are tried on text: the choosier ones first.
ATTUNE_DECL int text_rank(const Type& type) noexcept {
    switch (type.shape) {
    case Shape::integer: return 0;
    case Shape::real: return 1;
    case Shape::boolean: return 2;
    case Shape::enumeration:
    case Shape::duration:
    case Shape::bytes: return 3;
    case Shape::string:
    case Shape::path: return 5;
    case Shape::secret: return text_rank(static_cast<const SecretType&>(type).inner);
    case Shape::optional: return text_rank(static_cast<const OptionalType&>(type).inner);
    default: return 4;
    }
}

ATTUNE_DECL void Decoder::text_variant(const VariantType& type, void* object,
                                       const Document& document, const Trail& place) {
    for (const int rank : {0, 1, 2, 3, 4, 5}) {
        if (rank == 4) {
            try {
                const Document parsed = parse(document.as_string());
                if (parsed.is_array() || parsed.is_object()) {
                    return variant(type, object, parsed, place);
                }
            } catch (const ParseError&) {
                // It is no JSON, then; perhaps it is a string.
            }
            continue;
        }
        for (std::size_t i = 0; i < type.count; ++i) {
            if (text_rank(*type.alternatives[i]) == rank &&
                attempt(type, object, i, document, place)) {
                return;
            }
        }
    }
    mismatch(type, document, place);
}

}  // namespace attune::inline ATTUNE_ABI::detail
