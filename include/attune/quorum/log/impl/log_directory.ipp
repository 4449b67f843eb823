#pragma once

#include <attune/quorum/log/detail/file_names.hpp>
#include <attune/quorum/log/detail/log_directory.hpp>
#include <attune/quorum/log/detail/log_writer.hpp>
#include <attune/quorum/log/detail/refuse.hpp>
#include <attune/quorum/log/detail/segment.hpp>
#include <attune/quorum/log/detail/snapshot_file.hpp>
#include <attune/quorum/log/detail/spare.hpp>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace attune::inline ATTUNE_ABI::quorum::detail {

inline constexpr std::string_view member_is_lost =
    ". A member that has lost its log has forgotten its votes, and must not come back as the same "
    "one: leave it out, the others go on as long as they are a majority";

ATTUNE_DECL bool is_log_name(std::string_view name) {
    return name == "meta.a" || name == "meta.b" || name == spare_name || name == unfinished_name ||
           name == volatile_name || name.starts_with(snapshot_prefix) ||
           segment_number(name).has_value();
}

ATTUNE_DECL LogDirectory::LogDirectory(attune::detail::Disk& disk, const std::string& directory)
    : disk_(disk), directory_(directory) {
    list();
}

ATTUNE_DECL void LogDirectory::list() {
    names_.clear();
    if (disk_.exists(directory_)) {
        names_ = disk_.list(directory_);
        std::erase_if(names_, [](const std::string& name) { return !is_log_name(name); });
    }
}

ATTUNE_DECL bool LogDirectory::has(std::string_view name) const {
    return std::find(names_.begin(), names_.end(), name) != names_.end();
}

ATTUNE_DECL std::string LogDirectory::path_of(std::string_view name) const {
    return directory_ + '/' + std::string(name);
}

ATTUNE_DECL void LogDirectory::lock() {
    lock_ = disk_.lock(path_of(log_lock_name));
    if (lock_ == nullptr) {
        throw LogRefused(LogRefused::Why::in_use,
                         path_of(log_lock_name) +
                             ": another process, or this one, has this log open. A member runs "
                             "once: end the other one first");
    }
    // Whoever had it before may have changed it.
    list();
}

[[noreturn]] ATTUNE_DECL void LogDirectory::refuse_volatile(LogRefused::Why why) const {
    throw LogRefused(why, path_of(volatile_name) +
                              ": this member kept its log in memory, and has ended" +
                              std::string(member_is_lost) +
                              ". When all members have ended, begin a new cluster, with a new "
                              "cluster id, in new directories");
}

ATTUNE_DECL void LogDirectory::lock_existing() {
    if (!is_empty()) {
        lock();
    }
    if (is_empty()) {
        throw LogRefused(LogRefused::Why::missing,
                         directory_ +
                             ": no log here. For a member that has never run, make one with "
                             "LogOptions::create; if it has run before, this is the wrong "
                             "directory, or its disk is not mounted" +
                             std::string(member_is_lost));
    }
    if (has(unfinished_name)) {
        throw LogRefused(LogRefused::Why::missing,
                         path_of(unfinished_name) +
                             ": the making of this log did not end, and nothing was promised yet. "
                             "Make it again, with LogOptions::create or from the snapshot");
    }
    if (has(volatile_name)) {
        refuse_volatile(LogRefused::Why::missing);
    }
    for (const std::uint64_t sequence : {1U, 2U}) {
        const std::string path = vote_path(directory_, sequence);
        if (!disk_.exists(path)) {
            refuse_damage(path, 0, "no such file", "what this member has promised");
        }
    }
}

ATTUNE_DECL void LogDirectory::check_owner(const VoteRecord& record,
                                           const LogOptions& options) const {
    if (record.cluster != options.cluster || record.node != options.node) {
        throw LogRefused(LogRefused::Why::foreign,
                         vote_path(directory_, record.sequence) + ": the log of member " +
                             std::to_string(record.node) + " of cluster " +
                             std::to_string(record.cluster) + ", expected that of member " +
                             std::to_string(options.node) + " of cluster " +
                             std::to_string(options.cluster) +
                             ". Each member has a directory and a number of its own: correct "
                             "whichever is wrong");
    }
}

ATTUNE_DECL void LogDirectory::begin_making() {
    disk_.make_directory(directory_, 0700);
    disk_.sync_directory(attune::detail::directory_of(directory_));
    lock();
    if (is_empty()) {
        disk_.open(path_of(unfinished_name), attune::detail::DiskOpen::create, 0600)->sync();
    } else if (!has(unfinished_name)) {
        if (has(volatile_name)) {
            refuse_volatile(LogRefused::Why::exists);
        }
        throw LogRefused(LogRefused::Why::exists,
                         directory_ +
                             ": there is a log already, and no other one is made over it. Leave "
                             "out LogOptions::create to go on with it; a new member needs a "
                             "directory, and a number, of its own");
    }
    disk_.sync_directory(directory_);
    for (const std::string& name : names_) {
        if (name != unfinished_name) {
            disk_.remove(path_of(name));
        }
    }
}

ATTUNE_DECL void LogDirectory::end_making() {
    disk_.sync_directory(directory_);
    disk_.remove(path_of(unfinished_name));
    disk_.sync_directory(directory_);
    list();
}

ATTUNE_DECL void LogDirectory::make(const LogOptions& options, const raft::Snapshot& snapshot) {
    begin_making();
    if (snapshot.index != 0) {
        attune::detail::write_file_durably(disk_, path_of(snapshot_name(snapshot.index)),
                                           encode_snapshot_file({options.cluster, options.node,
                                                                 snapshot, 1, 0}));
    }
    Spare spare(disk_, directory_, segment_size_of(options));
    spare.grow(segment_size_of(options));
    if (spare.is_stuck()) {
        throw std::system_error(std::make_error_code(std::errc::no_space_on_device),
                                "no room for a segment in " + directory_);
    }
    SegmentHeader header{.cluster = options.cluster,
                         .node = options.node,
                         .number = 1,
                         .first_batch = 1,
                         .last_index = snapshot.index};
    std::uint32_t checksum = 0;
    spare.take(header, checksum);
    VoteFile::create(disk_, directory_,
                     {.cluster = options.cluster,
                      .node = options.node,
                      .vote = {snapshot.term, 0},
                      .segment = 1});
    end_making();
}

ATTUNE_DECL void LogDirectory::make_volatile(const LogOptions& options) {
    begin_making();
    VoteFile::create(disk_, directory_, {.cluster = options.cluster, .node = options.node});
    disk_.open(path_of(volatile_name), attune::detail::DiskOpen::create, 0600)->sync();
    end_making();
}

}  // namespace attune::inline ATTUNE_ABI::quorum::detail
