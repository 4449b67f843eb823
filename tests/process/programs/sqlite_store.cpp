// A store with a shared database, moved by lines: `set 5` sets n. Says every n that it sees.

#include <attune/attune.hpp>
#include <attune/transport/sqlite.hpp>

#include <iostream>
#include <mutex>
#include <string>

int main(int, char** argv) {
    std::mutex mutex;
    const auto say = [&](const std::string& line) {
        const std::scoped_lock lock{mutex};
        std::cout << line << std::endl;
    };
    attune::Store store;
    attune::Layer shared = store.add(attune::sqlite(argv[1]));
    const auto n = store.bind<int>("n");
    const auto watch = n.apply([&](const int& now) { say("n=" + std::to_string(now)); });
    for (std::string word; std::cin >> word;) {
        int value = 0;
        std::cin >> value;
        try {
            shared.set("n", value);
            say("done");
        } catch (const attune::Rejected& rejected) {
            say("refused");
        }
    }
}
