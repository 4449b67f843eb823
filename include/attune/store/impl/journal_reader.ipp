#pragma once

#include <attune/document/parse.hpp>
#include <attune/document/reconcile.hpp>
#include <attune/store/detail/journal_reader.hpp>
#include <attune/store/detail/replayed_document.hpp>

#include <algorithm>
#include <charconv>
#include <exception>
#include <limits>
#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL std::string segment_path(const std::string& directory, std::uint64_t number) {
    std::string digits = std::to_string(number);
    digits.insert(0, digits.size() < 10 ? 10 - digits.size() : 0, '0');
    return directory + '/' + digits + std::string(segment_suffix);
}

ATTUNE_DECL std::vector<SegmentFile> segments_in(Disk& disk, const std::string& directory) {
    std::vector<SegmentFile> segments;
    for (const std::string& name : disk.list(directory)) {
        std::uint64_t number = 0;
        const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
        if (error == std::errc() && std::string_view(end) == segment_suffix) {
            segments.push_back({number, directory + '/' + name});
        }
    }
    std::sort(segments.begin(), segments.end(),
              [](const SegmentFile& a, const SegmentFile& b) { return a.number < b.number; });
    return segments;
}

ATTUNE_DECL std::vector<VersionRecord> JournalContent::versions() const {
    std::vector<VersionRecord> all;
    all.reserve(kept.size() + newest.size());
    auto marked = kept.begin();
    for (const VersionRecord& record : newest) {
        for (; marked != kept.end() && marked->first < record.version; ++marked) {
            all.push_back(marked->second);
        }
        if (marked != kept.end() && marked->first == record.version) {
            all.push_back(marked->second);
            ++marked;
        } else {
            all.push_back(record);
        }
    }
    for (; marked != kept.end(); ++marked) {
        all.push_back(marked->second);
    }
    return all;
}

ATTUNE_DECL void refuse_damage(const journal::Damage& damage) {
    throw JournalError(JournalFault::damaged, damage.file, damage.offset,
                       damage.what +
                           "; journal::recover keeps what is intact, and moves the "
                           "damaged file aside");
}

/// One pass over the segments of a journal.
class JournalReader {
public:
    JournalReader(Disk& disk, const std::string& directory, const ReadOptions& options)
        : disk_(disk), directory_(directory), options_(options) {}

    JournalContent read() {
        std::vector<Loaded> segments = load();
        look_ahead(segments);
        for (std::size_t i = 0; i != segments.size() && !over_; ++i) {
            read_segment(segments[i], i + 1 == segments.size());
            if (content_.damage && !options_.past_damage) {
                break;
            }
        }
        finish();
        return std::move(content_);
    }

private:
    struct Loaded {
        SegmentFile file;
        std::string bytes;
        std::optional<SegmentHeader> header;
    };

    struct Mark {
        bool kept;
        std::string note;
    };

    // All segments from the last one that holds everything on.
    std::vector<Loaded> load() {
        std::vector<Loaded> segments;
        for (SegmentFile& file : segments_in(disk_, directory_)) {
            std::string bytes = read_file(disk_, file.path);
            std::optional<SegmentHeader> header = decode_segment_header(bytes);
            if (header && header->whole && header->number == file.number) {
                for (Loaded& earlier : segments) {
                    content_.superseded.push_back(std::move(earlier.file));
                }
                segments.clear();
            }
            segments.push_back({std::move(file), std::move(bytes), header});
        }
        for (const Loaded& segment : segments) {
            content_.segments.push_back(segment.file);
        }
        return segments;
    }

    // Which versions are marked is said after them, and which are the newest is known at the end. So
    // as not to make every document in between, both are looked for before. What is not true does
    // no harm, hence no checksums.
    void look_ahead(const std::vector<Loaded>& segments) {
        std::vector<Version> versions;
        for (const Loaded& segment : segments) {
            const std::string_view bytes = segment.bytes;
            for (std::size_t at = segment_header_size; at < bytes.size();) {
                const auto header = peek_record_header(bytes.substr(at));
                if (!header) {
                    break;
                }
                if (header->type == RecordType::keep) {
                    marked_.insert(header->version);
                } else if (header->type != RecordType::forget) {
                    versions.push_back(header->version);
                }
                at += header->size;
            }
        }
        std::sort(versions.begin(), versions.end());
        versions.erase(std::unique(versions.begin(), versions.end()), versions.end());
        if (versions.size() > options_.most) {
            first_wanted_ = options_.most == 0 ? std::numeric_limits<Version>::max()
                                               : versions[versions.size() - options_.most];
        }
    }

