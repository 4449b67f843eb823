#pragma once

#include <attune/document/document.hpp>
#include <attune/storage/disk.hpp>
#include <attune/store/detail/digest.hpp>
#include <attune/store/detail/exact_patch.hpp>
#include <attune/store/detail/journal_reader.hpp>
#include <attune/store/journal_options.hpp>
#include <attune/store/journal_report.hpp>
#include <attune/store/journal_sink.hpp>
#include <attune/version.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

namespace attune::inline ATTUNE_ABI::detail {

/// What the name of a segment ends with while it is written; then it is renamed.
inline constexpr std::string_view journal_unnamed = ".new";

/// A member of a record's payload, unless the text is empty, and the comma after it.
ATTUNE_DECL void write_text_member(std::string_view name, std::string_view text, std::string& out);
/// Closes the payload's object, in the place of a comma if there is one.
ATTUNE_DECL void end_payload(std::string& record);

/// Throws what a disk has said as a JournalError.
[[noreturn]] ATTUNE_DECL void refuse_disk_error(const std::system_error& error,
                                                const std::string& file);

/// `read(text)`, where what is no key is a JournalError.
ATTUNE_DECL Ed25519Key journal_key(Ed25519Key (*read)(std::string_view), std::string_view text,
                                   const std::string& directory);

/// The journal of one store. Holds the directory's lock.
class JournalWriter final : public JournalSink {
public:
    /// Throws JournalError.
    ATTUNE_DECL JournalWriter(std::shared_ptr<Disk> disk, std::string directory,
                              const JournalOptions& options);
    ATTUNE_DECL ~JournalWriter() override;

    ATTUNE_DECL Restored restore(std::size_t most) override;
    ATTUNE_DECL void append(const Entry& entry) override;
    ATTUNE_DECL void keep(Version version, std::string_view note) override;
    ATTUNE_DECL void forget(Version version) override;

    /// Puts a segment with these versions in the place of everything there is; `own` goes with the
    /// last one. With no versions there is nothing afterwards. Only what `before` says about the
    /// journal so far is continued: its id, number, last record.
    ATTUNE_DECL void replace_by(std::span<const VersionRecord> versions, const Document& own,
                                const JournalContent& before);

private:
    struct Kept {
        std::string note;
        std::optional<VersionRecord> record;  ///< once somebody had to know it
    };

    ATTUNE_DECL void continue_from(const JournalContent& content);
    ATTUNE_DECL void cut_tail(const JournalContent& content);
    ATTUNE_DECL void start_journal(const VersionRecord& version, const Document& own);
    ATTUNE_DECL void mark(RecordType type, Version version, std::string_view note);

    /// Completes `record_`, and puts it at the end of the segment.
    ATTUNE_DECL void write_record(RecordType type, Version version,
                                  std::chrono::system_clock::time_point time);
    ATTUNE_DECL RecordHeader next_header(RecordType type, Version version,
                                         std::chrono::system_clock::time_point time) const;
    ATTUNE_DECL void start_record();
    ATTUNE_DECL void make_room(std::size_t bytes);
    ATTUNE_DECL void undo_write() noexcept;
    ATTUNE_DECL void repair();

    ATTUNE_DECL void roll();
    ATTUNE_DECL void load_kept();
    ATTUNE_DECL void start_segment(std::span<const VersionRecord> versions, const Document& own,
                                   bool whole);
    ATTUNE_DECL void remove_segments(std::uint64_t below) noexcept;

    template <class F>
    void guarded(F&& f);

    const std::shared_ptr<Disk> disk_;
    const std::string directory_;
    const bool sync_;
    const std::size_t keep_;
    const std::size_t segment_bytes_;
    std::optional<Ed25519Key> signing_key_;
    std::optional<Ed25519Key> public_key_;
    std::unique_ptr<DiskLock> lock_;

    bool restored_ = false;
    // A flush has failed: nobody knows what the disk has of the segment, and nothing may be added
    // to it before all of it has been written elsewhere.
    bool distrusted_ = false;

    // The segment that is written to, unless nothing has been written yet.
    std::unique_ptr<DiskFile> file_;
    std::string path_;
    std::uint64_t number_ = 0;
    std::uint64_t end_ = 0;       // where the next record goes
    std::uint64_t reserved_ = 0;  // zeros up to here have their room
    std::uint64_t started_ = 0;   // the kernel has been asked to write up to here
    std::uint64_t base_end_ = 0;
    std::uint64_t roll_at_ = 0;  // not before the segment has this size
    std::size_t versions_ = 0;   // after the base
    Version base_ = 0;
    std::set<Version> carried_;

    // The journal so far.
    std::array<unsigned char, 16> id_{};
    std::uint64_t sequence_ = 0;
    std::uint64_t durable_ = 0;
    Hash head_{};
    std::optional<VersionRecord> last_;
    Document own_;
    std::map<Version, Kept> kept_;

    Sha256 sha_;
    ExactPatch patch_;
    std::string record_;
    std::string own_text_;
};

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/store/impl/journal_segments.ipp>
#include <attune/store/impl/journal_writer.ipp>
#endif
