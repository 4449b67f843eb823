#pragma once

#include <attune/bind/quantity.hpp>
#include <attune/bind/type.hpp>
#include <attune/version.hpp>

namespace attune::inline ATTUNE_ABI::detail {

/// The integer at an address, and the way back. The value must fit.
ATTUNE_DECL Quantity load_integer(IntegerFormat format, const void* object) noexcept;
ATTUNE_DECL void store_integer(IntegerFormat format, void* object, const Quantity& value) noexcept;
ATTUNE_DECL Quantity least_of(IntegerFormat format) noexcept;
ATTUNE_DECL Quantity most_of(IntegerFormat format) noexcept;

/// The real at an address, and the way back. A long double is rounded to a double.
ATTUNE_DECL double load_real(RealFormat format, const void* object) noexcept;
ATTUNE_DECL void store_real(RealFormat format, void* object, double value) noexcept;
/// The largest finite value, as far as a double can say it.
ATTUNE_DECL double most_of(RealFormat format) noexcept;

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/bind/impl/number.ipp>
#endif
