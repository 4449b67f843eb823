#pragma once

#include <attune/document/parse.hpp>
#include <attune/document/text.hpp>
#include <attune/storage/disk.hpp>
#include <attune/store/detail/journal_tools.hpp>
#include <attune/store/detail/rfc3339.hpp>
#include <attune/store/journal.hpp>

#include <algorithm>
#include <chrono>
#include <ostream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI {

namespace detail {

ATTUNE_DECL std::string export_name(Version version) {
    std::string digits = std::to_string(version);
    digits.insert(0, digits.size() < 12 ? 12 - digits.size() : 0, '0');
    return digits + ".json";
}

ATTUNE_DECL Document export_document(const VersionRecord& record) {
    Document exported = {{"version", record.version},
                         {"time", rfc3339(record.time)},
                         {"reason", record.reason},
                         {"layer", record.layer}};
    if (record.kept) {
        exported = exported.with("kept", true);
    }
    if (!record.note.empty()) {
        exported = exported.with("note", record.note);
    }
    return exported.with("document", record.document);
}

ATTUNE_DECL VersionRecord import_document(const Document& exported, const std::string& file) {
    const auto refuse = [&](const char* what) {
        throw JournalError(JournalFault::damaged, file, 0,
                           std::string("expected ") + what +
                               ", as journal::export_folder writes it");
    };
    const auto text = [&](std::string_view name) {
        const Document* const value = exported.find(name);
        return value != nullptr && value->is_string() ? std::string(value->as_string())
                                                      : std::string();
    };
    const Document* const version = exported.find("version");
    if (version == nullptr || !version->is_integer() ||
        (!version->is_unsigned() && version->as_int64() < 1)) {
        refuse("a positive \"version\"");
    }
    const auto time = parse_rfc3339(text("time"));
    if (!time) {
        refuse("a \"time\" in UTC such as 2026-01-31T23:59:59Z");
    }
    const Document* const document = exported.find("document");
    if (document == nullptr) {
        refuse("a \"document\"");
    }
    const Document* const kept = exported.find("kept");
    return {version->as_uint64(),
            *time,
            text("reason"),
            text("layer"),
            kept != nullptr && kept->is_bool() && kept->as_bool(),
            text("note"),
            *document};
}

// One line, for a trailer.
ATTUNE_DECL std::string one_line(std::string text) {
    std::replace_if(
        text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
    return text;
}

}  // namespace detail

namespace journal {

ATTUNE_DECL void export_folder(std::span<const VersionRecord> records,
                               const std::filesystem::path& folder) {
    const std::string directory = folder.string();
    try {
        const auto disk = detail::posix_disk();
        disk->make_directory(directory, 0700);
        for (const VersionRecord& record : records) {
            const std::string text = to_text(detail::export_document(record), {.indent = 2}) + '\n';
            detail::write_file_durably(*disk, directory + '/' + detail::export_name(record.version),
                                       text, 0600);
        }
    } catch (const std::system_error& error) {
        throw JournalError(JournalFault::disk, directory, 0, error.what());
    }
}

ATTUNE_DECL void import_folder(const std::filesystem::path& folder,
                               const std::filesystem::path& directory,
                               const JournalOptions& options) {
    const std::string from = folder.string();
    std::vector<VersionRecord> records;
    try {
        const auto disk = detail::posix_disk();
        for (const std::string& name : disk->list(from)) {
            if (name.size() < 17 || !name.ends_with(".json") ||
                name.find_first_not_of("0123456789") != name.size() - 5) {
                continue;
            }
            const std::string file = from + '/' + name;
            const Document exported = parse(detail::read_file(*disk, file), {.name = file});
            records.push_back(detail::import_document(exported, file));
            if (detail::export_name(records.back().version) != name) {
                throw JournalError(JournalFault::damaged, file, 0,
                                   "the file has another version's name");
            }
        }
    } catch (const std::system_error& error) {
        throw JournalError(JournalFault::disk, from, 0, error.what());
    }
    std::sort(records.begin(), records.end(),
              [](const VersionRecord& a, const VersionRecord& b) { return a.version < b.version; });
    detail::create_journal(detail::posix_disk(), directory.string(), records, options);
}

ATTUNE_DECL void export_git(std::span<const VersionRecord> records, std::ostream& out) {
    using namespace std::chrono;
    for (const VersionRecord& record : records) {
        const std::string number = std::to_string(record.version);
        std::string message = record.reason.empty() ? "Version " + number : record.reason;
        message += "\n\nVersion: " + number + '\n';
        if (!record.layer.empty()) {
            message += "Layer: " + detail::one_line(record.layer) + '\n';
        }
        if (record.kept) {
            message +=
                "Kept: " + (record.note.empty() ? "yes" : detail::one_line(record.note)) + '\n';
        }
        const std::string text = to_text(record.document, {.indent = 2}) + '\n';
        const auto seconds_since_1970 =
            std::max<std::int64_t>(0, floor<seconds>(record.time).time_since_epoch().count());
        out << "commit refs/heads/main\ncommitter attune <attune@localhost> "
            << std::to_string(seconds_since_1970) << " +0000\ndata "
            << std::to_string(message.size()) << '\n'
            << message << "\nM 100644 inline config.json\ndata " << std::to_string(text.size())
            << '\n'
            << text << '\n';
    }
}

}  // namespace journal

}  // namespace attune::inline ATTUNE_ABI
