#pragma once

#include <attune/document/impl/utf8.hpp>
#include <attune/document/path.hpp>
#include <attune/transport/detail/follower.hpp>
#include <attune/transport/directory.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/stat.h>

namespace attune::inline ATTUNE_ABI {

namespace detail {

/// Whether the bytes are UTF-8 without the character zero.
ATTUNE_DECL bool is_plain_text(std::string_view bytes) noexcept {
    const char* const end = bytes.data() + bytes.size();
    for (const char* at = bytes.data(); at != end;) {
        const std::size_t size = utf8_sequence(at, end);
        if (size == 0 || *at == '\0') {
            return false;
        }
        at += size;
    }
    return true;
}

/// The names in a folder that do not begin with a dot, sorted. `error` is an errno, or zero.
ATTUNE_DECL std::vector<std::string> visible_names(const std::string& folder, int& error) {
    std::vector<std::string> all;
    error = read_names(folder, all.max_size(), all);
    std::vector<std::string> names;
    for (std::string& name : all) {
        if (!name.starts_with('.')) {
            names.push_back(std::move(name));
        }
    }
    std::sort(names.begin(), names.end());
    return names;
}

/// A directory of values as something to follow.
class DirectorySubject final : public Subject {
public:
    DirectorySubject(const std::filesystem::path& path, const DirectoryOptions& options)
        : source_(path),
          path_(absolute_text(path)),
          optional_(options.optional),
          max_bytes_(options.max_bytes),
          max_files_(options.max_files) {}

    Image read() const override {
        Image image;
        struct stat status;
        if (::stat(path_.c_str(), &status) != 0) {
            const bool missing = errno == ENOENT || errno == ENOTDIR;
            if (!missing) {
                image.problems.push_back(problem_at(source_.string(), error_text(errno)));
            } else if (!optional_) {
                image.problems.push_back(not_found("directory", path_, source_.string()));
            }
        } else if (!S_ISDIR(status.st_mode)) {
            Problem problem = problem_at(source_.string(), {});
            problem.expected = "a directory";
            problem.found = "a file";
            image.problems.push_back(std::move(problem));
        } else {
            std::vector<Stamp> above;
            read_folder({}, Stamp(status), above, image);
        }
        return image;
    }

    std::vector<Problem> judge(const Image& image, Content& content) const override {
        struct Value {
            Path path;
            const Piece* piece;
        };
        std::vector<Value> values;
        std::vector<Problem> problems;
        for (const Piece& piece : image.pieces) {
            std::vector<std::string> tokens = split(piece.name);
            bool empty_part = false;
            for (const std::string& token : tokens) {
                empty_part = empty_part || token.empty();
            }
            if (empty_part || !is_plain_text(piece.name)) {
                const char* const fault =
                    empty_part ? "the name has nothing between two dots" : "the name is not UTF-8";
                problems.push_back(problem_at(shown(piece.name), fault));
            } else if (!is_plain_text(*piece.bytes)) {
                Problem problem = problem_at(shown(piece.name), {});
                problem.path = Path(std::move(tokens));
                problem.expected = "UTF-8 text";
                problem.found = "binary data";
                problems.push_back(std::move(problem));
            } else {
                values.push_back({Path(std::move(tokens)), &piece});
            }
        }

        std::sort(values.begin(), values.end(),
                  [](const Value& a, const Value& b) { return a.path < b.path; });
        // In this order whatever lies below a path comes right after it.
        for (std::size_t i = 1; i < values.size(); ++i) {
            const Value& value = values[i - 1];
            const Value& next = values[i];
            if (next.path.starts_with(value.path)) {
                const std::string relation =
                    next.path == value.path ? "also given by" : "is below the value given by";
                Problem problem = problem_at(shown(next.piece->name),
                                             relation + " \"" + shown(value.piece->name) + '"');
                problem.path = next.path;
                problems.push_back(std::move(problem));
            }
        }
        if (!problems.empty()) {
            return problems;
        }

        content.texts.reserve(values.size());
        for (const Value& value : values) {
            std::string_view bytes = *value.piece->bytes;
            if (bytes.ends_with('\n')) {
                bytes.remove_suffix(bytes.ends_with("\r\n") ? 2 : 1);
            }
            Text text;
            text.naming = Naming::path;
            text.name = to_string(value.path);
            text.value = bytes;
            text.origin.source = shown(value.piece->name);
            content.texts.push_back(std::move(text));
        }
        return {};
    }

