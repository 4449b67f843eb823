#pragma once

#include <attune/storage/crc32c.hpp>
#include <attune/store/detail/journal_format.hpp>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <stdexcept>

namespace attune::inline ATTUNE_ABI::detail {

// Places in a segment header.
inline constexpr std::size_t segment_format_at = 8;
inline constexpr std::size_t segment_size_at = 12;
inline constexpr std::size_t segment_number_at = 16;
inline constexpr std::size_t segment_sequence_at = 24;
inline constexpr std::size_t segment_created_at = 32;
inline constexpr std::size_t segment_journal_at = 40;
inline constexpr std::size_t segment_link_at = 56;
inline constexpr std::size_t segment_sealed_at = 88;
inline constexpr std::size_t segment_flags_at = 96;
inline constexpr std::size_t segment_crc_at = 124;
inline constexpr std::uint32_t segment_format = 1;

// Places in a record header.
inline constexpr std::size_t record_type_at = 4;
inline constexpr std::size_t record_flags_at = 5;
inline constexpr std::size_t record_size_at = 8;
inline constexpr std::size_t record_sequence_at = 16;
inline constexpr std::size_t record_durable_at = 24;
inline constexpr std::size_t record_version_at = 32;
inline constexpr std::size_t record_time_at = 40;
inline constexpr std::size_t record_previous_at = 48;
inline constexpr std::size_t record_crc_at = 96;
inline constexpr std::size_t record_header_end_at = 100;

template <class T>
void put_number(std::string& bytes, std::size_t at, T value) noexcept {
    for (std::size_t i = 0; i != sizeof value; ++i) {
        bytes[at + i] = static_cast<char>(static_cast<unsigned char>(value >> (8 * i)));
    }
}

template <class T>
T get_number(std::string_view bytes, std::size_t at) noexcept {
    T value = 0;
    for (std::size_t i = 0; i != sizeof value; ++i) {
        const auto byte = static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[at + i]));
        value = static_cast<T>(value | (byte << (8 * i)));
    }
    return value;
}

template <class Array>
void put_array(std::string& bytes, std::size_t at, const Array& array) noexcept {
    std::memcpy(bytes.data() + at, array.data(), array.size());
}

template <class Array>
Array get_array(std::string_view bytes, std::size_t at) noexcept {
    Array array;
    std::memcpy(array.data(), bytes.data() + at, array.size());
    return array;
}

ATTUNE_DECL std::string encode_segment_header(const SegmentHeader& header) {
    std::string bytes(segment_header_size, '\0');
    put_array(bytes, 0, segment_mark);
    put_number(bytes, segment_format_at, segment_format);
    put_number(bytes, segment_size_at, static_cast<std::uint32_t>(segment_header_size));
    put_number(bytes, segment_number_at, header.number);
    put_number(bytes, segment_sequence_at, header.first_sequence);
    put_number(bytes, segment_created_at, header.created);
    put_array(bytes, segment_journal_at, header.journal);
    put_array(bytes, segment_link_at, header.link);
    put_number(bytes, segment_sealed_at, header.sealed);
    put_number(bytes, segment_flags_at, std::uint32_t{header.whole});
    put_number(bytes, segment_crc_at, crc32c(std::string_view(bytes).substr(0, segment_crc_at)));
    return bytes;
}

ATTUNE_DECL std::optional<SegmentHeader> decode_segment_header(std::string_view bytes) {
    if (bytes.size() < segment_header_size) {
        return std::nullopt;
    }
    SegmentHeader header;
    header.number = get_number<std::uint64_t>(bytes, segment_number_at);
    header.first_sequence = get_number<std::uint64_t>(bytes, segment_sequence_at);
    header.created = get_number<std::uint64_t>(bytes, segment_created_at);
    header.journal = get_array<decltype(header.journal)>(bytes, segment_journal_at);
    header.link = get_array<Hash>(bytes, segment_link_at);
    header.sealed = get_number<std::uint64_t>(bytes, segment_sealed_at);
    header.whole = get_number<std::uint32_t>(bytes, segment_flags_at) != 0;
    // Nothing is left open in a header: reserved bytes, formats and checksum are compared at once.
    if (encode_segment_header(header) != bytes.substr(0, segment_header_size)) {
        return std::nullopt;
    }
    return header;
}

