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
      segment_bytes_(std::max<std::size_t>(options.segment_bytes, 4096)) {
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
            // Plain overrides differ where the merged documents do; an array has more in it.
            const bool plain =
                own_.same(entry.own_before) && !own_.is_array() && !entry.own_after.is_array();
            patch_.write(own_, entry.own_after, plain ? entry.within : nullptr, own_text_);
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
            // Taken back as far as anybody can say; on the disk it may be, or not.
            undo_write();
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

}  // namespace attune::inline ATTUNE_ABI::detail
