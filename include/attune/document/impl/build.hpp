#pragma once

#include <attune/document/document.hpp>
#include <attune/version.hpp>

#include <cstddef>

namespace attune::inline ATTUNE_ABI::detail {

// An array of `count` elements, which are moved from. O(n).
ATTUNE_DECL Document make_array(Document* elements, std::size_t count);

// Two members with one key, by their places among the members given.
struct Repeated {
    std::size_t first = 0;
    std::size_t second = 0;
};

// An object of `count` members, keys and values in turn, which are moved from. O(n) when they are
// sorted, else O(n log n). Of equal keys the last one wins; when `repeated` is given, the first
// repetition is written there instead and the result is null.
ATTUNE_DECL Document make_object(Document* slots, std::size_t count, Repeated* repeated = nullptr);

// One change of an object: a member to set, or one to remove.
struct Edit {
    Document key;
    Document value;
    bool erase = false;
};

// The object with `count` edits, which come in key order, one per key. Copies paths when they are
// few, builds anew when they are many; what has not changed is shared in either case.
ATTUNE_DECL Document edited(const Document& object, const Edit* edits, std::size_t count);

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/document/impl/build.ipp>
#endif