ATTUNE_DECL Hash finish_record(RecordHeader header, std::string& record, Sha256& sha,
                               const Ed25519Key* key) {
    header.is_signed = key != nullptr;
    const std::size_t payload = record.size() - record_header_size;
    const std::size_t size = payload + header.overhead();
    if (size > std::numeric_limits<std::uint32_t>::max()) {
        throw std::length_error("a record of a journal has at most 4 GiB");
    }
    std::memset(record.data(), 0, record_header_size);
    put_array(record, 0, record_mark);
    record[record_type_at] = static_cast<char>(header.type);
    record[record_flags_at] = static_cast<char>(header.is_signed);
    put_number(record, record_size_at, static_cast<std::uint32_t>(size));
    put_number(record, record_sequence_at, header.sequence);
    put_number(record, record_durable_at, header.durable);
    put_number(record, record_version_at, header.version);
    const auto time =
        std::chrono::duration_cast<std::chrono::nanoseconds>(header.time.time_since_epoch());
    put_number(record, record_time_at, static_cast<std::uint64_t>(time.count()));
    put_array(record, record_previous_at, header.previous);
    put_number(record, record_crc_at, crc32c(std::string_view(record).substr(0, record_crc_at)));
    put_array(record, record_header_end_at, header_end_mark);

    const Hash hash = sha.of(record);
    if (key != nullptr) {
        const Signature signature = key->sign(hash);
        record.append(reinterpret_cast<const char*>(signature.data()), signature.size());
    }
    const std::uint32_t crc = crc32c(std::string_view(record).substr(record_header_size));
    record.append(4, '\0');
    put_number(record, record.size() - 4, crc);
    record += record_end_mark;
    return hash;
}

ATTUNE_DECL std::optional<RecordHeader> peek_record_header(std::string_view bytes) noexcept {
    if (bytes.size() < record_header_size || !bytes.starts_with(record_mark)) {
        return std::nullopt;
    }
    RecordHeader header;
    header.type = static_cast<RecordType>(get_number<std::uint8_t>(bytes, record_type_at));
    header.is_signed = get_number<std::uint8_t>(bytes, record_flags_at) == 1;
    header.size = get_number<std::uint32_t>(bytes, record_size_at);
    header.sequence = get_number<std::uint64_t>(bytes, record_sequence_at);
    header.durable = get_number<std::uint64_t>(bytes, record_durable_at);
    header.version = get_number<std::uint64_t>(bytes, record_version_at);
    const auto time = static_cast<std::int64_t>(get_number<std::uint64_t>(bytes, record_time_at));
    header.time = std::chrono::system_clock::time_point(
        std::chrono::duration_cast<std::chrono::system_clock::duration>(
            std::chrono::nanoseconds(time)));
    header.previous = get_array<Hash>(bytes, record_previous_at);
    if (header.size < header.overhead()) {
        return std::nullopt;
    }
    return header;
}

ATTUNE_DECL std::optional<RecordHeader> decode_record_header(std::string_view bytes) noexcept {
    auto header = peek_record_header(bytes);
    if (header && (bytes.substr(record_header_end_at, header_end_mark.size()) != header_end_mark ||
                   get_number<std::uint32_t>(bytes, record_crc_at) !=
                       crc32c(bytes.substr(0, record_crc_at)))) {
        header.reset();
    }
    return header;
}

ATTUNE_DECL std::optional<Record> decode_record(std::string_view bytes, Sha256& sha) {
    const std::optional<RecordHeader> header = decode_record_header(bytes);
    if (!header || bytes.size() < header->size) {
        return std::nullopt;
    }
    bytes = bytes.substr(0, header->size);
    const std::size_t crc_at = bytes.size() - record_end_size;
    if (!bytes.ends_with(record_end_mark) ||
        get_number<std::uint32_t>(bytes, crc_at) !=
            crc32c(bytes.substr(record_header_size, crc_at - record_header_size))) {
        return std::nullopt;
    }
    const std::size_t payload = header->size - header->overhead();
    Record record{*header, bytes.substr(record_header_size, payload), {}, std::nullopt};
    const std::size_t signed_size = record_header_size + payload;
    record.hash = sha.of(bytes.substr(0, signed_size));
    if (header->is_signed) {
        record.signature = get_array<Signature>(bytes, signed_size);
    }
    return record;
}

