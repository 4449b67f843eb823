// What a program can give to whoever has to configure it: a schema for editors, and a file to begin
// with.

#include <attune/attune.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <iostream>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace {

struct Tls {
    std::string certificate;
    attune::Secret<std::string> key;
};

struct Server {
    std::string host = "0.0.0.0";
    std::uint16_t port = 8080;
    std::chrono::milliseconds timeout{250};
    std::optional<Tls> tls;
    std::map<std::string, int> limits;
};

void describe(attune::Schema<Tls>& s) { s.field(&Tls::certificate).required().doc("PEM file"); }

void describe(attune::Schema<Server>& s) {
    s.doc("The HTTP listener");
    s.field(&Server::port).doc("TCP port").between(1, 65535);
    s.field(&Server::limits).doc("Requests at once, for each client").max_size(100);
}

/// The sample says what holds without it.
bool reads_back(const std::string& sample) {
    attune::Store store;
    store.add(attune::memory(attune::parse(sample, {.comments = true})));
    const auto server = store.bind<Server>("server");
    store.check();
    return attune::encode(server.get()) == attune::encode(Server{});
}

int run(std::string_view wanted) {
    // [reference]
    attune::Store store;
    store.add(attune::env("SERVICE_"));
    const auto server = store.bind<Server>("server");
    if (wanted == "--schema") {
        std::cout << attune::to_text(store.schema(), {.indent = 2}) << '\n';
        return 0;
    }
    if (wanted == "--sample") {
        std::cout << store.reference();
        return 0;
    }
    // [reference-end]
    return reads_back(store.reference()) ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) try {
    return run(argc > 1 ? argv[1] : "");
} catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
}
