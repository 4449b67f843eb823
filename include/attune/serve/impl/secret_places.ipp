#pragma once

#include <attune/serve/detail/secret_places.hpp>

#include <attune/bind/secrecy.hpp>
#include <attune/bind/secret.hpp>
#include <attune/bind/type.hpp>
#include <attune/store/core.hpp>

#include <string>
#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL SecretPlaces::SecretPlaces(const std::vector<Path>& always) {
    for (const Path& path : always) {
        always_.push_back({path, &type_of<Secret<std::string>>()});
    }
    roots_ = always_;
}

ATTUNE_DECL void SecretPlaces::refresh(const Core& core) {
    if (core.secret_epoch() == epoch_) {
        return;
    }
    Core::SecretRoots fresh = core.secret_roots();
    fresh.roots.insert(fresh.roots.end(), always_.begin(), always_.end());
    roots_ = std::move(fresh.roots);
    epoch_ = fresh.epoch;
}

ATTUNE_DECL std::optional<Document> SecretPlaces::show(Document value, const Path& path,
                                                       Showing showing) const {
    switch (showing) {
    case Showing::shown: return value;
    case Showing::masked: return mask_secrets(std::move(value), path, roots_);
    case Showing::omitted: break;
    }
    return omit_secrets(std::move(value), path, roots_);
}

ATTUNE_DECL bool SecretPlaces::secret(const Path& path) const { return is_secret(path, roots_); }

}  // namespace attune::inline ATTUNE_ABI::detail
