#pragma once

#include <attune/quorum/detail/mutant.hpp>
#include <attune/quorum/log/detail/log_directory.hpp>
#include <attune/quorum/log/detail/log_reader.hpp>
#include <attune/quorum/log/detail/log_writer.hpp>
#include <attune/quorum/log/detail/spare.hpp>
#include <attune/quorum/log/detail/vote_file.hpp>
#include <attune/quorum/log/log.hpp>

#include <utility>

namespace attune::inline ATTUNE_ABI::quorum {

namespace detail {

class FileLog final : public Log {
public:
    FileLog(std::shared_ptr<attune::detail::Disk> disk,
            std::unique_ptr<attune::detail::DiskLock> lock, std::string directory,
            const LogOptions& options, VoteFile votes, const LogContent& content)
        : writer_(std::move(disk), std::move(lock), std::move(directory), options, std::move(votes),
                  content) {}

    std::error_code put(const raft::Write& write) override { return writer_.put(write); }
    std::error_code flush() override { return writer_.flush(); }
    LogRoom room() const override { return writer_.room(); }
    std::error_code make_room() override { return writer_.make_room(); }

private:
    LogWriter writer_;
};

}  // namespace detail

ATTUNE_DECL std::unique_ptr<Log> Log::open(std::shared_ptr<attune::detail::Disk> disk,
                                           std::string directory, const LogOptions& options,
                                           raft::Recovered& recovered) {
    detail::LogDirectory place(*disk, directory);
    if (options.create ||
        (place.is_empty() &&
         detail::planted(detail::Mutant::r22_takes_an_empty_disk_for_a_new_member))) {
        place.make(options, {});
    } else {
        place.lock_existing();
    }
    detail::VoteFile votes(*disk, directory);
    place.check_owner(votes.newest(), options);
    recovered.vote = votes.newest().vote;
    detail::LogContent content = detail::read_log(*disk, directory, votes.newest());
    auto log =
        std::make_unique<detail::FileLog>(std::move(disk), place.take_lock(), std::move(directory),
                                          options, std::move(votes), content);
    recovered.snapshot = std::move(content.snapshot);
    recovered.entries = std::move(content.entries);
    return log;
}

ATTUNE_DECL void Log::restore(std::shared_ptr<attune::detail::Disk> disk, std::string directory,
                              const LogOptions& options, const raft::Snapshot& snapshot) {
    detail::LogDirectory(*disk, directory).make(options, snapshot);
}

}  // namespace attune::inline ATTUNE_ABI::quorum
