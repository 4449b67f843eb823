#pragma once

#include <attune/quorum/detail/bytes.hpp>
#include <attune/quorum/log/detail/batch.hpp>
#include <attune/storage/crc32c.hpp>

#include <algorithm>
#include <bit>
#include <chrono>
#include <memory>
#include <optional>

namespace attune::inline ATTUNE_ABI::quorum::detail {

// The last byte of each sector says that it was written to its end, and whether a batch begins in
// it. One flipped bit makes none of these marks, nor the zero that was there before, another one.
inline constexpr unsigned char sector_begins = 0xA5;
inline constexpr unsigned char sector_continues = 0x5A;
inline constexpr std::size_t sector_payload = log_sector - 1;

inline constexpr std::uint32_t batch_mark = 0x74614241;  // "ABat"
inline constexpr std::size_t batch_header_size = 32;

inline constexpr std::size_t record_header_size = 32;
inline constexpr std::uint8_t record_of_truncation = 3;

ATTUNE_DECL std::size_t batch_size(std::size_t records) noexcept {
    return (batch_header_size + records + sector_payload - 1) / sector_payload * log_sector;
}

ATTUNE_DECL void append_record(std::string& records, std::uint8_t kind, raft::Index index,
                               raft::Term term, raft::ClusterTime time, std::string_view data) {
    append_number(records, std::uint32_t{kind});
    append_number(records, static_cast<std::uint32_t>(data.size()));
    append_number(records, index);
    append_number(records, term);
    append_number(records, static_cast<std::uint64_t>(time.count()));
    records += data;
}

ATTUNE_DECL std::size_t record_size(const raft::Entry& entry) noexcept {
    return record_header_size + (entry.data != nullptr ? entry.data->size() : 0);
}

ATTUNE_DECL void append_entry(std::string& records, const raft::Entry& entry) {
    append_record(records, static_cast<std::uint8_t>(entry.kind), entry.index, entry.term,
                  entry.time,
                  entry.data != nullptr ? std::string_view(*entry.data) : std::string_view());
}

ATTUNE_DECL void append_truncation(std::string& records, raft::Index from) {
    append_record(records, record_of_truncation, from, 0, {}, {});
}

ATTUNE_DECL std::string encode_batch(const Batch& batch, std::uint32_t& checksum) {
    std::string header;
    append_number(header, batch_mark);
    append_number(header, static_cast<std::uint32_t>(batch.records.size()));
    append_number(header, batch.sequence);
    append_number(header, batch.previous);
    append_number(header, attune::detail::crc32c(batch.records));
    append_number(header, std::uint32_t{0});
    checksum = attune::detail::crc32c(header);
    append_number(header, checksum);

    std::string bytes(batch_size(batch.records.size()), '\0');
    std::copy(header.begin(), header.end(), bytes.begin());
    // Records go on behind the header in the first sector, and fill the others.
    std::string_view rest = batch.records;
    std::size_t at = batch_header_size;
    for (std::size_t sector = 0; sector != bytes.size(); sector += log_sector) {
        const std::string_view piece = rest.substr(0, sector + sector_payload - at);
        std::copy(piece.begin(), piece.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at));
        rest.remove_prefix(piece.size());
        bytes[sector + sector_payload] =
            static_cast<char>(sector == 0 ? sector_begins : sector_continues);
        at = sector + log_sector;
    }
    return bytes;
}

// What the mark of a sector says; a mark with one bit flipped still says it.
ATTUNE_DECL bool has_sector_mark(std::string_view segment, std::size_t sector,
                                 unsigned char mark) noexcept {
    const auto found = static_cast<unsigned char>(segment[sector + sector_payload]);
    return std::popcount(static_cast<unsigned>(found ^ mark)) <= 1;
}

ATTUNE_DECL bool begins_after(std::string_view segment, std::size_t at) noexcept {
    for (at += log_sector; at < segment.size(); at += log_sector) {
        if (has_sector_mark(segment, at, sector_begins)) {
            return true;
        }
    }
    return false;
}

