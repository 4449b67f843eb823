#include <attune/attune.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <string>

using namespace std::chrono_literals;

// [quickstart]
struct Server {
    std::string host = "localhost";
    std::uint16_t port = 80;
    std::chrono::milliseconds timeout{100};
};

void serve() {
    attune::Store store;
    store.add(attune::file("service.json"));           // read now, watched from now on
    store.add(attune::env("SERVICE_"));                // SERVICE_SERVER_PORT=9000 beats the file
    const auto server = store.bind<Server>("server");  // or throws, with everything that is wrong

    const auto watch = server.on_change([](const attune::Change<Server>& change) {
        std::cout << "port " << change.before->port << " became " << change.after->port << '\n';
    });
    const auto now = server.read();  // a nanosecond, on any thread, no lock
    std::cout << "listening on " << now->host << ':' << now->port << '\n';
    store.set("server.port", 9090).settle(1s);  // all or nothing; observers have been told
}
// [quickstart-end]

int main() try {
    std::filesystem::current_path(ATTUNE_EXAMPLE_DIR "/quickstart");
    serve();
} catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
}
