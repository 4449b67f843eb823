#pragma once

#include <attune/net/impl/tls_client.hpp>

#include <stdexcept>

#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/verify_mode.hpp>

#include <openssl/x509v3.h>

namespace attune::inline ATTUNE_ABI::net::detail {

ATTUNE_DECL boost::asio::ssl::context tls_client_context(const TlsClientOptions& options) {
    namespace ssl = boost::asio::ssl;
    ssl::context context{ssl::context::tls_client};
    SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
    const auto need = [](const std::filesystem::path& file, const char* what,
                         const boost::system::error_code& error) {
        if (error) {
            throw std::runtime_error('"' + file.string() + "\" cannot be used as " + what +
                                     " for TLS: " + error.message() + "; a PEM file is expected");
        }
    };
    boost::system::error_code error;
    if (!options.authorities.empty()) {
        context.load_verify_file(options.authorities.string(), error);
        need(options.authorities, "the authorities", error);
    } else if (options.verify) {
        context.set_default_verify_paths(error);
        need("the system's authorities", "the authorities", error);
    }
    context.set_verify_mode(options.verify ? ssl::verify_peer : ssl::verify_none, error);
    if (!options.certificate.empty()) {
        context.use_certificate_chain_file(options.certificate.string(), error);
        need(options.certificate, "the client's certificate", error);
    }
    if (!options.private_key.empty()) {
        context.use_private_key_file(options.private_key.string(), ssl::context::pem, error);
        need(options.private_key, "the client's private key", error);
    }
    return context;
}

ATTUNE_DECL void expect_host(SSL* tls, const std::string& host, bool verify) {
    boost::system::error_code no_address;
    boost::asio::ip::make_address(host, no_address);
    if (no_address) {
        SSL_set_tlsext_host_name(tls, host.c_str());
    }
    if (!verify) {
        return;
    }
    X509_VERIFY_PARAM* const expected = SSL_get0_param(tls);
    if (no_address) {
        X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        X509_VERIFY_PARAM_set1_host(expected, host.c_str(), host.size());
    } else {
        X509_VERIFY_PARAM_set1_ip_asc(expected, host.c_str());
    }
}

ATTUNE_DECL std::string handshake_error(SSL* tls, const std::string& place,
                                        const boost::system::error_code& error) {
    const long verified = SSL_get_verify_result(tls);
    const std::string certificate = "the certificate of " + place;
    const std::string why = X509_verify_cert_error_string(verified);
    switch (verified) {
    case X509_V_OK: break;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return certificate + " is not for this name: " + why +
               "; use a name that the certificate bears";
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return certificate + " is not valid now: " + why + "; renew it, or set the clock";
    default:
        return certificate + " is not trusted: " + why + "; give TlsClientOptions::authorities";
    }
    if (error == boost::asio::ssl::error::stream_truncated || error == boost::asio::error::eof ||
        error == boost::asio::error::connection_reset) {
        return "no TLS with " + place + ": the connection was closed in the handshake";
    }
    return "no TLS with " + place + ": " + error.message() +
           "; does the server speak TLS on this port?";
}

}  // namespace attune::inline ATTUNE_ABI::net::detail
