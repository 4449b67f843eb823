#pragma once

#include <attune/bind/type.hpp>
#include <attune/document/document.hpp>
#include <attune/version.hpp>

#include <concepts>
#include <nlohmann/json_fwd.hpp>
#include <type_traits>

// Types with nlohmann from_json and to_json of their own, found without including nlohmann/json.

namespace attune::inline ATTUNE_ABI::detail {

namespace lookup {

// Ends the look-up of names in the enclosing namespaces: only the type's own functions count.
void from_json() = delete;
void to_json() = delete;

// Stands for nlohmann::json. With that itself as the argument, nlohmann's own functions for
// enumerations, ranges and strings would be found as well, but only where all of nlohmann/json is
// included: one type would be described in two ways in one program.
struct Json {
    operator nlohmann::json&() const;
};

template <class T, class J>
concept Converts = requires(const J& in, J& out, T& target, const T& value) {
    from_json(in, target);
    to_json(out, value);
};

}  // namespace lookup

/// Classes and enumerations that say themselves how they are converted.
template <class T>
concept External = lookup::Converts<T, lookup::Json>;

/// Types that cannot be bound in another way: for them no confusion is possible.
template <class T>
concept OnlyExternal =
    std::is_class_v<T> && !std::is_aggregate_v<T> && lookup::Converts<T, nlohmann::json>;

template <class J>
concept JsonIncluded = Complete<JsonCodec<J>>;

template <class T, class J = nlohmann::json>
constexpr ExternalType external_type() noexcept {
    static_assert(JsonIncluded<J>,
                  "this type is bound by its nlohmann from_json: include "
                  "<attune/document/json.hpp>");
    return {{Shape::external, form::any & ~form::null},
            [](void* object, const Document& document) {
                const J json = JsonCodec<J>::encode(document);
                from_json(json, *static_cast<T*>(object));
            },
            [](const void* object) {
                J json;
                to_json(json, *static_cast<const T*>(object));
                return JsonCodec<J>::decode(json);
            },
            [](const void* a, const void* b) {
                const T& left = *static_cast<const T*>(a);
                const T& right = *static_cast<const T*>(b);
                if constexpr (std::equality_comparable<T>) {
                    return left == right;
                } else {
                    J left_json;
                    J right_json;
                    to_json(left_json, left);
                    to_json(right_json, right);
                    return left_json == right_json;
                }
            }};
}

}  // namespace attune::inline ATTUNE_ABI::detail
