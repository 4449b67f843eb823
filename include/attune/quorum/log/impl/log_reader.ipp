#pragma once

#include <attune/quorum/detail/mutant.hpp>
#include <attune/quorum/log/detail/batch.hpp>
#include <attune/quorum/log/detail/file_names.hpp>
#include <attune/quorum/log/detail/log_reader.hpp>
#include <attune/quorum/log/detail/refuse.hpp>

#include <algorithm>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

namespace attune::inline ATTUNE_ABI::quorum::detail {

class LogReader {
public:
    LogReader(attune::detail::Disk& disk, const std::string& directory, const VoteRecord& vote)
        : disk_(disk), directory_(directory), vote_(vote) {}

    LogContent read() {
        list();
        choose_snapshot();
        choose_segments();
        flushed_ = std::max(vote_.batch, snapshot_.batch);
        std::vector<raft::Entry> entries;
        const raft::Index base = read_segments(entries);
        content_.last_index = base + entries.size();
        if (content_.sequence < flushed_ && !planted(Mutant::r23_cuts_damage_anywhere)) {
            refuse_damage(newest_path(), content_.end,
                          "the end of the log at batch " + std::to_string(content_.sequence),
                          "batch " + std::to_string(flushed_) + ", which was flushed");
        }
        check_snapshot(base, entries);
        const std::size_t before =
            std::min<std::size_t>(entries.size(), content_.snapshot.index - base);
        content_.entries.assign(std::make_move_iterator(entries.begin() +
                                                        static_cast<std::ptrdiff_t>(before)),
                                std::make_move_iterator(entries.end()));
        return std::move(content_);
    }

private:
    struct Segment {
        std::string path;
        SegmentHeader header;
        std::uint32_t checksum = 0;
    };

    std::string path_of(std::string_view name) const {
        return directory_ + '/' + std::string(name);
    }
    std::string newest_path() const { return path_of(segment_name(content_.segment)); }

    void list() {
        for (const std::string& name : disk_.list(directory_)) {
            if (const auto number = segment_number(name)) {
                numbers_.push_back(*number);
            } else if (const auto index = snapshot_index(name)) {
                content_.snapshots.push_back(*index);
            } else if (name.starts_with(snapshot_prefix) && name.ends_with(temporary_suffix)) {
                content_.superfluous.push_back(name);
            }
        }
        std::sort(numbers_.begin(), numbers_.end());
        std::sort(content_.snapshots.begin(), content_.snapshots.end());
    }

    // The newest one that is intact. A damaged one after it is of no account if the log has all
    // entries that it stood for: then the older one and they say the same.
    void choose_snapshot() {
        while (!content_.snapshots.empty()) {
            const std::string name = snapshot_name(content_.snapshots.back());
            const auto file = decode_snapshot_file(attune::detail::read_file(disk_, path_of(name)));
            if (file && file->cluster == vote_.cluster && file->node == vote_.node &&
                file->snapshot.index == content_.snapshots.back()) {
                snapshot_ = *file;
                content_.snapshot = file->snapshot;
                return;
            }
            damaged_snapshot_ = std::max(damaged_snapshot_, content_.snapshots.back());
            content_.superfluous.push_back(name);
            content_.snapshots.pop_back();
        }
    }

    // Those that follow each other up to the newest; what comes before a gap is what was left when
    // segments were removed.
    void choose_segments() {
        const std::uint64_t first = std::max<std::uint64_t>(snapshot_.first_segment, 1);
        const std::uint64_t newest = numbers_.empty() ? 0 : numbers_.back();
        if (std::max(newest, first - 1) < vote_.segment) {
            refuse_damage(path_of(segment_name(vote_.segment)), 0, "no such file",
                          "the newest segment of the log");
        }
        const auto begin = std::lower_bound(numbers_.begin(), numbers_.end(), first);
        auto from = numbers_.end();
        while (from != begin && (from == numbers_.end() || *(from - 1) + 1 == *from)) {
            --from;
        }
        for (auto number = numbers_.begin(); number != from; ++number) {
            content_.superfluous.push_back(segment_name(*number));
        }
        numbers_.erase(numbers_.begin(), from);
        content_.segment = numbers_.empty() ? first - 1 : numbers_.back();
    }

    Segment read_header(std::uint64_t number) {
        Segment segment;
        segment.path = path_of(segment_name(number));
        const auto file = disk_.open(segment.path, attune::detail::DiskOpen::read);
        std::string bytes(segment_header_size, '\0');
        bytes.resize(file->read(bytes.data(), bytes.size(), 0));
        const auto header = decode_segment_header(bytes, segment.checksum);
        if (!header || header->number != number || header->size != file->size() ||
            header->size % log_sector != 0 || header->cluster != vote_.cluster ||
            header->node != vote_.node) {
            refuse_damage(segment.path, 0, "no header that fits the file and its name",
                          "that of segment " + std::to_string(number));
        }
        segment.header = *header;
        return segment;
    }

