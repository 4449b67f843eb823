#pragma once

#include <attune/bind/bytes.hpp>
#include <attune/bind/duration.hpp>
#include <attune/bind/encode.hpp>
#include <attune/bind/expected.hpp>
#include <attune/bind/number.hpp>
#include <attune/bind/structure.hpp>
#include <attune/document/document.hpp>
#include <attune/document/impl/build.hpp>

#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

// The double that is written with the same digits: 0.1f is 0.1, not 0.10000000149011612.
ATTUNE_DECL double widened(float value) {
    std::array<char, 32> buffer;
    const std::to_chars_result end =
        std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
    double wide = value;
    if (std::isfinite(value)) {
        std::from_chars(buffer.data(), end.ptr, wide);
    }
    return wide;
}

class Encoder {
public:
    explicit Encoder(bool mask_secrets) noexcept : mask_secrets_(mask_secrets) {}

    Document value(const Type& type, const void* object) const {
        switch (type.shape) {
        case Shape::boolean: return *static_cast<const bool*>(object);
        case Shape::integer: return number(load(type, object));
        case Shape::real: return real(static_cast<const RealType&>(type).format, object);
        case Shape::string: return *static_cast<const std::string*>(object);
        case Shape::enumeration: return enumerator(static_cast<const EnumType&>(type), object);
        case Shape::duration: return duration(static_cast<const DurationType&>(type), object);
        case Shape::bytes: return to_string(*static_cast<const Bytes*>(object));
        case Shape::path: return static_cast<const PathType&>(type).text(object);
        case Shape::optional: {
            const auto& optional = static_cast<const OptionalType&>(type);
            const void* const inner = optional.get(object);
            return inner == nullptr ? Document() : value(optional.inner, inner);
        }
        case Shape::flags: return flags(static_cast<const FlagsType&>(type), object);
        case Shape::list: return list(static_cast<const ListType&>(type), object);
        case Shape::array: return array(static_cast<const ArrayType&>(type), object);
        case Shape::map: return map(static_cast<const MapType&>(type), object);
        case Shape::variant: {
            const auto& variant = static_cast<const VariantType&>(type);
            const std::size_t index = variant.index(object);
            return index >= variant.count
                       ? Document()
                       : value(*variant.alternatives[index], variant.get(object));
        }
        case Shape::structure: return structure(structure_of(type), object);
        case Shape::secret: {
            const auto& secret = static_cast<const SecretType&>(type);
            return mask_secrets_ ? mask() : value(secret.inner, secret.reveal(object));
        }
        case Shape::document: return *static_cast<const Document*>(object);
        case Shape::external: return static_cast<const ExternalType&>(type).encode(object);
        }
        return {};
    }

private:
    static Document mask() { return "***"; }

    static Document number(const Quantity& value) {
        return value.is_negative() ? Document(static_cast<std::int64_t>(value.bits()))
                                   : Document(value.bits());
    }

    static Document real(RealFormat format, const void* object) {
        return format == RealFormat::single ? widened(*static_cast<const float*>(object))
                                            : load_real(format, object);
    }

    static Document enumerator(const EnumType& type, const void* object) {
        const Quantity number = load(type, object);
        for (const Enumerator& known : type.names()) {
            if (number == known.value) {
                return known.name;
            }
        }
        return Encoder::number(number);
    }

    static Document duration(const DurationType& type, const void* object) {
        const Quantity count = load(type, object);
        if (count.is_real() && !std::isfinite(count.real())) {
            return {};
        }
        return write_duration(count, type.tick);
    }

    static Document flags(const FlagsType& type, const void* object) {
        std::vector<Document> elements;
        for (std::size_t i = 0; i < type.size(object); ++i) {
            elements.emplace_back(type.get(object, i));
        }
        return make_array(elements.data(), elements.size());
    }

    Document list(const ListType& type, const void* object) const {
        std::vector<Document> elements;
        elements.reserve(type.size(object));
        for (std::size_t i = 0; i < type.size(object); ++i) {
            elements.push_back(value(type.element, type.get(object, i)));
        }
        return make_array(elements.data(), elements.size());
    }

    Document array(const ArrayType& type, const void* object) const {
        std::vector<Document> elements;
        const auto* element = static_cast<const std::byte*>(object);
        for (std::size_t i = 0; i < type.count; ++i, element += type.stride) {
            elements.push_back(value(type.element, element));
        }
        return make_array(elements.data(), elements.size());
    }

    Document map(const MapType& type, const void* object) const {
        struct Context {
            const Encoder& encoder;
            const Type& element;
            std::vector<Document> slots;
        } context{*this, type.element, {}};
        context.slots.reserve(2 * type.size(object));
        type.visit(object, &context, [](void* opaque, const std::string& key, const void* value) {
            Context& c = *static_cast<Context*>(opaque);
            c.slots.emplace_back(key);
            c.slots.push_back(c.encoder.value(c.element, value));
        });
        return make_object(context.slots.data(), context.slots.size() / 2);
    }

    Document structure(const Structure& type, const void* object) const {
        std::vector<Document> slots;
        slots.reserve(2 * type.fields.size());
        for (const FieldInfo& field : type.fields) {
            slots.emplace_back(field.name);
            slots.push_back(field.secret && mask_secrets_
                                ? mask()
                                : value(*field.type,
                                        static_cast<const std::byte*>(object) + field.offset));
        }
        return make_object(slots.data(), type.fields.size());
    }

    bool mask_secrets_;
};

ATTUNE_DECL Document encode(const Type& type, const void* object, bool mask_secrets) {
    return Encoder(mask_secrets).value(type, object);
}

}  // namespace attune::inline ATTUNE_ABI::detail
