#pragma once

#include <attune/attune.hpp>

#include <cstdint>
#include <string>

struct Server {
    std::string host = "localhost";
    std::uint16_t port = 0;
};

std::uint16_t port_of(const attune::Config<Server>& server);
