#pragma once

#include <attune/document/document.hpp>
#include <attune/document/path.hpp>
#include <attune/store/graph_node.hpp>
#include <attune/version.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

/// Which nodes are bound where: a trie over the tokens of their paths.
class BindingIndex {
public:
    struct Hash : std::hash<std::string_view> {
        using is_transparent = void;
    };
    struct Branch {
        std::unordered_map<std::string, std::unique_ptr<Branch>, Hash, std::equal_to<>> children;
        std::vector<std::shared_ptr<GraphNode>> nodes;
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