    void walk(WatchTrail& trail) const override {
        if (const auto place = trail.follow({}, path_)) {
            walk_folder(*place, trail);
        }
    }

private:
    /// Levels are folders, and the parts of the last name.
    static std::vector<std::string> split(std::string_view name) {
        std::vector<std::string> tokens;
        for (;;) {
            const std::size_t slash = name.find('/');
            const std::size_t end = slash != std::string_view::npos ? slash : name.find('.');
            tokens.emplace_back(name.substr(0, end));
            if (end == std::string_view::npos) {
                return tokens;
            }
            name.remove_prefix(end + 1);
        }
    }

    /// How people call a file below.
    std::string shown(const std::string& name) const { return (source_ / name).string(); }

    /// `name` is empty for the directory itself; `above` are the folders it lies in. False when
    /// there are too many files.
    bool read_folder(const std::string& name, const Stamp& stamp, std::vector<Stamp>& above,
                     Image& image) const {
        const std::string folder = name.empty() ? path_ : path_ + '/' + name;
        const auto refuse = [&](const std::string& what, std::string message) {
            image.problems.push_back(problem_at(what, std::move(message)));
        };
        image.stamps.push_back(stamp);
        int error = 0;
        const auto entries = visible_names(folder, error);
        if (error != 0) {
            refuse(name.empty() ? source_.string() : shown(name), error_text(error));
            return true;
        }
        above.push_back(stamp);
        for (const std::string& entry : entries) {
            const std::string below = name.empty() ? entry : name + '/' + entry;
            const std::string place = folder + '/' + entry;
            struct stat status;
            if (::stat(place.c_str(), &status) != 0) {
                refuse(shown(below),
                       errno == ENOENT ? "a symbolic link that leads nowhere" : error_text(errno));
            } else if (S_ISDIR(status.st_mode)) {
                const Stamp inner(status);
                bool circle = false;
                for (const Stamp& outer : above) {
                    circle = circle || (outer.device == inner.device && outer.inode == inner.inode);
                }
                if (circle) {
                    refuse(shown(below), "a symbolic link to a folder it lies in");
                } else if (!read_folder(below, inner, above, image)) {
                    return false;
                }
            } else if (S_ISREG(status.st_mode)) {
                if (image.pieces.size() == max_files_) {
                    refuse(source_.string(),
                           "more files than the limit of " + std::to_string(max_files_));
                    return false;
                }
                if (!read_piece(place, below, shown(below), max_bytes_, image)) {
                    refuse(shown(below), "gone while the directory is read");
                }
            }
        }
        above.pop_back();
        return true;
    }

    static void walk_folder(const std::string& folder, WatchTrail& trail) {
        if (!trail.everything(folder)) {
            return;
        }
        int error = 0;
        for (const std::string& entry : visible_names(folder, error)) {
            const std::string place = folder + '/' + entry;
            struct stat status;
            if (::lstat(place.c_str(), &status) != 0) {
                continue;
            }
            if (S_ISDIR(status.st_mode)) {
                walk_folder(place, trail);
            } else if (S_ISLNK(status.st_mode)) {
                const auto target = trail.follow(folder, entry);
                if (target && ::stat(target->c_str(), &status) == 0) {
                    if (S_ISDIR(status.st_mode)) {
                        walk_folder(*target, trail);
                    } else {
                        trail.bytes(*target);
                    }
                }
            }
        }
    }

    const std::filesystem::path source_;
    const std::string path_;
    const bool optional_;
    const std::size_t max_bytes_;
    const std::size_t max_files_;
};

}  // namespace detail

ATTUNE_DECL std::unique_ptr<Transport> directory(std::filesystem::path path,
                                                 DirectoryOptions options) {
    std::unique_ptr<const detail::Subject> subject(new detail::DirectorySubject(path, options));
    return detail::follow(std::move(subject), "directory", path.string(),
                          {options.poll, options.quiet, options.longest, options.watch});
}

}  // namespace attune::inline ATTUNE_ABI