    // The index before the entries.
    raft::Index read_segments(std::vector<raft::Entry>& entries) {
        if (numbers_.empty()) {
            content_.has_ended = true;
            content_.sequence = snapshot_.batch;
            return content_.snapshot.index;
        }
        Segment segment = read_header(numbers_.front());
        raft::Index base = segment.header.last_index;
        content_.sequence = segment.header.first_batch - 1;
        for (std::size_t i = 0; i != numbers_.size(); ++i) {
            std::optional<Segment> next;
            if (i + 1 != numbers_.size()) {
                next = read_header(numbers_[i + 1]);
            }
            content_.segments.push_back({numbers_[i], base + entries.size()});
            content_.checksum = segment.checksum;
            read_batches(segment, next ? &*next : nullptr, base, entries);
            if (next) {
                segment = *next;
            }
        }
        return base;
    }

    void read_batches(const Segment& segment, const Segment* next, raft::Index& base,
                      std::vector<raft::Entry>& entries) {
        const std::string bytes = attune::detail::read_file(disk_, segment.path);
        const std::size_t end = next != nullptr ? next->header.previous_end : bytes.size();
        std::size_t at = segment_header_size;
        BatchRead read;
        content_.newest_batch.clear();
        while (at != end) {
            read = at < end && end <= bytes.size() ? read_batch(bytes, at) : BatchRead{};
            if (read.kind != BatchRead::Kind::intact) {
                break;
            }
            if (read.batch.sequence != content_.sequence + 1 ||
                read.batch.previous != content_.checksum) {
                refuse_damage(segment.path, at,
                              "batch " + std::to_string(read.batch.sequence) +
                                  ", which belongs elsewhere",
                              "batch " + std::to_string(content_.sequence + 1));
            }
            if (!apply_records(read.batch.records, base, entries)) {
                refuse_damage(segment.path, at, "entries that cannot follow those before",
                              "entry " + std::to_string(base + entries.size() + 1));
            }
            content_.newest_batch_at = at;
            content_.newest_batch = bytes.substr(at, read.end - at);
            content_.sequence = read.batch.sequence;
            content_.checksum = read.checksum;
            at = read.end;
        }
        const std::string expected = "batch " + std::to_string(content_.sequence + 1);
        if (next != nullptr) {
            if (at != end || next->header.first_batch != content_.sequence + 1 ||
                next->header.previous != content_.checksum ||
                next->header.last_index != base + entries.size()) {
                refuse_damage(segment.path, at,
                              read.what.empty() ? "less than the segment after it goes on from"
                                                : read.what,
                              expected);
            }
            return;
        }
        if (read.kind == BatchRead::Kind::damaged && !planted(Mutant::r23_cuts_damage_anywhere)) {
            refuse_damage(segment.path, at, read.what, expected + ", or nothing");
        }
        content_.size = bytes.size();
        content_.end = at;
        content_.has_ended = bytes.find_first_not_of('\0', at) != std::string::npos;
    }

    void check_snapshot(raft::Index base, const std::vector<raft::Entry>& entries) {
        const raft::Index last = content_.last_index;
        const raft::Snapshot& snapshot = content_.snapshot;
        if (damaged_snapshot_ > last || (damaged_snapshot_ != 0 && snapshot.index < base)) {
            refuse_damage(path_of(snapshot_name(damaged_snapshot_)), 0,
                          "a snapshot that has changed", "the one that was written");
        }
        if (snapshot.index < base || snapshot.index > last) {
            refuse_damage(path_of(segment_name(numbers_.empty() ? 1 : numbers_.front())), 0,
                          "a log of the entries after " + std::to_string(base) + " up to " +
                              std::to_string(last),
                          "one that begins at the snapshot of " + std::to_string(snapshot.index));
        }
        if (snapshot.index > base && entries[snapshot.index - base - 1].term != snapshot.term) {
            refuse_damage(path_of(snapshot_name(snapshot.index)), 0,
                          "term " + std::to_string(snapshot.term),
                          "term " + std::to_string(entries[snapshot.index - base - 1].term) +
                              ", as the log has it");
        }
    }

    attune::detail::Disk& disk_;
    const std::string& directory_;
    const VoteRecord& vote_;
    LogContent content_;
    std::vector<std::uint64_t> numbers_;
    SnapshotFile snapshot_;
    raft::Index damaged_snapshot_ = 0;
    std::uint64_t flushed_ = 0;
};

ATTUNE_DECL LogContent read_log(attune::detail::Disk& disk, const std::string& directory,
                                const VoteRecord& vote) {
    return LogReader(disk, directory, vote).read();
}

}  // namespace attune::inline ATTUNE_ABI::quorum::detail
