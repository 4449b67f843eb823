#pragma once

#include <attune/bind/type.hpp>
#include <attune/document/document.hpp>
#include <attune/version.hpp>

#include <memory>

namespace attune::inline ATTUNE_ABI {

namespace detail {

/// An object of the described type as a document: every field of a struct, in its names, also where
/// it is empty. Secrets become `"***"` when they are to be masked, and can then not be decoded.
ATTUNE_DECL Document encode(const Type& type, const void* object, bool mask_secrets);

}  // namespace detail

/// The document that `decode` reads back as an equal object. Secrets are written out: for a
/// document that somebody will see, mask them with `masked`.
///
/// Not everything has a text: an enumerator outside EnumRange becomes a number that no decoder
/// takes, a long double is rounded to a double, a duration that is not finite becomes null.
template <class T>
Document encode(const T& object) {
    return detail::encode(detail::type_of<T>(), std::addressof(object), false);
}

/// As `encode`, with `"***"` in place of every secret.
template <class T>
Document masked(const T& object) {
    return detail::encode(detail::type_of<T>(), std::addressof(object), true);
}

}  // namespace attune::inline ATTUNE_ABI

#if ATTUNE_HEADER_ONLY
#include <attune/bind/impl/encode.ipp>
#endif