    void damaged(const SegmentFile& file, std::uint64_t offset, std::string what) {
        if (!content_.damage) {
            content_.damage = {file.path, offset, std::move(what)};
        }
    }

    void lose(std::string_view bytes, std::uint64_t offset) {
        const std::vector<std::uint64_t> lost = versions_after(bytes, offset);
        content_.unreadable.insert(lost.begin(), lost.end());
    }

    void read_segment(const Loaded& segment, bool newest) {
        const std::string_view bytes = segment.bytes;
        const SegmentFile& file = segment.file;
        if (!segment.header) {
            damaged(file, 0, "the header of the file has changed");
            lose(bytes, 0);
            return;
        }
        const SegmentHeader& header = *segment.header;
        if (header.number != file.number) {
            damaged(file, 0, "the file has another one's name");
            return;
        }
        const bool first = last_number_ == 0;
        if (!first && !content_.damage &&
            (header.number != last_number_ + 1 || header.journal != content_.id ||
             header.link != content_.head || header.first_sequence != content_.sequence + 1)) {
            damaged(file, 0, "the file does not go on where the one before it ends");
            if (!options_.past_damage) {
                return;
            }
        }
        last_number_ = header.number;
        content_.id = header.journal;
        expect(header.link);
        content_.newest_segment = header;
        content_.newest_carried.clear();
        content_.newest_versions = 0;
        content_.sequence = header.first_sequence - 1;
        content_.head = sha_.of(bytes.substr(0, segment_header_size));

        std::size_t at = segment_header_size;
        while (content_.sequence != options_.up_to) {
            const auto record = decode_record(bytes.substr(at), sha_);
            if (!record) {
                break;
            }
            std::string problem = chain_problem(*record, at == segment_header_size);
            if (problem.empty()) {
                problem = take(*record, at + record->header.size <= header.sealed);
            }
            if (!problem.empty()) {
                damaged(file, at, std::move(problem));
                lose(bytes, at);
                return;
            }
            at += record->header.size;
        }
        content_.end = at;
        over_ = content_.sequence == options_.up_to;
        if (over_) {
            return;
        }
        if (at < header.sealed) {
            damaged(file, at, "a record has changed");
        } else {
            content_.tail = judge_tail(bytes, at, content_.sequence + 1);
            if (content_.tail.kind == Tail::damaged) {
                damaged(file, at, content_.tail.what);
            } else if (content_.tail.kind == Tail::unfinished && !newest) {
                damaged(file, at, "the end of the file is missing");
            }
        }
        if (content_.damage && content_.damage->file == file.path) {
            lose(bytes, at);
        }
    }

    std::string chain_problem(const Record& record, bool first) const {
        if (record.header.sequence != content_.sequence + 1 ||
            record.header.previous != content_.head) {
            return "a record does not follow the one before it";
        }
        if (first != (record.header.type == RecordType::base)) {
            return "a record of the wrong type";
        }
        if (options_.key != nullptr &&
            (!record.signature || !options_.key->verify(record.hash, *record.signature))) {
            return record.signature ? "a signature by another key" : "a record without a signature";
        }
        return {};
    }

    // What is wrong with the content of a record, whose bytes are right; mostly nothing.
    std::string take(const Record& record, bool sealed) {
        try {
            const Document payload = parse(record.payload, parsing());
            const RecordType type = record.header.type;
            if (type == RecordType::keep || type == RecordType::forget) {
                marks_[record.header.version] = {type == RecordType::keep, text(payload, "note")};
            } else {
                take_version(record.header, payload, sealed);
            }
        } catch (const std::exception& error) {
            return std::string("a record that cannot be applied: ") + error.what();
        }
        ++content_.records;
        content_.sequence = record.header.sequence;
        content_.head = record.hash;
        expect(record.hash);
        return {};
    }

