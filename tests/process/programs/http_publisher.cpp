// Serves `n` over HTTP until it is killed. usage: http_publisher PORT N
//
// Says its port. A line `set 5` sets n; `requests` has it say how many it was sent.

#include <attune/serve/config_server.hpp>
#include <attune/store/store.hpp>
#include <attune/transport/memory.hpp>

#include <cstdint>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>

int main(int argc, char** argv) try {
    if (argc != 3) {
        return 2;
    }
    attune::Store store;
    store.add(attune::memory({{"n", std::int64_t{std::atoll(argv[2])}}}));
    const auto n = store.bind<std::int64_t>("n");
    const attune::ConfigServer server{store,
                                      {.port = static_cast<std::uint16_t>(std::atoi(argv[1]))}};
    std::cout << server.port() << std::endl;
    for (std::string line; std::getline(std::cin, line);) {
        if (line.starts_with("set ")) {
            store.set("n", std::int64_t{std::atoll(line.c_str() + 4)});
        } else if (line == "requests") {
            std::cout << server.status().http.requests << std::endl;
        }
    }
} catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
}
