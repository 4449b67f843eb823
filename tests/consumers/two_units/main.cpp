#include "reader.hpp"

// Made in one translation unit, read in both, changed in between: what is inline is there once.
int main() {
    attune::Store store;
    attune::Layer layer = store.add(attune::memory(attune::parse(R"({"server": {"port": 1}})")));
    const attune::Config<Server> server = store.bind<Server>("server");
    if (port_of(server) != 1 || server.get(&Server::port) != 1) {
        return 1;
    }
    layer.set(attune::parse(R"({"server": {"port": 2}})"));
    return port_of(server) == 2 && server.get(&Server::port) == 2 ? 0 : 1;
}
