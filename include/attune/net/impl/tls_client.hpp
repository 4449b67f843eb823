#pragma once

#include <attune/net/tls_client.hpp>
#include <attune/version.hpp>

#include <string>

#include <boost/asio/ssl/context.hpp>
#include <boost/system/error_code.hpp>

#include <openssl/ssl.h>

namespace attune::inline ATTUNE_ABI::net::detail {

/// Throws std::runtime_error that names the file that cannot be used.
ATTUNE_DECL boost::asio::ssl::context tls_client_context(const TlsClientOptions& options);

/// Before the handshake: says whom to ask for, and whose name the certificate must bear.
ATTUNE_DECL void expect_host(SSL* tls, const std::string& host, bool verify);

/// Why the handshake with `place` failed: `the certificate of https://h is not trusted: ...`.
ATTUNE_DECL std::string handshake_error(SSL* tls, const std::string& place,
                                        const boost::system::error_code& error);

}  // namespace attune::inline ATTUNE_ABI::net::detail

#if ATTUNE_HEADER_ONLY
#include <attune/net/impl/tls_client.ipp>
#endif
