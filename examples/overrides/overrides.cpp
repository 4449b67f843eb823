// One struct, four places to set it. Try:
//
//     overrides --server.port=9090 --server.tls
//     SERVICE_SERVER_POOL_IDLE_TIMEOUT=1m30s overrides
//     overrides --server.prot=1
//     overrides --help

#include <attune/attune.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

namespace {

struct Pool {
    int size = 4;
    std::chrono::seconds idle_timeout{60};
};

struct Server {
    std::string host = "localhost";
    std::uint16_t port = 80;
    bool tls = true;
    Pool pool;
};

void describe(attune::Schema<Pool>& s) {
    s.field(&Pool::size).doc("connections kept open").between(1, 256);
    s.field(&Pool::idle_timeout).doc("an unused connection is closed after this");
}

void describe(attune::Schema<Server>& s) {
    s.doc("The HTTP listener");
    s.field(&Server::port).doc("TCP port").at_least(1);
}

enum class Level { debug, info, warning, error };

struct Log {
    Level level = Level::info;
    std::vector<std::string> targets{"console"};
};

int run(int argc, char** argv) {
    // [overrides]
    attune::Store store;
    store.add(attune::file("service.json"));   // lowest
    store.add(attune::directory("settings"));  // a file per value: settings/server.pool.size
    store.add(attune::env("SERVICE_"));        // SERVICE_SERVER_POOL_SIZE=32
    store.add(attune::args(argc, argv));       // --server.pool.size=64; wins over all others

    const auto server = store.bind<Server>("server");
    const auto log = store.bind<Log>("log");
    store.check();  // throws when a variable, an argument or a section matches nothing
    // [overrides-end]

    const auto view = store.view();
    const Server& s = view[server];
    std::cout << "listening on " << s.host << ':' << s.port << (s.tls ? ", TLS" : ", no TLS")
              << "\npool of " << s.pool.size << ", idle for " << s.pool.idle_timeout.count()
              << " s\nlogging to " << view[log].targets.size()
              << " target(s): " << attune::to_text(attune::masked(view[log])) << '\n';
    return 0;
}

// The same layers, without what may be wrong in the arguments: only to print what there is to set.
int help() {
    attune::Store store;
    store.add(attune::env("SERVICE_"));
    const char* const no_arguments[] = {"overrides"};
    store.add(attune::args(1, no_arguments));
    store.bind<Server>("server");
    store.bind<Log>("log");
    std::cout << store.usage();
    return 0;
}

}  // namespace

int main(int argc, char** argv) try {
    std::filesystem::current_path(ATTUNE_EXAMPLE_DIR "/overrides");
    return argc == 2 && std::string_view{argv[1]} == "--help" ? help() : run(argc, argv);
} catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
}
