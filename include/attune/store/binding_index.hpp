#pragma once

#include <attune/document/document.hpp>
#include <attune/document/path.hpp>
#include <attune/store/graph_node.hpp>
#include <attune/version.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

/// Which nodes are bound where: a trie over the tokens of their paths.
class BindingIndex {
public:
    struct Branch {
        std::string token;
        std::vector<std::unique_ptr<Branch>> children;  // by token
        std::vector<std::shared_ptr<GraphNode>> nodes;

        /// The place of the first child whose token is not before that one.
        ATTUNE_DECL std::size_t from(std::string_view name) const noexcept;
        /// The child of that token, or null.
        ATTUNE_DECL Branch* find(std::string_view name) const noexcept;
    };

    /// The node of that kind at `path`, or null.
    ATTUNE_DECL std::shared_ptr<GraphNode> find(const Path& path, const ValueKind& kind) const;
    ATTUNE_DECL void insert(std::shared_ptr<GraphNode> node);
    const Branch& root() const noexcept { return root_; }

    /// The nodes whose subtree differs between the two documents. Cost follows the difference: a
    /// subtree that both share is not entered, and a difference that nobody bound is not followed.
    ATTUNE_DECL std::vector<GraphNode*> affected(const Document& before,
                                                 const Document& after) const;

private:
    Branch root_;
};

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/store/impl/binding_index.ipp>
#endif
