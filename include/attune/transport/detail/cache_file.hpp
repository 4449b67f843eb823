#pragma once

#include <attune/document/document.hpp>
#include <attune/fwd.hpp>
#include <attune/storage/disk.hpp>
#include <attune/version.hpp>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

/// What a cache keeps of a layer.
struct CacheRecord {
    std::string layer;
    std::string revision;
    std::chrono::system_clock::time_point time{};
    bool whole = false;  ///< with its secrets
    Document document;

    /// Whether everything but the time is the same.
    bool same(const CacheRecord& other) const {
        return layer == other.layer && revision == other.revision && whole == other.whole &&
               document == other.document;
    }
};

/// The file of a cache. One thread at a time.
class CacheFile {
public:
    /// `source` is how people call it.
    CacheFile(std::shared_ptr<Disk> disk, std::string path, std::string source)
        : disk_(std::move(disk)), path_(std::move(path)), source_(std::move(source)) {}

    const std::string& source() const noexcept { return source_; }

    /// Throws Rejected, with one problem that says why there is nothing to be had.
    ATTUNE_DECL CacheRecord read() const;

    /// Afterwards either the old or the new record is in the file; the new one, unless
    /// std::system_error is thrown.
    ATTUNE_DECL void write(const CacheRecord& record);

private:
    ATTUNE_DECL void sweep() const noexcept;

    const std::shared_ptr<Disk> disk_;
    const std::string path_;
    const std::string source_;
    bool swept_ = false;  // what a killed process has left beside the file is gone
};

/// As `cached`, on another disk.
ATTUNE_DECL std::unique_ptr<Transport> cached_on(std::shared_ptr<Disk> disk,
                                                 std::unique_ptr<Transport> inner,
                                                 const std::filesystem::path& file,
                                                 CachedOptions options);

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/transport/impl/cache_file.ipp>
#endif
