#pragma once

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace net_test {

/// A key and a certificate for it, valid for an hour around now.
class Identity {
public:
    /// Signed by itself, and fit to sign others.
    static Identity authority(const std::string& name) { return Identity{name, nullptr}; }
    Identity signs(const std::string& name) const { return Identity{name, this}; }

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

    Identity(const std::string& name, const Identity* signer)
        : key_(EVP_EC_gen("P-256")), certificate_(X509_new()) {
        static long serial = 1;
        X509* const x = certificate_.get();
        X509_set_version(x, 2);
        ASN1_INTEGER_set(X509_get_serialNumber(x), serial++);
        X509_gmtime_adj(X509_getm_notBefore(x), -1'800);
        X509_gmtime_adj(X509_getm_notAfter(x), 1'800);
        X509_set_pubkey(x, key_.get());
        X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8,
                                   reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
        X509_set_issuer_name(x, X509_get_subject_name(signer ? signer->certificate() : x));
        add(NID_basic_constraints, signer ? "CA:FALSE" : "critical,CA:TRUE");
        if (signer != nullptr) {
            add(NID_subject_alt_name, "IP:127.0.0.1,DNS:localhost");
        }
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

}  // namespace net_test
