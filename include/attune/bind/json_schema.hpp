#pragma once

#include <attune/bind/spelling.hpp>
#include <attune/document/document.hpp>
#include <attune/version.hpp>

#include <span>

namespace attune::inline ATTUNE_ABI::detail {

/// The JSON Schema (draft 2020-12) of documents that satisfy every root: objects along the paths,
/// open to what is not bound; below, what `decode` takes, as far as JSON Schema can say it. Members
/// without a rule that makes them required may be null, which stands for their default; so may
/// values of maps.
///
/// What it cannot say, it allows: rules over several fields, bounds of durations and of sizes with
/// a unit, lengths in bytes where there are more bytes than characters, members that are null in a
/// map of at least two, `1.0` for an integer. The description then tells what is expected.
///
/// Structs that occur more than once are in `$defs`, named after the member that leads to them
/// first. Defaults are those of the struct around; none is given that would be refused, or holds a
/// secret. Secrets are marked `writeOnly`.
ATTUNE_DECL Document json_schema(std::span<const Bound> roots);

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/bind/impl/json_schema.ipp>
#endif
