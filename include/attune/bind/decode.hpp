#pragma once

#include <attune/bind/problem.hpp>
#include <attune/bind/type.hpp>
#include <attune/document/document.hpp>
#include <attune/document/origin.hpp>
#include <attune/document/parse.hpp>
#include <attune/document/path.hpp>
#include <attune/version.hpp>

#include <cstdint>
#include <vector>

namespace attune::inline ATTUNE_ABI {

/// What a member is that no field of a bound struct has the name of.
enum class UnknownKeys : std::uint8_t { error, warn, ignore };

namespace detail {

/// What a decoder has to ask about the document it reads.
class Provenance {
public:
    Provenance() = default;
    Provenance(const Provenance&) = delete;
    Provenance& operator=(const Provenance&) = delete;
    virtual ~Provenance() = default;

    /// Where the value at `path`, or its name, was written; when nothing is there, its nearest
    /// ancestor.
    virtual Origin origin(const Path& path, Part part) const = 0;

    /// How the unknown member at `path` is judged.
    virtual UnknownKeys unknown_keys(const Path& path) const = 0;
};

/// Reads `document`, the value at the path `at`, into an object of the described type.
///
/// The object holds the defaults. They stay where the document has nothing, or null; a null
/// pointer is a document that has nothing at all. Lists and maps are replaced, members of structs
/// are read one by one. Goes on after a problem and appends all of them; returns false when one of
/// them is an error, and then the object is valid but of no use.
ATTUNE_DECL bool decode(const Type& type, void* object, const Document* document, const Path& at,
                        const Provenance& provenance, std::vector<Problem>& problems);

/// As above, for a document nobody knows the origin of; throws Rejected.
ATTUNE_DECL void decode_or_throw(const Type& type, void* object, const Document& document,
                                 const Path& at);

}  // namespace detail

/// The part of the document at `at` as a T, whose defaults stand for what is absent. Throws
/// Rejected with every problem in it; unknown members are errors.
template <class T>
T decode(const Document& document, const Path& at = {}) {
    const detail::Type& type = detail::type_of<T>();
    // Where T{} is not valid, the description of T has said so already, and better.
    if constexpr (requires { T{}; }) {
        T object{};
        detail::decode_or_throw(type, &object, document, at);
        return object;
    }
}

}  // namespace attune::inline ATTUNE_ABI

#if ATTUNE_HEADER_ONLY
#include <attune/bind/impl/decode.ipp>
#endif
