#pragma once

#include <attune/net/tls_server.hpp>
#include <attune/version.hpp>

#include <memory>
#include <string>

#include <openssl/types.h>

namespace attune::inline ATTUNE_ABI::net::detail {

struct TlsFree {
    ATTUNE_DECL void operator()(SSL* session) const noexcept;
    ATTUNE_DECL void operator()(SSL_CTX* context) const noexcept;
};
using TlsSession = std::unique_ptr<SSL, TlsFree>;
using TlsContext = std::unique_ptr<SSL_CTX, TlsFree>;

/// What all sessions of a server share. Throws std::runtime_error that names the file.
ATTUNE_DECL TlsContext make_server_context(const TlsServerOptions& options);

/// A session on a connected, non-blocking socket, which it does not own. Null without memory.
ATTUNE_DECL TlsSession make_server_session(SSL_CTX& context, int socket) noexcept;

/// The subject of the peer's certificate as RFC 2253 writes it; empty when there is none.
ATTUNE_DECL std::string peer_subject(SSL& session);

}  // namespace attune::inline ATTUNE_ABI::net::detail

#if ATTUNE_HEADER_ONLY
#include <attune/net/impl/tls_context.ipp>
#endif
