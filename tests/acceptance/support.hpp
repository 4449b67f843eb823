#pragma once

#include <attune/attune.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace acceptance {

using namespace std::chrono_literals;

inline constexpr std::chrono::seconds patience = 20s;

/// A temporary folder, gone at the end.
class Folder {
public:
    Folder() {
        std::string name =
            (std::filesystem::temp_directory_path() / "attune-acceptance-XXXXXX").string();
        if (mkdtemp(name.data()) == nullptr) {
            throw std::runtime_error{"cannot make a temporary folder"};
        }
        path_ = name;
    }
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    std::filesystem::path operator/(const std::filesystem::path& name) const {
        return path_ / name;
    }

    /// Writes in place.
    std::filesystem::path write(const std::filesystem::path& name, std::string_view text) const {
        std::filesystem::create_directories((path_ / name).parent_path());
        std::ofstream{path_ / name, std::ios::binary | std::ios::trunc} << text;
        return path_ / name;
    }

    /// Writes beside and renames.
    std::filesystem::path save(const std::filesystem::path& name, std::string_view text) const {
        std::filesystem::path beside = name;
        beside += ".new";
        write(beside, text);
        std::filesystem::rename(path_ / beside, path_ / name);
        return path_ / name;
    }

private:
    std::filesystem::path path_;
};

/// What observers report, for the test to wait for.
template <class T>
class Inbox {
public:
    void put(T item) {
        const std::lock_guard lock{mutex_};
        items_.push_back(std::move(item));
        news_.notify_all();
    }

    /// The next item; nothing when none comes in time.
    std::optional<T> take(std::chrono::milliseconds limit = patience) {
        std::unique_lock lock{mutex_};
        if (!news_.wait_for(lock, limit, [&] { return !items_.empty(); })) {
            return std::nullopt;
        }
        T item = std::move(items_.front());
        items_.pop_front();
        return item;
    }

    std::size_t size() const {
        const std::lock_guard lock{mutex_};
        return items_.size();
    }

private:
    mutable std::mutex mutex_;
    std::condition_variable news_;
    std::deque<T> items_;
};

/// Environment variables, as main gets them.
class Variables {
public:
    Variables(std::initializer_list<const char*> variables) : variables_(variables) {
        variables_.push_back(nullptr);
    }
    attune::EnvOptions options() const { return {.variables = variables_.data()}; }

private:
    std::vector<const char*> variables_;
};

/// The arguments of a program, without its name.
inline std::unique_ptr<attune::Transport> arguments(std::initializer_list<const char*> given) {
    std::vector<const char*> all{"program"};
    all.insert(all.end(), given);
    return attune::args(static_cast<int>(all.size()), all.data());
}

/// The text of the rejection that `f` ends in, "" when it does not.
template <class F>
std::string rejection_of(F&& f) {
    try {
        std::forward<F>(f)();
    } catch (const attune::Rejected& rejected) {
        return rejected.what();
    }
    return "";
}

/// `text` without every mention of the folder `path`.
inline std::string without(std::string text, const std::filesystem::path& path) {
    const std::string prefix = path.string();
    for (std::size_t at = text.find(prefix); at != std::string::npos; at = text.find(prefix, at)) {
        text.erase(at, prefix.size());
    }
    return text;
}

}  // namespace acceptance
