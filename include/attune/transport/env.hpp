#pragma once

#include <attune/store/transport.hpp>
#include <attune/version.hpp>

#include <memory>
#include <string>

namespace attune::inline ATTUNE_ABI {

struct EnvOptions {
    /// A variable without a value counts as absent.
    bool empty_is_unset = true;
    /// `NAME=value` strings up to a null pointer, as main and environ have them, to be read in
    /// place of the environment. They must stay valid as long as the transport does.
    const char* const* variables = nullptr;
};

/// The environment variables whose names begin with `prefix`.
///
/// What follows the prefix is matched against the bound structs: with the prefix `SERVICE_`, the
/// variable `SERVICE_SERVER_POOL_SIZE` sets `server.pool.size`, or `server.pool_size`, whichever
/// is there. The values are text, decoded by the types they are bound to; lists, maps and structs
/// are written as JSON.
///
/// Read when the layer is added, and again by Layer::reload. As getenv, reading must not overlap
/// with a change of the environment by another thread.
[[nodiscard]] ATTUNE_DECL std::unique_ptr<Transport> env(std::string prefix,
                                                         EnvOptions options = {});

}  // namespace attune::inline ATTUNE_ABI

#if ATTUNE_HEADER_ONLY
#include <attune/transport/impl/env.ipp>
#endif
