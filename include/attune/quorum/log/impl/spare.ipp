#pragma once

#include <attune/quorum/log/detail/file_names.hpp>
#include <attune/quorum/log/detail/spare.hpp>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace attune::inline ATTUNE_ABI::quorum::detail {

inline constexpr std::uint64_t spare_step = 64 * 1024;

ATTUNE_DECL bool is_full(const std::error_code& error) noexcept {
    return error == std::errc::no_space_on_device || error.value() == EDQUOT;
}

ATTUNE_DECL Spare::Spare(attune::detail::Disk& disk, std::string directory, std::uint64_t full_size)
    : disk_(disk), directory_(std::move(directory)), full_size_(full_size) {
    if (disk_.exists(path())) {
        file_ = disk_.open(path(), attune::detail::DiskOpen::write);
        size_ = std::min(file_->size() / segment_header_size * segment_header_size, full_size_);
        // A size that a failed flush has left in the memory of the kernel is not on the disk.
        file_->resize(size_);
        fill(0, size_);
    }
}

ATTUNE_DECL std::string Spare::path() const { return directory_ + '/' + std::string(spare_name); }

ATTUNE_DECL void Spare::fill(std::uint64_t from, std::uint64_t to) {
    file_->reserve(from, to);
    file_->start_sync(from, to);
}

ATTUNE_DECL void Spare::grow(std::uint64_t size) {
    if (stuck_ || size <= size_) {
        return;
    }
    try {
        if (file_ == nullptr) {
            file_ = disk_.open(path(), attune::detail::DiskOpen::create, 0600);
        }
        while (size_ < size) {
            // Not beyond the usual size, but for a batch that needs more.
            const std::uint64_t step = size_ < full_size_ && full_size_ < size_ + spare_step
                                           ? full_size_ - size_
                                           : spare_step;
            fill(size_, size_ + step);
            size_ += step;
        }
    } catch (const std::system_error& error) {
        if (!is_full(error.code())) {
            throw;
        }
        stuck_ = true;
    }
}

ATTUNE_DECL void Spare::release() {
    if (file_ != nullptr) {
        file_.reset();
        size_ = 0;
        disk_.remove(path());
    }
}

ATTUNE_DECL std::unique_ptr<attune::detail::DiskFile> Spare::take(SegmentHeader& header,
                                                                  std::uint32_t& checksum) {
    header.size = size_;
    if (file_->size() != size_) {
        file_->resize(size_);
    }
    file_->write(encode_segment_header(header, checksum), 0);
    file_->sync();
    disk_.rename(path(), directory_ + '/' + segment_name(header.number));
    disk_.sync_directory(directory_);
    size_ = 0;
    return std::move(file_);
}

}  // namespace attune::inline ATTUNE_ABI::quorum::detail
