#pragma once

#include <attune/document/impl/build.hpp>
#include <attune/document/merge.hpp>

#include <optional>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI {

namespace detail {

// What becomes of a null in the upper document.
enum class Null : bool { masks, removes };

// Two objects in the middle of being merged.
struct Merging {
    Document lower;
    Cursor upper;
    std::vector<Edit> edits = {};
};

// Merges without recursion: the document may be deeper than the stack.
class Merger {
public:
    explicit Merger(Null null) noexcept : null_(null) {}

    Document merge(const Document& lower, const Document& upper) {
        if (std::optional<Document> whole = enter(&lower, upper)) {
            return *std::move(whole);
        }
        for (;;) {
            Merging& top = open_.back();
            if (top.upper.done()) {
                Document made = edited(top.lower, top.edits.data(), top.edits.size());
                open_.pop_back();
                if (open_.empty()) {
                    return made;
                }
                put(std::move(made));
                continue;
            }
            const Document& value = top.upper[1];
            const Document* const existing = top.lower.find(top.upper[0].as_string());
            if (null_ == Null::removes && value.is_null()) {
                if (existing) {
                    top.edits.push_back({top.upper[0], {}, true});
                }
                top.upper.advance();
            } else if (std::optional<Document> whole = enter(existing, value)) {
                put(*std::move(whole));
            }
        }
    }

private:
    // The result, when it takes no merging; else nothing, and the pair is the innermost open one.
    std::optional<Document> enter(const Document* lower, const Document& upper) {
        if (!upper.is_object()) {
            return upper;
        }
        const bool objects = lower && lower->is_object();
        if (null_ == Null::masks && (!objects || lower->size() == 0 || lower->same(upper))) {
            return upper;
        }
        open_.push_back({objects ? *lower : Document::object(), Cursor(upper)});
        return std::nullopt;
    }

    // The value of the current member of the innermost open pair.
    void put(Document value) {
        Merging& top = open_.back();
        const Document* const existing = top.lower.find(top.upper[0].as_string());
        if (!existing || !existing->same(value)) {
            top.edits.push_back({top.upper[0], std::move(value), false});
        }
        top.upper.advance();
    }

    Null null_;
    std::vector<Merging> open_;
};

}  // namespace detail

ATTUNE_DECL Document merge(const Document& lower, const Document& upper) {
    return detail::Merger(detail::Null::masks).merge(lower, upper);
}

ATTUNE_DECL Document merge_patch(const Document& target, const Document& patch) {
    return detail::Merger(detail::Null::removes).merge(target, patch);
}

}  // namespace attune::inline ATTUNE_ABI
