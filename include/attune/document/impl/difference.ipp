#pragma once

#include <attune/document/difference.hpp>
#include <attune/document/impl/node.hpp>

#include <string>
#include <vector>

namespace attune::inline ATTUNE_ABI {

namespace detail {

// The entries that differ in one pair of containers, and the token of the current one.
class ChangedEntries {
public:
    ChangedEntries(const Document& before, const Document& after) noexcept
        : object_(before.is_object()), members_(before, after), elements_(before, after) {}

    bool next() noexcept {
        if (object_) {
            return members_.next();
        }
        while (elements_.next()) {
            if (!elements_.before()->same(*elements_.after())) {
                return true;
            }
        }
        return false;
    }

    std::string token() const {
        return object_ ? std::string(members_.key()) : std::to_string(elements_.index());
    }

    const Document* before() const noexcept {
        return object_ ? members_.before() : elements_.before();
    }
    const Document* after() const noexcept {
        return object_ ? members_.after() : elements_.after();
    }

private:
    bool object_;  // which of the two counts
    Differences members_;
    Lockstep elements_;
};

// Both are objects, or arrays of one length: whatever differs does so further down.
ATTUNE_DECL bool differ_inside(const Document* before, const Document* after) noexcept {
    if (!before || !after) {
        return false;
    }
    if (before->is_object()) {
        return after->is_object();
    }
    return before->is_array() && after->is_array() && before->size() == after->size();
}

}  // namespace detail

ATTUNE_DECL std::vector<Path> changed_paths(const Document& before, const Document& after) {
    if (before.same(after)) {
        return {};
    }
    if (!detail::differ_inside(&before, &after)) {
        return before == after ? std::vector<Path>{} : std::vector<Path>{Path()};
    }
    std::vector<Path> paths;
    std::vector<std::string> tokens;
    std::vector<detail::ChangedEntries> open;
    open.emplace_back(before, after);
    while (!open.empty()) {
        detail::ChangedEntries& entries = open.back();
        tokens.resize(open.size() - 1);
        if (!entries.next()) {
            open.pop_back();
            continue;
        }
        const Document* const old = entries.before();
        const Document* const fresh = entries.after();
        tokens.push_back(entries.token());
        if (detail::differ_inside(old, fresh)) {
            open.emplace_back(*old, *fresh);
        } else if (!old || !fresh || !(*old == *fresh)) {
            paths.emplace_back(tokens);
        }
    }
    return paths;
}

}  // namespace attune::inline ATTUNE_ABI
