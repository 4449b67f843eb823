#pragma once

#include <attune/document/path.hpp>
#include <attune/version.hpp>

#include <string>
#include <vector>

namespace attune::inline ATTUNE_ABI {

/// A secret that lets whoever sends it, as `Authorization: Bearer <token>` (RFC 6750), do certain
/// things.
struct AccessToken {
    std::string token;          ///< such as `openssl rand -base64 32` makes
    std::string name = {};      ///< for people: who has it; part of the reasons of versions
    bool read = true;           ///< may see the configuration, with secrets masked
    bool write = false;         ///< may change it
    bool admin = false;         ///< may roll back, and see which clients there are
    bool secrets = false;       ///< may see secrets
    std::vector<Path> paths{};  ///< not empty: only these places, and what is below them
};

}  // namespace attune::inline ATTUNE_ABI
