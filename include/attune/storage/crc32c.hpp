#pragma once

#include <attune/version.hpp>

#include <cstdint>
#include <string_view>

namespace attune::inline ATTUNE_ABI::detail {

/// CRC-32C (Castagnoli; RFC 3720, appendix B.4) of some bytes. Whatever their number, one flipped
/// bit never goes unseen, nor does any run of up to 32 bits.
ATTUNE_DECL std::uint32_t crc32c(std::string_view bytes) noexcept;

/// The same without the instruction of the CPU, for those that have none.
ATTUNE_DECL std::uint32_t crc32c_by_table(std::string_view bytes) noexcept;

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/storage/impl/crc32c.ipp>
#endif
