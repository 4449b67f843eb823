#pragma once

#include <attune/document/document.hpp>
#include <attune/document/path.hpp>
#include <attune/serve/detail/secret_places.hpp>
#include <attune/store/detail/digest.hpp>
#include <attune/version.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

/// What one URL below /v1/config stands for.
struct ConfigResource {
    std::vector<Path> paths;  ///< one, unless `several`; in order, none twice
    bool several = false;     ///< an object with a member for each path

    ATTUNE_DECL static ConfigResource at(Path path);
    ATTUNE_DECL static ConfigResource of(std::vector<Path> paths);
    /// Equal for equal resources only.
    ATTUNE_DECL std::string key() const;
    /// What a document has there, path by path.
    ATTUNE_DECL std::vector<std::optional<Document>> parts_of(const Document& document) const;
};

/// A resource as a certain reader gets it, in some version.
struct Representation {
    bool present = false;
    std::string etag;                         ///< with its quotes
    std::shared_ptr<const std::string> body;  ///< null also when it was let go of
    std::size_t size = 0;                     ///< of the body
    std::size_t masked = 0;                   ///< secrets that were replaced
};

/// Makes representations. One thread at a time.
class Representer {
public:
    /// `instance` begins every ETag.
    explicit Representer(std::string instance) : instance_(std::move(instance)) {}

    const std::string& instance() const noexcept { return instance_; }

    /// O(size of the values).
    ATTUNE_DECL Representation make(const ConfigResource& resource,
                                    const std::vector<std::optional<Document>>& parts,
                                    Showing showing, const SecretPlaces& secrets);

private:
    const std::string instance_;
    Sha256 sha256_;
};

/// 10 letters that no other server has.
ATTUNE_DECL std::string random_instance();

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/serve/impl/representation.ipp>
#endif
