#pragma once

#include <attune/bind/equal.hpp>
#include <attune/bind/expected.hpp>
#include <attune/bind/number.hpp>
#include <attune/bind/structure.hpp>
#include <attune/document/document.hpp>

#include <cstddef>
#include <string>

namespace attune::inline ATTUNE_ABI::detail {

template <class T>
bool same(const void* a, const void* b) {
    return *static_cast<const T*>(a) == *static_cast<const T*>(b);
}

template <class T>
bool equal_reals(const void* a, const void* b) noexcept {
    const T left = *static_cast<const T*>(a);
    const T right = *static_cast<const T*>(b);
    return left == right || (left != left && right != right);
}

// Not through double: a long double has more digits.
ATTUNE_DECL bool equal_reals(RealFormat format, const void* a, const void* b) noexcept {
    switch (format) {
    case RealFormat::single: return equal_reals<float>(a, b);
    case RealFormat::extended: return equal_reals<long double>(a, b);
    default: return equal_reals<double>(a, b);
    }
}

ATTUNE_DECL bool equal_lists(const ListType& type, const void* a, const void* b) {
    const std::size_t size = type.size(a);
    if (size != type.size(b)) {
        return false;
    }
    for (std::size_t i = 0; i < size; ++i) {
        if (!equal(type.element, type.get(a, i), type.get(b, i))) {
            return false;
        }
    }
    return true;
}

ATTUNE_DECL bool equal_flags(const FlagsType& type, const void* a, const void* b) {
    const std::size_t size = type.size(a);
    if (size != type.size(b)) {
        return false;
    }
    for (std::size_t i = 0; i < size; ++i) {
        if (type.get(a, i) != type.get(b, i)) {
            return false;
        }
    }
    return true;
}

ATTUNE_DECL bool equal_arrays(const ArrayType& type, const void* a, const void* b) {
    const auto* left = static_cast<const std::byte*>(a);
    const auto* right = static_cast<const std::byte*>(b);
    for (std::size_t i = 0; i < type.count; ++i, left += type.stride, right += type.stride) {
        if (!equal(type.element, left, right)) {
            return false;
        }
    }
    return true;
}

ATTUNE_DECL bool equal_maps(const MapType& type, const void* a, const void* b) {
    if (type.size(a) != type.size(b)) {
        return false;
    }
    struct Context {
        const MapType& type;
        const void* other;
        bool equal;
    } context{type, b, true};
    type.visit(a, &context, [](void* opaque, const std::string& key, const void* value) {
        Context& c = *static_cast<Context*>(opaque);
        if (c.equal) {
            const void* const other = c.type.find(c.other, key);
            c.equal = other != nullptr && equal(c.type.element, value, other);
        }
    });
    return context.equal;
}

ATTUNE_DECL bool equal_structs(const Structure& structure, const void* a, const void* b) {
    const auto* left = static_cast<const std::byte*>(a);
    const auto* right = static_cast<const std::byte*>(b);
    for (const FieldInfo& field : structure.fields) {
        if (!equal(*field.type, left + field.offset, right + field.offset)) {
            return false;
        }
    }
    return true;
}

ATTUNE_DECL bool equal(const Type& type, const void* a, const void* b) {
    if (a == b) {
        return true;
    }
    switch (type.shape) {
    case Shape::boolean: return same<bool>(a, b);
    case Shape::integer:
    case Shape::enumeration:
    case Shape::bytes: return load(type, a) == load(type, b);
    case Shape::real: return equal_reals(static_cast<const RealType&>(type).format, a, b);
    case Shape::string: return same<std::string>(a, b);
    case Shape::document: return same<Document>(a, b);
    case Shape::duration: {
        const auto& duration = static_cast<const DurationType&>(type);
        return duration.real == RealFormat::none ? load(type, a) == load(type, b)
                                                 : equal_reals(duration.real, a, b);
    }
    case Shape::path: {
        const auto& path = static_cast<const PathType&>(type);
        return path.text(a) == path.text(b);
    }
    case Shape::optional: {
        const auto& optional = static_cast<const OptionalType&>(type);
        const void* const left = optional.get(a);
        const void* const right = optional.get(b);
        return left == nullptr || right == nullptr ? left == right
                                                   : equal(optional.inner, left, right);
    }
    case Shape::flags: return equal_flags(static_cast<const FlagsType&>(type), a, b);
    case Shape::list: return equal_lists(static_cast<const ListType&>(type), a, b);
    case Shape::array: return equal_arrays(static_cast<const ArrayType&>(type), a, b);
    case Shape::map: return equal_maps(static_cast<const MapType&>(type), a, b);
    case Shape::variant: {
        const auto& variant = static_cast<const VariantType&>(type);
        const std::size_t index = variant.index(a);
        return index == variant.index(b) &&
               (index >= variant.count ||
                equal(*variant.alternatives[index], variant.get(a), variant.get(b)));
    }
    case Shape::structure: return equal_structs(structure_of(type), a, b);
    case Shape::secret: {
        const auto& secret = static_cast<const SecretType&>(type);
        return equal(secret.inner, secret.reveal(a), secret.reveal(b));
    }
    case Shape::external: return static_cast<const ExternalType&>(type).equal(a, b);
    }
    return false;
}

}  // namespace attune::inline ATTUNE_ABI::detail
