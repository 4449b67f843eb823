#pragma once

#include <attune/quorum/raft/entry.hpp>
#include <attune/version.hpp>

#include <cstddef>
#include <cstdint>

namespace attune::inline ATTUNE_ABI::quorum {

struct LogOptions {
    std::uint64_t cluster = 0;  ///< which one: a log of another cluster is refused
    raft::NodeId node = 0;      ///< whose log it is: that of another member is refused
    /// Make a new one. Once per member and cluster: a member that has lost its disk has lost its
    /// promises with it, and must not come back as the same.
    bool create = false;
    /// In bytes, between 4 KiB and 1 GiB. A file holds as much, or one entry that is larger; as
    /// much again is set aside.
    std::size_t segment_size = std::size_t{16} << 20;
};

/// Is there room for more entries? A full disk is noticed while there is room still: until it is
/// none, there is some for an entry of an eighth of a segment.
enum class LogRoom : std::uint8_t {
    plenty,  ///< half a segment at least, mostly a whole one
    scarce,  ///< what was kept back for votes, expiries and the like is being used
    none,    ///< for votes alone, and for entries that were taken before
};

}  // namespace attune::inline ATTUNE_ABI::quorum
