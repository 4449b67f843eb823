#pragma once

#include <attune/bind/bytes.hpp>
#include <attune/bind/duration.hpp>
#include <attune/bind/enum_names.hpp>
#include <attune/bind/impl/describe.hpp>
#include <attune/bind/impl/external.hpp>
#include <attune/bind/impl/structure.hpp>
#include <attune/bind/secret.hpp>
#include <attune/bind/type.hpp>
#include <attune/document/document.hpp>

#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

template <class T>
constexpr IntegerFormat integer_format() noexcept {
    return {sizeof(T), std::is_signed_v<T>};
}

template <std::floating_point T>
constexpr RealFormat real_format() noexcept {
    return std::is_same_v<T, float>    ? RealFormat::single
           : std::is_same_v<T, double> ? RealFormat::twofold
                                       : RealFormat::extended;
}

// Recognised by what they can do, so that <filesystem>, <map> and <unordered_map> stay out of this.
template <class T>
concept PathLike = requires(const T& path) {
    typename T::string_type;
    T::preferred_separator;
    { path.lexically_normal() } -> std::same_as<T>;
    { path.string() } -> std::same_as<std::string>;
};

template <class T>
concept MapLike = std::same_as<typename T::key_type, std::string> && requires(T& map) {
    typename T::mapped_type;
    map.try_emplace(std::string());
};

template <class T>
concept OtherMap = requires {
    typename T::key_type;
    typename T::mapped_type;
};

/// Makes the description of T. The general case: scalars, and classes that are no templates.
template <class T>
struct Describe {
    static_assert(!std::is_const_v<T> && !std::is_volatile_v<T>,
                  "attune cannot bind a const or volatile member: it could not be set");
    static_assert(!std::is_reference_v<T>, "attune cannot bind a reference");
    static_assert(!std::is_array_v<T>, "attune cannot bind a C array: use std::array");
    static_assert(!std::is_union_v<T>, "attune cannot bind a union: use std::variant");
    static_assert(!std::is_pointer_v<T> && !std::is_null_pointer_v<T>,
                  "attune cannot bind a pointer: use std::unique_ptr for a value, std::string for "
                  "text");
    static_assert(!Character<T>, "attune cannot bind a character: use std::string or an integer");
    static_assert(!std::is_same_v<T, std::string_view>,
                  "attune cannot bind std::string_view, which does not own its text: use "
                  "std::string");

    static constexpr auto make() noexcept {
        if constexpr (std::is_same_v<T, bool>) {
            return Type{Shape::boolean, form::boolean};
        } else if constexpr (Integer<T>) {
            return IntegerType{{Shape::integer, form::integer}, integer_format<T>()};
        } else if constexpr (std::is_floating_point_v<T>) {
            return RealType{{Shape::real, form::real}, real_format<T>()};
        } else if constexpr (std::is_same_v<T, std::string>) {
            return Type{Shape::string, form::string};
        } else if constexpr (std::is_same_v<T, Bytes>) {
            return Type{Shape::bytes, form::string | form::integer};
        } else if constexpr (std::is_same_v<T, Document>) {
            return Type{Shape::document, form::any};
        } else if constexpr (External<T>) {
            return external_type<T>();
        } else if constexpr (std::is_enum_v<T>) {
            return EnumType{{Shape::enumeration, form::string},
                            integer_format<std::underlying_type_t<T>>(),
                            &enumerators<T>};
        } else if constexpr (PathLike<T>) {
            return PathType{
                {Shape::path, form::string},
                [](void* path, std::string_view text) { static_cast<T*>(path)->assign(text); },
                [](const void* path) { return static_cast<const T*>(path)->string(); }};
        } else if constexpr (MapLike<T>) {
            return map();
        } else {
            static_assert(!OtherMap<T>,
                          "attune cannot bind this map: its keys must be std::string and its "
                          "values must have a default");
            static_assert(std::is_class_v<T>, "attune cannot bind this type");
            if constexpr (OnlyExternal<T>) {
                return external_type<T>();
            } else {
                return StructType{{Shape::structure, form::structure}, &structure_for<T>};
            }
        }
    }

private:
    static constexpr MapType map() noexcept {
        using Value = typename T::mapped_type;
        return {{Shape::map, form::map},
                type_object<Value>,
                [](const void* map) { return static_cast<const T*>(map)->size(); },
                [](const void* map, const std::string& key) -> const void* {
                    const auto found = static_cast<const T*>(map)->find(key);
                    const bool none = found == static_cast<const T*>(map)->end();
                    return none ? nullptr : std::addressof(found->second);
                },
                [](const void* map, void* context, MapType::Visitor visitor) {
                    for (const auto& [key, value] : *static_cast<const T*>(map)) {
                        visitor(context, key, std::addressof(value));
                    }
                },
                [](void* map) { static_cast<T*>(map)->clear(); },
                [](void* map, std::string_view key) -> void* {
                    return std::addressof(
                        static_cast<T*>(map)->try_emplace(std::string(key)).first->second);
                }};
    }
};

