#pragma once

#include <attune/bind/pattern.hpp>
#include <attune/bind/quantity.hpp>
#include <attune/bind/type.hpp>
#include <attune/version.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

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

struct CheckInfo {
    std::shared_ptr<const void> function;
    bool (*call)(const void* function, const void* object);
    std::string text;
};

/// A struct: its fields in their order, and what its `describe` said about them. Immutable once it
/// is complete.
struct Structure {
    std::string doc;
    std::vector<FieldInfo> fields;
    std::vector<CheckInfo> checks;
    std::shared_ptr<const void> defaults;  ///< an object T{}

    const FieldInfo* find(std::string_view name) const noexcept {
        for (const FieldInfo& field : fields) {
            if (field.name == name) {
                return &field;
            }
        }
        return nullptr;
    }
};

/// Finishes what a struct's `describe` has begun: throws std::logic_error when two fields have one
/// name or a rule contradicts itself.
ATTUNE_DECL void complete(const Structure& structure);

/// Appends the fields of a struct: their names as the compiler spells them, then for each the
/// address of the member inside `object` and its type.
struct MemberInfo {
    const void* address;
    const Type* type;
};
ATTUNE_DECL void append_fields(Structure& structure, std::string_view names, const void* object,
                               std::span<const MemberInfo> members);

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/bind/impl/structure.ipp>
#endif
