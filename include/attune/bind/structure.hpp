#pragma once

#include <attune/bind/pattern.hpp>
#include <attune/bind/quantity.hpp>
#include <attune/version.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

struct Type;

/// What a field must satisfy beyond its type. Rules of an optional or a secret hold for the value
/// inside.
struct Rules {
    std::optional<Quantity> least;
    std::optional<Quantity> most;
    std::optional<std::size_t> least_size;
    std::optional<std::size_t> most_size;
    Pattern pattern;
    std::vector<std::string> strings;  ///< nothing else is allowed, unless empty
    std::vector<Quantity> numbers;     ///< nothing else is allowed, unless empty
};

struct FieldInfo {
    std::string name;  ///< in documents
    std::string doc;
    const Type* type;
    std::size_t offset;  ///< bytes from the beginning of the struct
    bool required = false;
    bool secret = false;
    std::unique_ptr<Rules> rules;  ///< null when there are none
};

/// An object of any type; std::shared_ptr would be compiled anew for each.
using Erased = std::unique_ptr<const void, void (*)(const void*)>;

template <class T>
Erased erase(T* object) {
    return Erased(object, [](const void* erased) { delete static_cast<const T*>(erased); });
}

struct CheckInfo {
    using Call = bool (*)(const void* function, const void* object);

    Erased function;
    Call call;
    std::string text;
};

/// What has_secrets found out about a struct.
enum class Secrecy : std::uint8_t { unknown, none, some };

/// A struct: its fields in their order, and what its `describe` said about them. Immutable once it
/// is complete.
struct Structure {
    std::string doc;
    std::vector<FieldInfo> fields;
    std::vector<CheckInfo> checks;
    Erased defaults{nullptr, nullptr};  ///< an object T{}
    /// Found out when first asked for: recursive structs are not known before all are complete.
    mutable std::atomic<Secrecy> secrecy = Secrecy::unknown;

    const FieldInfo* find(std::string_view name) const noexcept {
        for (const FieldInfo& field : fields) {
            if (field.name == name) {
                return &field;
            }
        }
        return nullptr;
    }
};

/// What the compiler knows about a struct.
struct Recipe {
    std::string_view names;  ///< of the members, as the compiler spells them
    std::size_t count;
    Erased (*make)();
    void (*members)(Structure& structure, const void* object);   ///< adds them
    void (*describe)(Structure& structure, const void* object);  ///< null when it has none
};

/// Adds a field that has no name yet: the member at that address in the structure's defaults.
ATTUNE_DECL void add_member(Structure& structure, const void* address, const Type& type);

/// Makes a Structure that is never destroyed, since objects of static storage may use it to their
/// end. Throws std::logic_error when `describe` contradicts itself.
ATTUNE_DECL const Structure& make_structure(const Recipe& recipe);

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/bind/impl/structure.ipp>
#endif
