#pragma once

#include "storage/faulty_disk.hpp"

#include <attune/document/document.hpp>
#include <attune/document/merge.hpp>
#include <attune/document/path.hpp>
#include <attune/document/text.hpp>
#include <attune/store/detail/journal_tools.hpp>
#include <attune/store/detail/journal_writer.hpp>
#include <attune/store/journal.hpp>

#include <chrono>
#include <filesystem>
#include <memory>
#include <ostream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <stdlib.h>

namespace attune {

/// How GoogleTest shows a version.
inline void PrintTo(const VersionRecord& record, std::ostream* out) {  // NOLINT: its name for it
    *out << record.version << ' ' << record.reason << ' ' << record.layer
         << (record.kept ? " kept " : " ") << record.note << ' ' << to_text(record.document);
}

}  // namespace attune

namespace attune_test {

using attune::Document;
using attune::JournalOptions;
using attune::VersionRecord;
using attune::detail::JournalSink;
using attune::detail::JournalWriter;

inline const std::string journal_directory = "j";

inline std::unique_ptr<JournalWriter> open_journal(const std::shared_ptr<FaultyDisk>& disk,
                                                   const JournalOptions& options = {}) {
    return std::make_unique<JournalWriter>(disk, journal_directory, options);
}

/// What a store would have: a layer from outside, and what it has set itself on top.
struct StoreModel {
    Document base = Document::object();
    Document own = Document::object();
    attune::Version version = 0;

    Document merged() const { return attune::merge(base, own); }

    /// The version that a change of this kind makes; the model itself changes.
    VersionRecord change(JournalSink& sink, const Document& new_base, const Document& new_own,
                         std::string reason, std::string layer,
                         const attune::Path* within = nullptr) {
        const Document before = merged();
        const Document own_before = own;
        StoreModel next = *this;
        next.base = new_base;
        next.own = new_own;
        next.version = version + 1;
        const Document after = next.merged();
        const auto time =
            std::chrono::system_clock::time_point(std::chrono::seconds(1'700'000'000) +
                                                  std::chrono::nanoseconds(next.version * 1'001));
        VersionRecord record{next.version, time, std::move(reason), std::move(layer), false,
                             {},           after};
        sink.append({record.version, time, record.reason, record.layer, before, after, own_before,
                     new_own, within});
        *this = next;
        return record;
    }

    VersionRecord set(JournalSink& sink, const attune::Path& path, const Document& value) {
        return change(sink, base, own.with(path, value), "set", "overrides", &path);
    }
};

/// A folder of the machine, removed at the end.
class RealFolder {
public:
    RealFolder() {
        auto name = (std::filesystem::temp_directory_path() / "attune-journal-XXXXXX").string();
        if (mkdtemp(name.data()) == nullptr) {
            throw std::system_error(errno, std::generic_category(), name);
        }
        path_ = name;
    }
    RealFolder(const RealFolder&) = delete;
    RealFolder& operator=(const RealFolder&) = delete;
    ~RealFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    std::string operator/(const std::string& name) const { return path_ + '/' + name; }
    const std::string& path() const { return path_; }

private:
    std::string path_;
};

}  // namespace attune_test
