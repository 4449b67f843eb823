#pragma once

#include <attune/document/nearest.hpp>
#include <attune/transport/detail/image.hpp>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <string_view>
#include <system_error>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL Stamp::Stamp(const struct stat& status)
    : device(status.st_dev),
      inode(status.st_ino),
      size(status.st_size),
      modified_s(status.st_mtim.tv_sec),
      modified_ns(status.st_mtim.tv_nsec) {}

ATTUNE_DECL bool Image::younger_than(std::chrono::nanoseconds age) const {
    const std::chrono::nanoseconds clock = std::chrono::system_clock::now().time_since_epoch();
    const std::int64_t now = clock.count();
    constexpr std::int64_t second = 1'000'000'000;
    // A file may claim any time, also one that nanoseconds cannot count to.
    constexpr std::int64_t far = 48 * 3600;
    for (const Stamp& stamp : stamps) {
        if (stamp.modified_s <= now / second - far || stamp.modified_s >= now / second + far) {
            continue;
        }
        const std::int64_t since = now - stamp.modified_s * second - stamp.modified_ns;
        if (since < age.count() && -since < age.count()) {
            return true;
        }
    }
    return false;
}

ATTUNE_DECL bool same(const Image& a, const Image& b) {
    if (a.pieces.size() != b.pieces.size() || a.problems.size() != b.problems.size()) {
        return false;
    }
    for (std::size_t i = 0; i != a.pieces.size(); ++i) {
        const Piece& x = a.pieces[i];
        const Piece& y = b.pieces[i];
        if (x.name != y.name || (x.bytes != y.bytes && *x.bytes != *y.bytes)) {
            return false;
        }
    }
    for (std::size_t i = 0; i != a.problems.size(); ++i) {
        if (to_string(a.problems[i]) != to_string(b.problems[i])) {
            return false;
        }
    }
    return true;
}

ATTUNE_DECL bool identical(const Image& a, const Image& b) {
    return a.stamps == b.stamps && same(a, b);
}

ATTUNE_DECL std::string absolute_text(const std::filesystem::path& path) {
    std::error_code error;
    const std::filesystem::path whole = std::filesystem::absolute(path, error);
    return error ? path.string() : whole.string();
}

ATTUNE_DECL Problem problem_at(const std::string& source, std::string message) {
    Problem problem;
    problem.origin.source = source;
    problem.message = std::move(message);
    return problem;
}

ATTUNE_DECL std::string error_text(int error) {
    std::string text = std::generic_category().message(error);
    if (!text.empty()) {
        text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
    }
    return text;
}

ATTUNE_DECL int read_names(const std::string& folder, std::size_t most,
                           std::vector<std::string>& names) {
    DIR* const directory = ::opendir(folder.c_str());
    if (directory == nullptr) {
        return errno;
    }
    struct Close {
        DIR* directory;
        ~Close() { ::closedir(directory); }
    } const close_at_end{directory};

    errno = 0;
    while (names.size() < most) {
        const dirent* const entry = ::readdir(directory);
        if (entry == nullptr) {
            return errno;
        }
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") {
            names.emplace_back(name);
        }
    }
    return 0;
}

ATTUNE_DECL Problem not_found(const std::string& what, const std::string& path,
                              const std::string& source) {
    const std::filesystem::path file = path;
    const std::string folder = file.parent_path().string();
    // A directory of many files must not make the report slow.
    constexpr std::size_t max_names = 1000;
    std::vector<std::string> names;
    if (const int error = read_names(folder, max_names, names); error != 0) {
        const std::string reason =
            error == ENOENT ? "there is no such directory" : error_text(error);
        return problem_at(source, what + " not found in \"" + folder + "\": " + reason);
    }
    std::vector<std::string_view> views(names.begin(), names.end());
    std::sort(views.begin(), views.end());
    Problem problem = problem_at(source, what + " not found in \"" + folder + "\"");
    problem.suggestion = nearest(file.filename().string(), views);
    return problem;
}

/// Reads to the end, whatever size the file claims to have. Gives an errno, or zero.
ATTUNE_DECL int read_to_end(int fd, std::size_t expected, std::size_t max_bytes,
                            std::string& bytes) {
    bytes.resize(std::min(expected, max_bytes) + 1);
    for (std::size_t filled = 0;;) {
        const ssize_t size = ::read(fd, bytes.data() + filled, bytes.size() - filled);
        if (size < 0 && errno != EINTR) {
            return errno;
        }
        filled += size > 0 ? static_cast<std::size_t>(size) : 0;
        if (size == 0 || filled > max_bytes) {
            bytes.resize(filled);
            return 0;
        }
        if (filled == bytes.size()) {
            bytes.resize(std::min(filled, max_bytes / 2) * 2 + 1);
        }
    }
}

ATTUNE_DECL bool read_piece(const std::string& path, std::string name, const std::string& source,
                            std::size_t max_bytes, Image& image) {
    const auto refuse = [&](std::string message) {
        image.problems.push_back(problem_at(source, std::move(message)));
        return true;
    };
    const auto refuse_kind = [&](const struct stat& status) {
        Problem problem = problem_at(source, {});
        problem.expected = "a regular file";
        problem.found = S_ISDIR(status.st_mode)    ? "a directory"
                        : S_ISFIFO(status.st_mode) ? "a pipe"
                        : S_ISSOCK(status.st_mode) ? "a socket"
                                                   : "a device";
        image.problems.push_back(std::move(problem));
        return true;
    };

    struct stat status;
    if (::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
        image.stamps.emplace_back(status);
        return refuse_kind(status);  // not opened: that alone can set a device in motion
    }
    const int fd = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        return errno != ENOENT && errno != ENOTDIR && refuse(error_text(errno));
    }
    struct Close {
        int fd;
        ~Close() { ::close(fd); }
    } const close_at_end{fd};

    if (::fstat(fd, &status) != 0) {
        return refuse(error_text(errno));
    }
    image.stamps.emplace_back(status);
    if (!S_ISREG(status.st_mode)) {
        return refuse_kind(status);
    }
    auto bytes = std::make_shared<std::string>();
    const auto size = static_cast<std::size_t>(status.st_size);
    if (size <= max_bytes) {
        if (const int error = read_to_end(fd, size, max_bytes, *bytes); error != 0) {
            return refuse(error_text(error));
        }
    }
    if (size > max_bytes || bytes->size() > max_bytes) {
        return refuse("larger than the limit of " + std::to_string(max_bytes) + " bytes");
    }
    image.pieces.push_back({std::move(name), std::move(bytes)});
    return true;
}

}  // namespace attune::inline ATTUNE_ABI::detail
