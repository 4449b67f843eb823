#include "workspace.hpp"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace demo {

namespace fs = std::filesystem;

std::string read_text(const fs::path& path) {
    std::ifstream in{path, std::ios::binary};
    std::string text{std::istreambuf_iterator<char>{in}, {}};
    if (!in) {
        throw std::runtime_error{"cannot read " + path.string()};
    }
    return text;
}

void save_in_place(const fs::path& path, const std::string& text) {
    std::ofstream out{path, std::ios::binary | std::ios::trunc};
    out << text << std::flush;
    if (!out) {
        throw std::runtime_error{"cannot write " + path.string()};
    }
}

void save_by_renaming(const fs::path& path, const std::string& text) {
    fs::path beside = path;
    beside += ".new";
    save_in_place(beside, text);
    fs::rename(beside, path);
}

Workspace::Workspace() : before_{fs::current_path()} {
    std::string name = (fs::temp_directory_path() / "attune-demo-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) {
        throw std::runtime_error{"cannot make a temporary directory"};
    }
    path_ = name;
    fs::current_path(path_);
}

Workspace::~Workspace() {
    std::error_code ignored;
    fs::current_path(before_, ignored);
    fs::remove_all(path_, ignored);
}

ConfigMapMount::ConfigMapMount(fs::path mount) : mount_{std::move(mount)} {
    fs::create_directories(mount_);
}

void ConfigMapMount::publish(const std::map<std::string, std::string>& files) {
    const fs::path data = mount_ / "..data";
    const fs::path old = fs::is_symlink(data) ? fs::read_symlink(data) : fs::path{};
    const std::string folder = "..generation_" + std::to_string(++generation_);
    fs::create_directory(mount_ / folder);
    for (const auto& [name, text] : files) {
        save_in_place(mount_ / folder / name, text);
    }
    fs::create_directory_symlink(folder, mount_ / "..data_new");
    fs::rename(mount_ / "..data_new", data);
    for (const auto& [name, text] : files) {
        if (!fs::is_symlink(mount_ / name)) {
            fs::create_symlink(fs::path{"..data"} / name, mount_ / name);
        }
    }
    if (!old.empty()) {
        fs::remove_all(mount_ / old);
    }
}

}  // namespace demo
