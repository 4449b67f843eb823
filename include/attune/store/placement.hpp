#pragma once

#include <attune/bind/problem.hpp>
#include <attune/bind/spelling.hpp>
#include <attune/store/layer_stack.hpp>
#include <attune/version.hpp>

#include <span>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

/// Adds the places that `root` offers to `layer.places`. False when it offers none.
ATTUNE_DECL bool find_places(LayerContent& layer, const Bound& root);

/// Puts every text where it belongs and sets `layer.document` and `layer.source`: the layer's own
/// document, with each text at its place. One without a place waits for a later binding, and for
/// Store::check; a path is a place by itself.
///
/// - A text that fits two places is a problem that names both, but a key of a map is only meant
///   where no member is.
/// - Texts for places inside each other add up, whatever their order: the deeper one wins. One that
///   is neither a list nor an object is a problem where a deeper one needs to pass.
/// - Of two options for one place the later wins; two variables or paths for one are a problem.
/// - An option without a value is true for a boolean; else the positional text after it is its
///   value. `no-` makes a boolean false, and takes no value.
ATTUNE_DECL void place_texts(LayerContent& layer, std::vector<Problem>& problems);

/// One problem for each text that has no place, with the nearest name that would have one. What
/// may be the value of an option is never repeated.
ATTUNE_DECL void report_unplaced(const LayerContent& layer, std::span<const Bound> roots,
                                 std::vector<Problem>& problems);

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/store/impl/placement.ipp>
#endif
