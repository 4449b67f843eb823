#pragma once

#include <attune/net/impl/tls_context.hpp>

#include <array>
#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <stdexcept>
#include <string_view>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>

namespace attune::inline ATTUNE_ABI::net::detail {

ATTUNE_DECL void TlsFree::operator()(SSL* session) const noexcept { SSL_free(session); }

ATTUNE_DECL void TlsFree::operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }

[[noreturn]] inline void throw_tls_error(const std::string& what,
                                         const std::filesystem::path& file) {
    std::string text = what;
    if (!file.empty()) {
        text += " " + file.string();
    }
    if (const unsigned long code = ERR_peek_last_error(); code != 0) {
        std::array<char, 256> reason{};
        ERR_error_string_n(code, reason.data(), reason.size());
        text += std::string{": "} + reason.data();
    }
    ERR_clear_error();
    throw std::runtime_error{text};
}

ATTUNE_DECL TlsContext make_server_context(const TlsServerOptions& options) {
    ERR_clear_error();
    TlsContext context{SSL_CTX_new(TLS_server_method())};
    if (context == nullptr) {
        throw_tls_error("cannot set up TLS", {});
    }
    SSL_CTX* const raw = context.get();
    SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
    SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                 SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    // A held connection keeps no buffers; a write that could not be finished is tried again from
    // wherever the bytes are by then.
    SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (SSL_CTX_use_certificate_chain_file(raw, options.certificate.c_str()) != 1) {
        throw_tls_error("cannot read the certificate", options.certificate);
    }
    if (SSL_CTX_use_PrivateKey_file(raw, options.private_key.c_str(), SSL_FILETYPE_PEM) != 1) {
        throw_tls_error("cannot use the private key", options.private_key);
    }
    if (SSL_CTX_check_private_key(raw) != 1) {
        throw_tls_error("the private key does not belong to the certificate", options.certificate);
    }
    if (!options.client_authorities.empty()) {
        const char* const file = options.client_authorities.c_str();
        STACK_OF(X509_NAME)* const names = SSL_load_client_CA_file(file);
        if (names == nullptr || SSL_CTX_load_verify_locations(raw, file, nullptr) != 1) {
            sk_X509_NAME_pop_free(names, X509_NAME_free);
            throw_tls_error("cannot read the authorities of clients", options.client_authorities);
        }
        SSL_CTX_set_client_CA_list(raw, names);
        SSL_CTX_set_verify(raw, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
        // Sessions are resumed only by a server of the same kind, or not at all.
        static constexpr std::array<unsigned char, 6> kind{'a', 't', 't', 'u', 'n', 'e'};
        SSL_CTX_set_session_id_context(raw, kind.data(), kind.size());
    }
    return context;
}

// OpenSSL's own socket BIO writes with SIGPIPE, which ends a program that has not thought of it.
inline int bio_socket_read(BIO* bio, char* to, int size) {
    BIO_clear_retry_flags(bio);
    const auto got = ::recv(static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio))),
                            to, static_cast<std::size_t>(size), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        BIO_set_retry_read(bio);
    }
    return static_cast<int>(got);
}

inline int bio_socket_write(BIO* bio, const char* from, int size) {
    BIO_clear_retry_flags(bio);
    const auto sent = ::send(static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio))),
                             from, static_cast<std::size_t>(size), MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
        BIO_set_retry_write(bio);
    }
    return static_cast<int>(sent);
}

inline long bio_socket_control(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

inline BIO_METHOD* bio_socket_method() noexcept {
    // Never freed: sessions of other static objects may outlive it.
    static BIO_METHOD* const method = [] {
        BIO_METHOD* const made =
            BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "socket without SIGPIPE");
        if (made != nullptr) {
            BIO_meth_set_read(made, bio_socket_read);
            BIO_meth_set_write(made, bio_socket_write);
            BIO_meth_set_ctrl(made, bio_socket_control);
        }
        return made;
    }();
    return method;
}

ATTUNE_DECL TlsSession make_server_session(SSL_CTX& context, int socket) noexcept {
    TlsSession session{SSL_new(&context)};
    BIO* const bio = bio_socket_method() == nullptr ? nullptr : BIO_new(bio_socket_method());
    if (session == nullptr || bio == nullptr) {
        BIO_free(bio);
        return nullptr;
    }
    BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(socket)));
    BIO_set_init(bio, 1);
    SSL_set_bio(session.get(), bio, bio);
    SSL_set_accept_state(session.get());
    return session;
}

ATTUNE_DECL std::string peer_subject(SSL& session) {
    X509* const certificate = SSL_get0_peer_certificate(&session);
    if (certificate == nullptr || SSL_get_verify_result(&session) != X509_V_OK) {
        return {};
    }
    const std::unique_ptr<BIO, decltype(&BIO_free)> text{BIO_new(BIO_s_mem()), BIO_free};
    if (text == nullptr || X509_NAME_print_ex(text.get(), X509_get_subject_name(certificate), 0,
                                              XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) < 0) {
        return {};
    }
    char* data = nullptr;
    const long size = BIO_get_mem_data(text.get(), &data);
    return {data, static_cast<std::size_t>(size)};
}

}  // namespace attune::inline ATTUNE_ABI::net::detail
