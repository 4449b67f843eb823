#pragma once

#include <attune/document/parse.hpp>
#include <attune/document/text.hpp>
#include <attune/store/detail/digest.hpp>
#include <attune/store/detail/rfc3339.hpp>
#include <attune/transport/detail/cache_file.hpp>
#include <attune/transport/detail/image.hpp>

#include <cstddef>
#include <limits>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include <unistd.h>

namespace attune::inline ATTUNE_ABI::detail {

inline constexpr std::int64_t cache_format = 1;

ATTUNE_DECL CacheRecord CacheFile::read() const {
    const auto refuse = [&](std::string message) {
        return Rejected{
            {.problems = {problem_at(source_, "the cache is not used: " + std::move(message))}}};
    };
    std::string text;
    try {
        text = read_file(*disk_, path_);
    } catch (const std::system_error& error) {
        throw refuse(error.code() == std::errc::no_such_file_or_directory
                         ? "there is no such file"
                         : error_text(error.code().value()));
    }
    Document whole;
    try {
        constexpr std::size_t deepest = 1024;  // it was written by us, whatever is in it
        whole = parse(text, {.name = source_,
                             .max_depth = deepest,
                             .max_bytes = std::numeric_limits<std::size_t>::max()});
    } catch (const ParseError& error) {
        throw refuse("line " + std::to_string(error.line()) + ", column " +
                     std::to_string(error.column()) + ": " + error.message());
    }

    const Document* const format = whole.find("attune-cache");
    if (format == nullptr || !format->is_integer()) {
        throw refuse("it is not the file of a cache");
    }
    if (*format != cache_format) {
        throw refuse("its format " + to_text(*format) + " is not " + std::to_string(cache_format) +
                     ", the one that this program reads");
    }
    const auto member = [&](const char* name) {
        const Document* const found = whole.find(name);
        if (found == nullptr || !found->is_string()) {
            throw refuse(std::string(name) + " is missing");
        }
        return std::string(found->as_string());
    };
    const Document* const document = whole.find("document");
    if (document == nullptr) {
        throw refuse("document is missing");
    }
    if (to_hex(Sha256{}.of(to_text(*document))) != member("sha256")) {
        throw refuse("the document does not match its checksum");
    }
    CacheRecord record;
    record.layer = member("layer");
    record.revision = member("revision");
    const auto time = parse_rfc3339(member("time"));
    if (!time) {
        throw refuse("time is not a time");
    }
    record.time = *time;
    record.whole = member("secrets") == "stored";
    record.document = *document;
    return record;
}

/// Removes the temporary files of processes that were killed before they could rename them.
ATTUNE_DECL void CacheFile::sweep() const noexcept {
    try {
        const std::string folder = directory_of(path_);
        const std::string own = '.' + std::to_string(::getpid()) + '-';
        const std::string name = path_.substr(path_.rfind('/') + 1);
        for (const std::string& found : disk_->list(folder)) {
            std::string_view rest = found;
            if (!rest.starts_with(name) || !rest.ends_with(".tmp")) {
                continue;
            }
            rest.remove_prefix(name.size());
            rest.remove_suffix(std::string_view(".tmp").size());
            const bool numbers = rest.find_first_not_of("0123456789-", 1) == rest.npos;
            if (rest.starts_with('.') && numbers && !rest.starts_with(own)) {
                disk_->remove(folder + '/' + found);
            }
        }
    } catch (...) {  // they do no harm
    }
}

ATTUNE_DECL void CacheFile::write(const CacheRecord& record) {
    const Document whole{
        {"attune-cache", cache_format},
        {"layer", record.layer},
        {"revision", record.revision},
        {"time", rfc3339(record.time)},
        {"sha256", to_hex(Sha256{}.of(to_text(record.document)))},
        {"secrets", record.whole ? "stored" : "left out"},
        {"document", record.document},
    };
    constexpr unsigned only_owner = 0600;
    write_file_durably(*disk_, path_, to_text(whole, {.indent = 2}) + '\n', only_owner);
    if (!std::exchange(swept_, true)) {
        sweep();
    }
}

}  // namespace attune::inline ATTUNE_ABI::detail
