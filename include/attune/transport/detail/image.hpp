#pragma once

#include <attune/bind/problem.hpp>
#include <attune/version.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

struct stat;

namespace attune::inline ATTUNE_ABI::detail {

/// What tells two states of a file apart without reading it.
struct Stamp {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::int64_t size = 0;
    std::int64_t modified_s = 0;  ///< since 1970
    std::int64_t modified_ns = 0;

    Stamp() = default;
    ATTUNE_DECL explicit Stamp(const struct stat& status);
    friend bool operator==(const Stamp&, const Stamp&) = default;
};

/// One file of an image.
struct Piece {
    std::string name;  ///< below the directory; empty where there is only one file
    std::shared_ptr<const std::string> bytes;
};

/// One reading of a file or a directory: what was there, or why it could not be read.
struct Image {
    std::vector<Piece> pieces;
    std::vector<Stamp> stamps;      ///< of everything that was looked at
    std::vector<Problem> problems;  ///< not empty: the image is worth nothing

    /// Whether something in it was modified less than `age` ago.
    ATTUNE_DECL bool younger_than(std::chrono::nanoseconds age) const;
};

/// Whether the bytes, or the problems, are the same.
ATTUNE_DECL bool same(const Image& a, const Image& b);

/// Whether moreover nothing was touched in between: two such readings in a row are no accident.
ATTUNE_DECL bool identical(const Image& a, const Image& b);

/// Where a path leads from the present working directory on.
ATTUNE_DECL std::string absolute_text(const std::filesystem::path& path);

/// A problem whose origin is `source`.
ATTUNE_DECL Problem problem_at(const std::string& source, std::string message);

/// Adds the file to the image, or the reason why that failed. `source` is how people call it. False
/// when there is no file, which adds nothing. Never waits: anything but a regular file is refused
/// unread, a pipe too.
ATTUNE_DECL bool read_piece(const std::string& path, std::string name, const std::string& source,
                            std::size_t max_bytes, Image& image);

/// `what`, a file or a directory, should be at `path`: says where it was looked for, and suggests a
/// name nearby.
ATTUNE_DECL Problem not_found(const std::string& what, const std::string& path,
                              const std::string& source);

/// Adds the names in a directory, in any order and so many at most. Gives an errno, or zero.
ATTUNE_DECL int read_names(const std::string& folder, std::size_t most,
                           std::vector<std::string>& names);

/// Why a system call failed.
ATTUNE_DECL std::string error_text(int error);

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/transport/impl/image.ipp>
#endif
