// What a struct may hold, and what is said when a file does not fit it.

#include <attune/attune.hpp>

#include <array>
#include <chrono>
#include <exception>
#include <filesystem>
#include <iostream>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace {

using namespace attune::literals;

// [types]
enum class Mode { primary, replica };

struct ToFile {
    std::filesystem::path directory;
    int keep = 3;
};
struct ToServer {
    std::string url;
};

struct Item {
    std::string title;
    std::vector<Item> below;  // recursive, as deep as the file is
};

struct Service {
    std::string name;
    Mode mode = Mode::primary;                       // by name: "replica"
    std::chrono::milliseconds request_timeout{250};  // "250ms", "1h30m"
    attune::Bytes cache = 16_MiB;                    // "64MiB", "10kB"
    double ratio = 0.5;
    std::optional<std::filesystem::path> certificate;  // null, or not there: empty
    attune::Secret<std::string> password;              // never shown
    std::vector<std::string> tags;
    std::map<std::string, int> limits;
    std::array<std::string, 2> endpoints;
    std::optional<std::variant<ToFile, ToServer>> sink;  // told apart by their keys
    Item menu;
};

void describe(attune::Schema<Service>& s) {
    s.doc("A service and what it may use");
    s.field(&Service::name).required().matches("[a-z][a-z0-9-]*").doc("as it is registered");
    s.field(&Service::request_timeout).name("request-timeout");
    s.field(&Service::ratio).between(0.0, 1.0);
    s.field(&Service::tags).max_size(8);
    s.check([](const Service& v) { return v.mode == Mode::primary || v.limits.count("uploads"); },
            "a replica needs a limit for uploads");
}
// [types-end]

int run() {
    attune::Store store;
    store.add(attune::file("service.json"));
    const auto service = store.bind<Service>("service");
    std::cout << "what was read:\n"
              << attune::to_text(attune::masked(service.get()), {.indent = 2}) << "\n\n"
              << "what can be set:\n"
              << store.usage() << '\n';

    // [errors]
    try {
        attune::Store broken;
        broken.add(attune::file("broken.json"));
        broken.bind<Service>("service");
    } catch (const attune::Rejected& rejected) {
        std::cout << "what is wrong with broken.json:\n" << rejected.what() << '\n';
        return rejected.problems().size() == 7 ? 0 : 1;
    }
    // [errors-end]
    return 1;
}

}  // namespace

int main() try {
    std::filesystem::current_path(ATTUNE_EXAMPLE_DIR "/typed");
    return run();
} catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
}
