#pragma once

#include <attune/bind/encode.hpp>
#include <attune/bind/fallback.hpp>
#include <attune/bind/structure.hpp>
#include <attune/document/path.hpp>

#include <cstddef>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL std::optional<Document> fallback_at(const Type& type, const void* object,
                                                std::span<const std::string> tokens) {
    if (type.shape == Shape::structure && object == nullptr) {
        object = structure_of(type).defaults.get();
    }
    if (type.shape == Shape::secret && object != nullptr) {
        return "***";
    }
    if (tokens.empty()) {
        return object != nullptr ? std::optional{encode(type, object, true)} : std::nullopt;
    }
    const std::string& token = tokens.front();
    const auto rest = tokens.subspan(1);
    const auto element = [&](const Type& inner, std::size_t count,
                             auto&& at) -> std::optional<Document> {
        const std::optional<std::size_t> index = element_index(token);
        if (!index) {
            return std::nullopt;
        }
        const bool there = object != nullptr && *index < count;
        return fallback_at(inner, there ? at(*index) : nullptr, rest);
    };
    switch (type.shape) {
    case Shape::structure: {
        const FieldInfo* const field = structure_of(type).find(token);
        if (field == nullptr) {
            return std::nullopt;
        }
        if (field->secret) {
            return "***";
        }
        return fallback_at(*field->type, static_cast<const std::byte*>(object) + field->offset,
                           rest);
    }
    case Shape::optional: {
        const auto& optional = static_cast<const OptionalType&>(type);
        return fallback_at(optional.inner, object != nullptr ? optional.get(object) : nullptr,
                           tokens);
    }
    case Shape::map: {
        const auto& map = static_cast<const MapType&>(type);
        return fallback_at(map.element, object != nullptr ? map.find(object, token) : nullptr,
                           rest);
    }
    case Shape::list: {
        const auto& list = static_cast<const ListType&>(type);
        return element(list.element, object != nullptr ? list.size(object) : 0,
                       [&](std::size_t index) { return list.get(object, index); });
    }
    case Shape::array: {
        const auto& array = static_cast<const ArrayType&>(type);
        return element(array.element, array.count, [&](std::size_t index) -> const void* {
            return static_cast<const std::byte*>(object) + index * array.stride;
        });
    }
    case Shape::variant: {
        const auto& variant = static_cast<const VariantType&>(type);
        const std::size_t index = object != nullptr ? variant.index(object) : variant.count;
        return index < variant.count
                   ? fallback_at(*variant.alternatives[index], variant.get(object), tokens)
                   : std::nullopt;
    }
    default: return std::nullopt;
    }
}

}  // namespace attune::inline ATTUNE_ABI::detail
