#pragma once

#include <attune/document/path.hpp>
#include <attune/serve/access.hpp>
#include <attune/store/detail/digest.hpp>
#include <attune/version.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

/// What somebody may do.
struct AccessRights {
    std::string name = {};
    bool read = false;
    bool write = false;
    bool admin = false;
    bool secrets = false;
    std::vector<Path> paths = {};  ///< not empty: nothing beside these

    /// May everything be seen and changed, as far as the scopes go?
    bool whole() const noexcept { return paths.empty(); }
    /// Is `path` at or below one of the places?
    ATTUNE_DECL bool covers(const Path& path) const noexcept;
};

/// The tokens of a server. Keeps their hashes only. One thread at a time.
class AccessList {
public:
    /// Throws std::invalid_argument for a token that is empty, or given twice.
    ATTUNE_DECL explicit AccessList(const std::vector<AccessToken>& tokens);

    bool empty() const noexcept { return entries_.empty(); }

    /// Whose token it is; null when it is nobody's. Compares with all of them, in constant time.
    ATTUNE_DECL const AccessRights* find(std::string_view token);

private:
    struct Entry {
        Hash hash;
        AccessRights rights;
    };

    Sha256 sha256_;
    std::vector<Entry> entries_;
};

/// The token in the value of an `Authorization` field; nothing when it is no bearer token.
ATTUNE_DECL std::optional<std::string_view> bearer_token(std::string_view field) noexcept;

/// Does the value of a `Host` field name this machine by a loopback name or address, or is it one
/// of `allowed`? The port does not count. A web page can make a name of its own lead to 127.0.0.1,
/// but cannot change what its browser sends here.
ATTUNE_DECL bool local_host(std::string_view field, const std::vector<std::string>& allowed);

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/serve/impl/access_list.ipp>
#endif
