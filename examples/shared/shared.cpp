// Processes of one machine that share a configuration, and a remote layer that may be gone. Run it
// as it is, or with a database in several terminals at once:
//
//     shared config.db            follow it
//     shared config.db set 16     change it

#include <attune/attune.hpp>
#include <attune/transport/sqlite.hpp>

#include <chrono>
#include <exception>
#include <filesystem>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace std::chrono_literals;

struct Pool {
    int size = 8;
    std::chrono::milliseconds timeout{250};
    attune::Secret<std::string> password;
};

void describe(attune::Schema<Pool>& s) { s.field(&Pool::size).between(1, 64); }

int follow(const std::filesystem::path& database) {
    // [follow]
    attune::Store store;
    store.add(attune::sqlite(database));
    const auto pool = store.bind<Pool>("pool");
    const auto watch = pool.apply([](const Pool& p) {
        std::cout << ::getpid() << ": pool of " << p.size << std::endl;
    });
    // [follow-end]
    return pool.wait_until([](const Pool& p) { return p.size == 64; }, 1h) ? 0 : 1;
}

int change(const std::filesystem::path& database, int size) {
    // [change]
    attune::Store store;
    attune::Layer shared = store.add(attune::sqlite(database, {.reason = "by hand"}));
    const auto pool = store.bind<Pool>("pool");
    shared.set("pool.size", size);  // in the database when it returns; throws when it cannot be
    for (const attune::VersionRecord& version : attune::sqlite_history(database)) {
        std::cout << version.version << ' ' << version.reason << ": " << to_text(version.document)
                  << '\n';
    }
    // [change-end]
    return 0;
}

/// A server that is not always there.
class Remote final : public attune::Transport {
public:
    explicit Remote(bool up) : up_(up) {}
    std::string name() const override { return "remote"; }
    attune::Content load() override {
        if (!up_) {
            throw attune::Rejected{{.problems = {{.message = "no route to host"}}}};
        }
        attune::Content content;
        content.document = {{"pool", {{"size", 32}, {"password", "hunter2"}}}};
        content.revision = "r7";
        return content;
    }

private:
    const bool up_;
};

int survive(const std::filesystem::path& folder) {
    for (const bool up : {true, false}) {
        std::unique_ptr<attune::Transport> remote = std::make_unique<Remote>(up);
        // [cached]
        attune::Store store;
        const attune::Layer layer =
            store.add(attune::cached(std::move(remote), folder / "remote.json"));
        const auto pool = store.bind<Pool>("pool");
        if (layer.status().state == attune::State::stale) {  // the file stands in
            for (const attune::Problem& problem : layer.status().problems) {
                std::cout << to_string(problem) << '\n';
            }
        }
        // [cached-end]
        if (pool.get(&Pool::size) != 32) {
            return 1;
        }
    }
    return 0;
}

/// Two processes and this one.
int demonstrate() {
    std::string name = (std::filesystem::temp_directory_path() / "shared-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
        throw std::runtime_error{"cannot make a temporary directory"};
    }
    const std::filesystem::path folder = name;
    const std::filesystem::path database = folder / "config.db";
    ::pid_t children[2];
    for (::pid_t& child : children) {
        child = ::fork();
        if (child == 0) {
            ::_exit(follow(database));
        }
    }
    int result = change(database, 16) + change(database, 64) + survive(folder);
    for (const ::pid_t child : children) {
        int status = 0;
        ::waitpid(child, &status, 0);
        result += status == 0 ? 0 : 1;
    }
    std::filesystem::remove_all(folder);
    return result;
}

}  // namespace

int main(int argc, char** argv) try {
    if (argc == 1) {
        return demonstrate();
    }
    return argc == 4 ? change(argv[1], std::stoi(argv[3])) : follow(argv[1]);
} catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
}
