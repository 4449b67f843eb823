#pragma once

#include <attune/store/transport.hpp>
#include <attune/version.hpp>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>

namespace attune::inline ATTUNE_ABI {

struct DirectoryOptions {
    /// A missing directory is an empty one instead of a problem.
    bool optional = false;
    /// Above zero: read everything this often and compare, instead of asking the kernel.
    std::chrono::milliseconds poll{0};
    /// A change is over when nothing has happened for this long.
    std::chrono::milliseconds quiet{50};
    /// Whatever is there this long after the first sign of a change is judged, quiet or not.
    std::chrono::milliseconds longest{1000};
    /// Of one file.
    std::size_t max_bytes = std::size_t{1} << 20;
    std::size_t max_files = 10'000;
    /// False: read once, and again only by Layer::reload.
    bool watch = true;
};

/// A directory with one file per value, as container platforms mount configuration and secrets.
///
/// The name of a file below `path` is the path of its value: folders are levels, and so are the
/// parts of a file's name between dots. `server.port` and `server/port` both are `server.port`.
/// The content, without one newline at its end, is the value: text, decoded by the type it is
/// bound to. Names that begin with a dot are ignored, though symbolic links may lead through them
/// (`port -> ..data/port`). Whatever is neither a file nor a folder is ignored.
///
/// All files are read as of one moment: a reading during which anything changed is repeated.
/// Paths, timing, failures and watching are as for `file`.
[[nodiscard]] ATTUNE_DECL std::unique_ptr<Transport> directory(std::filesystem::path path,
                                                               DirectoryOptions options = {});

}  // namespace attune::inline ATTUNE_ABI

#if ATTUNE_HEADER_ONLY
#include <attune/transport/impl/directory.ipp>
#endif
