#pragma once

#include <attune/document/document.hpp>
#include <attune/serve/client_registry.hpp>
#include <attune/version.hpp>

namespace attune::inline ATTUNE_ABI::detail {

class SecretPlaces;

/// What a client has sent about itself, without its id and address. Texts are cut, and problems
/// beyond the first 16 left out: a client must not fill the server's memory. Throws ServeError 400
/// for what is no report.
ATTUNE_DECL ClientReport client_report(const Document& body);

/// As GET /v1/clients lists it, without what could tell a secret.
ATTUNE_DECL Document json_client(const ClientReport& report, const SecretPlaces& secrets);

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/serve/impl/client_report.ipp>
#endif
