#pragma once

#include <attune/document/impl/text.hpp>
#include <attune/store/detail/journal_writer.hpp>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <stdexcept>
#include <system_error>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

inline constexpr std::string_view journal_lock = "lock";
inline constexpr std::string_view journal_unnamed = ".new";  // of a segment that is not there yet
// Without `sync`, the kernel is asked to write what has come together, at least so often: when the
// segment is closed, its flush finds most of the work done.
inline constexpr std::uint64_t flush_step = std::uint64_t{1} << 20;

[[noreturn]] ATTUNE_DECL void refuse_disk_error(const std::system_error& error,
                                                const std::string& file) {
    if (error.code() == std::errc::no_space_on_device ||
        error.code() == std::error_code(EDQUOT, std::generic_category())) {
        throw JournalError(JournalFault::full, file, 0,
                           std::string(error.what()) +
                               "; nothing was changed: make room and try again");
    }
    throw JournalError(JournalFault::disk, file, 0, error.what());
}

template <class F>
void JournalWriter::guarded(F&& f) {
    try {
        f();
    } catch (const std::system_error& error) {
        refuse_disk_error(error, path_.empty() ? directory_ : path_);
    } catch (const std::length_error& error) {
        throw JournalError(JournalFault::disk, directory_, 0, error.what());
    }
}

ATTUNE_DECL Ed25519Key journal_key(Ed25519Key (*read)(std::string_view), std::string_view text,
                                   const std::string& directory) {
    try {
        return read(text);
    } catch (const std::invalid_argument& error) {
        throw JournalError(JournalFault::key, directory, 0, error.what());
    }
}

ATTUNE_DECL JournalWriter::JournalWriter(std::shared_ptr<Disk> disk, std::string directory,
                                         const JournalOptions& options)
    : disk_(std::move(disk)),
      directory_(std::move(directory)),
      sync_(options.sync),
      keep_(std::max<std::size_t>(options.keep, 1)),
      segment_bytes_(std::max<std::size_t>(options.segment_bytes, 65536)) {
    if (!options.signing_key.empty()) {
        signing_key_ = journal_key(&Ed25519Key::private_key, options.signing_key, directory_);
    }
    if (!options.public_key.empty()) {
        public_key_ = journal_key(&Ed25519Key::public_key, options.public_key, directory_);
    }
    guarded([&] {
        if (!disk_->exists(directory_)) {
            disk_->make_directory(directory_, 0700);
            disk_->sync_directory(directory_of(directory_));
        }
        lock_ = disk_->lock(directory_ + '/' + std::string(journal_lock));
    });
    if (lock_ == nullptr) {
        throw JournalError(JournalFault::locked, directory_, 0,
                           "another store has this journal, in this process or another one; give "
                           "each store a directory of its own");
    }
}

ATTUNE_DECL JournalWriter::~JournalWriter() {
    if (file_ != nullptr) {
        try {
            file_->resize(end_);
        } catch (const std::system_error&) {
            // The zeros stay, which is as good to whoever reads the journal.
        }
    }
}

ATTUNE_DECL JournalSink::Restored JournalWriter::restore(std::size_t most) {
    Restored restored;
    guarded([&] {
        for (const std::string& name : disk_->list(directory_)) {
            if (name.ends_with(journal_unnamed)) {
                disk_->remove(directory_ + '/' + name);
            }
        }
        const JournalContent content =
            read_journal(*disk_, directory_,
                         {.most = most, .key = public_key_ ? &*public_key_ : nullptr});
        if (content.damage) {
            refuse_damage(*content.damage);
        }
        for (const SegmentFile& file : content.superseded) {
            disk_->remove(file.path);
        }
        if (!content.segments.empty()) {
            continue_from(content);
            cut_tail(content);
        }
        restored.versions = content.versions();
        restored.own = content.own;
        restored.cut = content.tail.written;
    });
    restored_ = true;
    return restored;
}

ATTUNE_DECL void JournalWriter::continue_from(const JournalContent& content) {
    id_ = content.id;
    sequence_ = content.sequence;
    durable_ = content.sequence;
    head_ = content.head;
    last_ = content.last;
    own_ = content.own;
    for (const auto& [version, record] : content.kept) {
        kept_[version] = {record.note, record};
    }
    number_ = content.newest_segment.number;
    path_ = segment_path(directory_, number_);
    end_ = content.end;
    base_end_ = content.newest_segment.sealed;
    base_ = content.newest_base;
    carried_ = content.newest_carried;
    versions_ = content.newest_versions;
    roll_at_ = std::max<std::uint64_t>(segment_bytes_, 2 * base_end_);
}

ATTUNE_DECL void JournalWriter::cut_tail(const JournalContent& content) {
    file_ = disk_->open(path_, DiskOpen::write);
    // What was read may be in memory only. And what is cut off must be gone for good before
    // anything takes its place: after a loss of power, parts of both would be no record at all.
    file_->resize(content.end);
    file_->sync();
    reserved_ = content.end;
    started_ = content.end;
}

ATTUNE_DECL RecordHeader JournalWriter::next_header(
    RecordType type, Version version, std::chrono::system_clock::time_point time) const {
    return {.type = type,
            .sequence = sequence_ + 1,
            .durable = durable_,
            .version = version,
            .time = time,
            .previous = head_};
}

