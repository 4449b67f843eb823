#pragma once

#include <attune/quorum/raft/entry.hpp>
#include <attune/version.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace attune::inline ATTUNE_ABI::quorum::detail {

/// What disks write as a whole, or so they say.
inline constexpr std::size_t log_sector = 512;

/// Bytes on the disk of a batch with so many bytes of records.
ATTUNE_DECL std::size_t batch_size(std::size_t records) noexcept;

ATTUNE_DECL std::size_t record_size(const raft::Entry& entry) noexcept;
ATTUNE_DECL void append_entry(std::string& records, const raft::Entry& entry);
/// Entries from `from` on are gone.
ATTUNE_DECL void append_truncation(std::string& records, raft::Index from);

/// A batch: what was written between two flushes. Its checksum is what the next one has as
/// `previous`.
struct Batch {
    std::uint64_t sequence = 0;
    std::uint32_t previous = 0;
    std::string records{};
};

/// Whole sectors; `checksum` is that of the batch.
ATTUNE_DECL std::string encode_batch(const Batch& batch, std::uint32_t& checksum);

struct BatchRead {
    enum class Kind : std::uint8_t {
        intact,
        unfinished,  ///< nothing, or what a write that did not end can have left
        damaged,
    };
    Kind kind = Kind::unfinished;
    Batch batch{};
    std::uint32_t checksum = 0;
    std::size_t end = 0;
    std::string what{};  ///< was found, in case of damage
};

/// What is at some place of a segment, in which each sector was written at most once.
ATTUNE_DECL BatchRead read_batch(std::string_view segment, std::size_t at);

/// Adds the records of a batch to the entries after `base`: those that are gone go. False: these
/// records cannot follow those entries.
ATTUNE_DECL bool apply_records(std::string_view records, raft::Index base,
                               std::vector<raft::Entry>& entries);

}  // namespace attune::inline ATTUNE_ABI::quorum::detail

#if ATTUNE_HEADER_ONLY
#include <attune/quorum/log/impl/batch.ipp>
#endif