template <class Rep, class Period>
struct Describe<std::chrono::duration<Rep, Period>> {
    static_assert(Integer<Rep> || std::is_floating_point_v<Rep>,
                  "attune cannot bind this duration: it must count in integers or reals");
    static_assert(tick_of<Period> > 0,
                  "attune cannot bind this duration: its period must be a whole number of "
                  "nanoseconds");

    static constexpr DurationType make() noexcept {
        DurationType type{{Shape::duration, form::string}, {}, {}, tick_of<Period>};
        if constexpr (std::is_floating_point_v<Rep>) {
            type.real = real_format<Rep>();
        } else {
            type.integer = integer_format<Rep>();
        }
        return type;
    }
};

// What std::optional and the smart pointers have in common.
template <class T, class Value>
struct DescribeOptional {
    static constexpr OptionalType make() noexcept {
        static_assert((type_object<Value>.forms & form::null) == 0,
                      "attune cannot bind an optional of something that can be null itself");
        return {{Shape::optional, static_cast<std::uint8_t>(type_object<Value>.forms | form::null)},
                type_object<Value>,
                [](const void* optional) -> const void* {
                    const T& value = *static_cast<const T*>(optional);
                    return value ? std::addressof(*value) : nullptr;
                },
                [](void* optional) -> void* {
                    T& value = *static_cast<T*>(optional);
                    if constexpr (std::is_same_v<T, std::shared_ptr<Value>>) {
                        // Somebody else may hold the present one.
                        value = std::make_shared<Value>();
                    } else if (!value) {
                        if constexpr (std::is_same_v<T, std::optional<Value>>) {
                            value.emplace();
                        } else {
                            value = std::make_unique<Value>();
                        }
                    }
                    return std::addressof(*value);
                },
                [](void* optional) { static_cast<T*>(optional)->reset(); }};
    }
};

template <class T>
inline constexpr bool is_std_optional = false;

template <class Value>
inline constexpr bool is_std_optional<std::optional<Value>> = true;

template <class Value>
struct Describe<std::optional<Value>> : DescribeOptional<std::optional<Value>, Value> {};

template <class Value>
struct Describe<std::unique_ptr<Value>> : DescribeOptional<std::unique_ptr<Value>, Value> {};

template <class Value>
struct Describe<std::shared_ptr<Value>> : DescribeOptional<std::shared_ptr<Value>, Value> {};

template <class Allocator>
struct Describe<std::vector<bool, Allocator>> {
    using T = std::vector<bool, Allocator>;

