#pragma once

#include <attune/store/detail/digest.hpp>
#include <attune/version.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// The bytes of a journal; docs/journal.md has them in tables. Numbers are little-endian.

namespace attune::inline ATTUNE_ABI::detail {

inline constexpr std::size_t segment_header_size = 128;
inline constexpr std::size_t record_header_size = 104;
inline constexpr std::size_t record_end_size = 12;  // checksum and mark
inline constexpr std::size_t disk_sector = 512;     // written as a whole, or not at all

// Every byte of a mark has at least two bits set: one flipped bit does not make it look unwritten.
inline constexpr std::string_view segment_mark = "ATTUNEJ\n";
inline constexpr std::string_view record_mark = "ARec";
inline constexpr std::string_view header_end_mark = "hEnd";
inline constexpr std::string_view record_end_mark = "ATTUNE.\n";

struct SegmentHeader {
    std::uint64_t number = 0;
    std::uint64_t first_sequence = 0;
    std::uint64_t created = 0;  // nanoseconds since 1970
    std::array<unsigned char, 16> journal{};
    Hash link{};               // of the record before the first one; zero when there was none
    std::uint64_t sealed = 0;  // bytes that were flushed before the segment got its name
    bool whole = false;        // everything before this segment has been copied into it
};

enum class RecordType : std::uint8_t {
    base = 1,     // a version, made of nothing
    version = 2,  // a version, made of the one in the record before
    keep = 3,
    forget = 4,
};

struct RecordHeader {
    RecordType type = RecordType::version;
    bool is_signed = false;
    std::uint32_t size = 0;  // of the whole record
    std::uint64_t sequence = 0;
    std::uint64_t durable = 0;  // the last record known to be flushed when this one was written
    std::uint64_t version = 0;
    std::chrono::system_clock::time_point time{};
    Hash previous{};

    std::size_t overhead() const noexcept {
        return record_header_size + record_end_size + (is_signed ? sizeof(Signature) : 0);
    }
};

struct Record {
    RecordHeader header;
    std::string_view payload;
    Hash hash{};
    std::optional<Signature> signature;
};

ATTUNE_DECL std::string encode_segment_header(const SegmentHeader& header);
/// Nothing when the bytes are not what encode_segment_header gives.
ATTUNE_DECL std::optional<SegmentHeader> decode_segment_header(std::string_view bytes);

/// Completes a record in place: `record` is record_header_size bytes of anything, then the payload.
/// Gives the record's hash. `header.size` is set here. Throws std::length_error beyond 4 GiB.
ATTUNE_DECL Hash finish_record(RecordHeader header, std::string& record, Sha256& sha,
                               const Ed25519Key* key);

/// What may be a record header at the beginning of the bytes, unchecked but for its mark and size.
ATTUNE_DECL std::optional<RecordHeader> peek_record_header(std::string_view bytes) noexcept;

/// Nothing when there is no intact record header at the beginning of the bytes.
ATTUNE_DECL std::optional<RecordHeader> decode_record_header(std::string_view bytes) noexcept;

/// Nothing when the bytes do not begin with an intact record.
ATTUNE_DECL std::optional<Record> decode_record(std::string_view bytes, Sha256& sha);

/// What stands after the last intact record.
struct Tail {
    enum Kind : std::uint8_t {
        clean,       ///< nothing, or zeros
        unfinished,  ///< what a write that never ended may have left
        damaged,     ///< bytes that were written once and have changed since
    };
    Kind kind = clean;
    std::uint64_t written = 0;  ///< from the offset up to the last byte that is not zero
    std::string what;           ///< of damage
};

/// Judges what stands at `offset` of a segment, where record `sequence` would begin and no intact
/// one does. A write that did not end leaves sectors as they were, which is zero, or ends early; a
/// record that is there to its last byte, in all its sectors, was written and is damaged.
ATTUNE_DECL Tail judge_tail(std::string_view segment, std::uint64_t offset, std::uint64_t sequence);

/// The versions whose record headers can be read from `offset` on, however far apart: all that can
/// be said about what is lost.
ATTUNE_DECL std::vector<std::uint64_t> versions_after(std::string_view segment,
                                                      std::uint64_t offset);

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/store/impl/journal_format.ipp>
#endif
