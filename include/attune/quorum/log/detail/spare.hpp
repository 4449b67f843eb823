#pragma once

#include <attune/quorum/log/detail/segment.hpp>
#include <attune/storage/disk.hpp>
#include <attune/version.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <system_error>

namespace attune::inline ATTUNE_ABI::quorum::detail {

/// The next segment, while it is nothing but zeros: room that is set aside before it is needed, so
/// that a disk that fills up is noticed in time. It grows along with the use of the present one.
class Spare {
public:
    /// What is there from before is used again.
    ATTUNE_DECL Spare(attune::detail::Disk& disk, std::string directory, std::uint64_t full_size);

    std::uint64_t size() const noexcept { return size_; }
    /// The disk was full the last time. Nothing more is tried until `retry`.
    bool is_stuck() const noexcept { return stuck_; }
    void retry() noexcept { stuck_ = false; }

    /// At least so large, unless the disk is full: then as large as before.
    ATTUNE_DECL void grow(std::uint64_t size);
    /// Gives the room away.
    ATTUNE_DECL void release();
    /// Makes a segment of it: durable, under its name, zeros after the header. The size is set
    /// here. Afterwards there is no spare.
    ATTUNE_DECL std::unique_ptr<attune::detail::DiskFile> take(SegmentHeader& header,
                                                               std::uint32_t& checksum);

private:
    ATTUNE_DECL void fill(std::uint64_t from, std::uint64_t to);
    ATTUNE_DECL std::string path() const;

    attune::detail::Disk& disk_;
    const std::string directory_;
    const std::uint64_t full_size_;
    std::unique_ptr<attune::detail::DiskFile> file_;
    std::uint64_t size_ = 0;
    bool stuck_ = false;
};

/// Is this what a full disk says?
ATTUNE_DECL bool is_full(const std::error_code& error) noexcept;

}  // namespace attune::inline ATTUNE_ABI::quorum::detail

#if ATTUNE_HEADER_ONLY
#include <attune/quorum/log/impl/spare.ipp>
#endif
