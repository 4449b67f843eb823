#pragma once

#include <attune/document/document.hpp>
#include <attune/document/path.hpp>
#include <attune/graph/ref.hpp>
#include <attune/store/bound_node.hpp>
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
        std::vector<Ref<BoundNode>> nodes;
    };

    /// The node of that kind at `path`, or null.
    ATTUNE_DECL Ref<BoundNode> find(const Path& path, const BoundKind& kind) const;
    ATTUNE_DECL void insert(Ref<BoundNode> node);
    const Branch& root() const noexcept { return root_; }
    /// The nodes that have a part in what is at `path`: bound there, above it, or below.
    ATTUNE_DECL std::vector<BoundNode*> around(const Path& path) const;

    /// The nodes whose subtree differs between the two documents. Cost follows the difference: a
    /// subtree that both share is not entered, and a difference that nobody bound is not followed.
    /// When `within` is given, the documents differ at that path, or below or above it, and nowhere
    /// else.
    ATTUNE_DECL std::vector<BoundNode*> affected(const Document& before, const Document& after,
                                                 const Path* within = nullptr) const;

private:
    Branch root_;
};

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/store/impl/binding_index.ipp>
#endif
