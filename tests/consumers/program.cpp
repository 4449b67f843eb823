#include <attune/attune.hpp>

#include <cstdint>
#include <string>

// What every way of using attune must be able to build and run.

struct Server {
    std::string host = "localhost";
    std::uint16_t port = 0;
};

int main() {
    attune::Store store;
    store.add(attune::memory(attune::parse(R"({"server": {"port": 8080}})")));
    const attune::Config<Server> server = store.bind<Server>("server");
    const auto now = server.read();
    return now->port == 8080 && now->host == "localhost" ? 0 : 1;
}
