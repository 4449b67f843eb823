#pragma once

#include <attune/document/impl/build.hpp>
#include <attune/document/impl/node.hpp>
#include <attune/document/impl/tree.hpp>
#include <attune/document/impl/walk.hpp>
#include <attune/document/reconcile.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI {

namespace detail {

inline constexpr std::size_t reconcile_depth = 256;

ATTUNE_DECL Document reconcile(const Document& old, const Document& fresh, std::size_t depth);

ATTUNE_DECL Document reconcile_objects(const Document& old, const Document& fresh,
                                       std::size_t depth) {
    std::vector<Edit> edits;
    for (Differences difference(old, fresh); difference.next();) {
        const Document* const before = difference.before();
        const Document* const after = difference.after();
        if (!after) {
            edits.push_back({difference.key_document(), {}, true});
            continue;
        }
        Document value = before ? reconcile(*before, *after, depth + 1) : *after;
        if (!before || !before->same(value)) {
            edits.push_back({difference.key_document(), std::move(value), false});
        }
    }
    return edited(old, edits.data(), edits.size());
}

// Elements have no names: equal ones at the beginning and at the end are the same, those between
// are matched in order.
ATTUNE_DECL Document reconcile_arrays(const Document& old, const Document& fresh,
                                      std::size_t depth) {
    std::vector<std::size_t> replaced_at;
    std::vector<Document> replacements;  // the value for each of these indexes
    const std::size_t common = std::min(old.size(), fresh.size());
    std::size_t tail = 0;
    for (Lockstep pair(old, fresh); pair.next();) {
        if (pair.index() >= common - tail) {
            break;
        }
        Document value = reconcile(*pair.before(), *pair.after(), depth + 1);
        if (value.same(*pair.before())) {
            continue;
        }
        if (replacements.empty() && old.size() != fresh.size()) {
            tail = count_equal(old, fresh, Direction::backward, common - pair.index());
            if (pair.index() + tail == common) {
                break;
            }
        }
        replaced_at.push_back(pair.index());
        replacements.push_back(std::move(value));
    }

    const std::size_t kept = common - tail;
    const std::size_t resized = std::max(old.size(), fresh.size()) - common;
    if (replacements.size() + resized <= old.size() / 8) {
        Document result = old;
        for (std::size_t i = 0; i < replacements.size(); ++i) {
            result = replaced(result, replaced_at[i], replacements[i]);
        }
        for (std::size_t i = 0; i < resized; ++i) {
            result = fresh.size() < old.size()
                         ? erased(result, kept)
                         : inserted(result, kept + i, {}, *fresh.find(kept + i));
        }
        return result;
    }

    std::vector<Document> elements;
    elements.reserve(fresh.size());
    std::size_t next = 0;
    for (std::size_t i = 0; i < fresh.size(); ++i) {
        if (next < replacements.size() && replaced_at[next] == i) {
            elements.push_back(std::move(replacements[next++]));
        } else if (i < kept) {
            elements.push_back(*old.find(i));
        } else if (i >= fresh.size() - tail) {
            elements.push_back(*old.find(old.size() - (fresh.size() - i)));
        } else {
            elements.push_back(*fresh.find(i));
        }
    }
    return make_array(elements.data(), elements.size());
}

ATTUNE_DECL Document reconcile(const Document& old, const Document& fresh, std::size_t depth) {
    if (old.same(fresh)) {
        return old;
    }
    if (depth < reconcile_depth) {
        if (old.is_object() && fresh.is_object()) {
            return reconcile_objects(old, fresh, depth);
        }
        if (old.is_array() && fresh.is_array()) {
            return reconcile_arrays(old, fresh, depth);
        }
    }
    return old == fresh ? old : fresh;
}

}  // namespace detail

ATTUNE_DECL Document reconcile(const Document& old, const Document& fresh) {
    return detail::reconcile(old, fresh, 0);
}

}  // namespace attune::inline ATTUNE_ABI
