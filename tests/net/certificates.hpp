#pragma once

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace attune_test {

struct CertificateOptions {
    std::string names = "DNS:localhost,IP:127.0.0.1";
    long valid_from = -3600;  ///< seconds from now
    long valid_until = 3600;
    bool client_needed = false;  ///< the server asks for one that it has signed itself
};

/// A key, and a certificate for it.
class Identity {
public:
    /// Signed by itself, and fit to sign others.
    static Identity authority(const std::string& name, const CertificateOptions& options = {}) {
        return Identity{name, options, nullptr};
    }
    Identity signs(const std::string& name) const { return Identity{name, {}, this}; }

    void write(const std::filesystem::path& certificate, const std::filesystem::path& key) const {
        FILE* file = std::fopen(certificate.c_str(), "w");
        ASSERT_NE(file, nullptr);
        EXPECT_EQ(PEM_write_X509(file, certificate_.get()), 1);
        std::fclose(file);
        file = std::fopen(key.c_str(), "w");
        ASSERT_NE(file, nullptr);
        EXPECT_EQ(PEM_write_PrivateKey(file, key_.get(), nullptr, nullptr, 0, nullptr, nullptr), 1);
        std::fclose(file);
    }
    X509* certificate() const { return certificate_.get(); }
    EVP_PKEY* key() const { return key_.get(); }

private:
    template <auto Free>
    struct Freed {
        template <class T>
        void operator()(T* each) const {
            Free(each);
        }
    };

    Identity(const std::string& name, const CertificateOptions& options, const Identity* signer)
        : key_(EVP_EC_gen("P-256")), certificate_(X509_new()) {
        static long serial = 1;
        X509* const x = certificate_.get();
        X509_set_version(x, 2);
        ASN1_INTEGER_set(X509_get_serialNumber(x), serial++);
        X509_gmtime_adj(X509_getm_notBefore(x), options.valid_from);
        X509_gmtime_adj(X509_getm_notAfter(x), options.valid_until);
        X509_set_pubkey(x, key_.get());
        X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8,
                                   reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
        X509_set_issuer_name(x, X509_get_subject_name(signer ? signer->certificate() : x));
        add(NID_basic_constraints, signer ? "CA:FALSE" : "critical,CA:TRUE");
        add(NID_subject_alt_name, options.names.c_str());
        X509_sign(x, signer ? signer->key() : key(), EVP_sha256());
    }
    void add(int what, const char* value) {
        X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, what, value);
        X509_add_ext(certificate_.get(), extension, -1);
        X509_EXTENSION_free(extension);
    }

    std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>> key_;
    std::unique_ptr<X509, Freed<X509_free>> certificate_;
};

/// A certificate that signs itself, its key, both as files, and a server's context that uses them.
class Certificate {
public:
    explicit Certificate(const CertificateOptions& options = {}) {
        std::string name = (std::filesystem::temp_directory_path() / "attune-tls-XXXXXX").string();
        EXPECT_NE(::mkdtemp(name.data()), nullptr);
        folder_ = name;
        const auto identity = Identity::authority("attune test", options);
        identity.write(file(), key_file());
        server_ = SSL_CTX_new(TLS_server_method());
        EXPECT_EQ(SSL_CTX_use_certificate(server_, identity.certificate()), 1);
        EXPECT_EQ(SSL_CTX_use_PrivateKey(server_, identity.key()), 1);
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
    std::filesystem::path folder_;
    SSL_CTX* server_ = nullptr;
};

}  // namespace attune_test
