#pragma once

#include <attune/document/impl/build.hpp>
#include <attune/document/impl/walk.hpp>
#include <attune/document/patch.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI {

namespace detail {

// Two containers of one kind in the middle of being compared.
struct Comparing {
    const Document* before;
    const Document* after;
    ChangedEntries entries;
    std::size_t paired;  // elements that are compared with that at the same index
};

// Compares without recursion: the documents may be deeper than the stack.
class PatchMaker {
public:
    Document make(const Document& before, const Document& after) {
        compare(&before, &after);
        while (!open_.empty()) {
            Comparing& top = open_.back();
            tokens_.resize(open_.size() - 1);
            if (next(top)) {
                tokens_.push_back(top.entries.token());
                compare(top.entries.before(), top.entries.after());
                continue;
            }
            if (top.before->is_array()) {
                resize(top);
            }
            open_.pop_back();
        }
        return make_array(operations_.data(), operations_.size());
    }

private:
    // The operation that the difference at the current path takes; containers of one kind are left
    // to be compared inside.
    void compare(const Document* before, const Document* after) {
        if (!before) {
            append("add", after);
        } else if (!after) {
            append("remove", nullptr);
        } else if (before->same(*after)) {
            return;
        } else if (before->is_object() && after->is_object()) {
            open_.push_back({before, after, ChangedEntries(*before, *after), 0});
        } else if (before->is_array() && after->is_array()) {
            open_.push_back({before, after, ChangedEntries(*before, *after),
                             pairs(*before, *after)});
        } else if (!(*before == *after)) {
            append("replace", after);
        }
    }

    static std::size_t pairs(const Document& before, const Document& after) {
        const std::size_t common = std::min(before.size(), after.size());
        if (before.size() == after.size()) {
            return common;
        }
        // An element that could count at either end counts at the front: lists grow at the back.
        const std::size_t head = count_equal(before, after, Direction::forward, common);
        return common - count_equal(before, after, Direction::backward, common - head);
    }

    static bool next(Comparing& pair) {
        return pair.entries.next() &&
               (pair.before->is_object() || pair.entries.index() < pair.paired);
    }

    // Removes or adds what lies between the elements compared and the equal ones at the end.
    void resize(const Comparing& arrays) {
        const std::size_t old_size = arrays.before->size();
        const std::size_t new_size = arrays.after->size();
        const std::size_t tail = std::min(old_size, new_size) - arrays.paired;
        // From the back: each index is then that of the old array.
        for (std::size_t i = old_size - tail; i-- > new_size - tail;) {
            append_element("remove", i, nullptr);
        }
        for (std::size_t i = old_size - tail; i < new_size - tail; ++i) {
            append_element("add", i, arrays.after->find(i));
        }
    }

    void append_element(std::string_view name, std::size_t index, const Document* value) {
        tokens_.push_back(std::to_string(index));
        append(name, value);
        tokens_.pop_back();
    }

    // The members of an operation come in key order.
    void append(std::string_view name, const Document* value) {
        std::array<Document, 6> slots{
            "op", name, "path", Path(tokens_).pointer(), "value", value ? *value : Document()};
        operations_.push_back(make_object(slots.data(), value ? 3 : 2));
    }

    std::vector<Comparing> open_;
    std::vector<std::string> tokens_;
    std::vector<Document> operations_;
};

}  // namespace detail

ATTUNE_DECL Document make_patch(const Document& before, const Document& after) {
    return detail::PatchMaker().make(before, after);
}

}  // namespace attune::inline ATTUNE_ABI
