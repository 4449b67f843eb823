#pragma once

#include <attune/bind/expected.hpp>
#include <attune/bind/problem.hpp>
#include <attune/bind/structure.hpp>
#include <attune/bind/type.hpp>
#include <attune/document/document.hpp>
#include <attune/document/parse.hpp>
#include <attune/document/path.hpp>
#include <attune/version.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

class Provenance;

// Twice what a parsed document can be deep: only recursive structs read from documents made by hand
// get there, and they must not exhaust the stack.
inline constexpr std::size_t max_decode_depth = 256;

/// Where a decoder is, without a path: paths are made only for problems. Lives on the stack.
struct Trail {
    const Trail* above = nullptr;
    std::string_view key{};
    std::size_t index = 0;
    bool is_element = false;
    const Rules* rules = nullptr;  ///< of the field; null in a list's elements
    bool secret = false;           ///< nothing found from here on may be shown

    Trail member(std::string_view name) const noexcept {
        return {this, name, 0, false, nullptr, secret};
    }
    Trail element(std::size_t at) const noexcept { return {this, {}, at, true, nullptr, secret}; }
};

/// One run over one document. What `decode` promises, in parts.
class Decoder {
public:
    Decoder(const Type& root, const Path& at, const Provenance& provenance,
            std::vector<Problem>& problems) noexcept
        : root_(root), at_(at), provenance_(provenance), problems_(problems) {}

    /// A null document is one that has nothing.
    ATTUNE_DECL void value(const Type& type, void* object, const Document* document,
                           const Trail& place);

    std::size_t errors() const noexcept { return errors_; }

private:
    // Scalars; impl/decode_scalar.ipp. The document is not null.
    ATTUNE_DECL void boolean(void* object, const Document& document, const Trail& place);
    ATTUNE_DECL void integer(const IntegerType& type, void* object, const Document& document,
                             const Trail& place);
    ATTUNE_DECL void real(const RealType& type, void* object, const Document& document,
                          const Trail& place);
    ATTUNE_DECL void string(const Type& type, void* object, const Document& document,
                            const Trail& place);
    ATTUNE_DECL void enumeration(const EnumType& type, void* object, const Document& document,
                                 const Trail& place);
    ATTUNE_DECL void duration(const DurationType& type, void* object, const Document& document,
                              const Trail& place);
    ATTUNE_DECL void bytes(const Type& type, void* object, const Document& document,
                           const Trail& place);
    ATTUNE_DECL void external(const ExternalType& type, void* object, const Document& document,
                              const Trail& place);
    ATTUNE_DECL bool allowed(const Type& type, const Quantity& number, const Document& document,
                             const Trail& place);

    // Containers; impl/decode.ipp.
    ATTUNE_DECL void structured(const Type& type, void* object, const Document& document,
                                const Trail& place);
    ATTUNE_DECL void flags(const FlagsType& type, void* object, const Document& document,
                           const Trail& place);
    ATTUNE_DECL void list(const ListType& type, void* object, const Document& document,
                          const Trail& place);
    ATTUNE_DECL void array(const ArrayType& type, void* object, const Document& document,
                           const Trail& place);
    ATTUNE_DECL void map(const MapType& type, void* object, const Document& document,
                         const Trail& place);
    ATTUNE_DECL void element(const Type& type, void* object, const Document& document,
                             const Trail& place);
    ATTUNE_DECL void check_size(const Type& type, std::size_t size, const Document& document,
                                const Trail& place);

    // Structs; impl/decode_struct.ipp.
    ATTUNE_DECL void structure(const Structure& type, void* object, const Document* document,
                               const Trail& place);
    ATTUNE_DECL void missing(const Structure& type, const FieldInfo& field,
                             const Document* document, const Trail& place);
    ATTUNE_DECL void unknown(const Structure& type, const Document& document, const Trail& place);
    ATTUNE_DECL void check(const Structure& type, const void* object, const Trail& place);

    // Variants; impl/decode_variant.ipp.
    ATTUNE_DECL void variant(const VariantType& type, void* object, const Document& document,
                             const Trail& place);
    ATTUNE_DECL void text_variant(const VariantType& type, void* object, const Document& document,
                                  const Trail& place);
    ATTUNE_DECL bool attempt(const VariantType& type, void* object, std::size_t index,
                             const Document& document, const Trail& place);
    ATTUNE_DECL void struct_variant(const VariantType& type, void* object,
                                    const std::vector<std::size_t>& order, const Document& document,
                                    const Trail& place);

    // Problems; impl/decode_problem.ipp.
    ATTUNE_DECL Path path(const Trail& place) const;
    ATTUNE_DECL Problem& report(const Trail& place, Part part = Part::value);
    ATTUNE_DECL void mismatch(const Type& type, const Document& document, const Trail& place);

    const Type& root_;
    const Path& at_;
    const Provenance& provenance_;
    std::vector<Problem>& problems_;
    std::size_t errors_ = 0;
    std::size_t depth_ = 0;
};

/// True when null is a value of the type's own, and does not stand for its default.
ATTUNE_DECL bool takes_null(const Type& type) noexcept;

/// The forms that a value can be given as.
ATTUNE_DECL std::uint8_t form_of(const Document& document) noexcept;

/// A value for people: `80800`, `"text"`, `a list`; cut when it is long, kept back when it is
/// secret.
ATTUNE_DECL std::string found(const Document& document, bool secret);

}  // namespace attune::inline ATTUNE_ABI::detail