ATTUNE_DECL void JournalWriter::start_record() {
    record_.resize(record_header_size);
    record_ += '{';
}

// A member of the payload, unless there is nothing to say.
ATTUNE_DECL void write_text_member(std::string_view name, std::string_view text, std::string& out) {
    if (!text.empty()) {
        out += '"';
        out += name;
        out += "\":";
        write_string(text, out);
        out += ',';
    }
}

ATTUNE_DECL void end_payload(std::string& record) {
    if (record.back() == ',') {
        record.back() = '}';
    } else {
        record += '}';
    }
}

ATTUNE_DECL void JournalWriter::append(const Entry& entry) {
    if (!restored_) {
        restore(0);
    }
    guarded([&] {
        repair();
        VersionRecord version{entry.version,
                              entry.time,
                              std::string(entry.reason),
                              std::string(entry.layer),
                              false,
                              {},
                              entry.after};
        if (file_ == nullptr) {
            start_journal(version, entry.own_after);
            return;
        }
        if (versions_ >= keep_ && end_ >= roll_at_) {
            roll();
        }
        // From what the journal says: that is the version before, but need not be the same object.
        const Document& before = last_->document;
        start_record();
        write_text_member("layer", entry.layer, record_);
        std::size_t own_at = record_.size();
        own_text_.clear();
        if (!own_.same(entry.own_after)) {
            patch_.write(own_, entry.own_after, nullptr, own_text_);
            record_ += "\"own\":";
            own_at = record_.size();
        }
        std::string_view own_text = own_text_;
        if (!own_text.empty()) {
            record_ += "true,";
        }
        record_ += "\"patch\":";
        const std::size_t patch_at = record_.size();
        patch_.write(before, entry.after, before.same(entry.before) ? entry.within : nullptr,
                     record_);
        if (!own_text.empty() && std::string_view(record_).substr(patch_at) != own_text) {
            record_.replace(own_at, 4, own_text);
        }
        record_ += ',';
        write_text_member("reason", entry.reason, record_);
        end_payload(record_);
        write_record(RecordType::version, entry.version, entry.time);
        last_ = std::move(version);
        own_ = entry.own_after;
        ++versions_;
    });
}

ATTUNE_DECL void JournalWriter::start_journal(const VersionRecord& version, const Document& own) {
    try {
        id_ = random_id();
        // After a failure, what is left of the first attempt must not count.
        start_segment({&version, 1}, own, number_ != 0);
    } catch (...) {
        file_.reset();
        path_.clear();
        distrusted_ = false;
        sequence_ = 0;
        head_ = {};
        last_.reset();
        own_ = {};
        throw;
    }
    remove_segments(number_);
}

ATTUNE_DECL void JournalWriter::keep(Version version, std::string_view note) {
    mark(RecordType::keep, version, note);
    Kept& kept = kept_[version];
    kept.note = note;
    if (last_ && last_->version == version) {
        kept.record = last_;
    }
}

ATTUNE_DECL void JournalWriter::forget(Version version) {
    mark(RecordType::forget, version, {});
    kept_.erase(version);
}

ATTUNE_DECL void JournalWriter::mark(RecordType type, Version version, std::string_view note) {
    if (!restored_) {
        restore(0);
    }
    if (file_ == nullptr) {
        throw JournalError(JournalFault::disk, directory_, 0,
                           "a version cannot be marked before there is one");
    }
    guarded([&] {
        repair();
        start_record();
        write_text_member("note", note, record_);
        end_payload(record_);
        write_record(type, version, std::chrono::system_clock::now());
    });
}

ATTUNE_DECL void JournalWriter::write_record(RecordType type, Version version,
                                             std::chrono::system_clock::time_point time) {
    const Hash hash = finish_record(next_header(type, version, time), record_, sha_,
                                    signing_key_ ? &*signing_key_ : nullptr);
    try {
        make_room(record_.size());
        file_->write(record_, end_);
    } catch (...) {
        undo_write();
        throw;
    }
    if (sync_) {
        try {
            file_->sync();
        } catch (...) {
            distrusted_ = true;
            throw;
        }
    }
    end_ += record_.size();
    head_ = hash;
    ++sequence_;
    if (sync_) {
        durable_ = sequence_;
    } else if (end_ - started_ >= flush_step) {
        file_->start_sync(started_, end_ / flush_step * flush_step);
        started_ = end_ / flush_step * flush_step;
    }
}

ATTUNE_DECL void JournalWriter::make_room(std::size_t bytes) {
    if (!sync_ || end_ + bytes <= reserved_) {
        return;
    }
    const std::uint64_t step = segment_bytes_ / 16;
    const std::uint64_t to = (end_ + bytes + step - 1) / step * step;
    file_->reserve(std::max(end_, reserved_), to);
    reserved_ = to;
}

ATTUNE_DECL void JournalWriter::undo_write() noexcept {
    // Flushed, for the same reason as in `cut_tail`.
    try {
        file_->resize(end_);
        reserved_ = end_;
        file_->sync();
    } catch (...) {
        distrusted_ = true;
    }
}

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
