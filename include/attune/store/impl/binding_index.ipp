#pragma once

#include <attune/document/difference.hpp>
#include <attune/store/binding_index.hpp>

#include <algorithm>
#include <string_view>
#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL Ref<BoundNode> BindingIndex::find(const Path& path, const BoundKind& kind) const {
    const Branch* branch = &root_;
    for (const std::string& token : path.tokens()) {
        const auto child = branch->children.find(token);
        if (child == branch->children.end()) {
            return {};
        }
        branch = child->second.get();
    }
    const auto found = std::find_if(branch->nodes.begin(), branch->nodes.end(),
                                    [&](const auto& node) { return &node->bound_kind == &kind; });
    return found != branch->nodes.end() ? *found : Ref<BoundNode>{};
}

ATTUNE_DECL void BindingIndex::insert(Ref<BoundNode> node) {
    Branch* branch = &root_;
    for (const std::string& token : node->path.tokens()) {
        auto& child = branch->children[token];
        if (child == nullptr) {
            child = std::make_unique<Branch>();
        }
        branch = child.get();
    }
    branch->nodes.push_back(std::move(node));
}

inline void collect_all(const BindingIndex::Branch& branch, std::vector<BoundNode*>& all) {
    for (const auto& node : branch.nodes) {
        all.push_back(node.get());
    }
    for (const auto& [token, child] : branch.children) {
        collect_all(*child, all);
    }
}

ATTUNE_DECL std::vector<BoundNode*> BindingIndex::around(const Path& path) const {
    std::vector<BoundNode*> nodes;
    const Branch* branch = &root_;
    for (const std::string& token : path.tokens()) {
        for (const auto& node : branch->nodes) {
            nodes.push_back(node.get());
        }
        const auto child = branch->children.find(token);
        if (child == branch->children.end()) {
            return nodes;
        }
        branch = child->second.get();
    }
    collect_all(*branch, nodes);
    return nodes;
}

inline void collect_affected(const BindingIndex::Branch& branch, const Document* before,
                             const Document* after, std::vector<BoundNode*>& affected) {
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
        for_each_difference(
            *before, *after,
            [&](std::string_view key, const Document* member_before, const Document* member_after) {
                const auto child = branch.children.find(key);
                if (child != branch.children.end()) {
                    collect_affected(*child->second, member_before, member_after, affected);
                }
            });
        return;
    }
    const auto step = [](const Document* from, const std::string& token) {
        return from != nullptr ? from->find(Path{} / token) : nullptr;
    };
    for (const auto& [token, child] : branch.children) {
        collect_affected(*child, step(before, token), step(after, token), affected);
    }
}

ATTUNE_DECL std::vector<BoundNode*> BindingIndex::affected(const Document& before,
                                                           const Document& after,
                                                           const Path* within) const {
    std::vector<BoundNode*> nodes;
    const Branch* branch = &root_;
    const Document* old = &before;
    const Document* fresh = &after;
    if (within != nullptr) {
        for (const std::string& token : within->tokens()) {
            if (old == nullptr || fresh == nullptr || !old->is_object() || !fresh->is_object() ||
                old->same(*fresh)) {
                break;
            }
            for (const auto& node : branch->nodes) {
                nodes.push_back(node.get());
            }
            const auto child = branch->children.find(token);
            if (child == branch->children.end()) {
                return nodes;
            }
            branch = child->second.get();
            old = old->find(token);
            fresh = fresh->find(token);
        }
    }
    collect_affected(*branch, old, fresh, nodes);
    return nodes;
}

}  // namespace attune::inline ATTUNE_ABI::detail
