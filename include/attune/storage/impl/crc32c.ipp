#pragma once

#include <attune/storage/crc32c.hpp>

#include <array>
#include <cstddef>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace attune::inline ATTUNE_ABI::detail {

// Entry [k][b] is what byte b does to the remainder when k more bytes follow it: eight bytes are
// taken at a time.
struct Crc32cTable {
    std::array<std::array<std::uint32_t, 256>, 8> of;

    constexpr Crc32cTable() : of{} {
        for (std::uint32_t byte = 0; byte != 256; ++byte) {
            std::uint32_t remainder = byte;
            for (int bit = 0; bit != 8; ++bit) {
                remainder = (remainder >> 1) ^ ((remainder & 1) != 0 ? 0x82F63B78U : 0U);
            }
            of[0][byte] = remainder;
        }
        for (std::size_t more = 1; more != 8; ++more) {
            for (std::size_t byte = 0; byte != 256; ++byte) {
                const std::uint32_t before = of[more - 1][byte];
                of[more][byte] = (before >> 8) ^ of[0][before & 0xFF];
            }
        }
    }
};

ATTUNE_DECL std::uint32_t crc32c_by_table(std::string_view bytes) noexcept {
    static constexpr Crc32cTable table;
    std::uint32_t crc = 0xFFFFFFFFU;
    const auto byte_at = [&](std::size_t at) { return static_cast<unsigned char>(bytes[at]); };
    while (bytes.size() >= 8) {
        std::uint32_t next = 0;
        for (std::size_t at = 0; at != 4; ++at) {
            next ^= table.of[7 - at][byte_at(at) ^ ((crc >> (8 * at)) & 0xFF)];
            next ^= table.of[3 - at][byte_at(at + 4)];
        }
        crc = next;
        bytes.remove_prefix(8);
    }
    for (std::size_t at = 0; at != bytes.size(); ++at) {
        crc = (crc >> 8) ^ table.of[0][(crc ^ byte_at(at)) & 0xFF];
    }
    return ~crc;
}

#if defined(__x86_64__)
[[gnu::target("sse4.2")]] ATTUNE_DECL std::uint32_t crc32c_by_instruction(
    std::string_view bytes) noexcept {
    std::uint64_t crc = 0xFFFFFFFFU;
    while (bytes.size() >= 8) {
        std::uint64_t word;
        std::memcpy(&word, bytes.data(), sizeof word);
        crc = _mm_crc32_u64(crc, word);
        bytes.remove_prefix(8);
    }
    auto rest = static_cast<std::uint32_t>(crc);
    for (const char byte : bytes) {
        rest = _mm_crc32_u8(rest, static_cast<unsigned char>(byte));
    }
    return ~rest;
}
#endif

ATTUNE_DECL std::uint32_t crc32c(std::string_view bytes) noexcept {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2")) {
        return crc32c_by_instruction(bytes);
    }
#endif
    return crc32c_by_table(bytes);
}

}  // namespace attune::inline ATTUNE_ABI::detail
