#pragma once

#include <attune/store/detail/digest.hpp>

#include <cstddef>
#include <new>
#include <stdexcept>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL void DigestFree::operator()(evp_md_st* owned) const noexcept { EVP_MD_free(owned); }
ATTUNE_DECL void DigestFree::operator()(evp_md_ctx_st* owned) const noexcept {
    EVP_MD_CTX_free(owned);
}
ATTUNE_DECL void DigestFree::operator()(evp_pkey_st* owned) const noexcept { EVP_PKEY_free(owned); }

ATTUNE_DECL Sha256::Sha256()
    : algorithm_(EVP_MD_fetch(nullptr, "SHA256", nullptr)), context_(EVP_MD_CTX_new()) {
    if (algorithm_ == nullptr || context_ == nullptr) {
        throw std::runtime_error("OpenSSL has no SHA-256: is its default provider loaded?");
    }
}

ATTUNE_DECL Hash Sha256::of(std::string_view bytes) {
    Hash hash;
    if (EVP_DigestInit_ex(context_.get(), algorithm_.get(), nullptr) != 1 ||
        EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) != 1 ||
        EVP_DigestFinal_ex(context_.get(), hash.data(), nullptr) != 1) {
        throw std::bad_alloc();
    }
    return hash;
}

ATTUNE_DECL Ed25519Key Ed25519Key::private_key(std::string_view text) {
    const auto* const raw = reinterpret_cast<const unsigned char*>(text.data());
    EVP_PKEY* key = nullptr;
    if (text.size() == 32) {
        key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, raw, text.size());
    } else if (BIO* const source = BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))) {
        // No password: asking for one would take over the terminal.
        char none[] = "";
        key = PEM_read_bio_PrivateKey(source, nullptr, nullptr, none);
        BIO_free(source);
    }
    Ed25519Key made(key);
    if (key == nullptr || EVP_PKEY_is_a(key, "ED25519") != 1) {
        throw std::invalid_argument(
            "expected a private Ed25519 key: 32 bytes, or PEM without a password as "
            "`openssl genpkey -algorithm ed25519` writes it");
    }
    return made;
}

ATTUNE_DECL Ed25519Key Ed25519Key::public_key(std::string_view text) {
    const auto* const raw = reinterpret_cast<const unsigned char*>(text.data());
    EVP_PKEY* key = nullptr;
    if (text.size() == 32) {
        key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, raw, text.size());
    } else if (BIO* const source = BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))) {
        key = PEM_read_bio_PUBKEY(source, nullptr, nullptr, nullptr);
        BIO_free(source);
    }
    Ed25519Key made(key);
    if (key == nullptr || EVP_PKEY_is_a(key, "ED25519") != 1) {
        throw std::invalid_argument(
            "expected a public Ed25519 key: 32 bytes, or PEM as "
            "`openssl pkey -pubout` writes it");
    }
    return made;
}

ATTUNE_DECL Signature Ed25519Key::sign(const Hash& hash) const {
    const std::unique_ptr<EVP_MD_CTX, DigestFree> context(EVP_MD_CTX_new());
    Signature signature;
    std::size_t size = signature.size();
    if (context == nullptr ||
        EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get()) != 1 ||
        EVP_DigestSign(context.get(), signature.data(), &size, hash.data(), hash.size()) != 1) {
        throw std::bad_alloc();
    }
    return signature;
}

ATTUNE_DECL bool Ed25519Key::verify(const Hash& hash, const Signature& signature) const {
    const std::unique_ptr<EVP_MD_CTX, DigestFree> context(EVP_MD_CTX_new());
    return context != nullptr &&
           EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key_.get()) == 1 &&
           EVP_DigestVerify(context.get(), signature.data(), signature.size(), hash.data(),
                            hash.size()) == 1;
}

ATTUNE_DECL std::string to_hex(const Hash& hash) {
    std::string text;
    for (const unsigned char byte : hash) {
        text += "0123456789abcdef"[byte >> 4];
        text += "0123456789abcdef"[byte & 0xF];
    }
    return text;
}

ATTUNE_DECL std::array<unsigned char, 16> random_id() {
    std::array<unsigned char, 16> id;
    if (RAND_bytes(id.data(), static_cast<int>(id.size())) != 1) {
        throw std::runtime_error("OpenSSL has no random numbers to give");
    }
    return id;
}

}  // namespace attune::inline ATTUNE_ABI::detail
