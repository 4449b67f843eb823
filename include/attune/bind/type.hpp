#pragma once

#include <attune/bind/enum_names.hpp>
#include <attune/version.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// What a C++ type looks like to code that is not a template. One constant object describes each
// type; decode, encode, equal and everything that lists fields walk over these descriptions, so
// that one more bound struct costs a table and not another copy of the engine.
//
// Pointers in a description are to other descriptions or to small functions over `void*`, each of
// which takes an object of exactly the described type. Descriptions of structs are completed when
// they are first asked for, which is what lets types be recursive.

namespace attune::inline ATTUNE_ABI {

class Document;

namespace detail {

enum class Shape : std::uint8_t {
    boolean,
    integer,
    real,
    string,
    enumeration,
    duration,
    bytes,
    path,
    optional,  ///< std::optional, std::unique_ptr, std::shared_ptr
    flags,     ///< std::vector<bool>
    list,      ///< std::vector of anything else
    array,     ///< std::array
    map,       ///< std::map, std::unordered_map
    variant,
    structure,
    secret,
    document,
    external,  ///< by the type's own nlohmann from_json and to_json
};

/// The kinds of JSON value that a type decodes from. Alternatives of a variant must be told apart
/// by them.
namespace form {

inline constexpr std::uint8_t null = 1;
inline constexpr std::uint8_t boolean = 2;
inline constexpr std::uint8_t integer = 4;
inline constexpr std::uint8_t real = 8;
inline constexpr std::uint8_t string = 16;
inline constexpr std::uint8_t list = 32;
inline constexpr std::uint8_t map = 64;
inline constexpr std::uint8_t structure = 128;
inline constexpr std::uint8_t any = 255;

}  // namespace form

struct Structure;

struct Type {
    Shape shape;
    std::uint8_t forms;
};

/// Integers, and the numbers that enumerations and durations are made of.
struct IntegerFormat {
    std::uint8_t width;  ///< bytes
    bool is_signed;
};

enum class RealFormat : std::uint8_t { none, single, twofold, extended };

struct IntegerType : Type {
    IntegerFormat format;
};

struct RealType : Type {
    RealFormat format;
};

struct EnumType : Type {
    IntegerFormat format;
    const Enumerators& (*names)();
};

struct DurationType : Type {
    IntegerFormat integer;
    RealFormat real;    ///< none: counts in integers
    std::int64_t tick;  ///< nanoseconds
};

struct PathType : Type {
    void (*assign)(void* path, std::string_view text);
    std::string (*text)(const void* path);
};

struct OptionalType : Type {
    const Type& inner;
    const void* (*get)(const void* optional);  ///< null when empty
    /// Makes sure that there is a value that may be changed: the present one, else a new one.
    void* (*engage)(void* optional);
    void (*reset)(void* optional);
};

struct FlagsType : Type {
    std::size_t (*size)(const void* list);
    bool (*get)(const void* list, std::size_t index);
    void (*clear)(void* list);
    void (*append)(void* list, bool value);
};

struct ListType : Type {
    const Type& element;
    std::size_t (*size)(const void* list);
    const void* (*get)(const void* list, std::size_t index);
    void (*clear)(void* list, std::size_t expected);
    void* (*append)(void* list);  ///< an element with its default value
};

struct ArrayType : Type {
    const Type& element;
    std::size_t count;
    std::size_t stride;  ///< bytes from one element to the next
};

struct MapType : Type {
    using Visitor = void (*)(void* context, const std::string& key, const void* value);

    const Type& element;
    std::size_t (*size)(const void* map);
    const void* (*find)(const void* map, const std::string& key);
    void (*visit)(const void* map, void* context, Visitor visitor);
    void (*clear)(void* map);
    void* (*emplace)(void* map, std::string_view key);  ///< a value with its default value
};

struct VariantType : Type {
    const Type* const* alternatives;
    std::size_t count;
    std::size_t (*index)(const void* variant);  ///< `count` or more when it has no value
    const void* (*get)(const void* variant);
    void* (*emplace)(void* variant, std::size_t index);
};

struct StructType : Type {
    const Structure& (*get)();
};

struct SecretType : Type {
    const Type& inner;
    const void* (*reveal)(const void* secret);
};

struct ExternalType : Type {
    /// An exception is the type's way of saying no.
    void (*decode)(void* object, const Document& document);
    Document (*encode)(const void* object);
    bool (*equal)(const void* a, const void* b);
};

/// The description of T. Constant, and the same object at each call.
template <class T>
const Type& type_of() noexcept;

/// The fields and rules of a struct's description. Completed at the first call, which may throw
/// std::logic_error when the struct's `describe` contradicts itself; thread-safe.
inline const Structure& structure_of(const Type& type) {
    return static_cast<const StructType&>(type).get();
}

}  // namespace detail

}  // namespace attune::inline ATTUNE_ABI

#include <attune/bind/impl/type.hpp>
