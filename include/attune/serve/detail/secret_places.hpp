#pragma once

#include <attune/bind/spelling.hpp>
#include <attune/document/document.hpp>
#include <attune/document/path.hpp>
#include <attune/version.hpp>

#include <cstdint>
#include <optional>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

class Core;

/// How secrets look to a reader.
enum class Showing : std::uint8_t {
    shown,
    masked,   ///< `"***"`
    omitted,  ///< left out: the member, or the whole array that has one
};

/// What in a store's documents is secret: by the types that are bound, and by decree. One thread at
/// a time.
///
/// A number in the path of either stands for every element of an array: whoever may insert one
/// before it moves the secret to another index.
class SecretPlaces {
public:
    /// `always` are secret whatever is bound.
    ATTUNE_DECL explicit SecretPlaces(const std::vector<Path>& always);

    /// Takes notice of new bindings. To be called after a version was read, and before it is shown.
    /// Waits for a commit only when there is something new; must not be called inside one.
    ATTUNE_DECL void refresh(const Core& core);
    /// Another number, other places.
    std::uint64_t epoch() const noexcept { return epoch_; }

    /// A value that is at `path`, as it may be shown; nothing when all of it is left out.
    ATTUNE_DECL std::optional<Document> show(Document value, const Path& path,
                                             Showing showing) const;
    Document mask(Document value, const Path& path) const {
        return *show(std::move(value), path, Showing::masked);
    }
    /// Is it a secret, or inside one?
    ATTUNE_DECL bool secret(const Path& path) const;

private:
    void sort_roots(std::vector<Bound> roots);
    /// The roots, and where those with numbers lead in a value that is at `path`.
    std::vector<Bound> roots_in(const Document& value, const Path& path) const;

    std::vector<Bound> always_;
    std::vector<Bound> roots_;    // whose paths have no numbers
    std::vector<Bound> indexed_;  // the others
    std::uint64_t epoch_ = 0;
};

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/serve/impl/secret_places.ipp>
#endif
