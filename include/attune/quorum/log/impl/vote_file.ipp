#pragma once

#include <attune/quorum/detail/bytes.hpp>
#include <attune/quorum/detail/mutant.hpp>
#include <attune/quorum/log/detail/refuse.hpp>
#include <attune/quorum/log/detail/vote_file.hpp>
#include <attune/storage/crc32c.hpp>

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace attune::inline ATTUNE_ABI::quorum::detail {

inline constexpr std::string_view vote_mark = "ATTUNEV\n";
inline constexpr std::uint32_t vote_format = 1;
inline constexpr std::size_t vote_record_size = 256;
inline constexpr std::size_t vote_file_size = 2 * vote_record_size;

ATTUNE_DECL std::string vote_path(const std::string& directory, std::uint64_t sequence) {
    return directory + (sequence % 2 == 1 ? "/meta.a" : "/meta.b");
}

// The record twice. A disk that loses power in the middle leaves one of the two, old or new, and so
// does a flipped bit: where there is neither, something else has happened.
ATTUNE_DECL std::string encode_vote_record(const VoteRecord& record) {
    std::string bytes(vote_mark);
    append_number(bytes, vote_format);
    append_number(bytes, std::uint32_t{0});
    for (const std::uint64_t number :
         {record.cluster, record.node, record.starts, record.sequence, record.vote.term,
          record.vote.candidate, record.batch, record.segment}) {
        append_number(bytes, number);
    }
    bytes.resize(vote_record_size - 4, '\0');
    append_number(bytes, attune::detail::crc32c(bytes));
    return bytes + bytes;
}

ATTUNE_DECL std::optional<VoteRecord> decode_vote_record(std::string_view bytes) {
    ByteReader reader(bytes);
    reader.bytes(vote_mark.size() + 8);
    VoteRecord record;
    for (std::uint64_t* const number :
         {&record.cluster, &record.node, &record.starts, &record.sequence, &record.vote.term,
          &record.vote.candidate, &record.batch, &record.segment}) {
        *number = reader.number<std::uint64_t>();
    }
    // Nothing is left open: zeros, format and checksum are compared at once.
    if (encode_vote_record(record).compare(0, vote_record_size, bytes) != 0) {
        return std::nullopt;
    }
    return record;
}

ATTUNE_DECL void VoteFile::create(attune::detail::Disk& disk, const std::string& directory,
                                  VoteRecord record) {
    for (record.sequence = 1; record.sequence <= 2; ++record.sequence) {
        const auto file = disk.open(vote_path(directory, record.sequence),
                                    attune::detail::DiskOpen::create, 0600);
        file->write(encode_vote_record(record), 0);
        file->sync();
    }
}

ATTUNE_DECL VoteFile::VoteFile(attune::detail::Disk& disk, const std::string& directory) {
    const VoteRecord odd = read(disk, vote_path(directory, 1), 1);
    const VoteRecord even = read(disk, vote_path(directory, 2), 0);
    newest_ = odd.sequence > even.sequence ? odd : even;
    const VoteRecord& other = odd.sequence > even.sequence ? even : odd;
    if (newest_.sequence != other.sequence + 1) {
        refuse_damage(vote_path(directory, other.sequence), 0,
                      "a record that is out of date: its number is " +
                          std::to_string(other.sequence) + ", that of the other file " +
                          std::to_string(newest_.sequence),
                      "numbers that follow each other");
    }
}

ATTUNE_DECL VoteRecord VoteFile::read(attune::detail::Disk& disk, const std::string& path,
                                      std::uint64_t parity) {
    files_[parity] = disk.open(path, attune::detail::DiskOpen::write);
    std::array<char, vote_file_size> bytes{};
    const std::size_t size = files_[parity]->read(bytes.data(), bytes.size(), 0);
    std::optional<VoteRecord> best;
    if (size == vote_file_size && files_[parity]->size() == vote_file_size) {
        for (const std::size_t at : {std::size_t{0}, vote_record_size}) {
            const auto record = decode_vote_record({bytes.data() + at, vote_record_size});
            if (record && record->sequence % 2 == parity &&
                (!best || best->sequence < record->sequence)) {
                best = record;
            }
        }
    }
    if (!best) {
        refuse_damage(path, 0, "no record that is intact", "what this member has promised");
    }
    return *best;
}

ATTUNE_DECL void VoteFile::write(VoteRecord record) {
    record.sequence = newest_.sequence + 1;
    VoteRecord written = record;
    if (planted(Mutant::r1_vote_without_its_term)) {
        written.vote.term = newest_.vote.term;
    }
    attune::detail::DiskFile& file = *files_[record.sequence % 2];
    file.write(encode_vote_record(written), 0);
    file.sync();
    newest_ = record;
}

}  // namespace attune::inline ATTUNE_ABI::quorum::detail
