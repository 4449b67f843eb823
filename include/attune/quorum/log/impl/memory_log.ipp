#pragma once

#include <attune/quorum/log/detail/log_directory.hpp>
#include <attune/quorum/log/memory_log.hpp>

#include <utility>

namespace attune::inline ATTUNE_ABI::quorum {

namespace detail {

class MemoryLog final : public Log {
public:
    MemoryLog(std::shared_ptr<attune::detail::Disk> disk,
              std::unique_ptr<attune::detail::DiskLock> lock) noexcept
        : disk_(std::move(disk)), lock_(std::move(lock)) {}

    // The core has everything in memory already.
    std::error_code put(const raft::Write& /*write*/) override { return {}; }
    std::error_code flush() override { return {}; }
    LogRoom room() const override { return LogRoom::plenty; }
    std::error_code make_room() override { return {}; }

private:
    const std::shared_ptr<attune::detail::Disk> disk_;
    const std::unique_ptr<attune::detail::DiskLock> lock_;
};

}  // namespace detail

ATTUNE_DECL std::unique_ptr<Log> memory_log(std::shared_ptr<attune::detail::Disk> disk,
                                            std::string directory, const LogOptions& options) {
    detail::LogDirectory place(*disk, directory);
    place.make_volatile(options);
    return std::make_unique<detail::MemoryLog>(std::move(disk), place.take_lock());
}

}  // namespace attune::inline ATTUNE_ABI::quorum
