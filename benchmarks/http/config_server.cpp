// A ConfigServer to be measured: `/value` changes, `/blob` is 1 KiB of JSON. Says its port; a line
// `change 1000` sets the value that often, to the time at which it does so, and says when that is
// over. Ends with its input.

#include "wire.hpp"

#include <attune/attune.hpp>
#include <attune/serve/config_server.hpp>

#include <chrono>
#include <random>
#include <sstream>
#include <string>
#include <thread>

namespace {

/// With pauses of several lengths, in which all watchers ask again.
void change(attune::Store& store, int count) {
    std::mt19937 random{42};
    for (int i = 0; i < count; ++i) {
        std::this_thread::sleep_for(std::chrono::microseconds{2'000 + random() % 2'000});
        store.set("value", bench::http::now_ns());
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
}

}  // namespace

int main() {
    bench::http::raise_file_limit();
    attune::Store store;
    store.add(attune::memory({{"value", 0}, {"blob", std::string(1022, 'b')}}));
    const auto value = store.bind<std::uint64_t>("value");
    const auto blob = store.bind<std::string>("blob");
    const attune::ConfigServer server{store, {}};
    std::cout << server.port() << std::endl;
    for (std::string line; std::getline(std::cin, line);) {
        std::istringstream words{line};
        std::string verb;
        int count = 0;
        if (words >> verb >> count && verb == "change") {
            change(store, count);
            std::cout << "changed" << std::endl;
        }
    }
}