    void take_version(const RecordHeader& header, const Document& payload, bool sealed) {
        const Document* const patch = payload.find("patch");
        const Document* const own_patch = payload.find("own");
        if (header.type == RecordType::base) {
            document_.clear();
            own_.clear();
        }
        if (patch != nullptr) {
            document_.apply(*patch);
        }
        if (own_patch != nullptr) {
            own_.apply(own_patch->is_bool() ? *patch : *own_patch);
        }
        if (const Document* const note = payload.find("kept")) {
            marks_[header.version] = {true, std::string(note->as_string())};
            marked_.insert(header.version);
        }
        VersionRecord version{header.version,
                              header.time,
                              text(payload, "reason"),
                              text(payload, "layer"),
                              false,
                              {},
                              {}};
        if (header.version >= first_wanted_ || marked_.contains(header.version)) {
            if (header.type == RecordType::base && !content_.newest.empty()) {
                // A whole document shares nothing with those before it.
                document_.replace(reconcile(content_.newest.back().document, document_.now()));
            }
            version.document = document_.now();
        }
        if (sealed) {
            // The last one of them is what the segment begins from.
            if (content_.newest_base != 0 && header.type != RecordType::base) {
                content_.newest_carried.insert(content_.newest_base);
            }
            content_.newest_base = header.version;
        } else {
            ++content_.newest_versions;
        }
        keep(std::move(version));
    }

    void expect(const Hash& hash) {
        content_.expected_found = content_.expected_found || options_.expected == hash;
    }

    void keep(VersionRecord version) {
        // A segment begins with versions that the one before it may hold as well.
        std::deque<VersionRecord>& newest = content_.newest;
        const bool fresh = newest.empty() || version.version > newest.back().version;
        const bool more = marked_.contains(version.version) &&
                          content_.kept.insert_or_assign(version.version, version).second;
        if (fresh) {
            if (content_.version_count++ == 0) {
                content_.first = version.version;
            }
            newest.push_back(std::move(version));
            if (newest.size() > std::max<std::size_t>(options_.most, 1)) {
                newest.pop_front();
            }
        } else if (version.version == newest.back().version) {
            newest.back() = std::move(version);
        } else if (more) {
            ++content_.version_count;
        }
    }

    void finish() {
        try {
            content_.own = own_.now();
            if (!content_.newest.empty()) {
                content_.last = content_.newest.back();
                content_.last->document = document_.now();
            }
        } catch (const std::exception& error) {
            damaged(content_.segments.back(), content_.end,
                    std::string("records that cannot be applied: ") + error.what());
        }
        if (options_.most == 0) {
            content_.newest.clear();
        }
        for (auto entry = content_.kept.begin(); entry != content_.kept.end();) {
            const auto mark = marks_.find(entry->first);
            if (mark == marks_.end() || !mark->second.kept) {
                entry = content_.kept.erase(entry);
                continue;
            }
            entry->second.kept = true;
            entry->second.note = mark->second.note;
            ++entry;
        }
        if (!content_.kept.empty()) {
            content_.first = std::min(content_.first, content_.kept.begin()->first);
        }
    }

    static std::string text(const Document& payload, std::string_view name) {
        const Document* const value = payload.find(name);
        return value == nullptr ? std::string() : std::string(value->as_string());
    }

    static const ParseOptions& parsing() {
        // What a store has accepted is read back, however deep and large it is.
        static const ParseOptions options{.duplicates = Duplicates::last,
                                          .max_depth = std::numeric_limits<std::size_t>::max(),
                                          .max_bytes = std::numeric_limits<std::size_t>::max()};
        return options;
    }

    Disk& disk_;
    const std::string& directory_;
    const ReadOptions& options_;
    Sha256 sha_;
    JournalContent content_;
    ReplayedDocument document_;
    ReplayedDocument own_;
    Version first_wanted_ = 0;
    std::uint64_t last_number_ = 0;
    bool over_ = false;
    std::set<Version> marked_;
    std::map<Version, Mark> marks_;
};

ATTUNE_DECL JournalContent read_journal(Disk& disk, const std::string& directory,
                                        const ReadOptions& options) {
    return JournalReader(disk, directory, options).read();
}

}  // namespace attune::inline ATTUNE_ABI::detail