// Whether a whole sector may be part of records, whose beginning may be missing. Records are mostly
// text, which has no zeros: either the sector is full of it, or the last record in it ends there.
ATTUNE_DECL bool may_be_record_sector(std::string_view sector) noexcept {
    const auto written = static_cast<std::size_t>(
        std::count_if(sector.begin(), sector.end(), [](char byte) { return byte != '\0'; }));
    if (written >= disk_sector / 8) {
        return true;
    }
    const std::string_view used = sector.substr(0, sector.find_last_not_of('\0') + 1);
    return used.size() < record_end_mark.size() ? record_end_mark.ends_with(used)
                                                : used.ends_with(record_end_mark);
}

// Calls f(piece) for each part of [begin, end) that lies in a sector of its own.
template <class F>
bool all_pieces(std::string_view segment, std::size_t begin, std::size_t end, F&& f) {
    while (begin < end) {
        const std::size_t next = std::min(end, (begin / disk_sector + 1) * disk_sector);
        if (!f(segment.substr(begin, next - begin))) {
            return false;
        }
        begin = next;
    }
    return true;
}

ATTUNE_DECL bool is_unwritten(std::string_view bytes) noexcept {
    return bytes.find_first_not_of('\0') == std::string_view::npos;
}

// Empty when what stands at `offset` may be left of a write that did not end.
ATTUNE_DECL std::string damage_at(std::string_view segment, std::size_t offset) {
    const std::string_view rest = segment.substr(offset);
    const auto written_at = [&](std::size_t at) { return at < rest.size() && rest[at] != '\0'; };
    if (written_at(0) && written_at(record_header_size - 1)) {
        const std::optional<RecordHeader> header = decode_record_header(rest);
        if (!header) {
            return "the header of a record has changed";
        }
        const bool complete =
            written_at(header->size - 1) &&
            all_pieces(segment, offset, offset + header->size,
                       [](std::string_view piece) { return !is_unwritten(piece); });
        return complete ? "a record has changed" : "";
    }

    const std::string_view used = rest.substr(0, rest.find_last_not_of('\0') + 1);
    const bool begins = used.substr(0, record_mark.size()) == record_mark.substr(0, used.size());
    if (begins && used.size() < record_header_size) {
        return "";
    }

    // The beginning of a record is missing, or the end of its header. What is there of the first
    // sector must then be the beginning of one, and what is in others must be like records.
    const std::size_t first_end =
        std::min(segment.size(), (offset / disk_sector + 1) * disk_sector);
    std::string_view first = segment.substr(offset, first_end - offset);
    first = first.substr(0, first.find_last_not_of('\0') + 1);
    if (first.size() >= record_header_size ||
        first.substr(0, record_mark.size()) != record_mark.substr(0, first.size())) {
        return "bytes that are no record";
    }
    const bool plausible = all_pieces(segment, first_end, segment.size(), [](std::string_view s) {
        return is_unwritten(s) || may_be_record_sector(s);
    });
    return plausible ? "" : "bytes that are no record";
}

ATTUNE_DECL Tail judge_tail(std::string_view segment, std::uint64_t offset,
                            std::uint64_t sequence) {
    const std::string_view rest = segment.substr(static_cast<std::size_t>(offset));
    Tail tail;
    tail.written = rest.find_last_not_of('\0') + 1;
    if (tail.written == 0) {
        return tail;
    }
    tail.kind = Tail::unfinished;
    tail.what = damage_at(segment, static_cast<std::size_t>(offset));
    for (std::size_t at = rest.find(record_mark, 1); tail.what.empty() && at != rest.npos;
         at = rest.find(record_mark, at + 1)) {
        const std::optional<RecordHeader> later = decode_record_header(rest.substr(at));
        if (later && later->durable >= sequence) {
            tail.what = "a record is missing that later ones rely on";
        }
    }
    if (!tail.what.empty()) {
        tail.kind = Tail::damaged;
    }
    return tail;
}

ATTUNE_DECL std::vector<std::uint64_t> versions_after(std::string_view segment,
                                                      std::uint64_t offset) {
    std::vector<std::uint64_t> versions;
    for (std::size_t at = segment.find(record_mark, static_cast<std::size_t>(offset));
         at != segment.npos; at = segment.find(record_mark, at + 1)) {
        const std::optional<RecordHeader> header = decode_record_header(segment.substr(at));
        if (header && (header->type == RecordType::base || header->type == RecordType::version)) {
            versions.push_back(header->version);
        }
    }
    return versions;
}

}  // namespace attune::inline ATTUNE_ABI::detail
