#pragma once

// How a JournalWriter begins a segment: when the one before is full, when it cannot be trusted any
// more, and when everything is written anew.

#include <attune/document/impl/text.hpp>
#include <attune/store/detail/journal_writer.hpp>

#include <algorithm>
#include <exception>
#include <system_error>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL void JournalWriter::repair() {
    if (!distrusted_) {
        return;
    }
    // What the kernel has in memory can still be read; what is on the disk nobody knows.
    const JournalContent content = read_journal(*disk_, directory_, {.up_to = sequence_});
    if (content.damage) {
        refuse_damage(*content.damage);
    }
    replace_by(content.versions(), own_, content);
}

ATTUNE_DECL void JournalWriter::replace_by(std::span<const VersionRecord> versions,
                                           const Document& own, const JournalContent& before) {
    id_ = before.id;
    head_ = before.head;
    sequence_ = before.sequence;
    number_ = before.segments.empty() ? 0 : before.segments.back().number;
    if (versions.empty()) {
        return;
    }
    start_segment(versions, own, true);
    remove_segments(number_);
}

ATTUNE_DECL void JournalWriter::roll() {
    try {
        load_kept();
        if (!sync_) {
            file_->sync();
        }
    } catch (const JournalError&) {
        roll_at_ = end_ + segment_bytes_;  // there is time: it is only room that would be gained
        return;
    } catch (const std::system_error&) {
        distrusted_ = true;
        throw;
    }
    std::vector<VersionRecord> versions;
    for (const auto& [version, kept] : kept_) {
        if (kept.record && version < base_ && !carried_.contains(version)) {
            versions.push_back(*kept.record);
        }
    }
    versions.push_back(*last_);
    const std::uint64_t previous = number_;
    try {
        file_->resize(end_);
        reserved_ = end_;
        start_segment(versions, own_, false);
    } catch (const std::system_error&) {
        if (distrusted_) {
            throw;
        }
        roll_at_ = end_ + segment_bytes_;
        return;
    }
    remove_segments(previous);
}

ATTUNE_DECL void JournalWriter::load_kept() {
    const bool complete = std::all_of(kept_.begin(), kept_.end(), [](const auto& entry) {
        return entry.second.record.has_value();
    });
    if (complete) {
        return;
    }
    const JournalContent content = read_journal(*disk_, directory_, {.most = 0});
    if (content.damage) {
        refuse_damage(*content.damage);
    }
    for (const auto& [version, record] : content.kept) {
        kept_[version].record = record;
    }
    // Marked, but never there.
    std::erase_if(kept_, [](const auto& entry) { return !entry.second.record; });
}

ATTUNE_DECL void JournalWriter::start_segment(std::span<const VersionRecord> versions,
                                              const Document& own, bool whole) {
    SegmentHeader header;
    header.number = number_ + 1;
    header.first_sequence = sequence_ + 1;
    header.created =
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                       std::chrono::system_clock::now().time_since_epoch())
                                       .count());
    header.journal = id_;
    header.link = head_;
    header.whole = whole;

    // The header has the length of what follows, and the first record the header's hash: so sizes
    // come first. Everything but the hashes is final then.
    std::vector<std::string> records;
    header.sealed = segment_header_size;
    const Document nothing;
    const Document* before = &nothing;
    for (const VersionRecord& version : versions) {
        const bool newest = &version == &versions.back();
        const auto kept = kept_.find(version.version);
        start_record();
        if (version.kept || kept != kept_.end()) {
            record_ += "\"kept\":";
            write_string(kept != kept_.end() ? kept->second.note : version.note, record_);
            record_ += ',';
        }
        write_text_member("layer", version.layer, record_);
        if (newest && !own.is_null()) {
            record_ += "\"own\":";
            patch_.write(nothing, own, nullptr, record_);
            record_ += ',';
        }
        record_ += "\"patch\":";
        patch_.write(*before, version.document, nullptr, record_);
        record_ += ',';
        write_text_member("reason", version.reason, record_);
        end_payload(record_);
        header.sealed += record_.size() + record_end_size + (signing_key_ ? sizeof(Signature) : 0);
        records.push_back(record_);
        before = &version.document;
    }

    std::string bytes = encode_segment_header(header);
    Hash hash = sha_.of(bytes);
    std::uint64_t sequence = sequence_;
    for (std::size_t i = 0; i != records.size(); ++i) {
        const RecordHeader record{.type = i == 0 ? RecordType::base : RecordType::version,
                                  .sequence = sequence + 1,
                                  .durable = sequence,
                                  .version = versions[i].version,
                                  .time = versions[i].time,
                                  .previous = hash};
        hash = finish_record(record, records[i], sha_, signing_key_ ? &*signing_key_ : nullptr);
        bytes += records[i];
        ++sequence;
    }

    const std::string path = segment_path(directory_, header.number);
    const std::string unnamed = path + std::string(journal_unnamed);
    std::unique_ptr<DiskFile> file;
    std::uint64_t reserved = bytes.size();
    try {
        if (disk_->exists(unnamed)) {
            disk_->remove(unnamed);
        }
        file = disk_->open(unnamed, DiskOpen::create, 0600);
        file->write(bytes, 0);
        if (sync_) {
            const std::uint64_t step = segment_bytes_ / 16;
            reserved = (bytes.size() / step + 1) * step;
            file->reserve(bytes.size(), reserved);
        }
        file->sync();
        disk_->rename(unnamed, path);
    } catch (...) {
        const auto failure = std::current_exception();
        try {
            file.reset();
            disk_->remove(unnamed);
        } catch (const std::system_error&) {
            // The next attempt, or the next start, removes it.
        }
        std::rethrow_exception(failure);
    }
    // From here on the new segment is there for whoever reads the journal. Only a loss of power may
    // take its name away, until the directory has been flushed.
    distrusted_ = true;
    file_ = std::move(file);
    path_ = path;
    number_ = header.number;
    end_ = bytes.size();
    reserved_ = reserved;
    started_ = end_;
    base_end_ = end_;
    roll_at_ = std::max<std::uint64_t>(segment_bytes_, 2 * base_end_);
    versions_ = 0;
    base_ = versions.back().version;
    carried_.clear();
    for (const VersionRecord& version : versions.first(versions.size() - 1)) {
        carried_.insert(version.version);
    }
    sequence_ = sequence;
    durable_ = sequence;
    head_ = hash;
    last_ = versions.back();
    own_ = own;
    disk_->sync_directory(directory_);
    distrusted_ = false;
}

ATTUNE_DECL void JournalWriter::remove_segments(std::uint64_t below) noexcept {
    // What cannot be removed now is out of date, but does no harm.
    try {
        for (const SegmentFile& segment : segments_in(*disk_, directory_)) {
            if (segment.number + 1 < below) {
                // Oldest first also on the disk: a gap between two segments would be damage.
                disk_->remove(segment.path);
                disk_->sync_directory(directory_);
            } else if (segment.number < below) {
                disk_->remove(segment.path);
            }
        }
    } catch (const std::exception&) {
    }
}

}  // namespace attune::inline ATTUNE_ABI::detail
