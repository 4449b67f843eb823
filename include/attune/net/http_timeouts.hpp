#pragma once

#include <attune/version.hpp>

#include <chrono>

namespace attune::inline ATTUNE_ABI {

/// How long a client waits for what.
struct HttpTimeouts {
    /// For the addresses of a name, for each address to answer, and for TLS.
    std::chrono::milliseconds connect{5'000};
    /// From the request to the first byte of its response. Long polls add their holding time.
    std::chrono::milliseconds first_byte{15'000};
    /// Between two bytes either way, and for the whole of a response's header.
    std::chrono::milliseconds between{15'000};
    /// From the first byte of a response to its last.
    std::chrono::milliseconds whole{600'000};
};

}  // namespace attune::inline ATTUNE_ABI
