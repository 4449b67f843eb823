#pragma once

#include <attune/version.hpp>

namespace attune::inline ATTUNE_ABI::detail {

/// Makes the description of T; specialised in impl/type.hpp.
template <class T>
struct Describe;

/// The description of T.
template <class T>
inline constexpr auto type_object = Describe<T>::make();

}  // namespace attune::inline ATTUNE_ABI::detail
