#pragma once

#include <attune/bind/decode.hpp>
#include <attune/bind/impl/decode_problem.ipp>
#include <attune/bind/impl/decode_scalar.ipp>
#include <attune/bind/impl/decode_struct.ipp>
#include <attune/bind/impl/decode_variant.ipp>
#include <attune/bind/impl/decoder.hpp>
#include <attune/document/parse.hpp>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL bool takes_null(const Type& type) noexcept {
    switch (type.shape) {
    case Shape::optional:
    case Shape::document: return true;
    case Shape::secret: return takes_null(static_cast<const SecretType&>(type).inner);
    default: return false;
    }
}

ATTUNE_DECL void Decoder::value(const Type& type, void* object, const Document* document,
                                const Trail& place) {
    const bool absent = document == nullptr || document->is_null();
    if (absent && type.shape != Shape::structure && type.shape != Shape::secret) {
        // The default stays, unless null is a value here.
        if (document != nullptr && type.shape == Shape::optional) {
            static_cast<const OptionalType&>(type).reset(object);
        } else if (document != nullptr && type.shape == Shape::document) {
            *static_cast<Document*>(object) = *document;
        }
        return;
    }
    switch (type.shape) {
    case Shape::boolean: return boolean(object, *document, place);
    case Shape::integer:
        return integer(static_cast<const IntegerType&>(type), object, *document, place);
    case Shape::real: return real(static_cast<const RealType&>(type), object, *document, place);
    case Shape::string:
    case Shape::path: return string(type, object, *document, place);
    case Shape::enumeration:
        return enumeration(static_cast<const EnumType&>(type), object, *document, place);
    case Shape::duration:
        return duration(static_cast<const DurationType&>(type), object, *document, place);
    case Shape::bytes: return bytes(type, object, *document, place);
    case Shape::document: *static_cast<Document*>(object) = *document; return;
    case Shape::external:
        return external(static_cast<const ExternalType&>(type), object, *document, place);
    case Shape::secret: {
        const auto& secret = static_cast<const SecretType&>(type);
        Trail inside = place;
        inside.secret = true;
        // The object is not const; only the way into it is.
        return value(secret.inner, const_cast<void*>(secret.reveal(object)), document, inside);
    }
    default: break;
    }
    if (depth_ == max_decode_depth) {
        report(place).message = "nested too deeply";
        return;
    }
    ++depth_;
    if (type.shape == Shape::optional) {
        const auto& optional = static_cast<const OptionalType&>(type);
        value(optional.inner, optional.engage(object), document, place);
    } else if (absent) {
        structure(structure_of(type), object, nullptr, place);
    } else if (type.shape == Shape::variant) {
        variant(static_cast<const VariantType&>(type), object, *document, place);
    } else {
        structured(type, object, *document, place);
    }
    --depth_;
}

// Text stands for lists, maps and structs as JSON.
ATTUNE_DECL void Decoder::structured(const Type& type, void* object, const Document& document,
                                     const Trail& place) {
    if (document.is_text()) {
        Document parsed;
        try {
            parsed = parse(document.as_string());
        } catch (const ParseError&) {
            mismatch(type, document, place);
            problems_.back().expected += " written as JSON";
            return;
        }
        return structured(type, object, parsed, place);
    }
    const bool keyed = type.shape == Shape::map || type.shape == Shape::structure;
    if (keyed ? !document.is_object() : !document.is_array()) {
        return mismatch(type, document, place);
    }
    switch (type.shape) {
    case Shape::flags: return flags(static_cast<const FlagsType&>(type), object, document, place);
    case Shape::list: return list(static_cast<const ListType&>(type), object, document, place);
    case Shape::array: return array(static_cast<const ArrayType&>(type), object, document, place);
    case Shape::map: return map(static_cast<const MapType&>(type), object, document, place);
    default: return structure(structure_of(type), object, &document, place);
    }
}

// In a list there is no default that null could stand for.
ATTUNE_DECL void Decoder::element(const Type& type, void* object, const Document& document,
                                  const Trail& place) {
    if (document.is_null() && !takes_null(type)) {
        mismatch(type, document, place);
    } else {
        value(type, object, &document, place);
    }
}

ATTUNE_DECL void Decoder::check_size(const Type& type, std::size_t size, const Document& document,
                                     const Trail& place) {
    if (place.rules == nullptr) {
        return;
    }
    const Rules& rules = *place.rules;
    if ((rules.least_size && size < *rules.least_size) ||
        (rules.most_size && size > *rules.most_size)) {
        mismatch(type, document, place);
        if (!place.secret) {
            const char* const unit = document.is_array()    ? " item"
                                     : document.is_object() ? " member"
                                                            : " byte";
            problems_.back().found = std::to_string(size) + unit + (size == 1 ? "" : "s");
        }
    }
}

ATTUNE_DECL void Decoder::flags(const FlagsType& type, void* object, const Document& document,
                                const Trail& place) {
    type.clear(object);
    std::size_t index = 0;
    for (const Document& item : document.elements()) {
        bool flag = false;
        element(type_of<bool>(), &flag, item, place.element(index++));
        type.append(object, flag);
    }
    check_size(type, index, document, place);
}

ATTUNE_DECL void Decoder::list(const ListType& type, void* object, const Document& document,
                               const Trail& place) {
    type.clear(object, document.size());
    std::size_t index = 0;
    for (const Document& item : document.elements()) {
        element(type.element, type.append(object), item, place.element(index++));
    }
    check_size(type, index, document, place);
}

ATTUNE_DECL void Decoder::array(const ArrayType& type, void* object, const Document& document,
                                const Trail& place) {
    if (document.size() != type.count) {
        mismatch(type, document, place);
        problems_.back().found += " of " + std::to_string(document.size());
        return;
    }
    auto* item = static_cast<std::byte*>(object);
    std::size_t index = 0;
    for (const Document& from : document.elements()) {
        element(type.element, item, from, place.element(index++));
        item += type.stride;
    }
}

ATTUNE_DECL void Decoder::map(const MapType& type, void* object, const Document& document,
                              const Trail& place) {
    type.clear(object);
    for (const Member member : document.members()) {
        // Null masks what a lower layer has: the member is not there.
        if (!member.value.is_null() || takes_null(type.element)) {
            value(type.element, type.emplace(object, member.key), &member.value,
                  place.member(member.key));
        }
    }
    check_size(type, type.size(object), document, place);
}

ATTUNE_DECL bool decode(const Type& type, void* object, const Document* document, const Path& at,
                        const Provenance& provenance, std::vector<Problem>& problems) {
    Decoder decoder(type, at, provenance, problems);
    decoder.value(type, object, document, Trail{});
    return decoder.errors() == 0;
}

// For documents without a store.
class NoProvenance final : public Provenance {
public:
    Origin origin(const Path&, Part) const override { return {}; }
    UnknownKeys unknown_keys(const Path&) const override { return UnknownKeys::error; }
};

ATTUNE_DECL void decode_or_throw(const Type& type, void* object, const Document& document,
                                 const Path& at) {
    std::vector<Problem> problems;
    if (!decode(type, object, document.find(at), at, NoProvenance(), problems)) {
        throw Rejected({std::move(problems), "decode"});
    }
}

}  // namespace attune::inline ATTUNE_ABI::detail
