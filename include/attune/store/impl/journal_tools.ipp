#pragma once

#include <attune/store/detail/journal_tools.hpp>
#include <attune/store/detail/journal_writer.hpp>

#include <algorithm>
#include <cctype>
#include <optional>
#include <system_error>
#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

// Calls f(); what the disk says becomes a JournalError.
template <class F>
auto as_journal_errors(const std::string& directory, F&& f) {
    try {
        return f();
    } catch (const std::system_error& error) {
        refuse_disk_error(error, directory);
    }
}

ATTUNE_DECL std::optional<Hash> hash_of_hex(std::string_view hex) {
    Hash hash{};
    if (hex.size() != 2 * hash.size()) {
        return std::nullopt;
    }
    for (std::size_t i = 0; i != hex.size(); ++i) {
        const std::size_t digit =
            std::string_view("0123456789abcdef")
                .find(static_cast<char>(std::tolower(static_cast<unsigned char>(hex[i]))));
        if (digit == std::string_view::npos) {
            return std::nullopt;
        }
        hash[i / 2] = static_cast<unsigned char>(hash[i / 2] * 16 + digit);
    }
    return hash;
}

ATTUNE_DECL journal::Report report_of(const JournalContent& content) {
    journal::Report report;
    report.records = content.records;
    report.versions = content.version_count;
    report.first = content.first;
    report.last = content.last ? content.last->version : 0;
    report.head = content.records == 0 ? std::string() : to_hex(content.head);
    report.unfinished = content.damage ? 0 : content.tail.written;
    report.damage = content.damage;
    return report;
}

// The key that must have signed, if there is one.
ATTUNE_DECL std::optional<Ed25519Key> required_key(const std::string& text,
                                                   const std::string& directory) {
    if (text.empty()) {
        return std::nullopt;
    }
    return journal_key(&Ed25519Key::public_key, text, directory);
}

ATTUNE_DECL journal::Report verify_journal(Disk& disk, const std::string& directory,
                                           const journal::VerifyOptions& options) {
    return as_journal_errors(directory, [&] {
        const std::optional<Ed25519Key> key = required_key(options.public_key, directory);
        const std::optional<Hash> expected = hash_of_hex(options.expected_head);
        const JournalContent content =
            read_journal(disk, directory,
                         {.most = 1, .key = key ? &*key : nullptr, .expected = expected});
        journal::Report report = report_of(content);
        if (!options.expected_head.empty() && !content.expected_found && !report.damage) {
            const std::string file =
                content.segments.empty() ? directory : content.segments.back().path;
            report.damage = {file, content.end,
                             "the record with the expected hash is not there: what was written "
                             "last, or everything, has been removed or replaced"};
        }
        return report;
    });
}

// A file that survives a loss of power as the original does.
ATTUNE_DECL void copy_aside(Disk& disk, const std::string& from, const std::string& to) {
    write_file_durably(disk, to, read_file(disk, from), 0600);
}

ATTUNE_DECL journal::Recovery recover_journal(const std::shared_ptr<Disk>& disk,
                                              const std::string& directory,
                                              const JournalOptions& options) {
    return as_journal_errors(directory, [&] {
        JournalWriter writer(disk, directory, options);
        const std::optional<Ed25519Key> key = required_key(options.public_key, directory);
        const JournalContent content =
            read_journal(*disk, directory, {.key = key ? &*key : nullptr, .past_damage = true});
        const std::vector<VersionRecord> versions = content.versions();
        journal::Recovery recovery;
        recovery.versions = versions.size();
        if (!content.damage) {
            recovery.report = report_of(content);
            return recovery;
        }
        for (const Version version : content.unreadable) {
            const bool there =
                std::any_of(versions.begin(), versions.end(),
                            [&](const VersionRecord& record) { return record.version == version; });
            if (!there) {
                recovery.lost_first = recovery.lost == 0 ? version : recovery.lost_first;
                recovery.lost_last = version;
                ++recovery.lost;
            }
        }

        // Copied before anything changes, removed after everything has: at any moment there is
        // either the damaged journal or the new one, and the damaged files are somewhere.
        std::string aside;
        for (int number = 1; aside.empty() || disk->exists(aside); ++number) {
            aside = directory + "/damaged-" + std::to_string(number);
        }
        disk->make_directory(aside, 0700);
        disk->sync_directory(directory);
        for (const SegmentFile& file : content.segments) {
            const std::string to = aside + file.path.substr(directory.size());
            copy_aside(*disk, file.path, to);
            recovery.moved.push_back(to);
        }
        writer.replace_by(versions, content.own, content);
        if (versions.empty()) {
            for (const SegmentFile& file : content.segments) {
                disk->remove(file.path);
            }
        }
        recovery.report = report_of(read_journal(*disk, directory, {.most = 1}));
        return recovery;
    });
}

ATTUNE_DECL std::vector<VersionRecord> read_versions(Disk& disk, const std::string& directory) {
    return as_journal_errors(directory, [&] {
        const JournalContent content = read_journal(disk, directory);
        if (content.damage) {
            refuse_damage(*content.damage);
        }
        return content.versions();
    });
}

ATTUNE_DECL void compact_journal(const std::shared_ptr<Disk>& disk, const std::string& directory,
                                 std::size_t keep, const JournalOptions& options) {
    as_journal_errors(directory, [&] {
        JournalWriter writer(disk, directory, options);
        const JournalContent content = read_journal(*disk, directory);
        if (content.damage) {
            refuse_damage(*content.damage);
        }
        std::vector<VersionRecord> versions = content.versions();
        const std::size_t most = std::max<std::size_t>(keep, 1);
        if (versions.size() <= most) {
            return;
        }
        const auto first_left = versions.end() - static_cast<std::ptrdiff_t>(most);
        versions.erase(std::remove_if(versions.begin(), first_left,
                                      [](const VersionRecord& record) { return !record.kept; }),
                       first_left);
        writer.replace_by(versions, content.own, content);
    });
}

ATTUNE_DECL void create_journal(const std::shared_ptr<Disk>& disk, const std::string& directory,
                                std::span<const VersionRecord> versions,
                                const JournalOptions& options) {
    as_journal_errors(directory, [&] {
        JournalWriter writer(disk, directory, options);
        if (!segments_in(*disk, directory).empty()) {
            throw JournalError(JournalFault::disk, directory, 0,
                               "there is a journal already; give an empty directory");
        }
        JournalContent nothing;
        nothing.id = random_id();
        writer.replace_by(versions, {}, nothing);
    });
}

}  // namespace attune::inline ATTUNE_ABI::detail
