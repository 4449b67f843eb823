#pragma once

#include <attune/bind/type.hpp>
#include <attune/version.hpp>

namespace attune::inline ATTUNE_ABI::detail {

/// Deep equality of two objects of the described type, whether or not it has an `==`: structs by
/// their fields, what is behind pointers by value. NaN equals NaN, so that an unchanged
/// configuration is one.
ATTUNE_DECL bool equal(const Type& type, const void* a, const void* b);

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/bind/impl/equal.ipp>
#endif
