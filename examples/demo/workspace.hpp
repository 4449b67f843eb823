#pragma once

#include <filesystem>
#include <map>
#include <string>

namespace demo {

std::string read_text(const std::filesystem::path& path);

/// Saves as careful editors do: a new file beside the old one, then renamed over it.
void save_by_renaming(const std::filesystem::path& path, const std::string& text);

/// Saves as careless ones do: the same file, truncated and written again.
void save_in_place(const std::filesystem::path& path, const std::string& text);

/// A temporary directory, made the working directory while this lives, and removed with it.
class Workspace {
public:
    Workspace();
    ~Workspace();
    Workspace(const Workspace&) = delete;
    Workspace& operator=(const Workspace&) = delete;

    const std::filesystem::path& path() const noexcept { return path_; }

private:
    std::filesystem::path before_;
    std::filesystem::path path_;
};

/// A directory as container platforms mount a ConfigMap: each file is a link through `..data`,
/// itself a link to a folder that is never changed. An update makes a new folder and turns
/// `..data`.
class ConfigMapMount {
public:
    explicit ConfigMapMount(std::filesystem::path mount);
    void publish(const std::map<std::string, std::string>& files);

private:
    std::filesystem::path mount_;
    int generation_ = 0;
};

}  // namespace demo
