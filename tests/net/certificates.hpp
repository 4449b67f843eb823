#pragma once

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>
#include <cstdlib>

namespace attune_test {

struct CertificateOptions {
    std::string names = "DNS:localhost,IP:127.0.0.1";
    long valid_from = -3600;  ///< seconds from now
    long valid_until = 3600;
    bool client_needed = false;  ///< the server asks for one that it has signed itself
};

/// A certificate that signs itself, its key, both as files, and a server's context that uses them.
class Certificate {
public:
    explicit Certificate(const CertificateOptions& options = {}) {
        std::string name = (std::filesystem::temp_directory_path() / "attune-tls-XXXXXX").string();
        EXPECT_NE(::mkdtemp(name.data()), nullptr);
        folder_ = name;
        const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key{EVP_EC_gen("P-256"),
                                                                 EVP_PKEY_free};
        const std::unique_ptr<X509, void (*)(X509*)> made{X509_new(), X509_free};
        X509* const x509 = made.get();
        X509_set_version(x509, 2);
        ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
        X509_gmtime_adj(X509_getm_notBefore(x509), options.valid_from);
        X509_gmtime_adj(X509_getm_notAfter(x509), options.valid_until);
        X509_set_pubkey(x509, key.get());
        X509_NAME* const subject = X509_get_subject_name(x509);
        const unsigned char common_name[] = "attune test";
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, common_name, -1, -1, 0);
        X509_set_issuer_name(x509, subject);
        add(x509, NID_basic_constraints, "critical,CA:TRUE");
        add(x509, NID_subject_alt_name, options.names.c_str());
        EXPECT_GT(X509_sign(x509, key.get(), EVP_sha256()), 0);
        write(file(), [&](std::FILE* to) { PEM_write_X509(to, x509); });
        write(key_file(), [&](std::FILE* to) {
            PEM_write_PrivateKey(to, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
        });
        server_ = SSL_CTX_new(TLS_server_method());
        EXPECT_EQ(SSL_CTX_use_certificate(server_, x509), 1);
        EXPECT_EQ(SSL_CTX_use_PrivateKey(server_, key.get()), 1);
        if (options.client_needed) {
            EXPECT_EQ(SSL_CTX_load_verify_locations(server_, file().c_str(), nullptr), 1);
            SSL_CTX_set_verify(server_, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
        }
    }
    Certificate(const Certificate&) = delete;
    Certificate& operator=(const Certificate&) = delete;
    ~Certificate() {
        SSL_CTX_free(server_);
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }

    std::filesystem::path file() const { return folder_ / "certificate.pem"; }
    std::filesystem::path key_file() const { return folder_ / "key.pem"; }
    SSL_CTX* server() const { return server_; }

private:
    static void add(X509* to, int what, const char* value) {
        X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, what, value);
        EXPECT_NE(extension, nullptr);
        X509_add_ext(to, extension, -1);
        X509_EXTENSION_free(extension);
    }

    template <class F>
    static void write(const std::filesystem::path& path, F&& f) {
        std::FILE* const file = std::fopen(path.c_str(), "w");
        ASSERT_NE(file, nullptr);
        f(file);
        std::fclose(file);
    }

    std::filesystem::path folder_;
    SSL_CTX* server_ = nullptr;
};

}  // namespace attune_test
