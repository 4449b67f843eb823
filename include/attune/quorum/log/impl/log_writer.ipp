#pragma once

#include <attune/quorum/detail/mutant.hpp>
#include <attune/quorum/log/detail/batch.hpp>
#include <attune/quorum/log/detail/file_names.hpp>
#include <attune/quorum/log/detail/log_writer.hpp>

#include <algorithm>
#include <limits>
#include <new>
#include <utility>
#include <variant>

namespace attune::inline ATTUNE_ABI::quorum::detail {

ATTUNE_DECL std::uint64_t segment_size_of(const LogOptions& options) noexcept {
    return std::clamp(options.segment_size, least_segment_size, greatest_segment_size) /
           log_sector * log_sector;
}

ATTUNE_DECL LogWriter::LogWriter(std::shared_ptr<attune::detail::Disk> disk,
                                 std::unique_ptr<attune::detail::DiskLock> lock,
                                 std::string directory, const LogOptions& options, VoteFile votes,
                                 const LogContent& content)
    : disk_(std::move(disk)),
      lock_(std::move(lock)),
      directory_(std::move(directory)),
      options_(options),
      segment_size_(segment_size_of(options)),
      votes_(std::move(votes)),
      spare_(*disk_, directory_, segment_size_),
      segments_(content.segments),
      snapshots_(content.snapshots),
      segment_(content.segment),
      size_(content.size),
      end_(content.end),
      batch_(content.sequence),
      checksum_(content.checksum),
      vote_(votes_.newest().vote),
      last_index_(content.last_index) {
    if (!segments_.empty()) {
        file_ =
            disk_->open(directory_ + '/' + segment_name(segment_), attune::detail::DiskOpen::write);
        // Only this batch may be in the memory of the kernel alone, where a process that was killed
        // or a flush that failed has left it. Written again, it is on the disk after the flush.
        if (!content.newest_batch.empty()) {
            file_->write(content.newest_batch, content.newest_batch_at);
        }
        file_->sync();
    }
    if (content.has_ended) {
        file_.reset();
    }
    // What makes files superfluous may be a name that a process that was killed has not flushed: it
    // has to be durable before they go.
    disk_->sync_directory(directory_);
    if (!content.superfluous.empty()) {
        for (const std::string& name : content.superfluous) {
            remove(name);
        }
        disk_->sync_directory(directory_);
    }
    VoteRecord record = votes_.newest();
    ++record.starts;
    record.batch = batch_;
    record.segment = segment_;
    votes_.write(record);
    set_aside();
}

template <class F>
std::error_code LogWriter::attempt(F&& f) noexcept {
    if (!failure_) {
        try {
            f();
        } catch (const std::system_error& error) {
            failure_ = error.code();
        } catch (const std::bad_alloc&) {
            failure_ = std::make_error_code(std::errc::not_enough_memory);
        }
    }
    return failure_;
}

ATTUNE_DECL std::error_code LogWriter::put(const raft::Write& write) {
    return attempt([&] { std::visit([&](const auto& what) { this->write(what); }, write); });
}

ATTUNE_DECL std::error_code LogWriter::flush() {
    return attempt([&] {
        write_all();
        set_aside();
    });
}

ATTUNE_DECL LogRoom LogWriter::room() const {
    const std::uint64_t room = left() + spare_.size();
    return room >= segment_size_ / 2   ? LogRoom::plenty
           : room >= segment_size_ / 4 ? LogRoom::scarce
                                       : LogRoom::none;
}

ATTUNE_DECL std::uint64_t LogWriter::left() const noexcept {
    const std::uint64_t used = end_ + (records_.empty() ? 0 : batch_size(records_.size()));
    return file_ != nullptr && used < size_ ? size_ - used : 0;
}

ATTUNE_DECL std::error_code LogWriter::make_room() {
    return attempt([&] {
        if (room() != LogRoom::plenty) {
            spare_.retry();
            set_aside();
        }
    });
}

ATTUNE_DECL void LogWriter::require(bool makes_sense, const char* what) const {
    if (!makes_sense) {
        throw std::system_error(std::make_error_code(std::errc::invalid_argument),
                                directory_ + ": " + what);
    }
}

ATTUNE_DECL void LogWriter::write(const raft::WriteVote& write) { vote_ = write.vote; }

ATTUNE_DECL void LogWriter::write(const raft::WriteEntries& write) {
    for (const raft::Entry& entry : write.entries) {
        require(entry.index <= last_index_ + 1 &&
                    (snapshots_.empty() || entry.index > snapshots_.back()),
                "an entry that has no place in the log");
        require(entry.kind == raft::EntryKind::barrier || entry.kind == raft::EntryKind::command,
                "an entry of no kind");
        require(entry.data == nullptr ||
                    entry.data->size() <= std::numeric_limits<std::uint32_t>::max() / 2,
                "an entry of more than 2 GiB");
        make_way(record_size(entry));
        append_entry(records_, entry);
        last_index_ = entry.index;
    }
}

ATTUNE_DECL void LogWriter::write(const raft::TruncateLog& write) {
    require(write.from <= last_index_ + 1 && (snapshots_.empty() || write.from > snapshots_.back()),
            "a truncation of what is no part of the log");
    make_way(record_size({}));
    append_truncation(records_, write.from);
    last_index_ = write.from - 1;
}

ATTUNE_DECL void LogWriter::make_way(std::size_t record) {
    if (file_ != nullptr && end_ + batch_size(records_.size() + record) <= size_) {
        return;
    }
    write_all();
    if (file_ == nullptr || end_ + batch_size(record) > size_) {
        begin_segment(record);
    }
}

ATTUNE_DECL void LogWriter::write_all() {
    // The vote first: entries of a term mean nothing to a member that has not come to that term.
    write_vote();
    write_batch();
}

ATTUNE_DECL void LogWriter::write_vote() {
    if (vote_ != votes_.newest().vote) {
        VoteRecord record = votes_.newest();
        record.vote = vote_;
        record.batch = batch_;
        record.segment = segment_;
        votes_.write(record);
    }
}

ATTUNE_DECL void LogWriter::write_batch() {
    if (records_.empty()) {
        return;
    }
    std::uint32_t checksum = 0;
    const std::string bytes = encode_batch({batch_ + 1, checksum_, std::move(records_)}, checksum);
    records_.clear();
    file_->write(bytes, end_);
    sync(*file_);
    end_ += bytes.size();
    checksum_ = checksum;
    ++batch_;
}

ATTUNE_DECL void LogWriter::sync(attune::detail::DiskFile& file) {
    try {
        file.sync();
    } catch (const std::system_error&) {
        if (!planted(Mutant::r24_flushes_again_after_a_failure)) {
            throw;
        }
        file.sync();
    }
}

ATTUNE_DECL void LogWriter::begin_segment(std::size_t record) {
    const std::uint64_t needed = segment_header_size + batch_size(record);
    if (spare_.size() < needed) {
        // Failing is for good: so let it not be for a disk that was full the last time.
        spare_.retry();
    }
    spare_.grow(std::max(segment_size_, needed));
    if (spare_.size() < needed) {
        throw std::system_error(std::make_error_code(std::errc::no_space_on_device),
                                "no room for another segment in " + directory_);
    }
    SegmentHeader header{.cluster = options_.cluster,
                         .node = options_.node,
                         .number = segment_ + 1,
                         .first_batch = batch_ + 1,
                         .previous_end = end_,
                         .last_index = last_index_,
                         .previous = checksum_};
    file_ = spare_.take(header, checksum_);
    segment_ = header.number;
    segments_.push_back({segment_, last_index_});
    size_ = header.size;
    end_ = segment_header_size;
    // So that it is missed should it be gone.
    VoteRecord vote = votes_.newest();
    vote.batch = batch_;
    vote.segment = segment_;
    votes_.write(vote);
    set_aside();
}

ATTUNE_DECL void LogWriter::write(const raft::WriteSnapshot& write) {
    write_all();
    const raft::Snapshot& snapshot = write.snapshot;
    const bool replaces = write.replaces_log || snapshot.index > last_index_;
    if (!snapshots_.empty() && snapshot.index <= snapshots_.back()) {
        require(!replaces, "a snapshot in place of a newer one");
        return;
    }
    if (planted(Mutant::r25_drops_the_log_before_the_snapshot_is_durable)) {
        drop_segments(snapshot.index);
    }
    if (!store_snapshot(snapshot, replaces)) {
        return;
    }
    snapshots_.push_back(snapshot.index);
    if (replaces) {
        last_index_ = snapshot.index;
        drop_log();
    } else {
        while (snapshots_.size() > 2) {
            remove(snapshot_name(snapshots_.front()));
            snapshots_.erase(snapshots_.begin());
        }
        // What the older snapshot lacks stays: should the newer one be damaged, the two together
        // say the same.
        drop_segments(snapshots_.size() == 2 ? snapshots_.front() : 0);
    }
    spare_.retry();
    set_aside();
}

// False: there is no room. Then the log, which has the entries that the snapshot stands for, goes
// on without it.
ATTUNE_DECL bool LogWriter::store_snapshot(const raft::Snapshot& snapshot, bool replaces) {
    const std::uint64_t first = replaces            ? segment_ + 1
                                : segments_.empty() ? segment_ + 1
                                                    : segments_.front().number;
    const std::string bytes =
        encode_snapshot_file({options_.cluster, options_.node, snapshot, first, batch_});
    const std::string path = directory_ + '/' + snapshot_name(snapshot.index);
    for (bool with_spare = false;; with_spare = true) {
        try {
            attune::detail::write_file_durably(*disk_, path, bytes);
            return true;
        } catch (const std::system_error& error) {
            if (!is_full(error.code())) {
                throw;
            }
            // A snapshot makes room: it may have what was set aside.
            spare_.release();
            if (with_spare) {
                if (replaces) {
                    throw;
                }
                set_aside();
                return false;
            }
        }
    }
}

// The snapshot says that these segments do not count. They have to be gone, though, before anybody
// hears of it: if it were damaged, they would take its place.
ATTUNE_DECL void LogWriter::drop_log() {
    file_.reset();
    end_ = 0;
    while (snapshots_.size() > 1) {
        remove(snapshot_name(snapshots_.front()));
        snapshots_.erase(snapshots_.begin());
    }
    for (const SegmentPlace& segment : segments_) {
        remove(segment_name(segment.number));
    }
    segments_.clear();
    disk_->sync_directory(directory_);
}

ATTUNE_DECL void LogWriter::drop_segments(raft::Index up_to) {
    // All entries before a segment that are still there are in what the snapshot stands for.
    while (segments_.size() > 1 && segments_[1].last_index <= up_to) {
        remove(segment_name(segments_.front().number));
        segments_.erase(segments_.begin());
    }
}

// A segment's room in all.
ATTUNE_DECL void LogWriter::set_aside() {
    spare_.grow(segment_size_ - std::min(segment_size_, left()));
}

ATTUNE_DECL void LogWriter::remove(const std::string& name) {
    disk_->remove(directory_ + '/' + name);
}

}  // namespace attune::inline ATTUNE_ABI::quorum::detail
