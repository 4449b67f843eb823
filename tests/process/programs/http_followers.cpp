// Many stores that follow one server's `n`. usage: http_followers URL COUNT
//
// Says `ready`. A line `await 7 20` waits until 20 of them have seen 7 or more; `summary` has it say
// the least and the greatest n there is, and how often one went back to an older one.

#include <attune/store/store.hpp>
#include <attune/transport/http.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <exception>
#include <iostream>
#include <mutex>
#include <sstream>
#include <string>

namespace {

/// What all stores have seen.
struct Seen {
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<std::int64_t> n;
    std::size_t older = 0;
};

struct Follower {
    Follower(const std::string& url, Seen& seen, std::size_t index) {
        // Who has lost one server after another pauses for as long as this.
        store.add(attune::http(url, {.back_off = {.longest = std::chrono::seconds{1}}}));
        n = store.bind<std::int64_t>("n");
        watching = n.apply([&seen, index](std::int64_t now) {
            const std::scoped_lock lock{seen.mutex};
            seen.older += now < seen.n[index] ? 1 : 0;
            seen.n[index] = now;
            seen.changed.notify_all();
        });
    }

    attune::Store store;
    attune::Config<std::int64_t> n;
    attune::Subscription watching;
};

}  // namespace

int main(int argc, char** argv) try {
    if (argc != 3) {
        return 2;
    }
    Seen seen;
    std::deque<Follower> followers;
    for (int i = 0; i < std::atoi(argv[2]); ++i) {
        {
            const std::scoped_lock lock{seen.mutex};
            seen.n.push_back(0);
        }
        followers.emplace_back(argv[1], seen, followers.size());
    }
    std::cout << "ready" << std::endl;
    for (std::string line; std::getline(std::cin, line);) {
        std::istringstream words{line};
        std::string verb;
        std::int64_t least = 0;
        std::ptrdiff_t count = 0;
        words >> verb >> least >> count;
        std::unique_lock lock{seen.mutex};
        if (verb == "await") {
            seen.changed.wait(lock, [&] {
                return std::count_if(seen.n.begin(), seen.n.end(),
                                     [&](std::int64_t n) { return n >= least; }) >= count;
            });
            std::cout << "there" << std::endl;
        } else if (verb == "summary") {
            const auto [low, high] = std::minmax_element(seen.n.begin(), seen.n.end());
            std::cout << *low << ' ' << *high << ' ' << seen.older << std::endl;
        }
    }
} catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
}
