#include "reader.hpp"

std::uint16_t port_of(const attune::Config<Server>& server) {
    const auto now = server.read();
    return now->port;
}
