#pragma once

#include <attune/document/document.hpp>
#include <attune/storage/disk.hpp>
#include <attune/store/detail/journal_format.hpp>
#include <attune/store/journal_report.hpp>
#include <attune/store/version_record.hpp>
#include <attune/version.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

/// The file of a segment.
struct SegmentFile {
    std::uint64_t number;
    std::string path;
};

inline constexpr std::string_view segment_suffix = ".journal";

ATTUNE_DECL std::string segment_path(const std::string& directory, std::uint64_t number);

/// The segments in a directory, in order of their numbers.
ATTUNE_DECL std::vector<SegmentFile> segments_in(Disk& disk, const std::string& directory);

/// What a journal says, up to its end or its first damage.
struct JournalContent {
    std::array<unsigned char, 16> id{};
    std::uint64_t records = 0;
    std::size_t version_count = 0;
    Version first = 0;
    std::uint64_t sequence = 0;  ///< of the last record; zero when there is none
    Hash head{};                 ///< its hash
    std::optional<VersionRecord> last;
    Document own;  ///< as of the last version

    std::map<Version, VersionRecord> kept;  ///< marked, and there
    /// In order; some of them are kept as well. Without documents where damage came too early.
    std::deque<VersionRecord> newest;

    std::vector<SegmentFile> superseded;  ///< segments that a later one has copied
    std::vector<SegmentFile> segments;    ///< that were read, or should have been
    SegmentHeader newest_segment;
    Version newest_base = 0;           ///< the version that the newest segment begins from
    std::set<Version> newest_carried;  ///< versions before that one which it holds as well
    std::size_t newest_versions = 0;   ///< versions after that one
    std::uint64_t end = 0;             ///< of its last record, in bytes
    bool expected_found = false;
    Tail tail;  ///< what comes after
    std::optional<journal::Damage> damage;
    std::set<Version> unreadable;  ///< versions that damage has taken, as far as one can see

    /// All that was asked for, oldest first, with their marks.
    ATTUNE_DECL std::vector<VersionRecord> versions() const;
};

struct ReadOptions {
    std::size_t most = static_cast<std::size_t>(-1);       ///< of the newest versions
    const Ed25519Key* key = nullptr;                       ///< that must have signed every record
    std::uint64_t up_to = static_cast<std::uint64_t>(-1);  ///< the last record to look at
    std::optional<Hash> expected = std::nullopt;           ///< of a record that must be there
    bool past_damage = false;  ///< go on with the next segment, which begins with a whole document
};

/// Errors of the disk are std::system_error.
ATTUNE_DECL JournalContent read_journal(Disk& disk, const std::string& directory,
                                        const ReadOptions& options = {});

/// Damage as the exception for it.
[[noreturn]] ATTUNE_DECL void refuse_damage(const journal::Damage& damage);

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/store/impl/journal_reader.ipp>
#endif
