#pragma once

#include <attune/document/document.hpp>
#include <attune/version.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace attune::inline ATTUNE_ABI::detail {

struct Node;

// One place in two documents; null where a document has nothing.
struct Delta {
    const Document* before;
    const Document* after;

    bool same() const noexcept {
        return before == after || (before != nullptr && after != nullptr && before->same(*after));
    }
};

// No tree that fits into memory is higher: 2 * 8^20 entries.
inline constexpr std::size_t max_levels = 22;

enum class Direction : std::uint8_t { forward, backward };

// A walk over one container that stands at a whole node for as long as nobody looks into it: two
// walks that stand at the same node pass it in one step.
class Walk {
public:
    // Null is the empty container.
    explicit Walk(const Node* root, Direction direction = Direction::forward) noexcept
        : node_(root), backward_(direction == Direction::backward) {}

    bool done() const noexcept { return !node_ && !slot_; }

    // One of these is set unless the walk is done: the node whose entries come next, or the
    // entry inside a leaf.
    const Node* node() const noexcept { return node_; }
    const Document* slot() const noexcept { return slot_; }

    // From a node to its first child or entry.
    ATTUNE_DECL void descend() noexcept;

    // Past the node or the entry.
    ATTUNE_DECL void skip() noexcept;

private:
    struct Step {
        const Node* node;
        std::size_t index;
    };

    ATTUNE_DECL void stand() noexcept;

    const Node* node_ = nullptr;
    const Document* slot_ = nullptr;
    bool backward_;
    std::size_t depth_ = 0;
    Step steps_[max_levels];
};

// Pairs of entries at equal indexes of two containers, counted from either end, except where both
// share the node; ends with the shorter one.
class Lockstep {
public:
    ATTUNE_DECL Lockstep(const Document& before, const Document& after,
                         Direction direction = Direction::forward) noexcept;

    // Moves to the next pair; false when there is none.
    ATTUNE_DECL bool next() noexcept;

    // Counted from the end where the walk began.
    std::size_t index() const noexcept { return next_ - 1; }
    const Document* before() const noexcept { return before_.slot(); }
    const Document* after() const noexcept { return after_.slot(); }

private:
    Walk before_;
    Walk after_;
    std::size_t next_ = 0;
};

// Members of two objects that are not `same`, in key order.
class Differences {
public:
    ATTUNE_DECL Differences(const Document& before, const Document& after) noexcept;

    // Moves to the next difference; false when there is none.
    ATTUNE_DECL bool next() noexcept;

    std::string_view key() const noexcept { return key_document().as_string(); }
    const Document& key_document() const noexcept {
        return before_slot_ ? *before_slot_ : *after_slot_;
    }
    const Document* before() const noexcept { return before_slot_ ? before_slot_ + 1 : nullptr; }
    const Document* after() const noexcept { return after_slot_ ? after_slot_ + 1 : nullptr; }

private:
    Walk before_;
    Walk after_;
    const Document* before_slot_ = nullptr;
    const Document* after_slot_ = nullptr;
};

// The entries that differ in two objects, or at equal indexes of two arrays, and the token of the
// current one.
class ChangedEntries {
public:
    // Of one kind.
    ATTUNE_DECL ChangedEntries(const Document& before, const Document& after) noexcept;

    ATTUNE_DECL bool next() noexcept;

    ATTUNE_DECL std::string token() const;
    // Elements only.
    std::size_t index() const noexcept { return elements_.index(); }
    ATTUNE_DECL const Document* before() const noexcept;
    ATTUNE_DECL const Document* after() const noexcept;

private:
    bool object_;  // which of the two counts
    Differences members_;
    Lockstep elements_;
};

// How many of the first `most` elements of two arrays are equal in turn, seen from one end: none
// after the first pair that differs. Skips what both share. Both must have that many elements.
ATTUNE_DECL std::size_t count_equal(const Document& before, const Document& after,
                                    Direction direction, std::size_t most) noexcept;

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/document/impl/walk.ipp>
#endif
