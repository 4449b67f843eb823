#pragma once

#include <attune/serve/detail/secret_places.hpp>

#include <attune/bind/secrecy.hpp>
#include <attune/bind/secret.hpp>
#include <attune/bind/type.hpp>
#include <attune/store/core.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

inline bool is_index(const std::string& token) {
    return token == "-" || element_index(token).has_value();
}

/// Is `path` at or below `root`, if a number in both may be another one?
inline bool below_elements(const Path& path, const Path& root) {
    return path.size() >= root.size() &&
           std::equal(root.tokens().begin(), root.tokens().end(), path.tokens().begin(),
                      [](const std::string& a, const std::string& b) {
                          return a == b || (is_index(a) && is_index(b));
                      });
}

/// The first tokens of a path.
inline Path path_beginning(const Path& path, std::size_t count) {
    const auto begin = path.tokens().begin();
    return Path{std::vector<std::string>(begin, begin + static_cast<std::ptrdiff_t>(count))};
}

/// Adds where `root` leads in `value`, which is at `path`, by any element for a number in it.
inline void find_elements(const Document& value, const Path& path, const Bound& root,
                          std::vector<Bound>& found) {
    if (path.size() == root.path.size()) {
        found.push_back({path, root.type});
        return;
    }
    const std::string& token = root.path.tokens()[path.size()];
    if (!value.is_array() || !is_index(token)) {
        if (const Document* const child = value.find(token)) {
            find_elements(*child, path / token, root, found);
        }
        return;
    }
    std::size_t index = 0;
    for (const Document& element : value.elements()) {
        find_elements(element, path / std::to_string(index++), root, found);
    }
}

ATTUNE_DECL SecretPlaces::SecretPlaces(const std::vector<Path>& always) {
    for (const Path& path : always) {
        always_.push_back({path, &type_of<Secret<std::string>>()});
    }
    sort_roots(always_);
}

ATTUNE_DECL void SecretPlaces::sort_roots(std::vector<Bound> roots) {
    const auto indexed = std::partition(roots.begin(), roots.end(), [](const Bound& root) {
        return std::none_of(root.path.tokens().begin(), root.path.tokens().end(), is_index);
    });
    indexed_.assign(indexed, roots.end());
    roots.erase(indexed, roots.end());
    roots_ = std::move(roots);
}

ATTUNE_DECL void SecretPlaces::refresh(const Core& core) {
    if (core.secret_epoch() == epoch_) {
        return;
    }
    Core::SecretRoots fresh = core.secret_roots();
    fresh.roots.insert(fresh.roots.end(), always_.begin(), always_.end());
    sort_roots(std::move(fresh.roots));
    epoch_ = fresh.epoch;
}

ATTUNE_DECL std::vector<Bound> SecretPlaces::roots_in(const Document& value,
                                                      const Path& path) const {
    std::vector<Bound> roots = roots_;
    for (const Bound& root : indexed_) {
        if (below_elements(path, root.path)) {
            roots.push_back({path_beginning(path, root.path.size()), root.type});
        } else if (below_elements(root.path, path)) {
            find_elements(value, path, root, roots);
        }
    }
    return roots;
}

ATTUNE_DECL std::optional<Document> SecretPlaces::show(Document value, const Path& path,
                                                       Showing showing) const {
    if (showing == Showing::shown) {
        return value;
    }
    const std::vector<Bound> found =
        indexed_.empty() ? std::vector<Bound>{} : roots_in(value, path);
    const std::vector<Bound>& roots = indexed_.empty() ? roots_ : found;
    return showing == Showing::masked ? mask_secrets(std::move(value), path, roots)
                                      : omit_secrets(std::move(value), path, roots);
}

ATTUNE_DECL bool SecretPlaces::secret(const Path& path) const {
    return is_secret(path, roots_) ||
           std::any_of(indexed_.begin(), indexed_.end(), [&](const Bound& root) {
               const Bound here{root.path.size() <= path.size()
                                    ? path_beginning(path, root.path.size())
                                    : Path{},
                                root.type};
               return below_elements(path, root.path) && is_secret(path, {&here, 1});
           });
}

}  // namespace attune::inline ATTUNE_ABI::detail
