#pragma once

#include <attune/document/impl/build.hpp>
#include <attune/document/impl/walk.hpp>
#include <attune/document/merge.hpp>

#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI {

namespace detail {

// Two objects in the middle of being compared, and the members of their patch so far.
struct MergeComparing {
    Differences differences;
    bool replaces;                     // something that is no object stood here before
    std::vector<Document> slots = {};  // keys and values in turn, in key order
};

// Compares without recursion: the documents may be deeper than the stack.
class MergePatchMaker {
public:
    Document make(const Document& before, const Document& after) {
        if (!after.is_object()) {
            return after;
        }
        open(&before, after);
        for (;;) {
            MergeComparing& top = open_.back();
            if (!top.differences.next()) {
                const bool counts = top.replaces || !top.slots.empty();
                Document patch = make_object(top.slots.data(), top.slots.size() / 2);
                open_.pop_back();
                if (open_.empty()) {
                    return patch;
                }
                if (counts) {
                    open_.back().slots.push_back(std::move(patch));
                } else {
                    open_.back().slots.pop_back();  // equal after all
                }
                continue;
            }
            const Document* const old = top.differences.before();
            const Document* const fresh = top.differences.after();
            const bool object = fresh != nullptr && fresh->is_object();
            if (!object && fresh != nullptr && old != nullptr && *old == *fresh) {
                continue;
            }
            top.slots.push_back(top.differences.key_document());
            if (object) {
                open(old, *fresh);  // its patch becomes the member's value
            } else {
                top.slots.push_back(fresh != nullptr ? *fresh : Document{});
            }
        }
    }

private:
    void open(const Document* before, const Document& after) {
        const bool objects = before != nullptr && before->is_object();
        open_.push_back({Differences(objects ? *before : nothing_, after), !objects});
    }

    const Document nothing_ = Document::object();
    std::vector<MergeComparing> open_;
};

}  // namespace detail

ATTUNE_DECL Document make_merge_patch(const Document& before, const Document& after) {
    return detail::MergePatchMaker().make(before, after);
}

}  // namespace attune::inline ATTUNE_ABI
