#pragma once

#include <attune/version.hpp>

#include <filesystem>
#include <string>

namespace attune::inline ATTUNE_ABI {

/// How a client knows the server it talks to, and proves who it is. TLS 1.2 or later.
struct TlsClientOptions {
    bool verify = true;                      ///< the certificate, and that the name is in it
    std::filesystem::path authorities = {};  ///< PEM; empty: those of the system
    std::filesystem::path certificate = {};  ///< PEM, the client's own chain; empty: none
    std::filesystem::path private_key = {};  ///< PEM
};

}  // namespace attune::inline ATTUNE_ABI
