// A store that follows a ConfigServer, and observes `/value`, which is the time of its change.
//
// usage: http_observer URL
//
// Says `ready`. When its input ends, it says as JSON how many microseconds after each change its
// observer, on the store's own thread as by default, was called.

#include "wire.hpp"

#include <attune/attune.hpp>
#include <attune/transport/http.hpp>

#include <cstdint>
#include <string>
#include <vector>

int main(int argc, char** argv) {
    using namespace bench::http;
    if (argc != 2) {
        fail("usage: http_observer URL");
    }
    attune::Store store;
    store.add(attune::http(argv[1]));
    const auto value = store.bind<std::uint64_t>("value");
    std::vector<double> times;
    times.reserve(10'000);
    attune::Subscription watching = value.on_change([&](const attune::Change<std::uint64_t>& to) {
        times.push_back(static_cast<double>(now_ns() - *to.after) / 1e3);
    });
    std::cout << "ready" << std::endl;
    for (std::string line; std::getline(std::cin, line);) {
    }
    watching.cancel();
    std::cout << '[';
    for (std::size_t i = 0; i < times.size(); ++i) {
        std::cout << (i == 0 ? "" : ", ") << times[i];
    }
    std::cout << ']' << std::endl;
}
