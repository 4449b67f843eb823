#pragma once

#include <attune/document/document.hpp>
#include <attune/document/path.hpp>
#include <attune/fwd.hpp>
#include <attune/version.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI {

/// Whether secrets are to be seen in what a store gives away.
enum class Secrets : std::uint8_t {
    masked,  ///< `"***"` in their place
    shown,
};

/// One retained version, as Store::history lists it. Holds no values but the way to a hash of them.
class VersionInfo {
public:
    Version version = 0;
    std::chrono::system_clock::time_point time{};  ///< when it was published
    std::string reason;  ///< `set server.port`, the name of a layer, what transact was told
    std::string layer;   ///< which layer brought the change; empty when none did
    /// The deepest paths that differ from the version before.
    std::vector<Path> changed;
    bool kept = false;  ///< by Store::keep
    std::string note;   ///< what Store::keep was told

    /// SHA-256 of the merged document's text in 64 hexadecimal digits: equal for equal documents,
    /// in any process. Computed by each call, O(n) in the size of the document.
    ATTUNE_DECL std::string content_hash() const;

    VersionInfo() = default;

private:
    friend class detail::Core;
    Document document_;
};

}  // namespace attune::inline ATTUNE_ABI

#if ATTUNE_HEADER_ONLY
#include <attune/store/impl/history.ipp>
#endif
