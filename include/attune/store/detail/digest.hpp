#pragma once

#include <attune/version.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

// OpenSSL's names for what it calls EVP_MD, EVP_MD_CTX and EVP_PKEY.
struct evp_md_st;
struct evp_md_ctx_st;
struct evp_pkey_st;

namespace attune::inline ATTUNE_ABI::detail {

using Hash = std::array<unsigned char, 32>;
using Signature = std::array<unsigned char, 64>;

struct DigestFree {
    ATTUNE_DECL void operator()(evp_md_st* owned) const noexcept;
    ATTUNE_DECL void operator()(evp_md_ctx_st* owned) const noexcept;
    ATTUNE_DECL void operator()(evp_pkey_st* owned) const noexcept;
};

/// SHA-256 (FIPS 180-4) by OpenSSL. What takes longer than a short message, finding the algorithm
/// and making room for it, is done once per object. One thread at a time.
class Sha256 {
public:
    ATTUNE_DECL Sha256();
    ATTUNE_DECL Hash of(std::string_view bytes);

private:
    std::unique_ptr<evp_md_st, DigestFree> algorithm_;
    std::unique_ptr<evp_md_ctx_st, DigestFree> context_;
};

/// An Ed25519 key (RFC 8032) that signs or verifies hashes. Throws std::invalid_argument, which
/// does not repeat the key, for text that is none.
class Ed25519Key {
public:
    /// PEM (PKCS #8), or the 32 bytes themselves.
    ATTUNE_DECL static Ed25519Key private_key(std::string_view text);
    /// PEM (SubjectPublicKeyInfo), or the 32 bytes themselves.
    ATTUNE_DECL static Ed25519Key public_key(std::string_view text);

    ATTUNE_DECL Signature sign(const Hash& hash) const;
    ATTUNE_DECL bool verify(const Hash& hash, const Signature& signature) const;

private:
    explicit Ed25519Key(evp_pkey_st* owned) : key_(owned) {}

    std::unique_ptr<evp_pkey_st, DigestFree> key_;
};

/// 64 lower-case hexadecimal digits.
ATTUNE_DECL std::string to_hex(const Hash& hash);

/// Bytes that nobody can guess or meet twice.
ATTUNE_DECL std::array<unsigned char, 16> random_id();

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/store/impl/digest.ipp>
#endif
