#pragma once

#include <attune/document/difference.hpp>
#include <attune/store/binding_index.hpp>

#include <string_view>
#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL std::size_t BindingIndex::Branch::from(std::string_view name) const noexcept {
    std::size_t first = 0;
    std::size_t last = children.size();
    while (first != last) {
        const std::size_t middle = first + (last - first) / 2;
        if (children[middle]->token < name) {
            first = middle + 1;
        } else {
            last = middle;
        }
    }
    return first;
}

ATTUNE_DECL BindingIndex::Branch* BindingIndex::Branch::find(std::string_view name) const noexcept {
    const std::size_t place = from(name);
    return place != children.size() && children[place]->token == name ? children[place].get()
                                                                      : nullptr;
}

ATTUNE_DECL std::shared_ptr<GraphNode> BindingIndex::find(const Path& path,
                                                          const ValueKind& kind) const {
    const Branch* branch = &root_;
    for (const std::string& token : path.tokens()) {
        branch = branch->find(token);
        if (branch == nullptr) {
            return nullptr;
        }
    }
    for (const auto& node : branch->nodes) {
        if (&node->kind == &kind) {
            return node;
        }
    }
    return nullptr;
}

ATTUNE_DECL void BindingIndex::insert(std::shared_ptr<GraphNode> node) {
    Branch* branch = &root_;
    for (const std::string& token : node->path.tokens()) {
        Branch* child = branch->find(token);
        if (child == nullptr) {
            auto made = std::make_unique<Branch>();
            made->token = token;
            child = made.get();
            const auto place = static_cast<std::ptrdiff_t>(branch->from(token));
            branch->children.insert(branch->children.begin() + place, std::move(made));
        }
        branch = child;
    }
    branch->nodes.push_back(std::move(node));
}

inline void collect_affected(const BindingIndex::Branch& branch, const Document* before,
                             const Document* after, std::vector<GraphNode*>& affected) {
    if (before == after || (before != nullptr && after != nullptr && before->same(*after))) {
        return;
    }
    for (const auto& node : branch.nodes) {
        affected.push_back(node.get());
    }
    if (branch.children.empty()) {
        return;
    }
    if (before != nullptr && after != nullptr && before->is_object() && after->is_object()) {
        for (Differences difference(*before, *after); difference.next();) {
            if (const BindingIndex::Branch* const child = branch.find(difference.key())) {
                collect_affected(*child, difference.before(), difference.after(), affected);
            }
        }
        return;
    }
    const auto step = [](const Document* from, const std::string& token) {
        return from != nullptr ? from->find(Path{} / token) : nullptr;
    };
    for (const auto& child : branch.children) {
        collect_affected(*child, step(before, child->token), step(after, child->token), affected);
    }
}

ATTUNE_DECL std::vector<GraphNode*> BindingIndex::affected(const Document& before,
                                                           const Document& after) const {
    std::vector<GraphNode*> nodes;
    collect_affected(root_, &before, &after, nodes);
    return nodes;
}

}  // namespace attune::inline ATTUNE_ABI::detail
