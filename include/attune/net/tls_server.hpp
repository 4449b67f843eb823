#pragma once

#include <attune/version.hpp>

#include <filesystem>

namespace attune::inline ATTUNE_ABI {

/// How a server proves who it is, and whom it lets in. TLS 1.2 or later.
struct TlsServerOptions {
    std::filesystem::path certificate;  ///< PEM, the chain, the server's own first
    std::filesystem::path private_key;  ///< PEM
    /// Not empty: clients need a certificate that one of these authorities (PEM) has signed.
    std::filesystem::path client_authorities = {};
};

}  // namespace attune::inline ATTUNE_ABI
