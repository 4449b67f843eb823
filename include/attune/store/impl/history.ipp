#pragma once

#include <attune/document/text.hpp>
#include <attune/store/history.hpp>

#include <openssl/evp.h>

#include <array>
#include <stdexcept>
#include <string_view>

namespace attune::inline ATTUNE_ABI {

ATTUNE_DECL std::string VersionInfo::content_hash() const {
    const std::string text = to_text(document_);
    std::array<unsigned char, 32> digest;
    if (EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr) != 1) {
        throw std::runtime_error{"OpenSSL cannot compute SHA-256"};
    }
    constexpr std::string_view digits = "0123456789abcdef";
    std::string hash;
    for (const unsigned char byte : digest) {
        hash += digits[byte >> 4];
        hash += digits[byte & 15];
    }
    return hash;
}

}  // namespace attune::inline ATTUNE_ABI