    static constexpr FlagsType make() noexcept {
        return {{Shape::flags, form::list},
                [](const void* list) { return static_cast<const T*>(list)->size(); },
                [](const void* list, std::size_t index) -> bool {
                    return (*static_cast<const T*>(list))[index];
                },
                [](void* list) { static_cast<T*>(list)->clear(); },
                [](void* list, bool value) { static_cast<T*>(list)->push_back(value); }};
    }
};

template <class Value, class Allocator>
struct Describe<std::vector<Value, Allocator>> {
    using T = std::vector<Value, Allocator>;

    static constexpr ListType make() noexcept {
        return {{Shape::list, form::list},
                type_object<Value>,
                [](const void* list) { return static_cast<const T*>(list)->size(); },
                [](const void* list, std::size_t index) -> const void* {
                    return static_cast<const T*>(list)->data() + index;
                },
                [](void* list, std::size_t expected) {
                    static_cast<T*>(list)->clear();
                    static_cast<T*>(list)->reserve(expected);
                },
                [](void* list) -> void* {
                    return std::addressof(static_cast<T*>(list)->emplace_back());
                }};
    }
};

template <class Value, std::size_t N>
struct Describe<std::array<Value, N>> {
    static constexpr ArrayType make() noexcept {
        return {{Shape::array, form::list}, type_object<Value>, N, sizeof(Value)};
    }
};

template <class Value>
struct Describe<Secret<Value>> {
    static constexpr SecretType make() noexcept {
        return {{Shape::secret, type_object<Value>.forms},
                type_object<Value>,
                [](const void* secret) -> const void* {
                    return std::addressof(static_cast<const Secret<Value>*>(secret)->reveal());
                }};
    }
};

/// Can JSON values of every kind be given to one alternative at most? Several structs can: they are
/// told apart by their members.
template <class... Values>
constexpr bool distinguishable() noexcept {
    unsigned seen = 0;
    bool clash = false;
    for (const unsigned forms : {unsigned{type_object<Values>.forms}...}) {
        const unsigned alone = forms & ~unsigned{form::structure | form::null};
        clash = clash || (seen & alone) != 0 ||
                ((seen | forms) & (form::map | form::structure)) == (form::map | form::structure);
        seen |= forms;
    }
    return !clash;
}

template <class... Values>
struct Describe<std::variant<Values...>> {
    using T = std::variant<Values...>;

    static_assert((!std::is_same_v<Values, std::monostate> && ...),
                  "attune cannot bind std::monostate: use a std::optional of the variant");
    static_assert((!is_std_optional<Values> && ...),
                  "attune cannot bind a variant of optionals: use a std::optional of the variant");
    static_assert(distinguishable<Values...>(),
                  "attune cannot bind this variant: two of its alternatives take the same kind of "
                  "JSON value");

    static constexpr const Type* alternatives[] = {&type_object<Values>...};

    static constexpr VariantType make() noexcept {
        return {
            {Shape::variant, static_cast<std::uint8_t>((type_object<Values>.forms | ...))},
            alternatives,
            sizeof...(Values),
            [](const void* variant) { return static_cast<const T*>(variant)->index(); },
            &get,
            [](void* variant, std::size_t index) {
                return emplace(*static_cast<T*>(variant), index,
                               std::index_sequence_for<Values...>{});
            }};
    }

private:
    static const void* get(const void* variant) {
        const auto address = [](const auto& value) -> const void* {
            return std::addressof(value);
        };
        return std::visit(address, *static_cast<const T*>(variant));
    }

    template <std::size_t... I>
    static void* emplace(T& variant, std::size_t index, std::index_sequence<I...>) {
        void* value = nullptr;
        const auto make = [&]<std::size_t N>(std::integral_constant<std::size_t, N>) {
            if (N == index) {
                value = std::addressof(variant.template emplace<N>());
            }
        };
        (make(std::integral_constant<std::size_t, I>{}), ...);
        return value;
    }
};

template <class T>
const Type& type_of() noexcept {
    return type_object<T>;
}

}  // namespace attune::inline ATTUNE_ABI::detail
