#pragma once

#include <attune/quorum/detail/bytes.hpp>
#include <attune/quorum/log/detail/file_names.hpp>
#include <attune/quorum/log/detail/segment.hpp>
#include <attune/storage/crc32c.hpp>

namespace attune::inline ATTUNE_ABI::quorum::detail {

inline constexpr std::string_view log_segment_mark = "ATTUNEL\n";
inline constexpr std::uint32_t log_segment_format = 1;

ATTUNE_DECL std::string encode_segment_header(const SegmentHeader& header,
                                              std::uint32_t& checksum) {
    std::string bytes(log_segment_mark);
    append_number(bytes, log_segment_format);
    append_number(bytes, static_cast<std::uint32_t>(segment_header_size));
    for (const std::uint64_t number :
         {header.cluster, header.node, header.number, header.size, header.first_batch,
          header.previous_end, header.last_index}) {
        append_number(bytes, number);
    }
    append_number(bytes, header.previous);
    bytes.resize(segment_header_size - 4, '\0');
    checksum = attune::detail::crc32c(bytes);
    append_number(bytes, checksum);
    return bytes;
}

ATTUNE_DECL std::optional<SegmentHeader> decode_segment_header(std::string_view bytes,
                                                               std::uint32_t& checksum) {
    ByteReader reader(bytes);
    reader.bytes(log_segment_mark.size() + 8);
    SegmentHeader header;
    for (std::uint64_t* const number :
         {&header.cluster, &header.node, &header.number, &header.size, &header.first_batch,
          &header.previous_end, &header.last_index}) {
        *number = reader.number<std::uint64_t>();
    }
    header.previous = reader.number<std::uint32_t>();
    if (encode_segment_header(header, checksum) != bytes.substr(0, segment_header_size)) {
        return std::nullopt;
    }
    return header;
}

ATTUNE_DECL std::string segment_name(std::uint64_t number) {
    return padded_number(number, 10) + std::string(segment_suffix);
}

ATTUNE_DECL std::optional<std::uint64_t> segment_number(std::string_view name) noexcept {
    if (!name.ends_with(segment_suffix)) {
        return std::nullopt;
    }
    name.remove_suffix(segment_suffix.size());
    return number_of_digits(name, 10);
}

}  // namespace attune::inline ATTUNE_ABI::quorum::detail
