#include <attune/attune.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

enum class Mode { primary, replica };

struct Server {
    std::string host = "0.0.0.0";
    std::uint16_t port = 8080;
    Mode mode{};
    int threads = 4;
    double ratio = 0.5;
    bool verbose = false;
    std::chrono::milliseconds timeout{250};
    std::optional<std::string> certificate;
    std::vector<std::string> tags;
    std::map<std::string, int> limits;
};

int port(const char* file) {
    attune::Store store;
    store.add(attune::file(file));
    const attune::Config<Server> server = store.bind<Server>("server");
    const auto now = server.read();
    return now->port;
}
