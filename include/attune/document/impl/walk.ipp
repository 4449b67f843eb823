#pragma once

#include <attune/document/impl/node.hpp>
#include <attune/document/impl/search.hpp>
#include <attune/document/impl/walk.hpp>

#include <algorithm>
#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL void Walk::stand() noexcept {
    const Step& step = steps_[depth_ - 1];
    const bool leaf = step.node->level == 0;
    node_ = leaf ? nullptr : step.node->children()[step.index];
    slot_ = leaf ? step.node->slots() + step.index * step.node->stride : nullptr;
}

ATTUNE_DECL void Walk::descend() noexcept {
    steps_[depth_++] = {node_, backward_ ? node_->used - std::size_t{1} : 0};
    stand();
}

ATTUNE_DECL void Walk::skip() noexcept {
    while (depth_ > 0) {
        Step& step = steps_[depth_ - 1];
        // Below zero is above every size.
        step.index += backward_ ? std::size_t(-1) : 1;
        if (step.index < step.node->used) {
            return stand();
        }
        --depth_;
    }
    node_ = nullptr;
    slot_ = nullptr;
}

ATTUNE_DECL Lockstep::Lockstep(const Document& before, const Document& after,
                               Direction direction) noexcept
    : before_(is_container(before) ? root_of(before) : nullptr, direction),
      after_(is_container(after) ? root_of(after) : nullptr, direction) {}

ATTUNE_DECL bool Lockstep::next() noexcept {
    if (before_.slot()) {
        before_.skip();
        after_.skip();
    }
    while (!before_.done() && !after_.done()) {
        const Node* const a = before_.node();
        const Node* const b = after_.node();
        if (!a && !b) {
            ++next_;
            return true;
        }
        if (a == b) {
            next_ += a->size();
            before_.skip();
            after_.skip();
            continue;
        }
        if (a && (!b || a->level >= b->level)) {
            before_.descend();
        }
        if (b && (!a || b->level >= a->level)) {
            after_.descend();
        }
    }
    return false;
}

ATTUNE_DECL Differences::Differences(const Document& before, const Document& after) noexcept
    : before_(before.is_object() ? root_of(before) : nullptr),
      after_(after.is_object() ? root_of(after) : nullptr) {}

ATTUNE_DECL bool Differences::next() noexcept {
    if (before_slot_) {
        before_.skip();
    }
    if (after_slot_) {
        after_.skip();
    }
    before_slot_ = nullptr;
    after_slot_ = nullptr;

    for (;;) {
        const Node* const a = before_.node();
        const Node* const b = after_.node();
        if (a && a == b) {
            before_.skip();
            after_.skip();
            continue;
        }
        if (before_.done() && after_.done()) {
            return false;
        }

        // What comes next on each side. A shared node begins with the same key in both walks, so
        // the walk that is behind catches up before the other one looks inside.
        int order = before_.done() ? 1 : -1;
        if (!before_.done() && !after_.done()) {
            order = compare_keys(a ? a->first_key() : Access::cell(*before_.slot()),
                                 b ? b->first_key() : Access::cell(*after_.slot()));
        }
        const bool open_a = a && (order < 0 || (order == 0 && (!b || a->level >= b->level)));
        const bool open_b = b && (order > 0 || (order == 0 && (!a || b->level >= a->level)));
        if (open_a) {
            before_.descend();
        }
        if (open_b) {
            after_.descend();
        }
        if (open_a || open_b) {
            continue;
        }

        if (order == 0 && before_.slot()[1].same(after_.slot()[1])) {
            before_.skip();
            after_.skip();
            continue;
        }
        if (order <= 0) {
            before_slot_ = before_.slot();
        }
        if (order >= 0) {
            after_slot_ = after_.slot();
        }
        return true;
    }
}

ATTUNE_DECL ChangedEntries::ChangedEntries(const Document& before, const Document& after) noexcept
    : object_(before.is_object()), members_(before, after), elements_(before, after) {}

ATTUNE_DECL bool ChangedEntries::next() noexcept {
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

ATTUNE_DECL std::string ChangedEntries::token() const {
    return object_ ? std::string(members_.key()) : std::to_string(elements_.index());
}

ATTUNE_DECL const Document* ChangedEntries::before() const noexcept {
    return object_ ? members_.before() : elements_.before();
}

ATTUNE_DECL const Document* ChangedEntries::after() const noexcept {
    return object_ ? members_.after() : elements_.after();
}

ATTUNE_DECL std::size_t count_equal(const Document& before, const Document& after,
                                    Direction direction, std::size_t most) noexcept {
    for (Lockstep pair(before, after, direction); pair.next();) {
        if (pair.index() >= most || !(*pair.before() == *pair.after())) {
            return std::min(pair.index(), most);
        }
    }
    return most;
}

}  // namespace attune::inline ATTUNE_ABI::detail
