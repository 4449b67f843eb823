// Every version is kept: compared, explained, brought back, and found again after a restart.
//
//     history [directory]      keeps its journal there; in a new directory when none is named
//
// Run it twice with the same directory, and the second run goes on from the first.

#include <attune/attune.hpp>

#include <cstdint>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>

namespace {

struct Server {
    std::string host = "localhost";
    std::uint16_t port = 80;
    attune::Secret<std::string> password;
};

void describe(attune::Schema<Server>& s) {
    s.doc("The HTTP listener");
    s.field(&Server::port).doc("TCP port").at_least(1);
}

void require(bool condition, const char* what) {
    if (!condition) {
        throw std::runtime_error{what};
    }
}

attune::Version changes(attune::Store& store, const attune::Config<Server>& server) {
    // [versions]
    const attune::Version good = store.set("server.port", 8080).version;
    store.keep(good, "before the migration");
    store.transact(
        [](attune::Edit& edit) {
            edit.set("server.host", "::1");
            edit.set("server.password", "correct horse");
        },
        {.expect = {}, .reason = "migration"});

    for (const attune::VersionInfo& info : store.history()) {
        std::cout << info.version << "  " << info.reason << (info.kept ? ", kept" : "") << '\n';
    }
    const attune::Snapshot then = store.snapshot(good);
    std::cout << "port " << then[server].port << " at " << then[server].host << '\n';
    // [versions-end]

    // [diff]
    const attune::Version now = store.version();
    std::cout << store.render_diff(good, now);          // server.host: "localhost" -> "::1", …
    const auto patch = store.diff(good, now);           // JSON Patch; secrets are "***" in it
    const auto merging = store.merge_diff(good, now);   // JSON Merge Patch
    const auto paths = store.changed_paths(good, now);  // no values at all
    // [diff-end]
    require(patch.size() != 0 && merging.size() != 0 && !paths.empty(), "nothing has changed");
    return good;
}

void back(attune::Store& store, const attune::Config<Server>& server, attune::Version good) {
    // [rollback]
    store.rollback(good);  // or only a part: store.rollback(good, "server")
    std::cout << to_string(store.explain("server.host")) << '\n';
    store.release_rollback();  // the layers show again, as they are by now
    // [rollback-end]
    require(server.get(&Server::port) == 8080, "what was set by then holds");

    // [explain]
    std::cout << to_string(store.explain("server.port")) << '\n';
    std::cout << to_string(store.explain()) << '\n';  // everything that is effective
    std::cout << to_string(store.status()) << '\n';   // how each layer is doing; no values
    // [explain-end]
}

void run(const std::filesystem::path& directory) {
    const auto file = directory / "service.json";
    std::ofstream{file} << R"({"server": {"host": "localhost", "port": 80}})" << '\n';

    // [journal]
    attune::Store store{attune::StoreOptions{.journal = directory / "journal"}};
    std::cout << "begins with version " << store.version() << '\n';
    store.add(attune::file(file));
    const auto server = store.bind<Server>("server");
    // [journal-end]
    back(store, server, changes(store, server));

    // [export]
    attune::journal::export_folder(store.records(), directory / "versions");
    std::ofstream stream{directory / "history.git"};
    attune::journal::export_git(store.records(), stream);  // for `git fast-import`
    // [export-end]
    require(attune::journal::verify(directory / "journal").versions >= 4, "versions are missing");
    std::cout << "ends with version " << store.version() << " in " << directory << '\n';
}

}  // namespace

int main(int argc, char** argv) {
    try {
        if (argc > 1) {
            run(argv[1]);
            return 0;
        }
        std::string name = (std::filesystem::temp_directory_path() / "attune-XXXXXX").string();
        const std::filesystem::path directory = ::mkdtemp(name.data());
        run(directory);
        run(directory);
        std::filesystem::remove_all(directory);
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}