ATTUNE_DECL BatchRead damaged_batch(std::string what) {
    BatchRead read;
    read.kind = BatchRead::Kind::damaged;
    read.what = std::move(what);
    return read;
}

// One batch at a time is written, and flushed before the next: whatever did not end is the last.
ATTUNE_DECL BatchRead unfinished_batch(std::string_view segment, std::size_t at) {
    return begins_after(segment, at) ? damaged_batch("a gap before a later batch") : BatchRead{};
}

ATTUNE_DECL BatchRead read_batch(std::string_view segment, std::size_t at) {
    if (at == segment.size()) {
        return {};
    }
    if (!has_sector_mark(segment, at, sector_begins)) {
        return has_sector_mark(segment, at, sector_continues)
                   ? damaged_batch("a part of a batch without its beginning")
                   : unfinished_batch(segment, at);
    }
    ByteReader header(segment.substr(at, batch_header_size));
    const auto mark = header.number<std::uint32_t>();
    const auto length = header.number<std::uint32_t>();
    BatchRead read;
    read.batch.sequence = header.number<std::uint64_t>();
    read.batch.previous = header.number<std::uint32_t>();
    const auto records_crc = header.number<std::uint32_t>();
    const auto zero = header.number<std::uint32_t>();
    read.checksum = header.number<std::uint32_t>();
    if (mark != batch_mark || zero != 0 ||
        read.checksum != attune::detail::crc32c(segment.substr(at, batch_header_size - 4)) ||
        batch_size(length) > segment.size() - at) {
        return damaged_batch("the beginning of a batch that has changed");
    }
    read.end = at + batch_size(length);
    for (std::size_t sector = at + log_sector; sector < read.end; sector += log_sector) {
        if (!has_sector_mark(segment, sector, sector_continues)) {
            return unfinished_batch(segment, at);
        }
    }

    std::string& records = read.batch.records;
    records.reserve(length);
    std::size_t from = at + batch_header_size;
    for (std::size_t sector = at; sector != read.end; sector += log_sector) {
        const std::size_t piece = sector + sector_payload - from;
        records.append(segment.substr(from, std::min(piece, length - records.size())));
        from = sector + log_sector;
    }
    // What fills up the last sector, and the marks, have to be as they were written as well.
    std::uint32_t checksum = 0;
    if (records_crc != attune::detail::crc32c(records) ||
        segment.substr(at, read.end - at) != encode_batch(read.batch, checksum)) {
        return damaged_batch("a batch that has changed");
    }
    read.kind = BatchRead::Kind::intact;
    return read;
}

ATTUNE_DECL bool apply_records(std::string_view records, raft::Index base,
                               std::vector<raft::Entry>& entries) {
    ByteReader reader(records);
    while (reader.left() != 0) {
        const auto kind = reader.number<std::uint32_t>();
        const auto length = reader.number<std::uint32_t>();
        raft::Entry entry;
        entry.index = reader.number<std::uint64_t>();
        entry.term = reader.number<std::uint64_t>();
        entry.time = raft::ClusterTime(static_cast<std::int64_t>(reader.number<std::uint64_t>()));
        const std::string_view data = reader.bytes(length);
        if (reader.was_short() || entry.index <= base || entry.index > base + entries.size() + 1) {
            return false;
        }
        // An entry takes the place of the one that was there, and of all after it.
        entries.resize(static_cast<std::size_t>(entry.index - base - 1));
        if (kind == record_of_truncation) {
            continue;
        }
        if (kind != static_cast<std::uint32_t>(raft::EntryKind::barrier) &&
            kind != static_cast<std::uint32_t>(raft::EntryKind::command)) {
            return false;
        }
        entry.kind = static_cast<raft::EntryKind>(kind);
        if (!data.empty()) {
            entry.data = std::make_shared<const std::string>(data);
        }
        entries.push_back(std::move(entry));
    }
    return true;
}

}  // namespace attune::inline ATTUNE_ABI::quorum::detail
