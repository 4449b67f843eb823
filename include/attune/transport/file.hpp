#pragma once

#include <attune/document/parse.hpp>
#include <attune/store/transport.hpp>
#include <attune/version.hpp>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>

namespace attune::inline ATTUNE_ABI {

struct FileOptions {
    /// A missing file is an empty document instead of a problem.
    bool optional = false;
    /// Above zero: read the file this often and compare, instead of asking the kernel. For network
    /// mounts, where changes made elsewhere are not told.
    std::chrono::milliseconds poll{0};
    /// A save is over when nothing has happened for this long.
    std::chrono::milliseconds quiet{50};
    /// Whatever is there this long after the first sign of a change is judged, quiet or not. What
    /// could be a save in progress (no file, an empty one, half a text) is given this long too.
    std::chrono::milliseconds longest{1000};
    /// Allow comments and trailing commas. By default only where the name ends in `.jsonc`.
    std::optional<bool> comments = std::nullopt;
    Duplicates duplicates = Duplicates::refuse;
    std::size_t max_depth = 128;
    std::size_t max_bytes = std::size_t{64} << 20;
    /// False: read once, and again only by Layer::reload.
    bool watch = true;
};

/// A JSON file and its changes.
///
/// A relative path is taken from the working directory of this call. Each save is delivered once,
/// after `quiet`, whichever way it is made: in place, by renaming, by turning a symbolic link
/// anywhere on the path. A save that leaves the same bytes is not delivered. When the file cannot
/// be read or parsed, the last good document stays and the problem is reported once; when an
/// optional file disappears, its layer empties.
///
/// Changes are told by inotify on every directory the path leads through, one instance per store.
/// Where that is impossible (no kernel support, limits, an unreadable directory on the way, or
/// ATTUNE_NO_INOTIFY defined) the file is polled once a second.
///
/// Memory: the text of the last good document is kept, to compare and to find positions.
[[nodiscard]] ATTUNE_DECL std::unique_ptr<Transport> file(std::filesystem::path path,
                                                          FileOptions options = {});

}  // namespace attune::inline ATTUNE_ABI

#if ATTUNE_HEADER_ONLY
#include <attune/transport/impl/file.ipp>
#endif
